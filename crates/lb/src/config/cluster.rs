//! `[clusters.NAME]`.

mod endpoints;
mod hash;
mod health;
mod preset;
mod probe;
mod retry;
mod timeouts;

use std::time::Duration;

use lb_balance::{Algorithm, Policy};
use lb_proxy::{ClusterConfig, Timeouts};

use self::preset::Preset;
use self::retry::Retry;

use super::defaults;
use super::table::{Named, Table, Value, closest};
use super::waiting;

/// Every cluster with its name, in the order of the file. One that is wrong keeps its name, so that the routes to it
/// are not said to lead nowhere.
pub(super) fn read_all(top: &Table<'_>, zone: Option<&str>) -> Vec<(String, Option<ClusterConfig>)> {
    let Some(clusters) = top.optional("clusters").and_then(|value| value.table("clusters")) else {
        return Vec::new();
    };
    clusters.names().iter().map(|named| (named.name.to_owned(), read(named, zone))).collect()
}

/// The cluster of a drill: its endpoints may be as many as one likes, of which nothing more is said.
pub(super) fn read_lone(value: Value<'_>) -> Option<ClusterConfig> {
    let may_be_counted = true;
    read_table(value.table("the cluster")?, "drill", &Surroundings { zone: None, may_be_counted })
}

fn read(named: &Named<'_>, zone: Option<&str>) -> Option<ClusterConfig> {
    let may_be_counted = false;
    read_table(named.value.table("a cluster")?, named.name, &Surroundings { zone, may_be_counted })
}

/// What a cluster is read among.
struct Surroundings<'a> {
    /// The zone of this balancer.
    zone: Option<&'a str>,
    /// Whether `endpoints` may be a number.
    may_be_counted: bool,
}

fn read_table(table: Table<'_>, name: &str, surroundings: &Surroundings<'_>) -> Option<ClusterConfig> {
    let Surroundings { zone, may_be_counted } = *surroundings;
    let preset = Preset::read(&table);
    let algorithm = table.optional("algorithm").map_or(Some(Algorithm::default()), |value| read_algorithm(&value));
    let hash = hash::read(&table, algorithm);
    let slow_start = read_slow_start(&table, algorithm);
    let max_in_flight = endpoints::read_max_in_flight(&table);
    let common =
        endpoints::Common { algorithm, zone, max_in_flight, starts_slowly: !slow_start.is_zero(), may_be_counted };
    let endpoints = endpoints::read(&table, &common);
    let Retry { policy: retry, budget, hedge, replay_limit, attempt_timeout } = retry::read(&table, &preset);
    let health = health::read(&table, preset.health);
    let timeouts = Timeouts { attempt: attempt_timeout, ..timeouts::read(&table, preset.timeouts) };
    let queue = waiting::read_queue(&table);
    let probe = table.optional("probe").map(|value| probe::read(&value));
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
        endpoints: endpoints?,
        retry,
        budget,
        hedge,
        replay_limit: usize::try_from(replay_limit).ok()?,
        queue,
        probe,
        timeouts,
    })
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
