//! What stands in the spans of a story.

use super::*;

use std::collections::HashMap;

use lb_balance::{Failure, Timestamp};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tokio::task::LocalSet;

use crate::otlp::stories::{TRACE, attempt, names, retried, story};

/// The spans of a story, with the time of the clock's origin in nanoseconds.
async fn spans_of(story: Story) -> (Vec<Span>, u64) {
    LocalSet::new()
        .run_until(async move {
            let (names, clock) = names();
            (spans(&story, &names, clock), nanoseconds(clock.since_epoch(Timestamp::ORIGIN)))
        })
        .await
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("it is before 2554")
}

fn attributes(span: &Span) -> HashMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    };
    let value = |one: &opentelemetry_proto::tonic::common::v1::AnyValue| one.value.as_ref().map(text);
    span.attributes.iter().map(|one| (&one.key[..], one.value.as_ref().and_then(value).expect("a value"))).collect()
}

fn code(span: &Span) -> StatusCode {
    span.status.as_ref().map_or(StatusCode::Unset, Status::code)
}

#[tokio::test]
async fn a_request_and_each_of_its_tries_are_spans_of_one_trace() {
    let (spans, origin) = spans_of(retried()).await;
    let [server, first, second] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(server.span_id, 0xa1u64.to_be_bytes());
    assert_eq!(server.parent_span_id, 0xb2u64.to_be_bytes());
    assert_eq!((server.kind(), &server.name[..], server.flags), (SpanKind::Server, "GET /api", 0x301));
    for client in [first, second] {
        assert_eq!(client.parent_span_id, server.span_id);
        assert_eq!((client.kind(), &client.name[..], client.flags), (SpanKind::Client, "GET", 0x101));
    }
    assert!(spans.iter().all(|span| span.trace_id == TRACE.to_be_bytes()));
    // As the endpoints were told.
    assert_eq!([&first.span_id, &second.span_id], [&0xc0u64.to_be_bytes(), &0xc1u64.to_be_bytes()]);
    let since = |time: u64| time - origin;
    let times = spans.iter().map(|span| (since(span.start_time_unix_nano), since(span.end_time_unix_nano)));
    let began = 1_000_000_000;
    assert_eq!(
        times.collect::<Vec<_>>(),
        [(began, began + 2_500_000), (began + 100_000, began + 1_100_000), (began + 1_200_000, began + 2_200_000)]
    );
}

#[tokio::test]
async fn attributes_are_named_as_the_conventions_for_http_name_them() {
    let (spans, _) = spans_of(retried()).await;
    let expected = [
        ("http.request.method", "GET"),
        ("url.scheme", "http"),
        ("url.path", "/api/x"),
        ("url.query", "a=1"),
        ("http.route", "/api"),
        ("server.address", "example.org"),
        ("server.port", "8080"),
        ("client.address", "192.0.2.1"),
        ("user_agent.original", "curl/8"),
        ("network.protocol.version", "1.1"),
        ("http.response.status_code", "503"),
        ("error.type", "503"),
        ("lb.route", "example.org/api"),
        ("lb.cluster", "web"),
        ("lb.stopped", "no attempt is left"),
    ];
    assert_eq!(attributes(&spans[0]), expected.map(|(key, value)| (key, value.to_owned())).into());
    let expected = [
        ("http.request.method", "GET"),
        ("url.full", "http://127.0.0.1:5001/api/x?a=1"),
        ("server.address", "127.0.0.1"),
        ("server.port", "5001"),
        ("lb.endpoint", "e1"),
        ("error.type", "refused"),
    ];
    assert_eq!(attributes(&spans[1]), expected.map(|(key, value)| (key, value.to_owned())).into());
    let expected = [
        ("http.request.method", "GET"),
        ("url.full", "http://[::1]:5002/api/x?a=1"),
        ("server.address", "::1"),
        ("server.port", "5002"),
        ("lb.endpoint", "e2"),
        ("http.request.resend_count", "1"),
        ("http.response.status_code", "503"),
        ("error.type", "503"),
    ];
    assert_eq!(attributes(&spans[2]), expected.map(|(key, value)| (key, value.to_owned())).into());
    assert!(spans.iter().all(|span| code(span) == StatusCode::Error), "{spans:#?}");
    let message = |span: &Span| span.status.as_ref().map(|status| status.message.clone());
    assert_eq!(message(&spans[1]).as_deref(), Some("refused the connection"));
}

