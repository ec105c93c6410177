//! A cluster's `endpoints`.

use std::num::NonZeroU32;

use lb_balance::{Algorithm, Endpoint, layout_steps};
use lb_proxy::{Address, EndpointConfig};

use crate::config::defaults;
use crate::config::table::{Table, Value};

/// What the endpoints of a cluster have in common.
pub(super) struct Common<'a> {
    pub(super) algorithm: Option<Algorithm>,
    /// The zone of this balancer.
    pub(super) zone: Option<&'a str>,
    pub(super) max_in_flight: Option<NonZeroU32>,
    pub(super) starts_slowly: bool,
    /// Whether a number may stand for endpoints of which nothing more is said.
    pub(super) may_be_counted: bool,
}

pub(super) fn read(table: &Table<'_>, common: &Common<'_>) -> Option<Vec<EndpointConfig>> {
    let value =
        table.required("endpoints", "for example endpoints = [{ name = \"web1\", address = \"127.0.0.1:5001\" }]")?;
    if common.may_be_counted && !value.is_array() {
        return value.integer(1..=100_000).map(|count| counted(count, common));
    }
    let items = value.array()?;
    if items.is_empty() {
        value.problem("a cluster needs at least one endpoint", "add { name = \"web1\", address = \"127.0.0.1:5001\" }");
    }
    let mut endpoints: Vec<EndpointConfig> = Vec::new();
    let mut complete = true;
    for item in &items {
        match read_endpoint(item, common) {
            Some(endpoint) if endpoints.iter().any(|other| other.name() == endpoint.name()) => {
                item.problem(
                    &format!("there are two endpoints named {:?}", endpoint.name()),
                    "names are unique in a cluster",
                );
            }
            Some(endpoint) => endpoints.push(endpoint),
            None => complete = false,
        }
    }
    if matches!(common.algorithm, Some(Algorithm::RoundRobin | Algorithm::LeastRequest)) {
        check_weights(&endpoints, common.starts_slowly, &value);
    }
    complete.then_some(endpoints)
}

/// So many endpoints, e1 and so on.
fn counted(count: u32, common: &Common<'_>) -> Vec<EndpointConfig> {
    let nowhere = || "127.0.0.1:1".parse().expect("an address");
    let endpoint = |n| Endpoint { max_in_flight: common.max_in_flight, ..Endpoint::new(format!("e{n}"), 1) };
    (1..=count).map(|n| EndpointConfig { endpoint: endpoint(n), address: nowhere() }).collect()
}

fn read_endpoint(item: &Value<'_>, common: &Common<'_>) -> Option<EndpointConfig> {
    let table = item.table("an endpoint")?;
    let name = table.optional("name").map(|value| value.name());
    let address = table.required("address", "for example address = \"127.0.0.1:5001\"").and_then(|value| {
        match value.string()?.parse::<Address>() {
            Ok(address) => Some(address),
            Err(wrong) => {
                value.problem(&wrong.to_string(), "write host and port, as in \"127.0.0.1:5001\" or \"web1:5000\"");
                None
            }
        }
    });
    let weight = table.integer("weight", 1..=1000, defaults::WEIGHT);
    let priority = read_priority(&table);
    let zone = table.optional("zone").and_then(|value| value.name());
    let max_in_flight = read_max_in_flight(&table).or(common.max_in_flight);
    let draining = table.boolean("draining", false);
    table.finish();
    let address = address?;
    let name = match name {
        None => address.to_string(),
        Some(name) => name?.to_owned(),
    };
    // Where a zone is not said, nobody is far away.
    let elsewhere = zone.zip(common.zone).is_some_and(|(its, ours)| its != ours);
    let endpoint = Endpoint { name, weight, priority, elsewhere, max_in_flight, draining };
    Some(EndpointConfig { endpoint, address })
}

/// `priority`, or `backup` for the second one.
fn read_priority(table: &Table<'_>) -> u8 {
    let priority = table.optional("priority");
    let backup = table.optional("backup");
    if let (Some(_), Some(backup)) = (priority, backup) {
        backup.problem("an endpoint has either a priority or is a backup", "`backup = true` is `priority = 1`");
    }
    let is_backup = backup.and_then(|value| value.boolean()).unwrap_or(false);
    let said = priority.and_then(|value| value.integer(0..=9)).and_then(|number| u8::try_from(number).ok());
    said.unwrap_or(if is_backup { defaults::BACKUP_PRIORITY } else { defaults::PRIORITY })
}

/// `max-in-flight`, of an endpoint or of each endpoint of a cluster.
pub(super) fn read_max_in_flight(table: &Table<'_>) -> Option<NonZeroU32> {
    let said = table.optional("max-in-flight").and_then(|value| value.integer(1..=1_000_000));
    said.and_then(NonZeroU32::new).or(defaults::MAX_IN_FLIGHT)
}

/// A round robin's turns are laid out when a belief changes, and nobody hears of anything else meanwhile: at the most for
/// about a twentieth of a second.
fn check_weights(endpoints: &[EndpointConfig], start_slowly: bool, value: &Value<'_>) {
    const MOST_STEPS: u64 = 50_000_000;
    // Endpoints that start slowly have any number of tenths of their weight for a while.
    let tenths = (1..=10).cycle().map(|tenths| if start_slowly { tenths } else { 1 });
    let weights: Vec<_> =
        endpoints.iter().zip(tenths).map(|(config, tenths)| config.endpoint.weight * tenths).collect();
    if layout_steps(&weights) > MOST_STEPS {
        let hint = "use fewer distinct weights, as in 1 to 10, or another algorithm";
        value.problem("so many endpoints with weights so fine take too long to lay out", hint);
    }
}
