//! What a configuration may say, and what is said of a wrong one.

use super::*;
use crate::run::Machine;

mod admin;
mod cluster;
mod probe;
mod sticky;
mod tracing;

/// A good configuration of one cluster, with more lines added to it.
pub(super) fn with(more: &str) -> String {
    format!(
        "[[listeners]]\nbind = \"127.0.0.1:8080\"\n\n[[routes]]\npath = \"/\"\ncluster = \"web\"\n\n\
         [clusters.web]\nendpoints = [{{ address = \"127.0.0.1:5001\" }}]\n{more}"
    )
}

pub(super) fn good(text: &str) -> Config {
    parse("lb.toml", text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(super) fn complaint(text: &str) -> String {
    parse("lb.toml", text, Path::new("")).expect_err("it is wrong").to_string()
}

#[test]
fn the_shipped_configuration_is_good() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let config = load(&root.join("lb.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.to_string(), "1 listener, 4 routes, 1 cluster, 4 endpoints");
}

#[test]
fn what_is_not_said_has_a_default() {
    let config = good(&with(""));
    let cluster = &config.clusters[0];
    assert_eq!(cluster.endpoints[0].name(), "127.0.0.1:5001");
    assert_eq!(cluster.endpoints[0].endpoint.weight, 1);
    assert_eq!(cluster.retry.on.statuses, [503]);
    assert!(cluster.retry.on.error && cluster.retry.on.timeout && !cluster.retry.on.invalid_header);
    assert!(cluster.probe.is_none());
    assert_eq!(cluster.timeouts.connect, Duration::from_secs(1));
    assert_eq!(config.admin.bind, None);
}

#[test]
fn everything_that_can_be_said_is_heard() {
    let config = good(&with(
        "algorithm = \"round-robin\"\n\
         retry = { on = [\"invalid-header\", \"502\"], attempts = 2, timeout = \"250ms\", non-idempotent = true, body-limit = \"1MiB\" }\n\
         health = { max-fails = 1, fail-window = \"1s\", eject-time = \"2s\", max-ejected = \"30%\", fail-open = true }\n\
         probe = { path = \"/up?x=1\", interval = \"5s\", timeout = \"2s\", fall = 1, rise = 4 }\n\
         timeouts = { connect = \"2s\", response = \"3s\", body = \"4s\", idle = \"5s\" }\n\
         [admin]\n",
    ));
    let cluster = &config.clusters[0];
    assert_eq!(cluster.retry.on.statuses, [502]);
    assert!(cluster.retry.on.invalid_header && !cluster.retry.on.error && cluster.retry.non_idempotent);
    assert_eq!((cluster.retry.attempts.get(), cluster.retry.timeout), (2, Duration::from_millis(250)));
    assert_eq!(cluster.replay_limit, 1 << 20);
    assert_eq!((cluster.policy.health.max_fails, cluster.policy.health.max_ejected_percent), (1, 30));
    assert!(cluster.policy.health.fail_open);
    let (probe, policy) = (cluster.probe.as_ref().expect("it is configured"), cluster.policy.probe.expect("it too"));
    let lb_proxy::ProbeKind::Http(http) = &probe.kind else { panic!("it is one over HTTP") };
    assert_eq!((http.path.as_str(), policy.fall, policy.rise), ("/up?x=1", 1, 4));
    assert_eq!(cluster.timeouts.idle, Duration::from_secs(5));
    assert_eq!(config.admin.bind, Some(defaults::ADMIN_BIND));
}

#[test]
fn all_problems_are_told_at_once_each_with_its_place_and_a_hint() {
    let text = "\
wrokers = 2

[[listeners]]
bind = \"8080\"

[[routes]]
path = \"api\"
cluster = \"apii\"

[[routes]]
path = \"/x\"

[clusters.api]
endpoints = [{ name = \"a\", address = \"127.0.0.1\" }, { nmae = \"b\", address = \"h:1\", weight = 0 }]
retry = { on = [\"eror\"], attempts = 0 }
health = { max-ejected = \"half\" }
";
    assert_eq!(
        complaint(text),
        "\
lb.toml:1:1: the file has no key `wrokers`
  hint: did you mean `workers`?
lb.toml:4:8: this is not an address to listen on
  hint: write an IP address and a port, as in \"0.0.0.0:8080\" or \"[::]:8080\"
lb.toml:7:8: this is not a path
  hint: it begins with a slash, has no query, no parameters and no segment of dots, as in \"/api\"
lb.toml:8:11: cluster \"apii\" is not declared
  hint: did you mean \"api\"?
lb.toml:10:1: this route leads nowhere
  hint: give it one of `cluster`, `files` and `admin`
lb.toml:14:38: the port is missing
  hint: write host and port, as in \"127.0.0.1:5001\" or \"web1:5000\"
lb.toml:14:55: an endpoint has no key `nmae`
  hint: did you mean `name`?
lb.toml:14:93: this is not a whole number from 1 to 1000
  hint: write it in digits, without quotation marks
lb.toml:15:17: there is no retry condition \"eror\"
  hint: did you mean \"error\"?
lb.toml:15:37: this is not a whole number from 1 to 100
  hint: write it in digits, without quotation marks
lb.toml:16:26: this is not a share from 0% to 100%
  hint: write a whole number with a percent sign, as in \"50%\"
"
    );
}

#[test]
fn what_must_be_there_is_missed() {
    let complaint = complaint("");
    assert!(complaint.contains("lb.toml:1:1: the file lacks `listeners`"), "{complaint}");
    assert!(complaint.contains("lb.toml:1:1: the file lacks `routes`"), "{complaint}");
}

#[test]
fn a_broken_file_is_told_where_it_is_broken() {
    let complaint = complaint("workers = \n[[listeners]]\nbind = \"0.0.0.0:80\"\nx = \n");
    assert!(complaint.starts_with("lb.toml:1:11: "), "{complaint}");
    assert!(complaint.contains("lb.toml:4:5: "), "{complaint}");
}

#[test]
fn things_that_must_be_unique_are_told_apart() {
    let text = with("")
        .replace(
            "\n[[routes]]",
            "\n[[listeners]]\nbind = \"127.0.0.1:8080\"\n[[routes]]\npath = \"/\"\ncluster = \"web\"\n[[routes]]",
        )
        .replace("5001\" }", "5001\" }, { name = \"127.0.0.1:5001\", address = \"h:2\" }");
    let complaint = complaint(&text);
    assert!(complaint.contains("127.0.0.1:8080 overlaps with 127.0.0.1:8080"), "{complaint}");
    assert!(complaint.contains("two routes for \"/\""), "{complaint}");
    assert!(complaint.contains("two endpoints named \"127.0.0.1:5001\""), "{complaint}");
}

#[test]
fn a_route_leads_to_one_place() {
    let text = with("").replace("cluster = \"web\"", "cluster = \"web\"\nadmin = true");
    assert!(complaint(&text).contains("more than one place"));
    let text = with("").replace("cluster = \"web\"", "admin = true\npin = { query = \"x\" }");
    assert!(complaint(&text).contains("only routes to a cluster have `pin` and `trace`"));
    let text = with("").replace("cluster = \"web\"", "files = \"no/such/folder\"");
    assert!(complaint(&text).contains("there is no folder no/such/folder"));
}

#[test]
fn values_of_the_wrong_kind_are_told_what_they_should_be() {
    for (line, expected) in [
        ("timeouts = { connect = 5 }", "not a duration"),
        ("timeouts = 5", "timeouts is not a table"),
        ("retry = { non-idempotent = \"yes\" }", "neither true nor false"),
        ("retry = { on = \"error\" }", "not a list"),
        ("algorithm = \"fastest\"", "there is no algorithm \"fastest\""),
        ("probe = { path = \"health\" }", "not a path"),
        ("retry = { on = [\"200\"] }", "no retry condition \"200\""),
        ("retry = { on = [\"0503\"] }", "no retry condition \"0503\""),
        ("health = { max-ejected = \"+50%\" }", "not a share"),
    ] {
        let complaint = complaint(&with(line));
        assert!(complaint.contains(expected), "{line}: {complaint}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told_with_a_way_out() {
    let complaint = load(Path::new("no/such/lb.toml")).expect_err("it is not there").to_string();
    assert!(complaint.starts_with("no/such/lb.toml: cannot be read: "), "{complaint}");
    assert!(complaint.contains("lb demo"), "{complaint}");
}

#[test]
fn what_could_never_work_is_not_called_good() {
    let route = |line: &str| with("").replace("path = \"/\"\ncluster = \"web\"", line);
    for (text, expected) in [
        (route("path = \"/ops\"\nadmin = true"), "the admin API's paths begin with /lb"),
        (route("path = \"/a/../b\"\nfiles = \"embedded\""), "this is not a path"),
        (with("").replace("{ address", "{ name = \"a b\", address"), "this is not a name"),
        (with("[[listeners]]\nbind = \"0.0.0.0:8080\"\n"), "overlaps with 127.0.0.1:8080"),
        (with("[admin]\nbind = \"127.0.0.1:8080\"\n"), "overlaps with 127.0.0.1:8080"),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(expected), "{text}: {complaint}");
    }
    good(&with("[[listeners]]\nbind = \"[::]:8080\"\n"));
}

#[test]
fn weights_that_take_too_long_to_lay_out_are_refused() {
    let endpoints: Vec<_> =
        (0..2000).map(|n| format!("{{ address = \"h{n}:1\", weight = {} }}", 900 + n % 100)).collect();
    let text = with("").replace("{ address = \"127.0.0.1:5001\" }", &endpoints.join(", "));
    assert!(complaint(&text).contains("take too long to lay out"));
}

#[test]
fn limits_have_defaults_and_are_read() {
    let limits =
        |more: &str| good(&format!("{more}\n{}", with(""))).limits.on(Machine { descriptors: 1024, memory: 1 << 30 });
    let defaults = limits("");
    assert_eq!((defaults.connections.get(), defaults.body, defaults.head.fields), (750, None, 128));
    assert_eq!(defaults.memory >> 20, 255, "a quarter of a gibibyte");
    let said = limits(
        "[limits]\nbody-size = \"1MiB\"\nconnections = 7\nhead-fields = 50\nhead-timeout = \"5s\"\nbody-rate = \"0B\"\nmemory = \"2%\"\n",
    );
    assert_eq!(said.memory >> 20, 20);
    assert_eq!((said.connections.get(), said.body, said.head.fields), (7, Some(1 << 20), 50));
    assert_eq!((said.head_timeout, said.body_rate), (Duration::from_secs(5), 0));
}

#[test]
fn limits_that_cannot_be_kept_are_told() {
    let complaint =
        complaint(&format!("[limits]\nhead-size = \"1MiB\"\nconnections = 0\nboddy-size = \"1B\"\n{}", with("")));
    for part in [
        "lb.toml:2:13: this is not a size from 1024B to 64KiB",
        "lb.toml:3:15: this is not a whole number from 1 to",
        "did you mean `body-size`?",
    ] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
}

#[test]
fn proxies_that_are_trusted_are_networks_or_addresses() {
    assert_eq!(good(&with("")).trusted_proxies, []);
    let config = good(&format!(
        "trusted-proxies = [\"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32\", \"::ffff:10.1.0.0/112\"]\n{}",
        with("")
    ));
    let networks =
        ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "10.1.0.0/16"].map(|text| text.parse().expect("a network"));
    assert_eq!(config.trusted_proxies, networks);
    for wrong in ["10.0.0.0/33", "10.0.0", "proxy.example"] {
        let text = complaint(&format!("trusted-proxies = [\"{wrong}\"]\n{}", with("")));
        assert!(text.starts_with("lb.toml:1:20: this is not a network\n  hint: write one as "), "{text}");
    }
}

#[test]
fn two_ways_of_writing_a_path_are_no_two_routes() {
    let route = |path: &str| format!("[[routes]]\npath = \"{path}\"\ncluster = \"web\"\n");
    let text = complaint(&with(&format!("{}{}", route("/api"), route("/%61pi"))));
    assert!(text.contains("there are two routes for \"/%61pi\""), "{text}");
}
