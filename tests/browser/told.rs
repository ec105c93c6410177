//! An lb whose admin API says what the test wants said: the page comes from the real one, which hands what the page asks of
//! `/lb/v1` to a script. What is told is built of the types of the contract, so it is what the real one would say.

use lb_common::api::{
    Attempt, Belief, Cluster, DrillRun, DrillStep, Drills, End, Endpoint as Told, Expectation, Fault, FaultKind,
    Faults, KeptFor, PassedOver, Projection, Status, Tick, Trace, Traces, WhatIf,
};
use serde_json::{Value, json};

use super::ANY_PORT;
use crate::support::endpoint::Request;
use crate::support::{Endpoint, Lb, Reply};

/// The real lb before the script; and the script.
pub(crate) struct ToldLb {
    pub(crate) lb: Lb,
    pub(crate) script: Endpoint,
}

impl ToldLb {
    /// `otherwise` may answer what the script would; `None` leaves it to the script.
    pub(crate) fn new(otherwise: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let script = Endpoint::new(move |request| otherwise(request).unwrap_or_else(|| usual(request)));
        let told = ["events", "traces", "faults", "drills", "clusters"];
        let told: String =
            told.map(|path| format!("[[routes]]\npath = \"/lb/v1/{path}\"\ncluster = \"told\"\n")).concat();
        let lb = Lb::with_config(&format!(
            "workers = 2\n[[listeners]]\nbind = \"{ANY_PORT}\"\n{told}\
             [[routes]]\npath = \"/lb\"\nadmin = true\n\
             [[routes]]\npath = \"/\"\nfiles = \"embedded\"\n\
             [clusters.told]\nendpoints = [{{ name = \"script\", address = \"{}\" }}]\nretry = {{ attempts = 1 }}\n",
            script.address()
        ));
        Self { lb, script }
    }

    /// What the page has told the API to do: method and path of each request that was no question, and its JSON.
    pub(crate) fn orders(&self) -> Vec<(String, Value)> {
        let orders = self.script.requests().into_iter().filter(|request| !request.line.starts_with("GET "));
        orders
            .map(|request| {
                let line = request.line.trim_end_matches(" HTTP/1.1").to_owned();
                (line, serde_json::from_slice(&request.body).unwrap_or_default())
            })
            .collect()
    }
}

/// An answer as lb gives it.
pub(crate) fn answer(status: u16, said: &Value) -> Reply {
    Reply::Status(status, said.to_string())
}

fn usual(request: &Request) -> Reply {
    let (method, path) = request.line.split_once(" /lb/v1/").expect("only the API is asked");
    let path = path.trim_end_matches(" HTTP/1.1");
    match (method, path.split('?').next().expect("there is a first part")) {
        ("GET", "events") => stream(&[("status", json!(status())), ("tick", json!(Tick::default()))]),
        ("GET", "traces") => answer(200, &json!(traces(path))),
        ("GET", "faults") => {
            answer(200, &json!(Faults { allowed: true, most: 8, longest_s: 60, faults: vec![fault()] }))
        }
        ("GET", "drills") => {
            answer(200, &json!(Drills { allowed: true, shipped: vec!["one-dies".into()], run: Some(drill()) }))
        }
        ("GET", path) if path.ends_with("/what-if") => answer(200, &json!(what_if())),
        ("PATCH", _) => answer(200, &json!(endpoint("web2", Belief::Draining))),
        ("POST", "traces/next") => answer(200, &json!({})),
        ("DELETE", _) => Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        _ => answer(404, &json!({ "error": format!("there is no {path}") })),
    }
}

/// Events, and then silence on an open connection.
fn stream(events: &[(&str, Value)]) -> Reply {
    let events: Vec<String> = events.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect();
    let events = events.concat();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    Reply::Bytes(format!("{head}{:x}\r\n{events}\r\n", events.len()).into_bytes())
}

fn status() -> Status {
    let endpoints = [("web1", Belief::Up), ("web2", Belief::Up), ("web3", Belief::Ejected)];
    let endpoints = endpoints.map(|(name, belief)| endpoint(name, belief)).to_vec();
    let cluster =
        Cluster { name: "web".into(), algorithm: "round-robin".into(), probed: true, queued: None, endpoints };
    Status {
        version: "1".into(),
        config: "told".into(),
        started_at_ms: 1,
        now_ms: 2,
        workers: 2,
        drift: Vec::new(),
        faults: vec![fault()],
        clusters: vec![cluster],
    }
}

