//! Spans, as others read them: OpenTelemetry's own messages under Google's protobuf, and a collector in between.

mod collector;

use std::net::SocketAddr;

use lb_common::api::METRICS_PATH;
use serde_json::Value;

use collector::{Reader, Rotel, number};

use crate::support::{Client, Endpoint, Lb, config, get, wait_until};

/// A client's trace, recorded.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// `lb` before those endpoints that sends its spans there.
fn tracing(endpoints: &[SocketAddr], to: &str, sample: &str) -> Lb {
    let tables = format!("[tracing]\notlp = \"{to}\"\nservice = \"shop\"\nsample = \"{sample}\"\n");
    Lb::with_config(&format!("{}{tables}", config::cluster(endpoints, "")))
}

/// A request of the client's trace, recorded if `flags` says `01`.
fn ask(lb: &Lb, target: &str, flags: &str) {
    let field = format!("traceparent: 00-{TRACE}-{PARENT}-{flags}\r\n");
    assert_eq!(Client::connect(lb.address()).get_with(target, &field).status, 200);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn of_kind<'s>(spans: &'s [Value], kind: &str) -> Vec<&'s Value> {
    spans.iter().filter(|span| span["kind"] == format!("SPAN_KIND_{kind}")).collect()
}

/// A request that the first endpoint refused and the second answered, as spans.
fn assert_retried(spans: &[Value], well: &Endpoint) {
    let (servers, clients) = (of_kind(spans, "SERVER"), of_kind(spans, "CLIENT"));
    let ([server], [refused, again]) = (&servers[..], &clients[..]) else { panic!("{spans:#?}") };
    assert!(spans.iter().all(|span| span["trace"] == TRACE && span["service"] == "shop"), "{spans:#?}");
    for (span, key, value) in [
        (server, "http.response.status_code", Value::from(200)),
        (server, "lb.cluster", "web".into()),
        (server, "url.query", "a=1".into()),
        (refused, "lb.endpoint", "e1".into()),
        (refused, "error.type", "refused".into()),
        (refused, "http.request.resend_count", Value::Null),
        (again, "lb.endpoint", "e2".into()),
        (again, "server.port", well.address().port().into()),
        (again, "http.request.resend_count", 1.into()),
        (again, "http.response.status_code", 200.into()),
    ] {
        assert_eq!(span["attributes"][key], value, "{key} of {span:#?}");
    }
    assert_eq!([&server["name"], &refused["name"], &again["name"]], ["GET /", "GET", "GET"]);
    assert_eq!(
        [&server["parent"], &refused["parent"], &again["parent"]],
        [PARENT, text(&server["span"]), text(&server["span"])]
    );
    let status = [server, refused, again].map(|span| text(&span["status"]));
    assert_eq!(status, ["STATUS_CODE_UNSET", "STATUS_CODE_ERROR", "STATUS_CODE_UNSET"]);
    let times = [&server["start"], &refused["start"], &refused["end"], &again["start"], &again["end"], &server["end"]];
    assert!(times.map(number).is_sorted(), "{spans:#?}");
    // The endpoint's own spans belong to the same trace, below that of the try.
    let heard = well.requests()[0].headers["traceparent"].clone();
    assert_eq!(heard, format!("00-{TRACE}-{}-01", text(&again["span"])));
}

#[test]
fn a_request_and_its_tries_are_spans_of_the_clients_trace() {
    let (reader, well) = (Reader::start(), Endpoint::saying("well"));
    let lb = tracing(&[Endpoint::nobody(), well.address()], &reader.url(), "0%");
    ask(&lb, "/x?a=1", "01");
    assert_retried(&reader.wait_for(3), &well);
    let count = || get(lb.address(), METRICS_PATH).text().lines().any(|line| line == "lb_spans_sent_total 3");
    wait_until("the spans are counted", count);
}

#[test]
fn a_collector_takes_the_spans_and_passes_them_on() {
    let (reader, well) = (Reader::start(), Endpoint::saying("well"));
    let rotel = Rotel::before(&reader);
    let lb = tracing(&[Endpoint::nobody(), well.address()], &rotel.url(), "0%");
    ask(&lb, "/x?a=1", "01");
    assert_retried(&reader.wait_for(3), &well);
}

#[test]
fn the_client_decides_what_of_its_traces_is_recorded_and_the_last_spans_are_sent_before_lb_ends() {
    let (reader, well) = (Reader::start(), Endpoint::saying("well"));
    let lb = tracing(&[well.address()], &reader.url(), "100%");
    ask(&lb, "/not-recorded", "00");
    ask(&lb, "/recorded", "01");
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success(), "{log}");
    let spans = reader.end();
    assert_eq!(spans.len(), 2, "{spans:#?}");
    assert_eq!(of_kind(&spans, "SERVER")[0]["attributes"]["url.path"], "/recorded");
}

#[test]
fn of_the_traces_that_begin_here_as_many_are_recorded_as_the_sample_says() {
    for (sample, count) in [("100%", 4), ("0%", 0)] {
        let (reader, well) = (Reader::start(), Endpoint::saying("well"));
        let lb = tracing(&[well.address()], &reader.url(), sample);
        assert_eq!([get(lb.address(), "/a").status, get(lb.address(), "/b").status], [200, 200]);
        lb.signal("TERM");
        assert!(lb.wait().0.success());
        let spans = reader.end();
        assert_eq!(spans.len(), count, "{spans:#?}");
        assert!(of_kind(&spans, "SERVER").iter().all(|span| span["parent"] == ""), "{spans:#?}");
    }
}

#[test]
fn where_no_collector_is_requests_are_answered_all_the_same_and_the_loss_is_said() {
    let well = Endpoint::saying("well");
    let nobody = Endpoint::nobody();
    let lb = tracing(&[well.address()], &format!("http://{nobody}"), "100%");
    for _ in 0..3 {
        assert_eq!(get(lb.address(), "/").text(), "well");
    }
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success(), "{log}");
    assert!(log.contains("spans are lost, 6 of them") && log.contains("it cannot be reached"), "{log}");
}

#[test]
fn what_lb_answers_itself_is_told_with_its_reason() {
    let reader = Reader::start();
    let lb = tracing(&[Endpoint::nobody()], &reader.url(), "100%");
    let asked = get(lb.address(), "/");
    wait_until("the request's spans are there", || !of_kind(&reader.spans(), "SERVER").is_empty());
    let spans = reader.spans();
    let server = of_kind(&spans, "SERVER")[0];
    assert_eq!((asked.status, &server["attributes"]["http.response.status_code"]), (502, &502.into()), "{spans:#?}");
    assert_eq!(server["status"], "STATUS_CODE_ERROR");
}
