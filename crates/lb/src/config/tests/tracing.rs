//! What `[tracing]` may say.

use super::*;

#[test]
fn without_it_nothing_is_marked_and_no_span_goes_anywhere() {
    let tracing = good(&with("")).tracing;
    assert_eq!((tracing.otlp, tracing.marking.request_id, tracing.marking.propagate), (None, None, false));
}

#[test]
fn whoever_wants_spans_is_a_part_of_traces() {
    let tracing = good(&with("[tracing]\notlp = \"http://[::1]:4318/\"\n")).tracing;
    assert_eq!(tracing.otlp.as_deref(), Some("http://[::1]:4318"));
    assert!(tracing.marking.propagate);
    assert_eq!((tracing.marking.sample.to_string(), &tracing.service[..]), ("0.01".to_owned(), "lb"));
    let complaint = complaint(&with("[tracing]\notlp = \"http://collector:4318\"\npropagate = false\n"));
    assert!(complaint.contains("spans need a trace that they belong to"), "{complaint}");
}

#[test]
fn an_address_of_which_something_would_be_ignored_is_wrong() {
    for wrong in [
        "collector:4318",
        "https://collector:4318",
        "http://collector:4318/v1/traces",
        "http://collector:4318/?a=b",
        "http://collector:4318/#a",
        "http://me:secret@collector:4318",
        "http://",
    ] {
        let complaint = complaint(&with(&format!("[tracing]\notlp = \"{wrong}\"\n")));
        assert!(complaint.contains("not the address of a receiver of OTLP over HTTP"), "{wrong}: {complaint}");
    }
}

#[test]
fn a_field_that_means_something_else_carries_no_request_id() {
    let tracing = good(&with("[tracing]\nrequest-id = \"X-Request-Id\"\n")).tracing;
    assert_eq!(tracing.marking.request_id.as_deref(), Some("X-Request-Id"));
    assert!(!tracing.marking.propagate);
    for wrong in ["Host", "traceparent", "a b", ""] {
        let complaint = complaint(&with(&format!("[tracing]\nrequest-id = \"{wrong}\"\n")));
        assert!(complaint.contains("not a field for a request id"), "{wrong}: {complaint}");
    }
}
