//! A drill's file: what is said of its world, what happens, and what is expected. Its cluster is written as in `lb.toml`.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use lb_sim::Arrivals;

use super::table::{Table, Value};
use super::{Problems, cluster, read_document, read_text};
use crate::drill::Drill;
use crate::simulation::{Latency, World};

/// A minute shows an ejection, its trial and the time after.
const LENGTH: Duration = Duration::from_mins(1);

/// Enough for percentiles.
const RATE: u32 = 200;

/// What a small service takes.
const LATENCY: &str = "exponential 20ms";

/// Reads and checks a file.
pub(crate) fn load(path: &Path) -> Result<Drill, Problems> {
    let (origin, text) = read_text(path)?;
    read_document(&origin, &text, read)
}

/// Checks a text.
pub(crate) fn parse_text(origin: &str, text: &str) -> Result<Drill, Problems> {
    read_document(origin, text, read)
}

fn read(top: Table<'_>) -> Option<Drill> {
    let title = top.required("title", "say in a few words what happens").and_then(|value| value.string());
    let steps = read_list(&top, "steps", "for example steps = [\"at 10s kill 30% for 20s\"]");
    let expectations = read_list(&top, "expect", "for example expect = [\"error-rate < 0.1%\", \"recovery < 15s\"]");
    let cluster =
        top.required("cluster", "add [cluster] with endpoints = 12").and_then(|value| cluster::read_lone(value));
    let world = match top.optional("world") {
        None => Some(World { steps: Vec::new(), ..usual() }),
        Some(value) => value.table("world").and_then(read_world),
    };
    top.finish();
    Some(Drill {
        title: title?.to_owned(),
        world: World { steps: steps?, ..world? },
        cluster: cluster?,
        expectations: expectations?,
    })
}

fn usual() -> World {
    World {
        endpoints: None,
        balancers: 1,
        latency: LATENCY.parse().expect("these are the words of a latency"),
        slots: None,
        arrivals: Arrivals::Open { per_second: f64::from(RATE) },
        patience: None,
        length: LENGTH,
        steps: Vec::new(),
        seed: 1,
    }
}

fn read_world(table: Table<'_>) -> Option<World> {
    let usual = usual();
    let balancers = table.integer("balancers", 1..=1000, usual.balancers);
    let latency = table.optional("latency").map_or(Some(usual.latency), |value| parse::<Latency>(&value));
    let slots = table.optional("slots").and_then(|value| value.integer(1..=1_000_000));
    let rate = table.integer("rate", 1..=10_000_000, RATE);
    let clients = table.optional("clients");
    if let (Some(clients), Some(_)) = (clients, table.optional("rate")) {
        clients.problem("a world has either a rate or clients", "remove one of them");
    }
    let clients = clients.and_then(|value| value.integer(1..=10_000_000));
    let patience = table.optional("patience").and_then(|value| value.duration());
    let length = table.duration("length", usual.length);
    let seed = u64::from(table.integer("seed", 0..=u32::MAX, 1));
    table.finish();
    let open = Arrivals::Open { per_second: f64::from(rate) };
    let think = Duration::from_secs(1);
    let arrivals = clients.map_or(open, |clients| Arrivals::Closed { clients, think });
    Some(World { balancers, latency: latency?, slots, arrivals, patience, length, seed, ..usual })
}

/// Every string of a list, parsed; all that are wrong are told.
fn read_list<T: FromStr<Err: std::fmt::Display>>(top: &Table<'_>, key: &'static str, hint: &str) -> Option<Vec<T>> {
    let value = top.required(key, hint)?;
    let items = value.array()?;
    if items.is_empty() {
        value.problem(&format!("`{key}` is empty"), hint);
    }
    // All of them first, so that all problems are told.
    let parsed: Vec<_> = items.iter().map(parse).collect();
    parsed.into_iter().collect()
}

fn parse<T: FromStr<Err: std::fmt::Display>>(value: &Value<'_>) -> Option<T> {
    value.string()?.parse().map_err(|wrong: T::Err| value.problem(&wrong.to_string(), "")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        read_document("drill.toml", text, read).expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_drill_says_its_world_its_steps_and_what_is_expected() {
        let text = "\
title = \"a third dies\"
steps = [\"at 10s kill 30% for 20s\", \"at 40s rate 900\"]
expect = [\"error-rate < 0.1%\"]
[world]
balancers = 3
latency = \"uniform 1ms 5ms\"
slots = 4
rate = 700
patience = \"1s\"
length = \"2m\"
seed = 9
[cluster]
algorithm = \"two-choices\"
endpoints = 12
max-in-flight = 7
";
        let drill = read_document("drill.toml", text, read).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((drill.title.as_str(), drill.world.steps.len(), drill.expectations.len()), ("a third dies", 2, 1));
        assert_eq!((drill.world.balancers, drill.world.slots, drill.world.seed), (3, Some(4), 9));
        assert_eq!(drill.world.arrivals, Arrivals::Open { per_second: 700.0 });
        let endpoints = &drill.cluster.endpoints;
        assert_eq!((endpoints.len(), endpoints[11].name()), (12, "e12"));
        assert_eq!(endpoints[0].endpoint.max_in_flight.map(std::num::NonZeroU32::get), Some(7));
    }

    #[test]
    fn all_that_is_wrong_with_a_drill_is_told_with_its_place() {
        let told = complaint(
            "titel = \"x\"\nsteps = [\"at 10s explode 1\", \"kill 1\"]\nexpect = []\n[world]\nlatency = \"long\"\n[cluster]\nendpoints = 0\n",
        );
        for expected in [
            "drill.toml:1:1: the file has no key `titel`\n  hint: did you mean `title`?",
            "drill.toml:2:10: \"explode\" is nothing that can happen",
            "drill.toml:2:30: a step begins with `at`",
            "drill.toml:3:10: `expect` is empty",
            "drill.toml:5:11: \"long\" is not a latency",
            "drill.toml:7:13: this is not a whole number from 1 to 100000",
        ] {
            assert!(told.contains(expected), "{expected}\n\n{told}");
        }
    }
}
