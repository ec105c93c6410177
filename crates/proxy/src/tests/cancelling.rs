//! Dropping is the protocol for cancelling: whenever the client leaves, nothing is left behind.

use std::num::NonZeroU32;
use std::time::Duration;

use lb_balance::Belief;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::{OK, Script, UNAVAILABLE, World, at_once, in_paused_time};
use crate::config::{ClusterConfig, Hedge, QueueConfig};

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\n\r\nabc";

/// A slow 503, then a slow answer in two parts: as many awaits as a request can have.
const SCRIPTS: [Script; 3] = [
    Script::Answer { after: Duration::from_millis(5), bytes: UNAVAILABLE },
    Script::Refuse,
    Script::InTwo {
        first: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        pause: Duration::from_millis(5),
        rest: "3\r\ndef\r\n0\r\n\r\n",
    },
];

/// Sends a request and cuts the connection's task off at its n-th await. Returns whether it had ended by itself.
async fn cut_off(world: &World, request: &[u8], awaits: u32) -> bool {
    let (mut client, serving) = world.client();
    client.write_all(request).await.expect("it takes a request");
    let mut answer = Vec::new();
    let mut finished = false;
    for _ in 0..awaits {
        // Each turn lets every task run once; time moves on when all of them wait.
        tokio::task::yield_now().await;
        if let Ok(read) = tokio::time::timeout(Duration::from_micros(400), client.read_buf(&mut answer)).await {
            read.expect("pipes do not fail");
        }
        finished = answer.ends_with(b"0\r\n\r\n");
        if finished {
            break;
        }
    }
    serving.abort();
    let _cancelled = serving.await;
    finished
}

/// Cuts the connection's task off at its n-th await, for every n until it ends by itself.
async fn cut_off_everywhere(scripts: &[Script], request: &[u8], change: impl Fn(&mut ClusterConfig)) {
    let mut finished = false;
    let mut awaits = 0;
    while !finished {
        let world = World::with(scripts, &change);
        finished = cut_off(&world, request, awaits).await;
        let endpoints = world.snapshot().await.endpoints;
        assert!(endpoints.iter().all(|e| e.counters.in_flight == 0), "dropped after {awaits} awaits");
        let cells = (0..scripts.len()).filter_map(|index| world.tally.clusters[0].endpoint(index));
        let open: u64 = cells.map(|cells| cells.opened.get() - cells.closed.get() - cells.idle.get()).sum();
        assert_eq!(open, 0, "a connection counts as open, dropped after {awaits} awaits");
        assert_eq!(world.tally.open.get(), 0, "a client counts as connected, dropped after {awaits} awaits");
        awaits += 1;
        assert!(awaits < 10_000, "the request never ends");
    }
    assert!(awaits > 10, "the request was cut off at {awaits} points only");
}

#[test]
fn no_lease_is_left_wherever_the_connections_task_is_dropped() {
    in_paused_time(cut_off_everywhere(&SCRIPTS, REQUEST, |config| {
        config.retry.non_idempotent = true;
        config.policy.health.max_fails = 0;
    }));
}

/// Once the hedge wins; once both attempts fail, and a third one answers.
#[test]
fn no_lease_is_left_wherever_a_request_with_two_attempts_under_way_is_dropped() {
    const LATE: Script = Script::Answer { after: Duration::from_millis(7), bytes: UNAVAILABLE };
    for scripts in [&[Script::BlackHole, SCRIPTS[2]][..], &[LATE, LATE, SCRIPTS[2]]] {
        in_paused_time(cut_off_everywhere(scripts, b"GET / HTTP/1.1\r\nhost: t\r\n\r\n", |config| {
            config.hedge = Some(Hedge::After(Duration::from_millis(3)));
            config.policy.health.max_fails = 0;
        }));
    }
}

#[test]
fn no_place_is_left_wherever_a_request_in_the_queue_is_dropped() {
    in_paused_time(async {
        let mut finished = false;
        let mut awaits = 0;
        while !finished {
            let world = World::with(&[SCRIPTS[2]], |config| {
                config.endpoints[0].endpoint.max_in_flight = NonZeroU32::new(1);
                config.queue = Some(QueueConfig { size: 1, timeout: Duration::from_secs(1) });
            });
            let (mut first, _serving) = world.client();
            first.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
            tokio::time::sleep(Duration::from_millis(1)).await;
            finished = cut_off(&world, b"GET / HTTP/1.1\r\nhost: t\r\n\r\n", awaits).await;
            assert_eq!(world.cluster.queued(), Some(0), "dropped after {awaits} awaits");
            // Whoever comes next is served, so nothing is held and no word is lost.
            assert!(world.get().await.starts_with("HTTP/1.1 200"), "dropped after {awaits} awaits");
            assert_eq!(world.snapshot().await.endpoints[0].counters.in_flight, 0);
            awaits += 1;
            assert!(awaits < 10_000, "the request never ends");
        }
        assert!(awaits > 10, "the request was cut off at {awaits} points only");
    });
}

#[test]
fn a_trial_whose_client_leaves_is_offered_to_the_next_request() {
    in_paused_time(async {
        let slow = Script::Answer { after: Duration::from_secs(5), bytes: OK };
        let world = World::with(&[slow, at_once(OK)], |config| {
            config.timeouts.response = Duration::from_secs(1);
            config.policy.health.max_fails = 1;
        });
        assert!(world.get().await.starts_with("HTTP/1.1 200"));
        let belief = async || world.snapshot().await.endpoints[0].belief;
        assert!(matches!(belief().await, Belief::Ejected { .. }));
        tokio::time::sleep(Duration::from_millis(10_100)).await;
        assert_eq!(belief().await, Belief::Trial);
        for _ in 0..3 {
            let attempts = world.snapshot().await.endpoints[0].counters.attempts;
            let (mut client, serving) = world.client();
            client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(world.snapshot().await.endpoints[0].counters.attempts, attempts + 1, "it is the trial");
            drop(client);
            let _ended = serving.await;
            assert_eq!(belief().await, Belief::Trial);
        }
    });
}

/// A stop waits for busy connections, and an answer that lies in a buffer is not answered yet.
#[test]
fn a_connection_is_busy_until_its_answer_is_written_out() {
    in_paused_time(async {
        let large: &'static str =
            format!("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n{}", "x".repeat(60_000)).leak();
        let world = World::new(&[at_once(large)]);
        let (mut client, _serving) = world.client();
        assert_eq!(world.busy_connections(), 0);
        client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
        // The pipe holds 16 KiB of it; the rest waits, and the endpoint is done long since.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.snapshot().await.endpoints[0].counters.in_flight, 0);
        assert_eq!(world.busy_connections(), 1);
        let mut answer = Vec::new();
        while String::from_utf8_lossy(&answer).matches('x').count() < 60_000 {
            assert_ne!(client.read_buf(&mut answer).await.expect("pipes do not fail"), 0);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.busy_connections(), 0);
        client.write_all(b"GET / HTTP/1.1\r\nho").await.expect("it takes half a head");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.busy_connections(), 0);
    });
}