fn endpoint(name: &str, belief: Belief) -> Told {
    Told {
        name: name.into(),
        address: "192.0.2.1:80".into(),
        weight: 1,
        priority: 0,
        max_in_flight: None,
        belief,
        reason: String::new(),
        since_ms: 1,
        until_ms: None,
        probe: None,
        attempts: 7,
        failures: 3,
        ejections: 2,
        in_flight: 4,
        latency_us: Some(900),
    }
}

fn fault() -> Fault {
    Fault {
        id: 5,
        cluster: Some("web".into()),
        endpoint: Some("web1".into()),
        route: None,
        percent: 50.0,
        kind: FaultKind::Reset {},
        until_ms: 60_002,
        played: 3,
        says: "web1: half of the attempts are reset".into(),
    }
}

fn what_if() -> WhatIf {
    let row = |name: &str, now: f64, then: f64| Projection {
        endpoint: name.into(),
        share_now: now,
        share_then: then,
        rate_now: 20.0 * now,
        rate_then: 20.0 * then,
    };
    WhatIf {
        endpoints: vec![row("web1", 0.5, 1.0), row("web2", 0.5, 0.0), row("web3", 0.0, 0.0)],
        rate: 20.0,
        notes: vec!["web1 would get 2.0 times its load".into()],
    }
}

fn drill() -> DrillRun {
    let step = |at_ms, says: &str, done| DrillStep { at_ms, says: says.into(), done };
    let expectation =
        |says: &str, measured: &str, holds| Expectation { says: says.into(), measured: measured.into(), holds };
    DrillRun {
        name: "one-dies".into(),
        state: "failed".into(),
        began_ms: 1,
        ms: 20_000,
        elapsed_ms: 20_000,
        steps: vec![step(10_000, "web1 is killed", true)],
        expectations: vec![
            expectation("error rate below 0.1 %", "0.02 %", Some(true)),
            expectation("recovery below 2 s", "3.1 s", Some(false)),
        ],
        error: None,
    }
}

/// Two are kept: 11 was retried, 12 was good at once. Of the query, `id` and `outcome` are heeded.
fn traces(path: &str) -> Traces {
    let all =
        [trace(12, "/plain"), Trace { attempts: tries().to_vec(), kept_for: KeptFor::Retried, ..trace(11, "/api") }];
    let traces = all.into_iter().filter(|trace| {
        let is_asked = path.split(['?', '&']).find_map(|pair| pair.strip_prefix("id="));
        let retried = !path.contains("outcome=retried") || trace.kept_for == KeptFor::Retried;
        retried && is_asked.is_none_or(|id| id == trace.id.to_string())
    });
    Traces { traces: traces.collect(), kept: 2, dropped: 0, sample: 0.01, next: 0 }
}

fn trace(id: u64, target: &str) -> Trace {
    Trace {
        id,
        request_id: None,
        at_ms: 1,
        us: 5000,
        kept_for: KeptFor::Sampled,
        client: "192.0.2.9".into(),
        method: "GET".into(),
        host: "example.org".into(),
        target: target.into(),
        route: Some("/".into()),
        cluster: Some("web".into()),
        queued_us: 0,
        attempts: vec![tries()[1].clone()],
        stopped: None,
        status: Some(200),
        reject: None,
        end: End::Delivered,
        bytes_in: 0,
        bytes_out: 5123,
        trace_id: None,
    }
}

fn tries() -> [Attempt; 2] {
    let passed_over = |endpoint: &str, why: &str| PassedOver { endpoint: endpoint.into(), why: why.into() };
    let failed = Attempt {
        endpoint: "web2".into(),
        turn: "regular".into(),
        after_us: 0,
        connect_us: Some(300),
        reused: false,
        us: 1000,
        status: Some(503),
        failure: None,
        says: "answered 503".into(),
        blamed: true,
        fault: None,
        passed_over: Vec::new(),
        passed_over_sum: String::new(),
    };
    let answered = Attempt {
        endpoint: "web1".into(),
        after_us: 1000,
        connect_us: None,
        reused: true,
        us: 2000,
        status: Some(200),
        says: "answered 200".into(),
        blamed: false,
        passed_over: vec![passed_over("web3", "ejected"), passed_over("web2", "tried already")],
        passed_over_sum: "1 ejected, 1 tried already".into(),
        ..failed.clone()
    };
    [failed, answered]
}
