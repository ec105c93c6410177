//! Faults that `lb` plays on demand: what they do, where they are told, that they end, and which are refused.

use lb_common::api::{Belief, FAULTS_PATH, Fault, FaultKind, Faults, KeptFor, STATUS_PATH, Status, What};

use super::api::{Api, apart, problem};
use crate::support::{Client, Endpoint, Lb, get, wait_until};

struct World {
    endpoints: [Endpoint; 2],
    lb: Lb,
    api: Api,
}

fn world(health: &str) -> World {
    let endpoints = [Endpoint::saying("one"), Endpoint::saying("two")];
    let more = format!("health = {health}\nretry = {{ budget = \"off\" }}");
    let (lb, api) = apart(&endpoints.each_ref().map(Endpoint::address), &more, "faults = true");
    World { endpoints, lb, api }
}

const LENIENT: &str = "{ max-fails = 0 }";

/// A fault at e1.
fn at_e1(kind: &str, percent: &str, lasts: &str) -> String {
    format!(
        "{{\"cluster\": \"web\", \"endpoint\": \"e1\", \"percent\": {percent}, \"kind\": {kind}, \"for\": \"{lasts}\"}}"
    )
}

/// A fault at the route.
fn at_route(kind: &str, percent: &str, lasts: &str) -> String {
    format!("{{\"route\": \"/\", \"percent\": {percent}, \"kind\": {kind}, \"for\": \"{lasts}\"}}")
}

const ABORT: &str = "{\"type\": \"abort\", \"status\": 503}";
const RESET: &str = "{\"type\": \"reset\"}";
const DELAY: &str = "{\"type\": \"delay\", \"min_ms\": 150, \"max_ms\": 200}";

#[test]
fn what_is_played_at_an_endpoint_is_blamed_on_it_tried_again_and_told() {
    for (kind, status, failure, says) in [
        (ABORT, Some(503), None, "answered 503"),
        (RESET, None, Some("closed"), "closed the connection without an answer"),
    ] {
        let world = world("{ max-fails = 3, eject-time = \"1h\" }");
        let fault = world.api.begin(&at_e1(kind, "100", "1m"));
        assert_eq!((fault.cluster.as_deref(), fault.endpoint.as_deref(), fault.route), (Some("web"), Some("e1"), None));
        for _ in 0..10 {
            assert_eq!(get(world.lb.address(), "/").text(), "two", "the client notices nothing");
        }
        assert_eq!(world.endpoints[0].count(), 0, "nobody was asked");
        let traces = world.api.traces_once(3, "outcome=retried").traces;
        for trace in &traces {
            let [played, good] = &trace.attempts[..] else { panic!("two attempts: {trace:?}") };
            assert_eq!((played.endpoint.as_str(), played.status, played.failure.as_deref()), ("e1", status, failure));
            assert_eq!((played.says.as_str(), played.blamed), (says, true));
            assert!(played.fault.is_some() && good.fault.is_none(), "it is told whose doing it was: {trace:?}");
            assert_eq!((trace.kept_for, trace.status), (KeptFor::Retried, Some(200)));
        }
        // It counts as the endpoint's, which is ejected for it like for any other.
        let event = world.api.event("it is ejected", |what| matches!(what, What::Belief { to: Belief::Ejected, .. }));
        assert_eq!(event.says, format!("e1 ejected: 3 requests failed within 10s, the last one {says}"));
        // Workers hear of the ejection on their own time: each of the ten may have been sent there before.
        let mut played = 0;
        wait_until("each is counted once", || {
            played = world.api.ask::<Faults>(FAULTS_PATH).faults[0].played;
            world.lb.endpoint("e1").failures == played
        });
        assert!((3..=10).contains(&played), "{played}");
    }
}

#[test]
fn a_delay_at_an_endpoint_is_waited_for_and_within_its_bounds() {
    let world = world(LENIENT);
    let fault = world.api.begin(&at_e1(DELAY, "100", "1m"));
    assert_eq!(fault.kind, FaultKind::Delay { min_ms: 150, max_ms: 200 });
    assert_eq!(world.api.tell("POST", "/lb/v1/traces/next", "{\"count\": 100}").status, 204);
    let mut client = Client::connect(world.lb.address());
    for _ in 0..10 {
        assert_eq!(client.get("/").status, 200);
    }
    let traces = world.api.traces_once(10, "").traces;
    let delayed: Vec<_> = traces.iter().filter(|trace| trace.attempts[0].endpoint == "e1").collect();
    assert_eq!((traces.len(), delayed.len()), (10, 5), "every second one is e1's");
    for trace in &traces {
        let attempt = &trace.attempts[0];
        assert_eq!((attempt.fault.is_some(), attempt.status), (attempt.endpoint == "e1", Some(200)));
        // How much longer it takes depends on how busy the machine is; not so how long at least.
        assert!(attempt.us >= 150_000 || attempt.endpoint == "e2", "{attempt:?}");
    }
    assert_eq!(world.endpoints.each_ref().map(Endpoint::count), [5, 5]);
}

