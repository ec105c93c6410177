//! A line of JSON: everything of a request, each attempt in it; and, for those who come from nginx, its lists of upstream
//! addresses, statuses and times.

use std::fmt::Write as _;

use lb_balance::Outcome;
use lb_proxy::{Clock, Story, Try};
use serde::Serialize;

use crate::admin::words;
use crate::names::Names;

/// One line. The order of the keys is that of the fields.
#[derive(Serialize)]
struct Line<'s> {
    time: String,
    client: &'s str,
    request_id: Option<&'s str>,
    trace_id: Option<&'s str>,
    method: &'s str,
    host: &'s str,
    target: &'s str,
    version: &'s str,
    status: Option<u16>,
    reject: Option<&'s str>,
    end: lb_common::api::End,
    us: u64,
    bytes_in: u64,
    bytes_out: u64,
    body_bytes_out: u64,
    referer: Option<&'s str>,
    user_agent: Option<&'s str>,
    route: Option<&'s str>,
    cluster: Option<&'s str>,
    queued_us: u64,
    stopped: Option<&'s str>,
    attempts: &'s [lb_common::api::Attempt],
    upstream_addr: String,
    upstream_status: String,
    upstream_connect_time: String,
    upstream_header_time: String,
    upstream_response_time: String,
}

pub(super) fn push(into: &mut String, story: &Story, names: &Names, clock: Clock) {
    let trace = words::trace(0, story, names, clock);
    let mut time = String::new();
    super::time::push_rfc3339(&mut time, trace.at_ms);
    let list = |of: &dyn Fn(&Try) -> String| {
        let mut list = String::new();
        for (index, one) in story.tries.iter().enumerate() {
            let _infallible = write!(list, "{}{}", if index > 0 { ", " } else { "" }, of(one));
        }
        list
    };
    // The last attempt's answer is the one whose body was read.
    let body_time = |one: &Try| story.took.saturating_sub(one.after);
    let is_last = |one: &Try| story.tries.last().is_some_and(|last| std::ptr::eq(last, one));
    let is_answered = |one: &Try| matches!(one.outcome, Outcome::Answered { .. });
    let line = Line {
        time,
        client: &trace.client,
        request_id: trace.request_id.as_deref(),
        trace_id: trace.trace_id.as_deref(),
        method: &trace.method,
        host: &trace.host,
        // Whole, where a trace is cut.
        target: &story.asked.target,
        version: story.asked.version,
        status: trace.status,
        reject: trace.reject.as_deref(),
        end: trace.end,
        us: trace.us,
        bytes_in: trace.bytes_in,
        bytes_out: trace.bytes_out,
        body_bytes_out: story.body_bytes_out,
        referer: story.asked.referer.as_deref(),
        user_agent: story.asked.user_agent.as_deref(),
        route: trace.route.as_deref(),
        cluster: trace.cluster.as_deref(),
        queued_us: trace.queued_us,
        stopped: trace.stopped.as_deref(),
        attempts: &trace.attempts,
        upstream_addr: list(&|one| {
            story.cluster.map(|cluster| names.address(cluster, one.endpoint)).unwrap_or_default()
        }),
        upstream_status: list(&status),
        upstream_connect_time: list(&|one| match one.connect {
            Some(time) => seconds(time),
            None if one.reused => seconds(std::time::Duration::ZERO),
            None => "-".to_owned(),
        }),
        upstream_header_time: list(&|one| if is_answered(one) { seconds(one.took) } else { "-".to_owned() }),
        upstream_response_time: list(&|one| {
            seconds(if is_last(one) && is_answered(one) { body_time(one) } else { one.took })
        }),
    };
    into.push_str(&serde_json::to_string(&line).expect("plain data"));
    into.push('\n');
}

/// nginx's status of an attempt: what was answered, or what nginx would have made of it.
fn status(one: &Try) -> String {
    match one.outcome {
        Outcome::Answered { status } => status.to_string(),
        Outcome::Failed(failure) if failure.is_timeout() => "504".to_owned(),
        Outcome::Failed(_) => "502".to_owned(),
        Outcome::Abandoned | Outcome::Overtaken | Outcome::Connected => "-".to_owned(),
    }
}

fn seconds(time: std::time::Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}
