//! A cluster's `endpoints`.

use lb_balance::{Algorithm, Endpoint, layout_steps};
use lb_proxy::{Address, EndpointConfig};

use crate::config::defaults;
use crate::config::table::{Table, Value};

pub(super) fn read(table: &Table<'_>, algorithm: Option<Algorithm>) -> Option<Vec<EndpointConfig>> {
    let value =
        table.required("endpoints", "for example endpoints = [{ name = \"web1\", address = \"127.0.0.1:5001\" }]")?;
    let items = value.array()?;
    if items.is_empty() {
        value.problem("a cluster needs at least one endpoint", "add { name = \"web1\", address = \"127.0.0.1:5001\" }");
    }
    let mut endpoints: Vec<EndpointConfig> = Vec::new();
    let mut complete = true;
    for item in &items {
        match read_endpoint(item) {
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
    if algorithm == Some(Algorithm::RoundRobin) {
        check_weights(&endpoints, &value);
    }
    complete.then_some(endpoints)
}

fn read_endpoint(item: &Value<'_>) -> Option<EndpointConfig> {
    let table = item.table("an endpoint")?;
    let name = table.optional("name").map(|value| read_name(&value));
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
    table.finish();
    let address = address?;
    let name = match name {
        None => address.to_string(),
        Some(name) => name?.to_owned(),
    };
    Some(EndpointConfig { endpoint: Endpoint::new(name, u32::try_from(weight).ok()?), address })
}

/// Names stand in header fields, logs and URLs.
fn read_name<'a>(value: &Value<'a>) -> Option<&'a str> {
    let name = value.string()?;
    let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !good {
        value.problem("this is not a name", "write visible ASCII characters without blanks, as in \"web1\"");
    }
    good.then_some(name)
}

/// A round robin's turns are laid out when a belief changes, and nobody hears of anything else meanwhile: at the most for
/// about a tenth of a second.
fn check_weights(endpoints: &[EndpointConfig], value: &Value<'_>) {
    const MOST_STEPS: u64 = 50_000_000;
    let weights: Vec<_> = endpoints.iter().map(|config| config.endpoint.weight).collect();
    if layout_steps(&weights) > MOST_STEPS {
        let hint = "use fewer distinct weights, as in 1 to 10, or another algorithm";
        value.problem("so many endpoints with weights so fine take too long to lay out", hint);
    }
}
