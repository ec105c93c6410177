//! A request's story as a trace.

use lb_balance::{Outcome, PassedOver, Turn};
use lb_common::api::{self, Attempt, KeptFor, Trace};
use lb_proxy::{Clock, ClusterId, End, Listed, Passed, Story, Try};

use crate::names::Names;

/// Longer targets are cut: a thousand traces are kept, and a target may be as long as a page.
const MOST_TARGET: usize = 512;

/// The story in the API's words.
pub(crate) fn trace(id: u64, story: &Story, names: &Names, clock: Clock) -> Trace {
    let attempt = |one: &Try| story.cluster.map(|cluster| attempt(one, cluster, names));
    Trace {
        id,
        request_id: story.asked.request_id.as_deref().map(str::to_owned),
        at_ms: clock.unix_ms(story.began),
        us: us(story.took),
        kept_for: kept_for(story),
        client: story.client.to_string(),
        method: story.asked.method.to_string(),
        host: story.asked.host.to_string(),
        target: cut(&story.asked.target),
        route: story.route.map(|route| names.route(route).to_owned()),
        cluster: story.cluster.map(|cluster| names.cluster(cluster).to_owned()),
        queued_us: us(story.queued),
        attempts: story.tries.iter().filter_map(attempt).collect(),
        stopped: stopped(story),
        status: story.status,
        reject: story.reject.map(str::to_owned),
        end: match story.end {
            End::Delivered => api::End::Delivered,
            End::ClientLeft => api::End::ClientLeft,
            End::BrokenOff => api::End::BrokenOff,
        },
        bytes_in: story.bytes_in,
        bytes_out: story.bytes_out,
        trace_id: story.span.map(|span| format!("{:032x}", span.trace)),
    }
}

fn kept_for(story: &Story) -> KeptFor {
    let is_failed = story.end == End::BrokenOff || story.status.is_some_and(|status| status >= 500);
    match story.wanted {
        wanted if wanted.troubled && is_failed => KeptFor::Failed,
        wanted if wanted.troubled => KeptFor::Retried,
        wanted if wanted.asked => KeptFor::Asked,
        wanted if wanted.sampled => KeptFor::Sampled,
        _ => KeptFor::Watched,
    }
}

fn stopped(story: &Story) -> Option<String> {
    match (&story.unplaced, story.stopped) {
        (Some(passed), _) => Some(format!("no endpoint is left: {}", sum(passed))),
        (None, stop) => stop.map(|stop| stop.to_string()),
    }
}

fn attempt(one: &Try, cluster: ClusterId, names: &Names) -> Attempt {
    let (status, failure) = match one.outcome {
        Outcome::Answered { status } => (Some(status), None),
        Outcome::Failed(failure) => (None, Some(failure.token())),
        Outcome::Abandoned => (None, Some("abandoned")),
        Outcome::Overtaken => (None, Some("overtaken")),
        // Probes alone are content with a connection.
        Outcome::Connected => (None, None),
    };
    Attempt {
        endpoint: names.endpoint(cluster, one.endpoint).to_owned(),
        turn: turn(one.turn).to_owned(),
        after_us: us(one.after),
        connect_us: one.connect.map(us),
        reused: one.reused,
        us: us(one.took),
        status,
        failure: failure.map(str::to_owned),
        says: one.outcome.to_string(),
        blamed: one.blamed,
        fault: one.played.then(|| "lb played it on demand".to_owned()),
        passed_over: passed_over(&one.passed, cluster, names),
        passed_over_sum: if is_nobody(&one.passed) { String::new() } else { sum(&one.passed) },
    }
}

fn passed_over(passed: &Passed, cluster: ClusterId, names: &Names) -> Vec<api::PassedOver> {
    let lists = passed.out.as_deref().into_iter().chain(passed.now.as_deref());
    let each = lists.flat_map(|listed| &listed.each);
    each.map(|(endpoint, why)| api::PassedOver {
        endpoint: names.endpoint(cluster, *endpoint).to_owned(),
        why: why_in_words(*why).to_owned(),
    })
    .collect()
}

fn is_nobody(passed: &Passed) -> bool {
    passed.out.is_none() && passed.now.is_none()
}

/// How many were passed over for each reason, in words.
fn sum(passed: &Passed) -> String {
    let sum_of = |listed: Option<&Listed>| listed.map(|listed| listed.sum).unwrap_or_default();
    let (out, now) = (sum_of(passed.out.as_deref()), sum_of(passed.now.as_deref()));
    let sum = lb_balance::PassedOverCounts {
        already_tried: out.already_tried + now.already_tried,
        ejected: out.ejected + now.ejected,
        on_trial: out.on_trial + now.on_trial,
        down: out.down + now.down,
        draining: out.draining + now.draining,
        at_capacity: out.at_capacity + now.at_capacity,
    };
    sum.to_string()
}

fn why_in_words(why: PassedOver) -> &'static str {
    match why {
        PassedOver::AlreadyTried => "tried already",
        PassedOver::Ejected { .. } => "ejected",
        PassedOver::OnTrial => "on trial",
        PassedOver::Down => "down",
        PassedOver::Draining => "draining",
        PassedOver::AtCapacity => "at capacity",
    }
}

fn turn(turn: Turn) -> &'static str {
    match turn {
        Turn::Regular => "regular",
        Turn::Trial => "trial",
        Turn::FailOpen => "fail-open",
        Turn::Session => "session",
        Turn::Pinned => "pinned",
    }
}

fn us(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn cut(target: &str) -> String {
    match target.char_indices().nth(MOST_TARGET) {
        None => target.to_owned(),
        Some((end, _)) => format!("{}…", &target[..end]),
    }
}