#[test]
fn what_is_played_at_a_route_is_seen_by_the_client() {
    let world = world(LENIENT);
    let end = |fault: &Fault| {
        let ended = world.api.send("DELETE", &format!("{FAULTS_PATH}/{}", fault.id), "", "");
        assert_eq!((ended.status, ended.body.len()), (204, 0));
    };
    let fault = world.api.begin(&at_route("{\"type\": \"abort\", \"status\": 418}", "100", "1m"));
    assert_eq!((fault.cluster.as_deref(), fault.endpoint.as_deref(), fault.route.as_deref()), (None, None, Some("/")));
    assert_eq!(get(world.lb.address(), "/").status, 418);
    end(&fault);
    assert_eq!(get(world.lb.address(), "/").status, 200);

    let fault = world.api.begin(&at_route(RESET, "100", "1m"));
    let mut client = Client::connect(world.lb.address());
    client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(client.answer().is_err(), "the connection breaks without an answer");
    end(&fault);

    let fault = world.api.begin(&at_route(DELAY, "100", "1m"));
    let began = std::time::Instant::now();
    assert_eq!(get(world.lb.address(), "/").status, 200);
    assert!(began.elapsed().as_millis() >= 150, "{:?}", began.elapsed());
    end(&fault);

    let asked: usize = world.endpoints.iter().map(Endpoint::count).sum();
    assert_eq!(asked, 2, "of an aborted and a broken request nobody hears");
    // The admin API is on another route, and goes on.
    assert_eq!(Api::through(&world.lb).ask::<Status>(STATUS_PATH).faults, []);
}

#[test]
fn a_fault_ends_by_itself_and_is_announced() {
    let world = world(LENIENT);
    let begun = world.api.begin(&at_route(ABORT, "100", "300ms"));
    assert_eq!(world.lb.status().faults.len(), 1, "the status tells of it");
    let first = world.api.event("it is announced", |what| matches!(what, What::FaultBegan { .. }));
    let last = world.api.event("its end is announced", |what| matches!(what, What::FaultEnded { .. }));
    let (What::FaultBegan { fault: played }, What::FaultEnded { fault: over, expired }) = (&first.what, &last.what)
    else {
        panic!("{first:?} {last:?}")
    };
    assert_eq!((played.id, over.id, expired), (begun.id, begun.id, &true));
    assert_eq!(first.says, "fault begun: /: 100 % of the requests are answered 503");
    assert_eq!(last.says, "fault over: /: 100 % of the requests are answered 503");
    assert!(last.at_ms >= begun.until_ms, "{begun:?} {last:?}");
    assert_eq!(world.lb.status().faults, []);
    assert_eq!(get(world.lb.address(), "/").status, 200);
    // What is over cannot be ended.
    let answer = world.api.send("DELETE", &format!("{FAULTS_PATH}/{}", begun.id), "", "");
    assert_eq!((answer.status, problem(&answer).error), (404, format!("no fault {} is played", begun.id)));
}

#[test]
fn one_that_is_ended_by_hand_is_told_as_such() {
    let world = world(LENIENT);
    let fault = world.api.begin(&at_e1(ABORT, "50", "1h"));
    assert_eq!(world.api.send("DELETE", &format!("{FAULTS_PATH}/{}", fault.id), "", "").status, 204);
    let ended = world.api.event("its end is announced", |what| matches!(what, What::FaultEnded { .. }));
    assert!(matches!(ended.what, What::FaultEnded { expired: false, .. }), "{ended:?}");
    assert_eq!(ended.says, "fault ended by hand: e1: 50 % of the attempts are answered 503");
}

#[test]
fn as_many_are_struck_as_the_percentage_says() {
    let world = world(LENIENT);
    let fault = world.api.begin(&at_route("{\"type\": \"abort\", \"status\": 418}", "20", "5m"));
    let mut client = Client::connect(world.lb.address());
    let struck = (0..1000).filter(|_| client.get("/").status == 418).count();
    // 200 are expected and the deviation is 12.6: beyond six of them it happens once in half a billion runs.
    assert!((124..=276).contains(&struck), "{struck} of 1000");
    let told = world.api.ask::<Faults>(FAULTS_PATH).faults;
    assert_eq!((told[0].id, told[0].played), (fault.id, struck as u64));
}

