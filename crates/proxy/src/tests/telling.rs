//! What is told of a request when it has ended, and that nothing of it is lost.

use std::sync::Arc;
use std::time::Duration;

use lb_balance::{EndpointId, Failure, Outcome, PassedOver, Stop, Turn};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::{OK, Script, UNAVAILABLE, World, at_once, in_paused_time};
use crate::config::QueueConfig;
use crate::faults::{Fault, FaultKind, FaultPlace};
use crate::route::ClusterId;
use crate::story::{End, Story};

async fn story_of_get(world: &World) -> (String, Story) {
    let answer = world.get().await;
    let story = world.story().expect("a request has ended");
    assert!(world.story().is_none(), "one request, one story");
    (answer, story)
}

#[test]
fn a_retry_is_told_with_its_times_and_why_the_last_endpoint_was_tried_no_more() {
    in_paused_time(async {
        let late = Script::Answer { after: Duration::from_millis(20), bytes: UNAVAILABLE };
        let world = World::new(&[late, Script::Refuse, at_once(OK)]);
        let (answer, story) = story_of_get(&world).await;
        assert!(answer.ends_with("ok"));
        let told: Vec<_> = story.tries.iter().map(|one| (one.endpoint.0, one.outcome, one.blamed)).collect();
        let (unavailable, refused) = (Outcome::Answered { status: 503 }, Outcome::Failed(Failure::Refused));
        let ok = Outcome::Answered { status: 200 };
        assert_eq!(told, [(0, unavailable, true), (1, refused, true), (2, ok, false)]);
        assert_eq!(story.tries[0].took, Duration::from_millis(20));
        assert_eq!(story.tries[1].after, Duration::from_millis(20));
        assert!(story.tries[0].connect.is_some() && story.tries[1].connect.is_none());
        assert_eq!((story.status, story.stopped, story.end), (Some(200), None, End::Delivered));
        assert!(story.wanted.troubled && story.took >= Duration::from_millis(20));
        assert_eq!((story.asked.method.as_ref(), story.body_bytes_out), ("GET", 2));
        let route = &world.tally.routes[0];
        assert_eq!(format!("{route:?}").matches("retried: Count(1)").count(), 1);
    });
}

#[test]
fn who_is_ejected_is_passed_over_and_who_is_left_to_try_is_told() {
    in_paused_time(async {
        let world = World::with(&[at_once(UNAVAILABLE), at_once(UNAVAILABLE), at_once(OK)], |config| {
            config.policy.health.max_fails = 1;
            config.policy.health.max_ejected_percent = 100;
        });
        story_of_get(&world).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (_, story) = story_of_get(&world).await;
        let out = story.tries[0].passed.out.as_ref().expect("two are out");
        let is_ejected = |(_, why): &(EndpointId, PassedOver)| matches!(why, PassedOver::Ejected { .. });
        assert!(out.each.len() == 2 && out.each.iter().all(is_ejected), "{out:?}");
        assert_eq!(out.sum.ejected, 2);
    });
}

#[test]
fn nobody_left_is_told_with_the_reasons() {
    in_paused_time(async {
        let world = World::new(&[Script::Refuse, Script::Refuse]);
        let (answer, story) = story_of_get(&world).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        let unplaced = story.unplaced.expect("no third one is there");
        assert_eq!(
            (unplaced.now.as_ref().expect("both were tried").sum.already_tried, story.reject),
            (2, Some("refused"))
        );
        assert_eq!((story.status, story.stopped), (Some(502), None));
    });
}

#[test]
fn why_there_is_no_further_try_is_told() {
    in_paused_time(async {
        let world = World::new(&[at_once(UNAVAILABLE), at_once(UNAVAILABLE)]);
        let request = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
        world.ask(request).await;
        let story = world.story().expect("a request has ended");
        assert_eq!((story.stopped, story.bytes_in, story.tries.len()), (Some(Stop::NotIdempotent), 3, 1));
    });
}

