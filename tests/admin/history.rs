//! What charts begin with: the last minutes in steps.

use lb_common::api::{HISTORY_PATH, History, Tick};

use super::api::{apart, problem};
use crate::support::{Client, Endpoint, Lb, config, wait_until};

fn sum(ticks: &[Tick], of: fn(&Tick) -> u64) -> u64 {
    ticks.iter().map(of).sum()
}

#[test]
fn steps_of_a_second_tell_every_request_once() {
    let (sick, well) = (Endpoint::answering(503, "no"), Endpoint::saying("yes"));
    let more = "health = { max-fails = 0 }\nretry = { budget = \"off\" }";
    let (lb, api) = apart(&[sick.address(), well.address()], more, "");
    let mut client = Client::connect(lb.address());
    // A step begins with the first count; what came before it belongs to none.
    wait_until("steps are made", || !api.ask::<History>(HISTORY_PATH).ticks.is_empty());
    for _ in 0..30 {
        assert_eq!(client.get("/").text(), "yes");
    }
    // Each request begins with the sick one or with the well one, and the turn goes on with the other.
    let (attempts, failures) = (sick.count() + well.count(), u32::try_from(sick.count()).expect("few"));
    let mut history = api.ask::<History>(HISTORY_PATH);
    wait_until("all are told", || {
        history = api.ask(HISTORY_PATH);
        sum(&history.ticks, |tick| tick.requests) >= 30
    });
    let ticks = &history.ticks;
    assert_eq!(history.step_ms, 1000);
    assert_eq!((sum(ticks, |tick| tick.requests), sum(ticks, |tick| tick.errors)), (30, 0));
    assert_eq!(sum(ticks, |tick| tick.retried), u64::from(failures), "each failure was tried again");
    assert_eq!(sum(ticks, |tick| tick.attempts), attempts as u64);
    let of = |endpoint: usize, of: fn(&lb_common::api::EndpointTick) -> u32| -> u32 {
        ticks.iter().map(|tick| of(&tick.clusters[0].endpoints[endpoint])).sum()
    };
    assert_eq!((of(0, |tick| tick.attempts), of(0, |tick| tick.failures)), (failures, failures));
    assert_eq!((of(1, |tick| tick.attempts), of(1, |tick| tick.failures)), (30, 0));
    let latencies: u32 = ticks.iter().flat_map(|tick| &tick.latency).map(|(_, count)| count).sum();
    assert_eq!(latencies, 30);
    assert!(ticks.is_sorted_by(|earlier, later| earlier.at_ms < later.at_ms), "{ticks:?}");
    assert_eq!(api.ask::<History>(&format!("{HISTORY_PATH}?window=5m")).step_ms, 1000);
    let hour = api.ask::<History>(&format!("{HISTORY_PATH}?window=1h"));
    assert_eq!(hour.step_ms, 10_000);
    for window in ["", "2m", "1H", "60"] {
        let answer = api.send("GET", &format!("{HISTORY_PATH}?window={window}"), "", "");
        assert_eq!(answer.status, 400, "{window}: {answer:?}");
        assert!(problem(&answer).error.contains("window"), "{}", answer.text());
    }
}

#[test]
fn ten_steps_of_a_second_make_one_of_the_hour() {
    let endpoint = Endpoint::saying("yes");
    let (lb, api) = apart(&[endpoint.address()], "", "");
    wait_until("steps are made", || !api.ask::<History>(HISTORY_PATH).ticks.is_empty());
    let mut client = Client::connect(lb.address());
    for _ in 0..5 {
        client.get("/");
    }
    let mut hour: Option<Tick> = None;
    wait_until("ten seconds are over", || {
        hour = api.ask::<History>(&format!("{HISTORY_PATH}?window=1h")).ticks.into_iter().next();
        hour.is_some()
    });
    let hour = hour.expect("it was waited for");
    assert_eq!((hour.requests, hour.errors, hour.attempts), (5, 0, 5));
    assert!((9_000..=12_000).contains(&hour.ms), "{hour:?}");
}

#[test]
fn where_nothing_is_counted_there_is_no_history() {
    let endpoint = Endpoint::saying("yes");
    let lb = Lb::with_config(&format!("metrics = false\n{}", config::cluster(&[endpoint.address()], "")));
    let api = super::api::Api::through(&lb);
    let mut stream = api.stream("only=status", "");
    for _ in 0..3 {
        let _status: lb_common::api::Status = stream.next_of("status");
    }
    assert_eq!(api.ask::<History>(HISTORY_PATH).ticks, []);
}
