//! Endpoints by hand: drained, enabled, weighed; for a while or until told otherwise; and what would become of the others.

use lb_common::api::{Belief, Drift, Endpoint as Known, Event, STATUS_PATH, Status, What, WhatIf};

use super::api::{Api, apart, problem};
use crate::support::client::Answer;
use crate::support::{Client, Endpoint, Lb, wait_until};

struct World {
    endpoints: Vec<Endpoint>,
    lb: Lb,
    api: Api,
}

impl World {
    fn of(count: usize) -> Self {
        let endpoints: Vec<_> = (0..count).map(|_| Endpoint::saying("yes")).collect();
        let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
        let (lb, api) = apart(&addresses, "", "");
        Self { endpoints, lb, api }
    }

    fn change(&self, endpoint: &str, json: &str) -> Answer {
        self.api.tell("PATCH", &format!("/lb/v1/clusters/web/endpoints/{endpoint}"), json)
    }

    fn changed(&self, endpoint: &str, json: &str) -> Known {
        let answer = self.change(endpoint, json);
        assert_eq!(answer.status, 200, "{json}: {}", answer.text());
        serde_json::from_slice(&answer.body).expect("an endpoint")
    }

    fn drift(&self) -> Vec<Drift> {
        self.api.ask::<Status>(STATUS_PATH).drift
    }

    /// How many of so many requests each endpoint got.
    fn load(&self, requests: usize) -> Vec<usize> {
        let before: Vec<_> = self.endpoints.iter().map(Endpoint::count).collect();
        let mut client = Client::connect(self.lb.address());
        for _ in 0..requests {
            assert_eq!(client.get("/").status, 200);
        }
        self.endpoints.iter().zip(before).map(|(endpoint, before)| endpoint.count() - before).collect()
    }
}

fn change_of(event: &Event) -> Option<(&str, &str, &str, &str, bool)> {
    match &event.what {
        What::Changed { endpoint, key, from, to, expired, .. } => Some((endpoint, key, from, to, *expired)),
        _ => None,
    }
}

#[test]
fn an_endpoint_that_is_drained_gets_nothing_until_it_is_enabled() {
    let world = World::of(3);
    let drained = world.changed("e2", "{\"draining\": true}");
    assert_eq!((drained.belief, drained.reason.as_str()), (Belief::Draining, "it was told to drain"));
    wait_until("workers have heard of it", || world.load(6)[1] == 0);
    assert_eq!(world.load(60), [30, 0, 30]);
    let drift = Drift {
        cluster: "web".to_owned(),
        endpoint: "e2".to_owned(),
        key: "draining".to_owned(),
        file: "false".to_owned(),
        now: "true".to_owned(),
        until_ms: None,
    };
    assert_eq!(world.drift(), [drift]);
    let enabled = world.changed("e2", "{\"draining\": false}");
    assert_eq!(enabled.belief, Belief::Up);
    wait_until("workers have heard of it", || world.load(6)[1] == 2);
    assert_eq!(world.drift(), []);
    let events = world.api.timeline();
    let changes: Vec<_> = events.iter().filter_map(change_of).collect();
    assert_eq!(changes, [("e2", "draining", "false", "true", false), ("e2", "draining", "true", "false", false)]);
    let says: Vec<_> = events.iter().filter(|event| change_of(event).is_some()).map(|event| &event.says).collect();
    assert_eq!(says, ["e2 drains, by hand", "e2 is enabled, by hand"]);
}

#[test]
fn a_weight_given_by_hand_is_kept_to_exactly() {
    let world = World::of(3);
    assert_eq!(world.changed("e3", "{\"weight\": 4}").weight, 4);
    wait_until("workers have heard of it", || world.load(6) == [1, 1, 4]);
    assert_eq!(world.load(60), [10, 10, 40]);
    let drift = world.drift();
    assert_eq!((drift[0].key.as_str(), drift[0].file.as_str(), drift[0].now.as_str()), ("weight", "1", "4"));
    // Both at once are two changes.
    world.changed("e1", "{\"weight\": 2, \"draining\": true}");
    let keys: Vec<_> = world.drift().into_iter().map(|drift| (drift.endpoint, drift.key)).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    // What is as in the file again is no drift.
    world.changed("e3", "{\"weight\": 1}");
    assert!(world.drift().iter().all(|drift| drift.endpoint == "e1"), "{:?}", world.drift());
}

#[test]
fn a_change_for_a_while_ends_by_itself_and_that_is_told() {
    let world = World::of(3);
    world.changed("e2", "{\"draining\": true, \"weight\": 5, \"for\": \"300ms\"}");
    let drift = world.drift();
    let ended = |key: &'static str| {
        world.api.event(
            "it is over",
            move |what| matches!(what, What::Changed { key: its, expired: true, .. } if its == key),
        )
    };
    let over = [ended("draining"), ended("weight")];
    for event in &over {
        let (endpoint, key, from, to, _) = change_of(event).expect("a change");
        let expected = if key == "weight" { ("5", "1") } else { ("true", "false") };
        assert_eq!((endpoint, from, to), ("e2", expected.0, expected.1));
        assert!(event.says.ends_with("as in the file again"), "{event:?}");
    }
    // It was told from the start when it would end, and no sooner did it.
    for drift in drift {
        let until_ms = drift.until_ms.expect("it has an end");
        let event = over.iter().find(|event| change_of(event).is_some_and(|(_, key, ..)| key == drift.key));
        assert!(event.expect("both ended").at_ms >= until_ms, "{over:?}");
    }
    assert_eq!(world.drift(), []);
    assert_eq!(world.lb.endpoint("e2").belief, Belief::Up);
    wait_until("workers have heard of it", || world.load(6) == [2, 2, 2]);
}