#[test]
fn a_client_that_leaves_is_told_and_blames_nobody() {
    in_paused_time(async {
        let world = World::new(&[Script::Answer { after: Duration::from_secs(5), bytes: OK }]);
        let (mut client, _serving) = world.client();
        client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(client);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let story = world.story().expect("a request has ended");
        assert_eq!((story.end, story.status, story.wanted.troubled), (End::ClientLeft, None, false));
        assert!(story.tries.is_empty(), "nothing has come of its attempt");
    });
}

#[test]
fn an_answer_that_breaks_off_is_told() {
    in_paused_time(async {
        let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n";
        let world = World::new(&[at_once(cut)]);
        let (mut client, _serving) = world.client();
        client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("pipes do not fail");
        let story = world.story().expect("a request has ended");
        assert_eq!((story.end, story.status, story.wanted.troubled), (End::BrokenOff, Some(200), true));
    });
}

#[test]
fn a_wait_in_the_queue_is_told() {
    in_paused_time(async {
        let slow = Script::Answer { after: Duration::from_millis(100), bytes: OK };
        let world = World::with(&[slow], |config| {
            config.endpoints[0].endpoint.max_in_flight = std::num::NonZeroU32::new(1);
            config.queue = Some(QueueConfig { size: 1, timeout: Duration::from_secs(1) });
        });
        let (first, second) = tokio::join!(world.get(), world.get());
        assert!(first.ends_with("ok") && second.ends_with("ok"));
        let mut waits: Vec<_> = std::iter::from_fn(|| world.story()).map(|story| story.queued).collect();
        waits.sort_unstable();
        assert_eq!(waits, [Duration::ZERO, Duration::from_millis(100)]);
        let cluster = &world.tally.clusters[0];
        assert_eq!(
            (cluster.queued.get(), cluster.queue_us.get()),
            (1, 100_000),
            "the one that did not wait is not counted"
        );
    });
}

#[test]
fn a_fault_at_an_endpoint_is_judged_as_the_endpoints_and_told_as_played() {
    in_paused_time(async {
        let world = World::new(&[at_once(OK), at_once(OK)]);
        let until = world.clock.now() + Duration::from_secs(10);
        let place = FaultPlace::Endpoint(ClusterId(0), EndpointId(0));
        for (kind, outcome) in [
            (FaultKind::Abort(503), Outcome::Answered { status: 503 }),
            (FaultKind::Reset, Outcome::Failed(Failure::Closed)),
        ] {
            world.faults.set(vec![Arc::new(Fault::new(1, place, 1_000_000, kind, until))]);
            loop {
                let (answer, story) = story_of_get(&world).await;
                assert!(answer.ends_with("ok"), "the other one answers: {answer}");
                let one = &story.tries[0];
                // It is not always the first one's turn.
                if one.endpoint == EndpointId(0) {
                    assert_eq!((one.outcome, one.played, one.turn), (outcome, true, Turn::Regular));
                    break;
                }
            }
        }
        let delay = FaultKind::Delay(Duration::from_millis(300), Duration::from_millis(300));
        world.faults.set(vec![Arc::new(Fault::new(2, FaultPlace::Route(0), 1_000_000, delay, until))]);
        assert_eq!(story_of_get(&world).await.1.took, Duration::from_millis(300));
        world.faults.set(vec![Arc::new(Fault::new(3, FaultPlace::Route(0), 1_000_000, FaultKind::Abort(418), until))]);
        let (answer, story) = story_of_get(&world).await;
        assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
        assert_eq!((story.reject, story.tries.len()), (Some("fault"), 0));
        world.faults.set(vec![Arc::new(Fault::new(4, FaultPlace::Route(0), 1_000_000, FaultKind::Reset, until))]);
        assert_eq!(story_of_get(&world).await.0, "");
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert!(story_of_get(&world).await.0.ends_with("ok"), "it has ended by itself");
    });
}
