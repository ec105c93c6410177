//! The whole story of an endpoint that fails and comes back, as it is read from the API alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lb_common::api::{Belief, End, Event, KeptFor, PassedOver, What};

use super::api::apart;
use crate::support::{Client, Endpoint, Reply, Server, get, wait_until};

/// An endpoint that ends each connection without an answer while it is not alive.
fn mortal(alive: &Arc<AtomicBool>) -> Endpoint {
    let alive = Arc::clone(alive);
    Endpoint::new(move |_| {
        if alive.load(Ordering::Relaxed) {
            Reply::Status(200, "alive".to_owned())
        } else {
            Reply::BytesAndEnd(Vec::new())
        }
    })
}

fn turned(event: &Event) -> Option<(&str, Belief, Belief, &str)> {
    match &event.what {
        What::Belief { endpoint, from, to, reason, .. } => Some((endpoint, *from, *to, reason)),
        _ => None,
    }
}

fn over(endpoint: &str, why: &str) -> PassedOver {
    PassedOver { endpoint: endpoint.to_owned(), why: why.to_owned() }
}

#[test]
fn the_whole_story_of_an_endpoint_that_is_killed_and_comes_back_is_told() {
    let (mut one, other) = (Server::start("web1"), Endpoint::saying("well"));
    let health = "health = { max-fails = 2, eject-time = \"1s\", eject-jitter = \"0%\" }";
    let (lb, api) = apart(&[one.address(), other.address()], health, "[traces]\nsample = \"100%\"\n");
    let mut stream = api.stream("only=event&since=0", "");

    // It works, and is known to: connections to it are kept. Then it is killed. Two requests in turn meet it, and are answered by
    // the other one.
    let before: Vec<_> = (0..4).map(|_| get(lb.address(), "/api").text().to_owned()).collect();
    assert_eq!(before.iter().filter(|text| text.contains("web1")).count(), 2, "{before:?}");
    one.kill();
    for _ in 0..4 {
        assert_eq!(get(lb.address(), "/x?y=1").text(), "well");
    }
    let traces = api.traces_once(2, "outcome=retried").traces;
    assert_eq!(traces.len(), 2, "{traces:?}");
    for trace in &traces {
        assert_eq!((trace.kept_for, trace.end, trace.status), (KeptFor::Retried, End::Delivered, Some(200)));
        assert_eq!((trace.method.as_str(), trace.host.as_str(), trace.target.as_str()), ("GET", "test", "/x?y=1"));
        assert_eq!((trace.route.as_deref(), trace.cluster.as_deref()), (Some("/"), Some("web")));
        assert_eq!((trace.client.as_str(), trace.queued_us, &trace.reject), ("127.0.0.1", 0, &None));
        let [failed, good] = &trace.attempts[..] else { panic!("two attempts: {trace:?}") };
        assert_eq!((failed.endpoint.as_str(), failed.turn.as_str(), failed.blamed), ("e1", "regular", true));
        assert_eq!((failed.status, failed.failure.as_deref()), (None, Some("refused")));
        assert_eq!(failed.says, "refused the connection");
        assert!(failed.connect_us.is_none() && !failed.reused && failed.fault.is_none(), "{failed:?}");
        assert_eq!((good.endpoint.as_str(), good.status, good.blamed), ("e2", Some(200), false));
        assert!(good.after_us >= failed.after_us + failed.us && trace.us >= good.after_us + good.us, "{trace:?}");
        // The turn had gone on; if it came round to e1 again, that was out by then.
        assert!(good.passed_over.iter().all(|passed| *passed == over("e1", "ejected")), "{good:?}");
    }

    // The next one is its trial, which it passes.
    let on_trial = api.event("it is on trial", |what| matches!(what, What::Belief { to: Belief::Trial, .. })).at_ms;
    one.restart();
    wait_until("it is back", || {
        let _answer = get(lb.address(), "/");
        api.timeline().iter().any(|event| turned(event).is_some_and(|(_, _, to, _)| to == Belief::Up))
    });

    let events = api.timeline();
    let told: Vec<_> = events.iter().filter_map(turned).collect();
    assert_eq!(
        told,
        [
            ("e1", Belief::Up, Belief::Ejected, "2 requests failed within 10s, the last one refused the connection"),
            ("e1", Belief::Ejected, Belief::Trial, "the ejection is over, the next request is its trial"),
            ("e1", Belief::Trial, Belief::Up, "a request succeeded on it"),
        ]
    );
    let ejected = events.iter().find(|event| turned(event).is_some()).expect("it was ejected");
    let What::Belief { until_ms: Some(until_ms), .. } = ejected.what else { panic!("it has an end: {ejected:?}") };
    assert_eq!(until_ms, ejected.at_ms + 1000);
    assert!(on_trial >= until_ms, "{events:?}");
    assert!(ejected.says.starts_with("e1 ejected: 2 requests failed within 10s"), "{ejected:?}");
    // The stream has told the same, in the same order.
    let streamed: Vec<Event> = events.iter().map(|_| stream.next_of("event")).collect();
    assert_eq!(streamed, events);
}

