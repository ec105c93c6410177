//! Stories for tests, and names for them.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lb_balance::{EndpointId, Failure, Outcome, Timestamp, Turn};
use lb_proxy::{Asked, Clock, ClusterId, Clusters, End, Passed, Span, Story, Try, Wanted};

use crate::config;
use crate::names::Names;

/// The trace of all stories.
pub(super) const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

/// Names of a route `example.org/api` to the cluster `web` of `e1` and `e2`. Within a `LocalSet`.
pub(super) fn names() -> (Arc<Names>, Clock) {
    let text = "[[listeners]]\nbind = \"127.0.0.1:0\"\n\
                [[routes]]\nhost = \"example.org\"\npath = \"/api\"\ncluster = \"web\"\n\
                [clusters.web]\nendpoints = [\n\
                { name = \"e1\", address = \"127.0.0.1:5001\" }, { name = \"e2\", address = \"[::1]:5002\" }]\n";
    let config = config::parse("lb.toml", text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"));
    let clusters = Clusters::start(config.clusters);
    (Arc::new(Names::new(&config.routes, clusters.handles())), clusters.clock())
}

/// A request that began a second after the clock and was answered 200 by `e1`; its trace begins here.
pub(super) fn story() -> Story {
    Story {
        wanted: Wanted::default(),
        client: Ipv4Addr::new(192, 0, 2, 1).into(),
        began: Timestamp::after_origin(Duration::from_secs(1)),
        took: Duration::from_micros(2500),
        asked: Asked {
            method: "GET".into(),
            target: "/api/x?a=1".into(),
            version: "1.1",
            host: "example.org:8080".into(),
            referer: None,
            user_agent: Some("curl/8".into()),
            request_id: None,
        },
        route: Some(0),
        cluster: Some(ClusterId(0)),
        queued: Duration::ZERO,
        tries: vec![attempt(0, 100, Outcome::Answered { status: 200 })],
        stopped: None,
        unplaced: None,
        status: Some(200),
        reject: None,
        end: End::Delivered,
        bytes_in: 0,
        bytes_out: 100,
        body_bytes_out: 10,
        span: Some(Span { trace: TRACE, span: 0xa1, parent: None, recorded: true, random: false }),
    }
}

/// A try at the endpoint of that index which began so many microseconds after the request and took 1000.
pub(super) fn attempt(endpoint: u32, after_us: u64, outcome: Outcome) -> Try {
    Try {
        endpoint: EndpointId(endpoint),
        turn: Turn::Regular,
        after: Duration::from_micros(after_us),
        connect: None,
        reused: false,
        took: Duration::from_millis(1),
        outcome,
        blamed: false,
        span: Some(0xc0 + u64::from(endpoint)),
        played: false,
        passed: Passed::default(),
    }
}

/// A request that `e1` refused and `e2` answered 503; its trace began elsewhere.
pub(super) fn retried() -> Story {
    let mut story = story();
    story.tries =
        vec![attempt(0, 100, Outcome::Failed(Failure::Refused)), attempt(1, 1200, Outcome::Answered { status: 503 })];
    story.status = Some(503);
    story.stopped = Some(lb_balance::Stop::NoAttemptLeft);
    story.span = Some(Span { trace: TRACE, span: 0xa1, parent: Some(0xb2), recorded: true, random: false });
    story
}
