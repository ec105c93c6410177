//! `[[routes]]`.

use std::path::Path;

use lb_common::api::ADMIN_PATH;
use lb_proxy::{ClusterConfig, ClusterId, Pin, routed};

use super::table::{Table, Value, closest};
use super::{Destination, Route};

const EMBEDDED: &str = "embedded";

/// Every route, in the order of the file.
pub(super) fn read_all(
    top: &Table<'_>,
    clusters: &[(String, Option<ClusterConfig>)],
    folder: &Path,
) -> Option<Vec<Route>> {
    let hint = "add [[routes]] with path = \"/\" and cluster, files or admin";
    let entries = top.required("routes", hint)?.array()?;
    if entries.is_empty() {
        top.problem("there is no route", hint);
    }
    let mut routes: Vec<Route> = Vec::new();
    let mut complete = true;
    for entry in &entries {
        match read(entry, clusters, folder) {
            Some(route) if routes.iter().any(|other| is_same(other, &route)) => {
                entry.problem(
                    &format!("there are two routes for {:?}", route.path),
                    "host and path together are unique",
                );
            }
            Some(route) => routes.push(route),
            None => complete = false,
        }
    }
    complete.then_some(routes)
}

/// Whether two routes stand for the same requests.
fn is_same(one: &Route, other: &Route) -> bool {
    one.host == other.host && routed(one.path.as_bytes()) == routed(other.path.as_bytes())
}

fn read(entry: &Value<'_>, clusters: &[(String, Option<ClusterConfig>)], folder: &Path) -> Option<Route> {
    let table = entry.table("a route")?;
    let host = table.optional("host").map(|value| read_host(&value));
    let path = table.required("path", "for example path = \"/\"").and_then(|value| read_path(&value));
    let to = read_destination(&table, clusters, folder);
    table.finish();
    let host = match host {
        None => None,
        Some(host) => Some(host?),
    };
    Some(Route { host, path: path?, to: to? })
}

fn read_host(value: &Value<'_>) -> Option<String> {
    let host = value.string()?;
    let good = http::uri::Authority::try_from(host).is_ok_and(|authority| authority.host() == host);
    if !good {
        value.problem("this is not a host", "write a name without scheme and port, as in \"www.example.com\"");
    }
    good.then(|| host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase())
}

fn read_path(value: &Value<'_>) -> Option<String> {
    let path = value.string()?;
    let good = path.starts_with('/')
        && http::uri::PathAndQuery::try_from(path).is_ok_and(|p| p.query().is_none())
        && !path.contains(';')
        && !path.split('/').any(|segment| matches!(segment, "." | ".."));
    if !good {
        value.problem(
            "this is not a path",
            "it begins with a slash, has no query, no parameters and no segment of dots, as in \"/api\"",
        );
    }
    good.then(|| path.to_owned())
}

fn read_destination(
    table: &Table<'_>,
    clusters: &[(String, Option<ClusterConfig>)],
    folder: &Path,
) -> Option<Destination> {
    let cluster = table.optional("cluster");
    let files = table.optional("files");
    let admin = table.optional("admin");
    let (pin, trace) = (table.optional("pin"), table.optional("trace"));
    if cluster.is_none() {
        for value in [pin, trace].into_iter().flatten() {
            value.problem("only routes to a cluster have `pin` and `trace`", "remove it, or name a cluster");
        }
    }
    match (cluster, files, admin) {
        (Some(name), None, None) => {
            let pin = pin.map(|value| read_pin(&value));
            let trace = trace.and_then(|value| value.boolean()).unwrap_or(false);
            let cluster = find_cluster(&name, clusters)?;
            let pin = match pin {
                None => None,
                Some(pin) => Some(pin?),
            };
            Some(Destination::Cluster { cluster, pin, trace })
        }
        (None, Some(files), None) => read_files(&files, folder),
        (None, None, Some(admin)) => {
            let on = admin.boolean()?;
            if !on {
                admin.problem("admin = false leads nowhere", "remove the route");
            }
            if on && table.optional("path").is_some_and(|path| path.string().is_some_and(|path| !leads_to_admin(path)))
            {
                admin.problem(&format!("the admin API's paths begin with {ADMIN_PATH}"), "give its route that path");
            }
            on.then_some(Destination::Admin)
        }
        (None, None, None) => {
            table.problem("this route leads nowhere", "give it one of `cluster`, `files` and `admin`");
            None
        }
        _ => {
            table.problem("this route leads to more than one place", "give it one of `cluster`, `files` and `admin`");
            None
        }
    }
}

fn leads_to_admin(path: &str) -> bool {
    ADMIN_PATH.starts_with(path.trim_end_matches('/'))
}

fn find_cluster(value: &Value<'_>, clusters: &[(String, Option<ClusterConfig>)]) -> Option<ClusterId> {
    let name = value.string()?;
    let found = clusters.iter().position(|(declared, _)| declared == name);
    if found.is_none() {
        let declared = || clusters.iter().map(|(name, _)| name.as_str());
        let hint = match closest(name, declared()) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None if clusters.is_empty() => format!("declare it: [clusters.{name}]"),
            None => format!("declared are {}", declared().collect::<Vec<_>>().join(", ")),
        };
        value.problem(&format!("cluster {name:?} is not declared"), &hint);
    }
    found.map(ClusterId)
}

fn read_pin(value: &Value<'_>) -> Option<Pin> {
    let table = value.table("pin")?;
    let query = table.required("query", "for example pin = { query = \"target\" }").and_then(|value| value.string());
    table.finish();
    query.map(|query| Pin { query: query.to_owned() })
}

fn read_files(value: &Value<'_>, folder: &Path) -> Option<Destination> {
    let name = value.string()?;
    if name == EMBEDDED {
        return Some(Destination::EmbeddedPage);
    }
    let path = folder.join(name);
    let exists = path.is_dir();
    if !exists {
        let hint = "relative paths start at the folder of the configuration file; \"embedded\" is lb's own page";
        value.problem(&format!("there is no folder {}", path.display()), hint);
    }
    exists.then_some(Destination::Folder(path))
}
