//! Which request goes where: first by host, then by the longest path prefix at a segment border.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode;

use crate::{Local, path};

/// A cluster's place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterId(pub usize);

/// Host and path, and what answers there.
#[derive(Debug)]
pub struct Route {
    /// Only requests for this host, compared without case and without the port; `None`: any.
    pub host: Option<String>,
    /// Only paths that are this one or lie below it, however they are written ([`routed`](crate::routed)); begins with `/`.
    pub path: String,
    /// What answers.
    pub target: Target,
}

/// What answers a route's requests.
pub enum Target {
    /// One of a cluster's endpoints.
    Cluster {
        /// Which cluster.
        cluster: ClusterId,
        /// Whether a request can name its endpoint.
        pin: Option<Pin>,
        /// Whether a request that asks for it is told its attempts; see [`header::TRACE`](crate::header::TRACE).
        trace: bool,
    },
    /// `lb` itself.
    Local(Arc<dyn Local>),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster { cluster, pin, trace } => {
                f.debug_struct("Cluster").field("cluster", cluster).field("pin", pin).field("trace", trace).finish()
            }
            Self::Local(_) => f.write_str("Local"),
        }
    }
}

/// A request that names an endpoint of the cluster reaches it whatever its health. It is not tried elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The query parameter that holds the endpoint's name.
    pub query: String,
}

impl Pin {
    /// The name in the query, decoded, if the parameter is there.
    pub(crate) fn name_in(&self, query: &[u8]) -> Option<String> {
        let name = parameter(query, &self.query)?;
        Some(String::from_utf8_lossy(&name).into_owned())
    }
}

/// The routes, in the order in which they are tried.
#[derive(Debug)]
pub struct Routes(Vec<Entry>);

/// A route, and its place in the configuration.
#[derive(Debug)]
struct Entry {
    // As paths are looked up.
    path: Vec<u8>,
    found: (usize, Route),
}

impl Routes {
    /// Puts the routes in order: those with a host before those without, longer paths before shorter ones.
    pub fn new(routes: Vec<Route>) -> Self {
        let entry = |found: (usize, Route)| Entry { path: path::routed(found.1.path.as_bytes()).into_owned(), found };
        let mut routes: Vec<_> = routes.into_iter().enumerate().map(entry).collect();
        routes.sort_by_key(|entry| (entry.found.1.host.is_none(), usize::MAX - entry.path.len()));
        Self(routes)
    }

    /// The first route for that host (without its port) and path, and its place in the configuration.
    pub(crate) fn find(&self, host: &[u8], path: &[u8]) -> Option<&(usize, Route)> {
        let path = path::routed(path);
        let is_of = |wanted: &str| wanted.as_bytes().eq_ignore_ascii_case(host);
        let fits = |entry: &&Entry| entry.found.1.host.as_deref().is_none_or(is_of) && lies_below(&path, &entry.path);
        self.0.iter().find(fits).map(|entry| &entry.found)
    }
}

fn lies_below(path: &[u8], prefix: &[u8]) -> bool {
    let is_border = |rest: &[u8]| matches!(rest.first(), None | Some(b'/')) || prefix.ends_with(b"/");
    path.strip_prefix(prefix).is_some_and(is_border)
}

/// The first value of a query parameter, decoded; `None` if it is not there.
pub(crate) fn parameter<'q>(query: &'q [u8], name: &str) -> Option<Cow<'q, [u8]>> {
    query.split(|byte| *byte == b'&').find_map(|pair| {
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(percent_decode(value).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(entries: &[(Option<&str>, &str)]) -> Routes {
        let route = |(index, (host, path)): (usize, &(Option<&str>, &str))| Route {
            host: host.map(str::to_owned),
            path: (*path).to_owned(),
            target: Target::Cluster { cluster: ClusterId(index), pin: None, trace: false },
        };
        Routes::new(entries.iter().enumerate().map(route).collect())
    }

    fn found(routes: &Routes, host: &str, path: &str) -> Option<usize> {
        routes.find(host.as_bytes(), path.as_bytes()).map(|(_, route)| match &route.target {
            Target::Cluster { cluster, .. } => cluster.0,
            Target::Local(_) => unreachable!("no local route in these tests"),
        })
    }

    #[test]
    fn the_longest_path_wins_whatever_the_order() {
        let routes = routes(&[(None, "/"), (None, "/api"), (None, "/api/v1")]);
        assert_eq!(found(&routes, "h", "/x"), Some(0));
        assert_eq!(found(&routes, "h", "/api"), Some(1));
        assert_eq!(found(&routes, "h", "/api/v2"), Some(1));
        assert_eq!(found(&routes, "h", "/api/v1/x"), Some(2));
    }

    #[test]
    fn a_prefix_ends_at_a_segment_border() {
        let routes = routes(&[(None, "/api")]);
        assert_eq!(found(&routes, "h", "/apiary"), None);
        assert_eq!(found(&routes, "h", "/api/"), Some(0));
        assert_eq!(found(&routes, "h", "/"), None);
    }

    #[test]
    fn no_way_of_writing_a_path_leads_around_its_route() {
        let routes = routes(&[(None, "/"), (None, "/admin"), (None, "/a%20b")]);
        for path in ["/admin", "//admin", "/%61dmin", "/admin%2Fx", "/admin//x", "/admin;x=y", "/;/admin", "/%5Cadmin"]
        {
            assert_eq!(found(&routes, "h", path), Some(1), "{path}");
        }
        assert_eq!(found(&routes, "h", "/adminx"), Some(0));
        assert_eq!(found(&routes, "h", "/a%20b/c"), Some(2));
    }

    #[test]
    fn a_host_goes_before_any_path() {
        let routes = routes(&[(None, "/api"), (Some("a.example"), "/")]);
        assert_eq!(found(&routes, "A.Example", "/api"), Some(1));
        assert_eq!(found(&routes, "b.example", "/api"), Some(0));
    }

    #[test]
    fn a_pin_reads_its_parameter_wherever_it_stands() {
        let pin = Pin { query: "target".to_owned() };
        assert_eq!(pin.name_in(b"active=true&target=web%32").as_deref(), Some("web2"));
        assert_eq!(pin.name_in(b"targets=web2"), None);
        assert_eq!(pin.name_in(b""), None);
    }
}
