//! `[clusters.NAME]`.

use std::num::NonZeroU32;

use lb_balance::{
    Algorithm, Endpoint, FirstProbe, HealthPolicy, Policy, ProbePolicy, RetryOn, RetryPolicy, StatusSet, layout_steps,
};
use lb_proxy::{Address, ClusterConfig, EndpointConfig, Hedge, ProbeConfig, Timeouts};

use super::defaults;
use super::table::{Named, Table, Value, closest};
use super::waiting;

/// The words that `retry.on` takes beside status codes.
const CONDITIONS: [&str; 3] = ["error", "timeout", "invalid-header"];

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
    let endpoints = read_endpoints(&table, algorithm);
    let (retry, replay_limit, hedge) = read_retry(&table);
    let health = read_health(&table);
    let timeouts = read_timeouts(&table);
    let queue = waiting::read_queue(&table);
    let probe = table.optional("probe").map(|value| read_probe(&value));
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

fn read_endpoints(table: &Table<'_>, algorithm: Option<Algorithm>) -> Option<Vec<EndpointConfig>> {
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

fn read_retry(table: &Table<'_>) -> (RetryPolicy, u64, Option<Hedge>) {
    let mut on = RetryOn::default();
    let value = table.optional("retry").and_then(|value| value.table("retry"));
    let retry = value.as_ref();
    match retry.and_then(|retry| retry.optional("on")) {
        None => defaults::RETRY_ON.iter().for_each(|word| add_condition(&mut on, word).unwrap_or_default()),
        Some(list) => {
            for item in list.array().unwrap_or_default() {
                let Some(word) = item.string() else { continue };
                if add_condition(&mut on, word).is_none() {
                    let hint = closest(word, CONDITIONS.into_iter()).map_or_else(
                        || "it takes \"error\", \"timeout\", \"invalid-header\" and status codes from \"400\" to \"599\"".to_owned(),
                        |meant| format!("did you mean {meant:?}?"),
                    );
                    item.problem(&format!("there is no retry condition {word:?}"), &hint);
                }
            }
        }
    }
    let attempts = retry.map_or(defaults::ATTEMPTS, |retry| retry.integer("attempts", 1..=100, defaults::ATTEMPTS));
    let policy = RetryPolicy {
        on,
        attempts: u32::try_from(attempts).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
        timeout: retry.map_or(defaults::RETRY_TIMEOUT, |retry| retry.duration("timeout", defaults::RETRY_TIMEOUT)),
        non_idempotent: retry.and_then(|retry| retry.optional("non-idempotent")?.boolean()).unwrap_or(false),
        backoff: defaults::BACKOFF,
    };
    let limit = retry.and_then(|retry| retry.optional("body-limit")?.size()).unwrap_or(defaults::BODY_LIMIT);
    let hedge = retry.and_then(|retry| waiting::read_hedge(retry, attempts));
    if let Some(retry) = value {
        retry.finish();
    }
    (policy, limit, hedge)
}

fn add_condition(on: &mut RetryOn, word: &str) -> Option<()> {
    match word {
        "error" => on.error = true,
        "timeout" => on.timeout = true,
        "invalid-header" => on.invalid_header = true,
        status => on.statuses.push(
            Some(status)
                .filter(|status| status.len() == 3)?
                .parse()
                .ok()
                .filter(|status| (400..=599).contains(status))?,
        ),
    }
    Some(())
}

fn read_health(table: &Table<'_>) -> HealthPolicy {
    let mut policy = HealthPolicy {
        max_fails: u32::try_from(defaults::MAX_FAILS).unwrap_or(u32::MAX),
        fail_window: defaults::FAIL_WINDOW,
        max_fails_in_a_row: 0,
        outliers: None,
        eject_time: defaults::EJECT_TIME,
        max_eject_time: defaults::MAX_EJECT_TIME,
        eject_jitter_percent: defaults::EJECT_JITTER_PERCENT,
        max_ejected_percent: u8::try_from(defaults::MAX_EJECTED_PERCENT).unwrap_or(u8::MAX),
        fail_open: false,
    };
    if let Some(health) = table.optional("health").and_then(|value| value.table("health")) {
        let max_fails = health.integer("max-fails", 0..=1000, defaults::MAX_FAILS);
        policy.max_fails = u32::try_from(max_fails).unwrap_or(u32::MAX);
        policy.fail_window = health.duration("fail-window", defaults::FAIL_WINDOW);
        policy.eject_time = health.duration("eject-time", defaults::EJECT_TIME);
        policy.max_eject_time = health.duration("max-eject-time", defaults::MAX_EJECT_TIME);
        let jitter = health.optional("eject-jitter").and_then(|value| value.percent());
        policy.eject_jitter_percent =
            jitter.and_then(|percent| percent.try_into().ok()).unwrap_or(defaults::EJECT_JITTER_PERCENT);
        let max_ejected = health.optional("max-ejected").and_then(|value| value.percent());
        policy.max_ejected_percent =
            u8::try_from(max_ejected.unwrap_or(defaults::MAX_EJECTED_PERCENT)).unwrap_or(u8::MAX);
        policy.fail_open = health.optional("fail-open").and_then(|value| value.boolean()).unwrap_or(false);
        health.finish();
    }
    policy
}

fn read_probe(value: &Value<'_>) -> Option<(ProbeConfig, ProbePolicy)> {
    let probe = value.table("probe")?;
    let path = probe.optional("path").map_or(Some(defaults::PROBE_PATH), |path| {
        let text = path.string()?;
        let good = text.starts_with('/') && http::uri::PathAndQuery::try_from(text).is_ok();
        if !good {
            path.problem("this is not a path", "it begins with a slash, as in \"/health\"");
        }
        good.then_some(text)
    });
    let policy = ProbePolicy {
        interval: probe.duration("interval", defaults::PROBE_INTERVAL),
        jitter_percent: defaults::PROBE_JITTER_PERCENT,
        statuses: StatusSet::success(),
        first: FirstProbe::Trust,
        spare_busy: false,
        fall: u32::try_from(probe.integer("fall", 1..=100, defaults::PROBE_FALL)).unwrap_or(u32::MAX),
        rise: u32::try_from(probe.integer("rise", 1..=100, defaults::PROBE_RISE)).unwrap_or(u32::MAX),
    };
    let timeout = probe.duration("timeout", defaults::PROBE_TIMEOUT);
    probe.finish();
    let path = http::uri::PathAndQuery::try_from(path?).ok()?;
    Some((ProbeConfig { path, timeout }, policy))
}

fn read_timeouts(table: &Table<'_>) -> Timeouts {
    let mut timeouts = Timeouts {
        connect: defaults::CONNECT_TIMEOUT,
        response: defaults::RESPONSE_TIMEOUT,
        attempt: None,
        body: defaults::BODY_TIMEOUT,
        idle: defaults::IDLE_TIMEOUT,
    };
    if let Some(table) = table.optional("timeouts").and_then(|value| value.table("timeouts")) {
        timeouts.connect = table.duration("connect", timeouts.connect);
        timeouts.response = table.duration("response", timeouts.response);
        timeouts.body = table.duration("body", timeouts.body);
        timeouts.idle = table.duration("idle", timeouts.idle);
        table.finish();
    }
    timeouts
}
