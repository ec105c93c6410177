//! Probes: what they ask, how long they wait, and what they make of the answer.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::uri::PathAndQuery;
use lb_balance::{Failure, FirstProbe, Outcome, ProbePolicy, StatusSet};

use super::world::{OK, Script, UNAVAILABLE, World, at_once, in_paused_time};
use crate::config::{HttpProbe, ProbeConfig, ProbeKind};

const SECOND: Duration = Duration::from_secs(1);

fn http(body: Option<&'static str>) -> ProbeKind {
    let body = body.map(|text| Bytes::from_static(text.as_bytes()));
    ProbeKind::Http(HttpProbe { method: Method::GET, path: PathAndQuery::from_static("/health"), host: None, body })
}

/// A world whose endpoints are probed so.
fn probed(scripts: &[Script], kind: ProbeKind, change: impl FnOnce(&mut ProbePolicy)) -> World {
    World::with(scripts, |config| {
        let mut policy = ProbePolicy {
            interval: 4 * SECOND,
            jitter_percent: 0,
            fall: 1,
            rise: 1,
            statuses: StatusSet::success(),
            first: FirstProbe::Trust,
            spare_busy: false,
        };
        change(&mut policy);
        config.policy.probe = Some(policy);
        config.probe = Some(ProbeConfig { timeout: 2 * SECOND, kind });
    })
}

/// What the first probe of an endpoint with this script comes to.
async fn outcome(script: Script, kind: ProbeKind) -> Outcome {
    let world = probed(&[script], kind, |_| {});
    tokio::time::sleep(3 * SECOND).await;
    world.snapshot().await.endpoints[0].probe.expect("it was probed").outcome
}

#[test]
fn over_tcp_a_connection_is_enough() {
    in_paused_time(async {
        let mute = Script::Answer { after: 99 * SECOND, bytes: OK };
        assert_eq!(outcome(mute, ProbeKind::Tcp).await, Outcome::Connected);
        assert_eq!(outcome(Script::Refuse, ProbeKind::Tcp).await, Outcome::Failed(Failure::Refused));
        assert_eq!(outcome(Script::BlackHole, ProbeKind::Tcp).await, Outcome::Failed(Failure::ConnectTimeout));
    });
}

#[test]
fn over_http_an_answer_has_its_time() {
    in_paused_time(async {
        let late = |after| Script::Answer { after, bytes: OK };
        assert_eq!(outcome(late(SECOND), http(None)).await, Outcome::Answered { status: 200 });
        assert_eq!(outcome(late(5 * SECOND / 2), http(None)).await, Outcome::Failed(Failure::ResponseTimeout));
    });
}

#[test]
fn the_text_is_looked_for_in_the_whole_answer_and_within_its_time() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nal";
    in_paused_time(async {
        let in_two = |pause, rest| Script::InTwo { first: HEAD, pause, rest };
        let wanted = || http(Some("alive"));
        assert_eq!(outcome(in_two(SECOND, "ive!!!"), wanted()).await, Outcome::Answered { status: 200 });
        assert_eq!(outcome(in_two(SECOND, "most!!"), wanted()).await, Outcome::Failed(Failure::WrongBody));
        let late = in_two(3 * SECOND, "ive!!!");
        assert_eq!(outcome(late, wanted()).await, Outcome::Failed(Failure::ResponseTimeout));
        let unwell = at_once(UNAVAILABLE);
        assert_eq!(outcome(unwell, wanted()).await, Outcome::Answered { status: 503 }, "its status tells more");
    });
}

#[test]
fn whoever_waits_for_the_first_probe_gets_nothing_before_it() {
    in_paused_time(async {
        let world = probed(&[Script::Answer { after: SECOND, bytes: OK }], http(None), |policy| {
            policy.first = FirstProbe::Wait;
        });
        assert!(world.get().await.contains("lb-reject: no-endpoint"));
        tokio::time::sleep(3 * SECOND / 2).await;
        assert!(world.get().await.starts_with("HTTP/1.1 200"));
    });
}

#[test]
fn a_busy_endpoint_may_be_spared_its_probe() {
    in_paused_time(async {
        let world = probed(&[at_once(OK)], ProbeKind::Tcp, |policy| policy.spare_busy = true);
        // The first probe, and from then on a connection that is kept for requests.
        for _ in 0..20 {
            assert!(world.get().await.starts_with("HTTP/1.1 200"));
            tokio::time::sleep(SECOND).await;
        }
        assert_eq!(world.dialled().len(), 2);
        tokio::time::sleep(20 * SECOND).await;
        assert!(world.dialled().len() > 5, "when no requests come it is probed");
    });
}
