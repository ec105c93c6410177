//! What a cluster may say.

use std::time::Duration;

use lb_balance::{BudgetPolicy, Endpoint, OutlierPolicy, Policy};
use lb_proxy::{ClusterConfig, Key, Timeouts};

use super::{complaint, good, with};

/// The cluster of a good configuration with more lines in it.
pub(super) fn cluster(more: &str) -> ClusterConfig {
    good(&with(more)).clusters.remove(0)
}

fn policy(more: &str) -> Policy {
    cluster(more).policy
}

/// One cluster of these endpoints in the zone `here`.
fn with_endpoints(endpoints: &str, more: &str) -> String {
    let text = with(more).replace("{ address = \"127.0.0.1:5001\" }", endpoints);
    format!("zone = \"here\"\n{text}")
}

fn endpoint(keys: &str, more: &str) -> Endpoint {
    let text = with_endpoints(&format!("{{ address = \"127.0.0.1:5001\", {keys} }}"), more);
    good(&text).clusters.remove(0).endpoints.remove(0).endpoint
}

/// Each of these lines is answered with that complaint.
pub(super) fn assert_told(cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        let complaint = complaint(&with(line));
        assert!(complaint.contains(expected), "{line}: {complaint}");
    }
}

#[test]
fn an_endpoint_has_a_place_a_limit_and_a_way_out() {
    let plain = endpoint("weight = 1", "");
    assert_eq!(plain, Endpoint::new("127.0.0.1:5001", 1));
    assert_eq!(endpoint("priority = 9", "").priority, 9);
    assert_eq!((endpoint("backup = true", "").priority, endpoint("backup = false", "").priority), (1, 0));
    assert!(endpoint("draining = true", "").draining);
    assert!(endpoint("zone = \"there\"", "").elsewhere && !endpoint("zone = \"here\"", "").elsewhere);
    let nowhere = with_endpoints("{ address = \"a:1\", zone = \"there\" }", "").replace("zone = \"here\"", "");
    assert!(!good(&nowhere).clusters[0].endpoints[0].endpoint.elsewhere, "this balancer has no zone to be away from");
}

#[test]
fn an_endpoints_own_limit_goes_before_its_clusters() {
    let limit = |keys: &str, more: &str| endpoint(keys, more).max_in_flight.map(std::num::NonZeroU32::get);
    assert_eq!(limit("weight = 1", "max-in-flight = 10"), Some(10));
    assert_eq!(limit("max-in-flight = 20", "max-in-flight = 10"), Some(20));
    assert_eq!(limit("weight = 1", ""), None);
}

#[test]
fn an_endpoint_that_says_too_much_is_told() {
    for (keys, expected) in [
        ("priority = 1, backup = true", "either a priority or is a backup"),
        ("priority = 10", "not a whole number from 0 to 9"),
        ("max-in-flight = 0", "not a whole number from 1 to 1000000"),
        ("draining = \"yes\"", "neither true nor false"),
        ("zone = \"a b\"", "not a name"),
    ] {
        let complaint = complaint(&with_endpoints(&format!("{{ address = \"a:1\", {keys} }}"), ""));
        assert!(complaint.contains(expected), "{keys}: {complaint}");
    }
}

#[test]
fn health_tells_every_trigger_of_an_ejection() {
    let health = policy(
        "health = { max-fails-in-a-row = 5, eject-time = \"2s\", max-eject-time = \"8s\", eject-jitter = \"0%\", \
         outliers = { interval = \"1m\", min-requests = 50, min-endpoints = 3, deviations = 2 } }",
    )
    .health;
    assert_eq!((health.max_fails_in_a_row, health.eject_jitter_percent), (5, 0));
    assert_eq!(health.max_eject_time, Duration::from_secs(8));
    let outliers =
        OutlierPolicy { interval: Duration::from_mins(1), min_requests: 50, min_endpoints: 3, tenths_of_deviation: 20 };
    assert_eq!(health.outliers, Some(outliers));
    assert_eq!(policy("").health.outliers, None);
    let by_default = policy("health = { outliers = {} }").health.outliers.expect("they are turned on");
    assert_eq!((by_default.tenths_of_deviation, by_default.min_requests), (19, 100));
    let precise = policy("health = { outliers = { deviations = 2.5 } }").health.outliers.expect("they are turned on");
    assert_eq!(precise.tenths_of_deviation, 25);
}

#[test]
fn an_ejection_longer_than_the_longest_is_its_own_longest_unless_both_are_said() {
    assert_eq!(policy("health = { eject-time = \"10m\" }").health.max_eject_time, Duration::from_mins(10));
    assert_told(&[
        ("health = { eject-time = \"10s\", max-eject-time = \"9s\" }", "max-eject-time is shorter than eject-time"),
        ("health = { max-eject-time = \"9s\" }", "max-eject-time is shorter than eject-time"),
        ("health = { outliers = true }", "outliers is not a table"),
        ("health = { outliers = { deviations = 0 } }", "not a number from 0.1 to 10.0"),
        ("health = { outliers = { deviations = 1.95 } }", "not a number from 0.1 to 10.0"),
        ("health = { outliers = { min-endpoints = 1 } }", "not a whole number from 2"),
        ("health = { eject-jitter = \"101%\" }", "not a share from 0% to 100%"),
    ]);
}

