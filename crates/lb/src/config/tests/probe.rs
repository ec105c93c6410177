//! What a cluster may say of its probes.

use std::time::Duration;

use http::Method;
use lb_balance::{FirstProbe, Outcome, ProbePolicy};
use lb_proxy::{HttpProbe, ProbeConfig, ProbeKind};

use super::cluster::{assert_told, cluster};

fn probe(keys: &str) -> (ProbeConfig, ProbePolicy) {
    let cluster = cluster(&format!("probe = {keys}"));
    (cluster.probe.expect("it is configured"), cluster.policy.probe.expect("so is when"))
}

fn http(keys: &str) -> HttpProbe {
    match probe(keys).0.kind {
        ProbeKind::Http(http) => http,
        ProbeKind::Tcp => panic!("it is one over HTTP"),
    }
}

#[test]
fn a_probe_asks_for_health_unless_it_is_told_what_to_ask() {
    let plain = http("{}");
    assert_eq!((plain.method, plain.path.as_str(), plain.host, plain.body), (Method::GET, "/health", None, None));
    let all = http("{ kind = \"http\", method = \"POST\", path = \"/p?q\", host = \"a.example:80\", body = \"well\" }");
    assert_eq!((all.method, all.path.as_str()), (Method::POST, "/p?q"));
    assert_eq!(
        (all.host.expect("a host"), all.body.expect("a text")),
        ("a.example:80".parse().expect("it"), "well".into())
    );
}

#[test]
fn a_probe_is_sent_and_judged_as_it_is_told() {
    let (config, policy) = probe(
        "{ timeout = \"3s\", statuses = [\"200-299\", \"401\"], jitter = \"50%\", first = \"wait\", spare-busy = true }",
    );
    assert_eq!((config.timeout, policy.jitter_percent), (Duration::from_secs(3), 50));
    assert!(policy.first == FirstProbe::Wait && policy.spare_busy);
    let good = |status| policy.succeeds(Outcome::Answered { status });
    assert_eq!([200, 299, 300, 401, 402].map(good), [true, true, false, true, false]);
    let (_, plain) = probe("{ first = \"trust\" }");
    assert!(plain.first == FirstProbe::Trust && !plain.spare_busy && plain.jitter_percent == 5);
}

#[test]
fn a_probe_over_tcp_asks_for_a_connection() {
    let (config, policy) = probe("{ kind = \"tcp\", interval = \"1s\" }");
    assert!(matches!(config.kind, ProbeKind::Tcp) && policy.succeeds(Outcome::Connected));
    for key in ["path = \"/\"", "method = \"GET\"", "host = \"h\"", "statuses = [\"200\"]", "body = \"x\""] {
        let line = format!("probe = {{ kind = \"tcp\", {key} }}");
        assert_told(&[(&line, "a probe over TCP asks for nothing but a connection")]);
    }
}

#[test]
fn a_probe_that_could_not_be_sent_or_never_succeed_is_told() {
    assert_told(&[
        ("probe = { kind = \"udp\" }", "it is \"http\" or \"tcp\""),
        ("probe = { first = \"doubt\" }", "it is \"trust\" or \"wait\""),
        ("probe = { method = \"get\" }", "did you mean \"GET\"?"),
        ("probe = { method = \"DELETE\" }", "probes do not ask with \"DELETE\""),
        ("probe = { method = \"HEAD\", body = \"x\" }", "an answer to HEAD has no body"),
        ("probe = { host = \"a b\" }", "not a host"),
        ("probe = { body = \"\" }", "no text of 1 to 1024 bytes"),
        ("probe = { statuses = [] }", "no answer could ever be good"),
        ("probe = { statuses = [\"299-200\"] }", "no statuses"),
        ("probe = { statuses = [\"2xx\"] }", "no statuses"),
        ("probe = { statuses = [200] }", "not a string"),
        ("probe = { jitter = \"200%\" }", "not a share"),
    ]);
}
