//! `[clusters.NAME]`.

mod endpoints;
mod hash;
mod health;
mod preset;
mod probe;
mod retry;
mod sticky;
mod timeouts;

use std::path::Path;
use std::time::Duration;

use lb_balance::{Algorithm, Policy};
use lb_proxy::{ClusterConfig, Timeouts};

use self::preset::Preset;
use self::retry::Retry;

use super::defaults;
use super::table::{Named, Table, Value, closest};
use super::waiting;

/// Where the configuration is, and the balancer.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// What relative paths are relative to.
    pub(super) folder: &'a Path,
    pub(super) zone: Option<&'a str>,
}

/// Every cluster with its name, in the order of the file. One that is wrong keeps its name, so that the routes to it
/// are not said to lead nowhere.
pub(super) fn read_all(top: &Table<'_>, place: Place<'_>) -> Vec<(String, Option<ClusterConfig>)> {
    let Some(clusters) = top.optional("clusters").and_then(|value| value.table("clusters")) else {
        return Vec::new();
    };
    let clusters = clusters.names();
    let read: Vec<_> = clusters.iter().map(|named| (named.name.to_owned(), read(named, place))).collect();
    check_cookies(&clusters, &read);
    read
}

/// Two clusters under one host that keep their sessions in one cookie would go on overwriting it.
fn check_cookies(clusters: &[Named<'_>], read: &[(String, Option<ClusterConfig>)]) {
    let cookies: Vec<_> = read.iter().map(|(_, config)| Some(&config.as_ref()?.sticky.as_ref()?.cookie)).collect();
    for (index, cookie) in cookies.iter().enumerate() {
        if let Some(name) = cookie.filter(|_| cookies[..index].contains(cookie)) {
            let hint = "give each a name of its own, as in sticky = { cookie = \"lb-session-api\" }";
            clusters[index]
                .value
                .problem(&format!("another cluster keeps its sessions in the cookie {name:?} too"), hint);
        }
    }
}

/// The cluster of a drill: its endpoints may be as many as one likes, of which nothing more is said.
pub(super) fn read_lone(value: Value<'_>) -> Option<ClusterConfig> {
    let nowhere = Place { folder: Path::new(""), zone: None };
    read_table(value.table("the cluster")?, "drill", nowhere, true)
}

fn read(named: &Named<'_>, place: Place<'_>) -> Option<ClusterConfig> {
    read_table(named.value.table("a cluster")?, named.name, place, false)
}

/// `may_be_counted` says whether `endpoints` may be a number.
fn read_table(table: Table<'_>, name: &str, place: Place<'_>, may_be_counted: bool) -> Option<ClusterConfig> {
    let preset = Preset::read(&table);
    let algorithm = table.optional("algorithm").map_or(Some(Algorithm::default()), |value| read_algorithm(&value));
    let hash = hash::read(&table, algorithm);
    let sticky = sticky::read(&table, place.folder);
    let slow_start = read_slow_start(&table, algorithm);
    let max_in_flight = endpoints::read_max_in_flight(&table);
    let starts_slowly = !slow_start.is_zero();
    let common = endpoints::Common { algorithm, zone: place.zone, max_in_flight, starts_slowly, may_be_counted };
    let endpoints = endpoints::read(&table, &common);
    let Retry { policy: retry, budget, hedge, replay_limit, attempt_timeout } = retry::read(&table, &preset);
    let health = health::read(&table, preset.health);
    let timeouts = Timeouts { attempt: attempt_timeout, ..timeouts::read(&table, preset.timeouts) };
    let queue = waiting::read_queue(&table, endpoints.as_deref());
    let probe = table.optional("probe").map(|value| probe::read(&value));
    let upgrades = read_upgrades(&table);
    table.finish();
    let (probe, probing) = match probe {
        None => (None, None),
        Some(probe) => {
            let (probe, policy) = probe?;
            (Some(probe), Some(policy))
        }
    };
    let policy = Policy {
        algorithm: algorithm?,
        bound_percent: hash.bound_percent,
        health,
        probe: probing,
        retries: retry.shields(true),
        slow_start,
    };
    Some(ClusterConfig {
        name: name.to_owned(),
        policy,
        key: hash.key,
        sticky,
        endpoints: endpoints?,
        retry,
        budget,
        hedge,
        replay_limit: usize::try_from(replay_limit).ok()?,
        queue,
        probe,
        timeouts,
        upgrades,
    })
}

fn read_upgrades(table: &Table<'_>) -> Vec<String> {
    let Some(value) = table.optional("upgrades") else { return defaults::UPGRADES.map(str::to_owned).to_vec() };
    let names = value.array().unwrap_or_default();
    names.iter().filter_map(Value::name).map(str::to_owned).collect()
}

fn read_slow_start(table: &Table<'_>, algorithm: Option<Algorithm>) -> Duration {
    let value = table.optional("slow-start");
    if let (Some(value), Some(algorithm)) = (value, algorithm.filter(|algorithm| algorithm.is_hash())) {
        let hint = "remove it: keys that move for a while would miss what is kept for them";
        value.problem(&format!("{:?} has no slow start", algorithm.name()), hint);
    }
    value.and_then(|value| value.duration()).unwrap_or(defaults::SLOW_START)
}

fn read_algorithm(value: &Value<'_>) -> Option<Algorithm> {
    let name = value.string()?;
    let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
    if found.is_none() {
        let hint = match closest(name, Algorithm::ALL.into_iter().map(Algorithm::name)) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => format!("it takes {}", Algorithm::ALL.map(Algorithm::name).join(", ")),
        };
        value.problem(&format!("there is no algorithm {name:?}"), &hint);
    }
    found
}
