//! Time limits: each ends what it limits, when it said, and is blamed on whom it should be.

use std::time::Duration;

use lb_balance::{Belief, BudgetPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::config::ClusterConfig;

use super::world::{OK, Script, TIMEOUTS, UNAVAILABLE, World, at_once, in_paused_time};

const SECOND: Duration = Duration::from_secs(1);

/// Half a second is as exact as anything need be here.
fn about(measured: Duration, expected: Duration) -> bool {
    measured >= expected && measured < expected + SECOND / 2
}

#[test]
fn a_connection_that_is_not_accepted_is_given_up_and_another_endpoint_answers() {
    in_paused_time(async {
        let world = World::new(&[Script::BlackHole, at_once(OK)]);
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("failure=connect-timeout"), "{answer}");
        assert!(about(began.elapsed(), TIMEOUTS.connect), "{:?}", began.elapsed());
    });
}

#[test]
fn an_answer_that_does_not_come_is_given_up_and_another_endpoint_answers() {
    in_paused_time(async {
        let slow = Script::Answer { after: 3 * SECOND, bytes: OK };
        let world = World::with(&[slow, at_once(OK)], |config| config.timeouts.response = 2 * SECOND);
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("failure=response-timeout"), "{answer}");
        assert!(about(began.elapsed(), 2 * SECOND), "{:?}", began.elapsed());
    });
}

#[test]
fn an_attempt_has_a_time_of_its_own_with_the_connection_in_it() {
    in_paused_time(async {
        let slow = Script::Answer { after: 9 * SECOND, bytes: OK };
        let attempt = |config: &mut ClusterConfig| {
            config.timeouts.attempt = Some(2 * SECOND);
            config.timeouts.connect = 4 * SECOND;
        };
        for (script, failure) in [(slow, "response-timeout"), (Script::BlackHole, "connect-timeout")] {
            let world = World::with(&[script, at_once(OK)], attempt);
            let began = Instant::now();
            let answer = world.get().await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(failure), "{answer}");
            assert!(about(began.elapsed(), 2 * SECOND), "{:?}", began.elapsed());
        }
        // What connecting took is not there for answering.
        let late = Script::AcceptLate { connect: 3 * SECOND / 2, answer: SECOND };
        let world = World::with(&[late, at_once(OK)], attempt);
        let answer = world.get().await;
        assert!(answer.contains("failure=response-timeout"), "{answer}");
    });
}

#[test]
fn a_client_may_take_longer_to_send_than_an_attempt() {
    in_paused_time(async {
        let patient = Script::Answer { after: 7 * SECOND, bytes: OK };
        let world = World::with(&[patient], |config| config.timeouts.attempt = Some(SECOND));
        let (mut client, _serving) = world.client();
        let head = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\nconnection: close\r\n\r\n";
        client.write_all(head.as_bytes()).await.expect("it takes a request");
        for byte in b"ok" {
            tokio::time::sleep(13 * SECOND / 4).await;
            client.write_all(&[*byte]).await.expect("it takes a body");
        }
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("pipes do not fail");
        assert!(answer.starts_with("HTTP/1.1 200"), "it answers half a second after the body: {answer}");
    });
}

#[test]
fn no_retry_begins_after_its_time() {
    in_paused_time(async {
        let slow = Script::Answer { after: 6 * SECOND, bytes: UNAVAILABLE };
        let world = World::new(&[slow, at_once(OK)]);
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503 No"), "the retry's time is 5 s: {answer}");
    });
}

#[test]
fn a_retry_waits_as_long_as_it_is_told() {
    in_paused_time(async {
        let world = World::with(&[Script::Refuse, at_once(OK)], |config| config.retry.backoff = 2 * SECOND);
        let began = Instant::now();
        assert!(world.get().await.starts_with("HTTP/1.1 200"));
        let waited = began.elapsed();
        assert!(waited >= SECOND && waited <= 5 * SECOND / 2, "between a half of it and all: {waited:?}");
    });
}

#[test]
fn a_retry_that_the_budget_does_not_allow_is_not_made() {
    in_paused_time(async {
        let world = World::with(&[at_once(UNAVAILABLE), at_once(OK)], |config| {
            config.budget = Some(BudgetPolicy { percent: 50, floor: 0 });
        });
        assert!(world.get().await.starts_with("HTTP/1.1 503 No"), "of one request, half a retry is allowed");
        assert!(world.get().await.starts_with("HTTP/1.1 200"), "its turn is the other's");
        assert!(world.get().await.starts_with("HTTP/1.1 200"), "of three requests, one retry is allowed");
    });
}

#[test]
fn a_body_that_stands_still_is_cut_off_and_blamed_on_the_endpoint() {
    in_paused_time(async {
        let first = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok";
        let world = World::with(&[Script::InTwo { first, pause: 9 * SECOND, rest: "ok" }], |config| {
            config.timeouts.body = 3 * SECOND;
        });
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.ends_with("\r\n\r\nok"), "cut off: {answer}");
        assert!(about(began.elapsed(), 3 * SECOND), "{:?}", began.elapsed());
        assert_eq!(world.snapshot().await.endpoints[0].counters.failures, 1);
    });
}

