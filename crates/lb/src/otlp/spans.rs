//! A request's story as spans of OpenTelemetry: one for the request, as its server, and below it one for each try, as a client
//! of the endpoint. Names of attributes are those of the semantic conventions for HTTP; what these have no name for begins with
//! `lb.`.

use std::time::Duration;

use lb_balance::Outcome;
use lb_proxy::{Clock, ClusterId, End, Story, Try};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

pub(super) use self::attributes::Attributes;
use super::target;
use crate::names::Names;

mod attributes;

/// Recorded (W3C Trace Context §3.2.2.5), and it is known whether the parent is another process's (OTLP: bit 8).
const RECORDED: u32 = 0x101;

/// The trace's id was drawn at random (W3C Trace Context, Level 2).
const RANDOM: u32 = 0x002;

/// The parent is another process's (OTLP: bit 9).
const PARENT_IS_REMOTE: u32 = 0x200;

/// The methods that a span may be named after; others would be as many as clients think of.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The spans of a request; none if it is not recorded.
pub(super) fn spans(story: &Story, names: &Names, clock: Clock) -> Vec<Span> {
    let Some(place) = story.span.filter(|span| span.recorded) else { return Vec::new() };
    let request = request(story, place, names, clock);
    let Some(cluster) = story.cluster else { return vec![request] };
    // They are told in the order in which they ended; which of them was sent anew is a matter of when they began.
    let mut tries: Vec<&Try> = story.tries.iter().collect();
    tries.sort_by_key(|one| one.after);
    let tries = tries.into_iter().enumerate().map(|(resent, one)| {
        let mut span = attempt(story, one, resent, cluster, names);
        set_time(&mut span, clock.since_epoch(story.began) + one.after, one.took);
        span.trace_id.clone_from(&request.trace_id);
        span.parent_span_id.clone_from(&request.span_id);
        span.flags = flags(place);
        span
    });
    std::iter::once(request.clone()).chain(tries).collect()
}

/// The request's way through `lb`.
fn request(story: &Story, place: lb_proxy::Span, names: &Names, clock: Clock) -> Span {
    let asked = &story.asked;
    let method = method(&asked.method);
    let (path, query) = target::split(&asked.target);
    let (host, port) = target::host_and_port(&asked.host);
    let route = story.route.map(|route| names.route(route));
    // The conventions want the path alone; a route of `lb` may begin with a host.
    let route_path = route.map(|name| &name[name.find('/').unwrap_or(0)..]);
    let mut attributes = Attributes::default();
    attributes.text("http.request.method", method);
    if method == "_OTHER" {
        attributes.text("http.request.method_original", &*asked.method);
    }
    attributes.text("url.scheme", "http");
    attributes.text("url.path", path);
    attributes.maybe("url.query", query.map(target::without_secrets));
    attributes.maybe("http.route", route_path);
    if !host.is_empty() {
        attributes.text("server.address", host);
    }
    if let Some(port) = port {
        attributes.number("server.port", port);
    }
    attributes.text("client.address", story.client.to_string());
    attributes.maybe("user_agent.original", asked.user_agent.as_deref());
    attributes.text("network.protocol.version", asked.version);
    if let Some(status) = story.status {
        attributes.number("http.response.status_code", status);
    }
    attributes.maybe("error.type", error_of(story));
    attributes.maybe("lb.route", route);
    attributes.maybe("lb.cluster", story.cluster.map(|cluster| names.cluster(cluster)));
    if !story.queued.is_zero() {
        attributes.seconds("lb.queued", story.queued);
    }
    attributes.maybe("lb.reject", story.reject);
    attributes.maybe("lb.stopped", story.stopped.map(|stop| stop.to_string()));
    attributes.maybe("lb.request_id", asked.request_id.as_deref());
    if story.end == End::ClientLeft {
        attributes.flag("lb.client_left");
    }
    let name = if method == "_OTHER" { "HTTP" } else { method };
    let mut span = Span {
        trace_id: place.trace.to_be_bytes().to_vec(),
        span_id: place.span.to_be_bytes().to_vec(),
        parent_span_id: place.parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
        name: route_path.map_or_else(|| name.to_owned(), |route| format!("{name} {route}")),
        kind: SpanKind::Server.into(),
        flags: flags(place) | if place.parent.is_some() { PARENT_IS_REMOTE } else { 0 },
        attributes: attributes.into_vec(),
        status: error_of(story).map(|_| error(story.stopped.map(|stop| stop.to_string()))),
        ..Span::default()
    };
    set_time(&mut span, clock.since_epoch(story.began), story.took);
    span
}

