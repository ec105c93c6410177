//! `lb.toml`, read and checked. After this no string is looked up again.
//!
//! All problems are told at once, each with its line, its column and what to do. For that the file is walked by hand:
//! a deserialiser stops at the first problem.

mod access_log;
mod admin;
mod cluster;
mod defaults;
mod diagnostic;
mod difference;
mod drill;
mod limits;
mod route;
mod table;
mod traces;
mod tracing;
mod value;
mod waiting;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use lb_proxy::{ClusterConfig, ClusterId, Pin};

pub(crate) use access_log::{AccessLogConfig, LogFormat};
pub(crate) use admin::AdminConfig;
pub(crate) use diagnostic::Problems;
pub(crate) use difference::differences;
pub(crate) use drill::{load as load_drill, parse_text as parse_drill};
pub(crate) use limits::RawLimits;
use table::{Reader, Table, Value};
pub(crate) use traces::TracesConfig;
pub(crate) use tracing::TracingConfig;
pub(crate) use value::parse_time;

/// All that `lb.toml` says, complete and consistent.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it came from, for people.
    pub(crate) origin: String,
    /// What was read.
    pub(crate) text: String,
    pub(crate) workers: NonZeroUsize,
    pub(crate) stop_timeout: Duration,
    pub(crate) limits: RawLimits,
    /// The networks of the proxies whose word on earlier hops is taken.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) listeners: Vec<SocketAddr>,
    pub(crate) routes: Vec<Route>,
    pub(crate) clusters: Vec<ClusterConfig>,
    pub(crate) admin: AdminConfig,
    pub(crate) access_log: Option<AccessLogConfig>,
    /// Whether anything is counted.
    pub(crate) metrics: bool,
    pub(crate) traces: TracesConfig,
    pub(crate) tracing: TracingConfig,
}

/// Host and path, and what answers there.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    pub(crate) to: Destination,
}

/// What answers a route's requests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Cluster { cluster: ClusterId, pin: Option<Pin>, trace: bool },
    Folder(PathBuf),
    EmbeddedPage,
    Admin,
}

/// Reads and checks a file.
pub(crate) fn load(path: &Path) -> Result<Config, Problems> {
    let (origin, text) = read_text(path)?;
    parse(&origin, &text, path.parent().unwrap_or(Path::new("")))
}

/// The file's name for people, and what it says.
fn read_text(path: &Path) -> Result<(String, String), Problems> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Problems::unreadable(&origin, &error))?;
    Ok((origin, text))
}

/// Checks a text; `folder` is what relative paths in it are relative to.
pub(crate) fn parse(origin: &str, text: &str, folder: &Path) -> Result<Config, Problems> {
    let config = read_document(origin, text, |top| read(top, origin, folder))?;
    Ok(Config { text: text.to_owned(), ..config })
}

/// Parses a text and lets `read` walk it. What it gives counts only if nothing is wrong.
fn read_document<T>(origin: &str, text: &str, read: impl FnOnce(Table<'_>) -> Option<T>) -> Result<T, Problems> {
    let (document, errors) = toml::de::DeTable::parse_recoverable(text);
    let reader = Reader::new(origin, text);
    for error in &errors {
        reader.syntax_error(error);
    }
    // What a broken file seems to lack is not worth telling.
    if !errors.is_empty() {
        return Err(reader.into_problems());
    }
    let found = read(reader.root(&document));
    match found {
        Some(found) if reader.is_content() => Ok(found),
        _ => Err(reader.into_problems()),
    }
}

fn read(top: Table<'_>, origin: &str, folder: &Path) -> Option<Config> {
    let workers = top.optional("workers").and_then(|value| value.integer(1..=1024));
    let workers = workers.and_then(|n| NonZeroUsize::new(usize::try_from(n).ok()?)).unwrap_or_else(defaults::workers);
    let stop_timeout = top.duration("stop-timeout", defaults::STOP_TIMEOUT);
    let limits = limits::read(&top);
    let trusted_proxies = read_trusted(&top);
    let listeners = read_listeners(&top);
    let zone = top.optional("zone").and_then(|value| value.name());
    let clusters = cluster::read_all(&top, cluster::Place { folder, zone });
    let routes = route::read_all(&top, &clusters, folder);
    let (admin, bind) = admin::read(&top, folder);
    if let (Some(value), Some(address)) = (bind, admin.bind) {
        check_free(&value, address, listeners.as_deref().unwrap_or_default());
    }
    let access_log = access_log::read(&top, folder);
    let metrics = top.boolean("metrics", true);
    let traces = traces::read(&top);
    let tracing = tracing::read(&top);
    top.finish();
    Some(Config {
        origin: origin.to_owned(),
        text: String::new(),
        workers,
        stop_timeout,
        limits,
        trusted_proxies: trusted_proxies?,
        listeners: listeners?,
        routes: routes?,
        clusters: clusters.into_iter().map(|(_, config)| config).collect::<Option<_>>()?,
        admin,
        access_log,
        metrics,
        traces,
        tracing,
    })
}

fn read_trusted(top: &Table<'_>) -> Option<Vec<IpNet>> {
    let Some(value) = top.optional("trusted-proxies") else { return Some(Vec::new()) };
    value.array()?.iter().map(Value::network).collect()
}

/// Tells if the address cannot be listened on beside those.
fn check_free(value: &Value<'_>, address: SocketAddr, taken: &[SocketAddr]) {
    let overlaps = |other: &&SocketAddr| {
        let any = other.ip().is_unspecified() || address.ip().is_unspecified();
        let same_kind = other.is_ipv4() == address.is_ipv4();
        other.port() == address.port() && same_kind && (any || other.ip() == address.ip())
    };
    match taken.iter().find(overlaps) {
        Some(other) if address.port() != 0 => {
            value.problem(&format!("{address} overlaps with {other}"), "give each an address or a port of its own");
        }
        Some(_) | None => {}
    }
}

fn read_listeners(top: &Table<'_>) -> Option<Vec<SocketAddr>> {
    let entries = top.required("listeners", "add [[listeners]] with bind = \"0.0.0.0:8080\"")?.array()?;
    let mut seen: Vec<SocketAddr> = Vec::new();
    for entry in &entries {
        let Some(listener) = entry.table("a listener") else { continue };
        let bind = listener.required("bind", "for example bind = \"0.0.0.0:8080\"");
        if let Some((value, address)) = bind.and_then(|value| Some((value, value.socket_address()?))) {
            check_free(&value, address, &seen);
            seen.push(address);
        }
        listener.finish();
    }
    if entries.is_empty() {
        top.problem("there is no listener", "add [[listeners]] with bind = \"0.0.0.0:8080\"");
    }
    Some(seen)
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: usize = self.clusters.iter().map(|cluster| cluster.endpoints.len()).sum();
        let counted = [
            (self.listeners.len(), "listener"),
            (self.routes.len(), "route"),
            (self.clusters.len(), "cluster"),
            (endpoints, "endpoint"),
        ];
        for (index, (count, noun)) in counted.into_iter().enumerate() {
            let (separator, plural) = (if index == 0 { "" } else { ", " }, if count == 1 { "" } else { "s" });
            write!(f, "{separator}{count} {noun}{plural}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
