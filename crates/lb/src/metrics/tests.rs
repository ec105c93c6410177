//! The figures as they are written.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use lb_balance::{Outcome, Timestamp};
use lb_proxy::{Clusters, ProbeSnapshot};
use tokio::runtime::{Builder, LocalOptions};

use super::*;
use crate::config;

const DOCUMENT: &str = include_str!("../../../../docs/metrics.md");
const DASHBOARD: &str = include_str!("../../../../docs/grafana-dashboard.json");

/// Everything counted a little, of a cluster with so many endpoints.
fn text(endpoints: usize, format: Format) -> String {
    let list: Vec<String> =
        (0..endpoints).map(|n| format!("{{ name = \"web{n}\", address = \"127.0.0.1:{}\" }}", 5001 + n)).collect();
    let text = format!(
        "[[listeners]]\nbind = \"127.0.0.1:1\"\n[[routes]]\npath = \"/a\"\ncluster = \"web\"\n[[routes]]\npath = \"/\"\n\
         files = \"embedded\"\n[clusters.web]\nendpoints = [{}]\n",
        list.join(", ")
    );
    let config = config::parse("test", &text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"));
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        let clusters = Clusters::start(config.clusters);
        let names = Arc::new(Names::new(&config.routes, clusters.handles()));
        let tallies = Some(Arc::new(Tallies::new(2, 2, clusters.handles())));
        let sources = Sources { tallies, log: Some(Arc::default()), spans: Some(Arc::default()) };
        let mut snapshot = sources.take(&names, 1500, 3).await.unwrap();
        let route = &mut snapshot.metrics.routes[0];
        (route.requests[2], route.bytes_out) = (6, 700);
        // 20 µs, 100 µs twice, 5 s, and more than a minute twice.
        for (bucket, count) in [(1, 1), (10, 2), (73, 1), (87, 2)] {
            route.latency.counts[bucket] = count;
        }
        route.latency.sum_us = 125_000_220;
        // All but the second have been probed, the first one without success.
        for (index, endpoint) in snapshot.clusters[0].endpoints.iter_mut().enumerate().filter(|(index, _)| *index != 1)
        {
            let (outcome, ok) = (Outcome::Answered { status: 200 }, index > 0);
            endpoint.probe = Some(ProbeSnapshot { at: Timestamp::ORIGIN, outcome, ok });
        }
        render(snapshot, format)
    })
}

fn families(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[test]
fn a_histogram_counts_all_that_is_below_each_border() {
    let text = text(2, Format::Text);
    let bucket = |le: &str| {
        let sample = format!("lb_request_duration_seconds_bucket{{route=\"/a\",le=\"{le}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&sample)?.parse::<u64>().ok())
    };
    let borders = ["0.000064", "0.000128", "4.194304", "8.388608", "33.554432", "+Inf"];
    assert_eq!(borders.map(bucket), [1, 3, 3, 4, 4, 6].map(Some), "{text}");
    assert!(text.contains("lb_request_duration_seconds_sum{route=\"/a\"} 125.00022\n"));
    assert!(text.contains("lb_request_duration_seconds_count{route=\"/a\"} 6\n"));
}

#[test]
fn the_formats_differ_where_their_specifications_do() {
    let (text, open) = (text(2, Format::Text), self::text(2, Format::OpenMetrics));
    for (line, in_text, in_open) in [
        ("# TYPE lb_requests_total counter", true, false),
        ("# TYPE lb_requests counter", false, true),
        ("lb_requests_total{route=\"/a\",status=\"2xx\"} 6", true, true),
        ("# UNIT lb_response_bytes bytes", false, true),
        ("# EOF", false, true),
    ] {
        let is_in = |text: &str| text.lines().any(|other| other == line);
        assert_eq!((is_in(&text), is_in(&open)), (in_text, in_open), "{line}");
    }
    assert!(open.ends_with("# EOF\n"));
}

#[test]
fn a_label_cannot_end_its_line() {
    let mut out = Exposition::new(Format::Text);
    out.family("a", exposition::Kind::Gauge, "b");
    out.number(&[("c", "\\ \" \n")], 1u64);
    assert_eq!(out.finish(), "# HELP a b\n# TYPE a gauge\na{c=\"\\\\ \\\" \\n\"} 1\n");
}

#[test]
fn endpoints_that_are_too_many_are_summed() {
    let text = text(300, Format::Text);
    let count = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("lb_endpoint_weight{"), 256);
    assert!(text.contains("lb_endpoint_weight{cluster=\"web\",endpoint=\"(others)\"} 45\n"));
    assert!(text.contains("lb_endpoint_state{cluster=\"web\",endpoint=\"(others)\",state=\"up\"} 45\n"));
    assert_eq!(count("lb_attempt_duration_seconds_count{"), 256);
}

#[test]
fn what_the_last_probe_found_is_told_of_those_that_were_probed() {
    let text = text(300, Format::Text);
    let told: Vec<_> = text.lines().filter(|line| line.starts_with("lb_endpoint_probe_ok{")).collect();
    assert_eq!(told.len(), 255, "all but the one that was never probed");
    assert_eq!(told[0], "lb_endpoint_probe_ok{cluster=\"web\",endpoint=\"web0\"} 0");
    assert_eq!(told[1], "lb_endpoint_probe_ok{cluster=\"web\",endpoint=\"web2\"} 1");
    assert_eq!(told[254], "lb_endpoint_probe_ok{cluster=\"web\",endpoint=\"(others)\"} 45");
}

#[test]
fn the_document_tells_how_many_series_there_are() {
    let text = text(3, Format::Text);
    let series = || text.lines().filter(|line| !line.starts_with('#'));
    let of = |label: &str| series().filter(|line| line.contains(label)).count();
    let (route, endpoint, worker) = (of("route=\"/a\""), of("endpoint=\"web2\""), of("worker=\"0\""));
    let cluster = of("cluster=\"") - of("endpoint=\"");
    let beside = series()
        .filter(|line| ["route", "cluster", "worker"].iter().all(|label| !line.contains(&format!("{label}=\""))))
        .count();
    let said = format!(
        "{route} series for each route, {endpoint} for each endpoint, {cluster} for each cluster, {worker} for each worker, and {beside} beside"
    );
    let document = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(document.contains(&said), "docs/metrics.md does not say: {said}");
}

#[test]
fn prometheus_tool_finds_nothing_to_say() {
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there. hint: tests/run installs Debian's package prometheus");
    tool.stdin.take().unwrap().write_all(text(3, Format::Text).as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_document_and_the_dashboard_know_what_there_is() {
    let text = text(2, Format::Text);
    let there = families(&text);
    let listed: BTreeSet<_> = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(there, listed, "docs/metrics.md lists other families than there are");
    let name = |word: &&str| word.starts_with("lb_") || word.starts_with("process_");
    let words = DASHBOARD.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    for used in words.filter(name) {
        let family = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| used.strip_suffix(suffix));
        assert!(
            there.contains(used) || family.is_some_and(|family| there.contains(family)),
            "the dashboard asks for {used}"
        );
    }
}