/// One try, without its place in the trace and its time.
fn attempt(story: &Story, one: &Try, resent: usize, cluster: ClusterId, names: &Names) -> Span {
    let method = method(&story.asked.method);
    let address = names.address(cluster, one.endpoint);
    let (host, port) = target::host_and_port(&address);
    let mut attributes = Attributes::default();
    attributes.text("http.request.method", method);
    if method == "_OTHER" {
        attributes.text("http.request.method_original", &*story.asked.method);
    }
    attributes.text("url.full", target::url(&address, &story.asked.target));
    attributes.text("server.address", host);
    if let Some(port) = port {
        attributes.number("server.port", port);
    }
    attributes.text("lb.endpoint", names.endpoint(cluster, one.endpoint));
    if resent > 0 {
        attributes.number("http.request.resend_count", u32::try_from(resent).unwrap_or(u32::MAX));
    }
    let mut failed = None;
    match one.outcome {
        Outcome::Answered { status } => {
            attributes.number("http.response.status_code", status);
            if status >= 400 {
                attributes.text("error.type", status.to_string());
                failed = Some(None);
            }
        }
        Outcome::Failed(failure) => {
            attributes.text("error.type", failure.token());
            failed = Some(Some(failure.to_string()));
        }
        // Nobody's failure: the span has no answer, and this says why.
        Outcome::Abandoned => attributes.text("lb.outcome", "abandoned"),
        Outcome::Overtaken => attributes.text("lb.outcome", "overtaken"),
        // Probes alone are content with a connection.
        Outcome::Connected => {}
    }
    if let Some(connect) = one.connect {
        attributes.seconds("lb.connect", connect);
    }
    if one.reused {
        attributes.flag("lb.connection_reused");
    }
    if one.played {
        attributes.flag("lb.played");
    }
    Span {
        // One that no endpoint was told of may have any number.
        span_id: one.span.unwrap_or_else(|| fastrand::u64(1..)).to_be_bytes().to_vec(),
        name: if method == "_OTHER" { "HTTP" } else { method }.to_owned(),
        kind: SpanKind::Client.into(),
        attributes: attributes.into_vec(),
        status: failed.map(error),
        ..Span::default()
    }
}

/// What kind of failure it is, for machines; `None` if it is none, or the client's own. A client's mistake is no failure of the
/// server that tells it so.
fn error_of(story: &Story) -> Option<String> {
    match (story.end, story.status) {
        (End::BrokenOff, _) => Some("broken-off".to_owned()),
        (_, Some(status @ 500..)) => Some(story.reject.map_or_else(|| status.to_string(), str::to_owned)),
        (End::Delivered | End::ClientLeft, _) => None,
    }
}

fn error(message: Option<String>) -> Status {
    Status { code: StatusCode::Error.into(), message: message.unwrap_or_default() }
}

fn flags(place: lb_proxy::Span) -> u32 {
    RECORDED | if place.random { RANDOM } else { 0 }
}

fn method(asked: &str) -> &str {
    if METHODS.contains(&asked) { asked } else { "_OTHER" }
}

/// Its time of day.
fn set_time(span: &mut Span, began: Duration, took: Duration) {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    span.start_time_unix_nano = nanoseconds(began);
    span.end_time_unix_nano = nanoseconds(began + took);
}

#[cfg(test)]
mod tests;