#[test]
fn a_slow_body_may_take_as_long_as_it_moves() {
    in_paused_time(async {
        let first = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok";
        let world = World::new(&[Script::InTwo { first, pause: 50 * SECOND, rest: "ok" }]);
        assert!(world.get().await.ends_with("\r\n\r\nokok"));
    });
}

/// Or a client could eject endpoints by being slow.
#[test]
fn a_client_that_stops_in_the_middle_of_its_body_is_not_blamed_on_the_endpoint() {
    in_paused_time(async {
        let slow = Script::Answer { after: 99 * SECOND, bytes: OK };
        let world = World::with(&[slow], |config| config.timeouts.response = 2 * SECOND);
        let (mut client, _serving) = world.client();
        let half = "PUT / HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhalf";
        client.write_all(half.as_bytes()).await.expect("it takes a request");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("pipes do not fail");
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert_eq!(world.snapshot().await.endpoints[0].counters.failures, 0);
    });
}

#[test]
fn an_upload_may_take_longer_than_an_answer() {
    in_paused_time(async {
        let patient = Script::Answer { after: 5 * SECOND, bytes: OK };
        let world = World::with(&[patient], |config| config.timeouts.response = 2 * SECOND);
        let (mut client, _serving) = world.client();
        let head = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\nconnection: close\r\n\r\n";
        client.write_all(head.as_bytes()).await.expect("it takes a request");
        for byte in b"body" {
            tokio::time::sleep(SECOND).await;
            client.write_all(&[*byte]).await.expect("it takes a body");
        }
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("pipes do not fail");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    });
}

#[test]
fn connections_are_kept_for_the_next_request_and_closed_when_they_are_old() {
    in_paused_time(async {
        let world = World::new(&[at_once(OK)]);
        world.get().await;
        world.get().await;
        assert_eq!(world.dialled(), [0]);
        tokio::time::sleep(TIMEOUTS.idle).await;
        world.get().await;
        assert_eq!(world.dialled(), [0, 0]);
    });
}

#[test]
fn an_answer_that_is_not_delivered_saves_its_connection() {
    in_paused_time(async {
        let world = World::with(&[at_once(UNAVAILABLE), at_once(OK)], |config| config.policy.health.max_fails = 0);
        for _ in 0..4 {
            assert!(world.get().await.starts_with("HTTP/1.1 200"));
        }
        assert_eq!(world.dialled(), [0, 1]);
    });
}

#[test]
fn an_ejection_ends_in_a_trial_that_no_client_notices() {
    in_paused_time(async {
        let world = World::new(&[Script::Refuse, at_once(OK)]);
        let belief = async || world.snapshot().await.endpoints[0].belief;
        for _ in 0..6 {
            assert!(world.get().await.starts_with("HTTP/1.1 200"));
        }
        assert!(matches!(belief().await, Belief::Ejected { .. }));
        let dialled = world.dialled().iter().filter(|index| **index == 0).count();
        assert_eq!(dialled, 3);
        tokio::time::sleep(10 * SECOND + SECOND / 10).await;
        assert_eq!(belief().await, Belief::Trial);
        assert!(world.get().await.starts_with("HTTP/1.1 200"));
        assert!(matches!(belief().await, Belief::Ejected { .. }));
    });
}

#[test]
fn an_endpoint_that_hangs_on_a_whole_request_with_a_body_is_blamed_and_the_request_tried_elsewhere() {
    for framing in ["content-length: 4\r\n\r\nbody", "transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"] {
        in_paused_time(async {
            let hung = Script::Answer { after: 99 * SECOND, bytes: OK };
            let world = World::with(&[hung, at_once(OK)], |config| config.timeouts.response = 2 * SECOND);
            let began = Instant::now();
            let request = format!("PUT / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{framing}");
            assert!(world.ask(&request).await.starts_with("HTTP/1.1 200"), "{framing:?}");
            assert!(about(began.elapsed(), 2 * SECOND), "{framing:?}: {:?}", began.elapsed());
            assert_eq!(world.snapshot().await.endpoints[0].counters.failures, 1);
        });
    }
}

#[test]
fn an_answer_that_waits_for_a_slow_upload_is_not_blamed_on_the_endpoint() {
    in_paused_time(async {
        let first = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok";
        let world = World::with(&[Script::InTwo { first, pause: 99 * SECOND, rest: "ok" }], |config| {
            config.timeouts.body = 2 * SECOND;
        });
        let half = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhalf";
        assert!(world.ask(half).await.ends_with("\r\n\r\nok"));
        assert_eq!(world.snapshot().await.endpoints[0].counters.failures, 0);
    });
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    in_paused_time(async {
        let large: &'static str =
            format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000)).leak();
        let world = World::new(&[at_once(large)]);
        let (mut client, serving) = world.client();
        client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
        let began = Instant::now();
        serving.await.expect("it ends");
        assert!(about(began.elapsed(), 60 * SECOND), "{:?}", began.elapsed());
        let counters = world.snapshot().await.endpoints[0].counters;
        assert_eq!((counters.in_flight, counters.failures), (0, 0));
    });
}