#[tokio::test]
async fn a_clients_mistake_is_an_error_of_the_try_and_none_of_the_server() {
    let mut story = story();
    story.status = Some(404);
    story.span = story.span.map(|span| lb_proxy::Span { random: true, ..span });
    story.tries = vec![attempt(0, 0, Outcome::Answered { status: 404 })];
    let (spans, _) = spans_of(story).await;
    assert_eq!((code(&spans[0]), code(&spans[1])), (StatusCode::Unset, StatusCode::Error));
    assert!(!attributes(&spans[0]).contains_key("error.type"));
    // Recorded, and the parent of none is no other process's.
    assert_eq!(spans.iter().map(|span| span.flags).collect::<Vec<_>>(), [0x103, 0x103]);
    assert!(spans[0].parent_span_id.is_empty());
}

#[tokio::test]
async fn how_a_request_ended_badly_is_told() {
    let mut broken = story();
    broken.end = End::BrokenOff;
    let (spans, _) = spans_of(broken).await;
    assert_eq!((code(&spans[0]), &attributes(&spans[0])["error.type"][..]), (StatusCode::Error, "broken-off"));

    let mut left = story();
    (left.end, left.status) = (End::ClientLeft, None);
    left.tries = vec![attempt(0, 0, Outcome::Abandoned)];
    let (spans, _) = spans_of(left).await;
    assert_eq!((code(&spans[0]), code(&spans[1])), (StatusCode::Unset, StatusCode::Unset));
    assert_eq!(attributes(&spans[0])["lb.client_left"], "true");
    assert_eq!(attributes(&spans[1])["lb.outcome"], "abandoned");

    let mut rejected = story();
    (rejected.status, rejected.reject, rejected.tries) = (Some(503), Some("no-endpoint"), Vec::new());
    let (spans, _) = spans_of(rejected).await;
    let told = attributes(&spans[0]);
    assert_eq!((spans.len(), &told["error.type"][..], &told["lb.reject"][..]), (1, "no-endpoint", "no-endpoint"));
}

#[tokio::test]
async fn of_tries_that_ran_side_by_side_the_later_one_was_sent_anew() {
    let mut story = story();
    story.tries = vec![attempt(1, 500, Outcome::Answered { status: 200 }), attempt(0, 0, Outcome::Overtaken)];
    let (spans, _) = spans_of(story).await;
    let told = |at: usize| {
        let told = attributes(&spans[at]);
        (told["lb.endpoint"].clone(), told.get("http.request.resend_count").cloned())
    };
    assert_eq!(told(1), ("e1".to_owned(), None));
    assert_eq!(told(2), ("e2".to_owned(), Some("1".to_owned())));
    assert_eq!(attributes(&spans[1])["lb.outcome"], "overtaken");
}

#[tokio::test]
async fn clients_cannot_name_spans() {
    let mut story = story();
    story.asked.method = "BREW".into();
    story.tries = vec![attempt(0, 0, Outcome::Failed(Failure::Closed))];
    let (spans, _) = spans_of(story).await;
    assert_eq!((&spans[0].name[..], &spans[1].name[..]), ("HTTP /api", "HTTP"));
    for span in &spans {
        let told = attributes(span);
        assert_eq!((&told["http.request.method"][..], &told["http.request.method_original"][..]), ("_OTHER", "BREW"));
    }
}

#[tokio::test]
async fn what_is_not_recorded_has_no_spans() {
    let mut without = story();
    without.span = None;
    assert!(spans_of(without).await.0.is_empty());
    let mut unsampled = story();
    unsampled.span = unsampled.span.map(|span| lb_proxy::Span { recorded: false, ..span });
    assert!(spans_of(unsampled).await.0.is_empty());
}
