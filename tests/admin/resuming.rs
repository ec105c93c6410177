//! Whoever comes back is told what it missed: nothing is lost, nothing is told twice.

use lb_common::api::{EVENTS_PATH, Event, TIMELINE_PATH, Timeline};

use super::api::{Api, apart, problem};
use crate::support::{Endpoint, Lb};

fn weigh(api: Api, weight: u32) {
    let path = "/lb/v1/clusters/web/endpoints/e1";
    assert_eq!(api.tell("PATCH", path, &format!("{{\"weight\": {weight}}}")).status, 200);
}

fn world() -> (Endpoint, Lb, Api) {
    let endpoint = Endpoint::saying("yes");
    let (lb, api) = apart(&[endpoint.address(), Endpoint::nobody()], "", "");
    (endpoint, lb, api)
}

fn ids(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id).collect()
}

#[test]
fn a_reader_that_comes_back_is_told_what_it_missed_and_then_what_comes() {
    let (_endpoint, _lb, api) = world();
    for weight in 2..6 {
        weigh(api, weight);
    }
    // The first event is that lb started, then these four.
    assert_eq!(ids(&api.timeline()), [1, 2, 3, 4, 5]);
    for (query, lines) in [
        ("only=event&since=2", ""),
        ("only=event", "Last-Event-ID: 2\r\n"),
        // A browser repeats the query that it began with; what it has read since goes before it.
        ("only=event&since=0", "Last-Event-ID: 2\r\n"),
    ] {
        let mut stream = api.stream(query, lines);
        let latest = api.timeline().last().expect("there are some").id;
        weigh(api, 100 + u32::try_from(latest).expect("few"));
        let told: Vec<_> = (3..=latest + 1).map(|_| stream.next()).collect();
        let ids: Vec<_> = told.iter().filter_map(|told| told.id).collect();
        assert_eq!(ids, (3..=latest + 1).collect::<Vec<_>>(), "{query} {lines}");
        for told in told {
            let event: Event = serde_json::from_str(&told.data).expect("an event");
            assert_eq!((told.name.as_str(), told.id), ("event", Some(event.id)));
        }
    }
}

#[test]
fn events_that_come_while_one_comes_back_are_told_once() {
    let (_endpoint, _lb, api) = world();
    std::thread::scope(|scope| {
        let changing = scope.spawn(move || {
            for weight in 0..120 {
                weigh(api, 2 + weight);
            }
        });
        // Each reader comes at another moment, while events come, and goes on until it has seen twenty.
        for _ in 0..8 {
            let since = api.timeline().last().expect("there are some").id.saturating_sub(5);
            let mut stream = api.stream(&format!("only=event&since={since}"), "");
            let upto = (since + 20).min(121);
            let told: Vec<_> = (since..upto).map(|_| stream.next().id).collect();
            assert_eq!(told, (since + 1..=upto).map(Some).collect::<Vec<_>>());
        }
        changing.join().expect("all changes are taken");
    });
    assert_eq!(ids(&api.timeline()), (1..=121).collect::<Vec<_>>());
}

#[test]
fn who_has_an_id_of_an_earlier_process_is_told_all_there_is() {
    let (_endpoint, _lb, api) = world();
    weigh(api, 2);
    // `lb` was restarted: its numbers began anew, and the reader knows a higher one.
    let mut stream = api.stream("only=event", "Last-Event-ID: 5000\r\n");
    weigh(api, 3);
    assert_eq!([(); 3].map(|()| stream.next().id), [Some(1), Some(2), Some(3)]);
}

#[test]
fn the_timeline_goes_on_where_one_left_off() {
    let (_endpoint, _lb, api) = world();
    for weight in 2..8 {
        weigh(api, weight);
    }
    let asked = |query: &str| ids(&api.ask::<Timeline>(&format!("{TIMELINE_PATH}?{query}")).events);
    assert_eq!(asked("since=4"), [5, 6, 7]);
    assert_eq!(asked("since=4&limit=2"), [6, 7]);
    assert_eq!(asked("limit=1"), [7]);
    assert_eq!(asked("since=7"), [0; 0]);
    for query in ["since=-1", "since=x", "limit=0", "limit=1001"] {
        let answer = api.send("GET", &format!("{TIMELINE_PATH}?{query}"), "", "");
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert!(!problem(&answer).error.is_empty());
    }
}

#[test]
fn only_what_is_asked_for_is_told() {
    let (_endpoint, _lb, api) = world();
    let mut stream = api.stream("only=tick,event&since=0", "");
    weigh(api, 2);
    let mut names: Vec<_> = (0..4).map(|_| stream.next().name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["event", "tick"]);
    let answer = api.send("GET", &format!("{EVENTS_PATH}?only=status,%20evnt"), "", "");
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(problem(&answer).error.contains("evnt"), "{}", answer.text());
}

#[test]
fn requests_are_told_as_they_end_to_whoever_watches() {
    let (_endpoint, lb, api) = world();
    let mut stream = api.stream("only=flow,tick", "");
    // It watches from the next second on.
    let _first: lb_common::api::Tick = stream.next_of("tick");
    let _second: lb_common::api::Tick = stream.next_of("tick");
    crate::support::get(lb.address(), "/seen");
    let flow: Vec<lb_common::api::Trace> = stream.next_of("flow");
    assert_eq!(flow[0].target, "/seen");
}