#[test]
fn where_the_configuration_allows_none_none_is_played() {
    let endpoint = Endpoint::saying("yes");
    let (lb, api) = apart(&[endpoint.address()], "", "");
    let answer = api.tell("POST", FAULTS_PATH, &at_route(ABORT, "100", "1m"));
    assert_eq!(answer.status, 403);
    let problem = problem(&answer);
    assert_eq!(problem.error, "the configuration does not allow faults");
    assert_eq!(problem.hint.as_deref(), Some("set faults = true in [admin] to play them"));
    let told = api.ask::<Faults>(FAULTS_PATH);
    assert_eq!((told.allowed, told.most, told.longest_s, told.faults.len()), (false, 16, 3600, 0));
    assert_eq!(get(lb.address(), "/").status, 200);
}

#[test]
fn there_are_never_more_at_a_time_than_one_can_tell_apart() {
    let world = world(LENIENT);
    let ids: Vec<u64> = (0..16).map(|_| world.api.begin(&at_e1(DELAY, "1", "1m")).id).collect();
    assert_eq!(ids, (1..=16).collect::<Vec<_>>());
    let answer = world.api.tell("POST", FAULTS_PATH, &at_route(ABORT, "100", "1m"));
    assert_eq!(answer.status, 409, "{answer:?}");
    assert_eq!(problem(&answer).error, "16 faults are played already, which is the most at a time");
    assert_eq!(world.api.ask::<Faults>(FAULTS_PATH).faults.len(), 16);
    assert_eq!(world.api.send("DELETE", &format!("{FAULTS_PATH}/7"), "", "").status, 204);
    assert_eq!(world.api.begin(&at_route(ABORT, "1", "1m")).id, 17);
}

#[test]
fn faults_that_make_no_sense_are_told_and_not_played() {
    let world = world(LENIENT);
    let with = |place: &str| format!("{{{place}\"percent\": 1, \"kind\": {RESET}, \"for\": \"1m\"}}");
    for (json, status, named) in [
        (at_route(RESET, "0", "1m"), 400, "percent"),
        (at_route(RESET, "-1", "1m"), 400, "percent"),
        (at_route(RESET, "100.1", "1m"), 400, "percent"),
        (at_route(RESET, "\"5\"", "1m"), 400, "percent"),
        (at_route(RESET, "null", "1m"), 400, "percent"),
        (at_route(RESET, "1", "61m"), 400, "hour"),
        (at_route(RESET, "1", "0s"), 400, "0s"),
        (at_route(RESET, "1", "for ever"), 400, "for ever"),
        (at_route("{\"type\": \"abort\", \"status\": 200}", "1", "1m"), 400, "status"),
        (at_route("{\"type\": \"abort\", \"status\": 600}", "1", "1m"), 400, "status"),
        (at_route("{\"type\": \"abort\"}", "1", "1m"), 400, "status"),
        (at_route("{\"type\": \"delay\", \"min_ms\": 2, \"max_ms\": 1}", "1", "1m"), 400, "min_ms"),
        (at_route("{\"type\": \"delay\", \"min_ms\": 1, \"max_ms\": 60001}", "1", "1m"), 400, "max_ms"),
        (at_route("{\"type\": \"delay\", \"min_ms\": 1}", "1", "1m"), 400, "max_ms"),
        (at_route("\"reset\"", "1", "1m"), 400, "kind"),
        (with(""), 400, "where"),
        (with("\"cluster\": \"web\", "), 400, "where"),
        (with("\"endpoint\": \"e1\", "), 400, "where"),
        (with("\"cluster\": \"web\", \"endpoint\": \"e1\", \"route\": \"/\", "), 400, "where"),
        (with("\"route\": \"/nowhere\", "), 404, "/nowhere"),
        (with("\"cluster\": \"nobody\", \"endpoint\": \"e1\", "), 404, "nobody"),
        (with("\"cluster\": \"web\", \"endpoint\": \"e9\", "), 404, "e9"),
    ] {
        let answer = world.api.tell("POST", FAULTS_PATH, &json);
        assert_eq!(answer.status, status, "{json}: {answer:?}");
        assert!(problem(&answer).error.contains(named), "{json}: {}", answer.text());
    }
    for id in ["0", "1", "x", "-1", "99999999999999999999"] {
        let answer = world.api.send("DELETE", &format!("{FAULTS_PATH}/{id}"), "", "");
        assert_eq!(answer.status, 404, "{id}: {answer:?}");
        assert!(!problem(&answer).error.is_empty());
    }
    assert_eq!(world.api.ask::<Faults>(FAULTS_PATH).faults, []);
    assert!(!world.api.timeline().iter().any(|event| matches!(event.what, What::FaultBegan { .. })));
}