#[test]
fn a_later_change_replaces_the_end_of_an_earlier_one() {
    let world = World::of(2);
    world.changed("e1", "{\"weight\": 3, \"for\": \"200ms\"}");
    world.changed("e1", "{\"weight\": 4}");
    // Another change with an end as late as the first one's shows that its time is over.
    world.changed("e2", "{\"weight\": 9, \"for\": \"400ms\"}");
    world
        .api
        .event("it is over", |what| matches!(what, What::Changed { endpoint, expired: true, .. } if endpoint == "e2"));
    assert_eq!(world.lb.endpoint("e1").weight, 4);
    let drift = world.drift();
    assert_eq!((drift.len(), drift[0].now.as_str(), drift[0].until_ms), (1, "4", None));
}

#[test]
fn before_a_drain_one_is_told_that_the_others_would_share_its_load() {
    let world = World::of(4);
    let path = "/lb/v1/clusters/web/endpoints/e2/what-if";
    assert_eq!(
        world.api.ask::<WhatIf>(path).notes,
        ["no requests came in the last ten seconds, so that only shares are known"]
    );
    world.load(200);
    let mut told = world.api.ask::<WhatIf>(path);
    // A step may end in the middle of the load; with the next one all of it is there.
    wait_until("each has had a quarter", || {
        told = world.api.ask(path);
        told.endpoints.iter().all(|one| (one.share_now - 0.25).abs() < 0.01)
    });
    let sum: f64 = told.endpoints.iter().map(|endpoint| endpoint.share_then).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{told:?}");
    for one in &told.endpoints {
        let then = if one.endpoint == "e2" { 0.0 } else { 1.0 / 3.0 };
        assert!((one.share_then - then).abs() < 0.01, "{told:?}");
        assert!((one.rate_then - told.rate * then).abs() < told.rate * 0.01, "{told:?}");
    }
    // Nothing has come of asking.
    assert_eq!(world.drift(), []);
    assert_eq!(world.load(40), [10, 10, 10, 10]);
    // And it is as it was told.
    world.changed("e2", "{\"draining\": true}");
    wait_until("workers have heard of it", || world.load(3)[1] == 0);
    assert_eq!(world.load(30), [10, 0, 10, 10]);
}

#[test]
fn what_a_weight_would_do_and_that_nobody_would_be_left_is_told() {
    let world = World::of(2);
    let what_if = |query: &str| world.api.ask::<WhatIf>(&format!("/lb/v1/clusters/web/endpoints/e1/what-if?{query}"));
    let shares = |told: &WhatIf| told.endpoints.iter().map(|one| (one.share_then * 100.0).round()).collect::<Vec<_>>();
    assert_eq!(shares(&what_if("weight=3")), [75.0, 25.0]);
    assert_eq!(shares(&what_if("draining=false")), [50.0, 50.0]);
    assert_eq!(shares(&what_if("draining=true")), [0.0, 100.0]);
    world.changed("e2", "{\"draining\": true}");
    let told = what_if("draining=true");
    assert_eq!(shares(&told), [0.0, 0.0]);
    assert!(told.notes.contains(&"nobody would be left to answer".to_owned()), "{told:?}");
}

#[test]
fn changes_that_cannot_be_are_told_and_nothing_comes_of_them() {
    let world = World::of(2);
    for (json, named) in [
        ("{}", "nothing to change"),
        ("{\"for\": \"1m\"}", "nothing to change"),
        ("{\"weight\": 0}", "weight is 0"),
        ("{\"weight\": 1001}", "weight is 1001"),
        ("{\"weight\": -1}", "weight"),
        ("{\"weight\": \"2\"}", "weight"),
        ("{\"weight\": 1.5}", "weight"),
        ("{\"draining\": 1}", "draining"),
        ("{\"draining\": true, \"weight\": 0}", "weight is 0"),
        ("{\"draining\": true, \"for\": \"soon\"}", "soon"),
        ("{\"draining\": true, \"for\": \"0s\"}", "0s"),
        ("{\"draining\": true, \"for\": \"25h\"}", "25h"),
        ("{\"draining\": true, \"for\": 5}", "for"),
        ("{\"weight\": 2, \"weight\": 3}", "weight"),
    ] {
        let answer = world.change("e1", json);
        assert_eq!(answer.status, 400, "{json}: {answer:?}");
        assert!(problem(&answer).error.contains(named), "{json}: {}", answer.text());
    }
    for (cluster, endpoint) in [("web", "e3"), ("api", "e1"), ("web", "E1"), ("web", "e1%20"), ("%2e%2e", "e1")] {
        let path = format!("/lb/v1/clusters/{cluster}/endpoints/{endpoint}");
        for (method, path, body) in [("PATCH", path.clone(), "{\"weight\": 2}"), ("GET", format!("{path}/what-if"), "")]
        {
            let answer = world.api.tell(method, &path, body);
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
            assert!(!problem(&answer).error.is_empty());
        }
    }
    for query in ["weight=0", "weight=1001", "weight=x", "draining=yes", "draining=true&weight=2"] {
        let path = format!("/lb/v1/clusters/web/endpoints/e1/what-if?{query}");
        let answer = world.api.send("GET", &path, "", "");
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
    assert_eq!(world.drift(), []);
    assert!(world.api.timeline().iter().all(|event| change_of(event).is_none()));
}