#[test]
fn retries_may_wait_be_limited_and_cost() {
    let cluster = cluster(
        "retry = { backoff = \"25ms\", attempt-timeout = \"1s\", budget = { percent = \"150%\", floor = 0 } }\n\
         slow-start = \"30s\"",
    );
    assert_eq!(cluster.retry.backoff, Duration::from_millis(25));
    assert_eq!(cluster.timeouts.attempt, Some(Duration::from_secs(1)));
    assert_eq!(cluster.budget, Some(BudgetPolicy { percent: 150, floor: 0 }));
    assert_eq!(cluster.policy.slow_start, Duration::from_secs(30));
}

#[test]
fn retries_have_a_budget_unless_it_is_off() {
    assert_eq!(cluster("").budget, Some(BudgetPolicy { percent: 20, floor: 10 }));
    assert_eq!(cluster("retry = { budget = { floor = 1 } }").budget, Some(BudgetPolicy { percent: 20, floor: 1 }));
    assert_eq!(cluster("retry = { budget = \"off\" }").budget, None);
    assert_told(&[
        ("retry = { budget = \"none\" }", "this is no budget"),
        ("retry = { budget = 5 }", "budget is not a table"),
        ("retry = { budget = { percent = \"1001%\" } }", "not a share from 0% to 1000%"),
        ("retry = { backoff = \"0s\" }", "not a duration"),
    ]);
}

#[test]
fn a_hashing_algorithm_has_no_slow_start() {
    assert_told(&[("algorithm = \"ring\"\nslow-start = \"1s\"", "\"ring\" has no slow start")]);
}

#[test]
fn a_hashing_algorithm_is_told_what_the_key_is() {
    let key = |hash: &str| cluster(&format!("algorithm = \"maglev\"\nhash = {hash}")).key;
    assert_eq!(cluster("algorithm = \"ring\"").key, Key::Client);
    assert_eq!(key("{ client = true }"), Key::Client);
    assert_eq!(key("{ path = true }"), Key::Path);
    assert_eq!(key("{ header = \"X-User\" }"), Key::Header("x-user".parse().expect("a name")));
    assert_eq!(key("{ cookie = \"Session\" }"), Key::Cookie("Session".to_owned()));
    assert_eq!(key("{ query = \"user\" }"), Key::Query("user".to_owned()));
    assert_eq!(policy("algorithm = \"ring\"\nhash = { bound = \"125%\" }").bound_percent, 125);
    assert_eq!(policy("algorithm = \"ring\"").bound_percent, 0);
}

#[test]
fn a_key_that_is_none_is_told() {
    let ring = |hash: &str| format!("algorithm = \"ring\"\nhash = {hash}");
    assert_told(&[
        ("hash = { path = true }", "\"round-robin\" looks at no key"),
        (&ring("{ path = true, header = \"x\" }"), "a request has one key"),
        (&ring("{ path = false }"), "this says of no key what it is"),
        (&ring("{ header = \"x:\" }"), "not the name of a header field"),
        (&ring("{ cookie = \"a b\" }"), "not the name of a cookie"),
        (&ring("{ query = \"a=b\" }"), "not the name of a query parameter"),
        (&ring("{ bound = \"100%\" }"), "not a share from 101% to 1000%"),
        (&ring("{ heder = \"x\" }"), "did you mean `header`?"),
    ]);
}

#[test]
fn a_preset_is_what_the_cluster_has_where_its_keys_say_nothing() {
    let nginx = cluster("preset = \"nginx\"");
    assert!(nginx.retry.on.error && nginx.retry.on.timeout && nginx.retry.on.statuses.is_empty());
    assert_eq!((nginx.retry.attempts.get(), nginx.retry.timeout), (100, Duration::from_hours(24)));
    assert_eq!((nginx.budget, nginx.retry.backoff), (None, Duration::ZERO));
    let health = nginx.policy.health;
    assert_eq!((health.max_fails, health.max_ejected_percent, health.eject_jitter_percent), (1, 100, 0));
    assert_eq!([health.fail_window, health.eject_time, health.max_eject_time], [Duration::from_secs(10); 3]);
    assert!(!health.fail_open);
    let Timeouts { connect, response, body, .. } = nginx.timeouts;
    assert_eq!([connect, response, body], [Duration::from_mins(1); 3]);
    assert_told(&[("preset = \"haproxy\"", "there is no preset \"haproxy\""), ("preset = 1", "not a string")]);
}

#[test]
fn what_is_said_goes_before_a_preset() {
    let nginx = cluster(
        "preset = \"nginx\"\nretry = { attempts = 2, budget = {} }\ntimeouts = { connect = \"2s\" }\n\
         health = { eject-time = \"3s\" }",
    );
    assert_eq!((nginx.retry.attempts.get(), nginx.retry.on.statuses.len()), (2, 0));
    assert_eq!(nginx.budget, Some(BudgetPolicy { percent: 20, floor: 10 }));
    assert_eq!((nginx.timeouts.connect, nginx.timeouts.response), (Duration::from_secs(2), Duration::from_mins(1)));
    let health = nginx.policy.health;
    assert_eq!((health.max_fails, health.eject_time), (1, Duration::from_secs(3)));
    assert_eq!(health.max_eject_time, Duration::from_secs(3), "it does not double");
}

#[test]
fn the_manual_spells_out_what_the_preset_is() {
    let manual = include_str!("../../../../../docs/config.md");
    let (_, after) = manual.split_once("**preset = \"nginx\"** is the same as").expect("it is told there");
    let spelt_out = after.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("in a block");
    assert_eq!(format!("{:?}", cluster(spelt_out)), format!("{:?}", cluster("preset = \"nginx\"")));
}