#[test]
fn the_request_that_was_the_trial_is_told_as_one() {
    let alive = Arc::new(AtomicBool::new(false));
    let (one, other) = (mortal(&alive), Endpoint::saying("well"));
    let health = "health = { max-fails = 1, eject-time = \"50ms\", eject-jitter = \"0%\" }";
    let (lb, api) = apart(&[one.address(), other.address()], health, "[traces]\nsample = \"100%\"\n");
    assert_eq!(get(lb.address(), "/").text(), "well");
    api.event("it is on trial", |what| matches!(what, What::Belief { to: Belief::Trial, .. }));
    alive.store(true, Ordering::Relaxed);
    get(lb.address(), "/again");
    let mut found = None;
    wait_until("it is traced", || {
        found = api.traces("").traces.into_iter().find(|trace| trace.target == "/again");
        found.is_some()
    });
    let trace = found.expect("it was waited for");
    // Whoever is on trial is asked first.
    let trial = &trace.attempts[0];
    assert_eq!((trial.turn.as_str(), trial.blamed), ("trial", false), "{trace:?}");
    assert_eq!((trial.endpoint.as_str(), trial.status), ("e1", Some(200)));
}

#[test]
fn a_request_that_fails_everywhere_is_told_with_why_it_was_given_up() {
    let endpoints = [Endpoint::nobody(), Endpoint::nobody()];
    let (lb, api) = apart(&endpoints, "health = { max-fails = 0 }", "");
    let answer = get(lb.address(), "/");
    let trace = api.traces_once(1, "outcome=failed").traces.remove(0);
    assert_eq!((trace.kept_for, trace.status, trace.end), (KeptFor::Failed, Some(answer.status), End::Delivered));
    assert_eq!(trace.reject.as_deref(), answer.header("lb-reject"));
    let stopped = trace.stopped.as_deref().expect("it was given up");
    assert_eq!(stopped, "no endpoint is left: 2 tried already");
    let asked: Vec<_> = trace.attempts.iter().map(|one| (one.endpoint.as_str(), one.failure.as_deref())).collect();
    assert_eq!(asked, [("e1", Some("refused")), ("e2", Some("refused"))]);
    assert!(trace.attempts.iter().all(|one| one.connect_us.is_none() && one.blamed), "{trace:?}");
}

#[test]
fn bytes_are_counted_both_ways_and_so_is_what_the_client_is_given() {
    let endpoint = Endpoint::answering(500, "sorry");
    let (lb, api) = apart(&[endpoint.address()], "", "");
    let mut client = Client::connect(lb.address());
    client.send(b"POST /form HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n");
    client.send(&[b'x'; 1000]);
    assert_eq!(client.answer().expect("an answer").text(), "sorry");
    let trace = api.traces_once(1, "status=500").traces.remove(0);
    assert_eq!((trace.method.as_str(), trace.bytes_in, trace.kept_for), ("POST", 1000, KeptFor::Failed));
    assert!((50..500).contains(&trace.bytes_out), "{trace:?}");
    assert_eq!(trace.stopped.as_deref(), Some("this outcome is not retried"));
    assert_eq!((trace.attempts[0].status, trace.attempts[0].blamed), (Some(500), false));
}

#[test]
fn a_request_that_waited_for_room_says_how_long() {
    let (lets_go, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let endpoint = Endpoint::new(move |_| {
        waits.lock().expect("no script panics").recv().expect("the test lets it go");
        Reply::Status(200, "late".to_owned())
    });
    let more = "max-in-flight = 1\nqueue = { size = 10, timeout = \"30s\" }";
    let (lb, api) = apart(&[endpoint.address()], more, "[traces]\nsample = \"100%\"\n");
    let mut seen_ms = 0;
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| get(lb.address(), "/").status));
        wait_until("one of them waits", || {
            let status = lb.status();
            seen_ms = status.now_ms;
            status.clusters[0].queued == Some(1)
        });
        for one in [(); 2] {
            lets_go.send(one).expect("it waits");
        }
        assert_eq!(both.map(|one| one.join().expect("it is answered")), [200, 200]);
    });
    let traces = api.traces_once(2, "").traces;
    let waited = traces.iter().max_by_key(|trace| trace.queued_us).expect("there are two");
    // When it was seen waiting it waited still; times of day are told in whole milliseconds.
    assert!(waited.at_ms + waited.queued_us / 1000 + 1 >= seen_ms, "{seen_ms}: {traces:?}");
    assert!(waited.us > waited.queued_us && waited.queued_us > 0, "{waited:?}");
}

#[test]
fn whoever_was_passed_over_is_told_with_why() {
    let (sick, well) = (Endpoint::answering(503, "sick"), Endpoint::saying("well"));
    let health = "health = { max-fails = 3, eject-time = \"1h\" }";
    let (lb, api) = apart(&[sick.address(), well.address()], health, "[traces]\nsample = \"100%\"\n");
    // Of four turns three are e1's: what fails there comes to its turn again.
    assert_eq!(api.tell("PATCH", "/lb/v1/clusters/web/endpoints/e1", "{\"weight\": 3}").status, 200);
    let told = |sum: &str, why: &str| {
        wait_until(&format!("it is told: {sum}"), || {
            assert_eq!(get(lb.address(), "/").text(), "well");
            let traces = api.traces("limit=1000").traces;
            let mut attempts = traces.iter().flat_map(|trace| &trace.attempts);
            attempts.any(|attempt| attempt.passed_over_sum == sum && attempt.passed_over == [over("e1", why)])
        });
    };
    told("1 tried already", "tried already");
    told("1 ejected", "ejected");
}
