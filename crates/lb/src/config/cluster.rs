//! `[clusters.NAME]`.

mod endpoints;
mod health;
mod probe;
mod retry;
mod timeouts;

use lb_balance::{Algorithm, Policy};
use lb_proxy::ClusterConfig;

use super::defaults;
use super::table::{Named, Table, Value, closest};
use super::waiting;

/// Every cluster with its name, in the order of the file. One that is wrong keeps its name, so that the routes to it
/// are not said to lead nowhere.
pub(super) fn read_all(top: &Table<'_>) -> Vec<(String, Option<ClusterConfig>)> {
    let Some(clusters) = top.optional("clusters").and_then(|value| value.table("clusters")) else {
        return Vec::new();
    };
    clusters.names().iter().map(|named| (named.name.to_owned(), read(named))).collect()
}

fn read(named: &Named<'_>) -> Option<ClusterConfig> {
    let table = named.value.table("a cluster")?;
    let algorithm = table.optional("algorithm").map_or(Some(Algorithm::default()), |value| read_algorithm(&value));
    let endpoints = endpoints::read(&table, algorithm);
    let (retry, replay_limit, hedge) = retry::read(&table);
    let health = health::read(&table);
    let timeouts = timeouts::read(&table);
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
        bound_percent: 0,
        health,
        probe: probing,
        retries: retry.shields(true),
        slow_start: defaults::SLOW_START,
    };
    let replay_limit = usize::try_from(replay_limit).ok()?;
    Some(ClusterConfig {
        name: named.name.to_owned(),
        policy,
        endpoints: endpoints?,
        retry,
        budget: Some(defaults::BUDGET),
        hedge,
        replay_limit,
        queue,
        probe,
        timeouts,
    })
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
