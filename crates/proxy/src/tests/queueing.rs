//! Endpoints that take only so many requests at once, and those who wait for them.

use std::num::NonZeroU32;
use std::time::Duration;

use lb_balance::Algorithm;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep};

use super::world::{OK, Script, UNAVAILABLE, World, at_once, in_paused_time};
use crate::config::QueueConfig;

const SECOND: Duration = Duration::from_secs(1);
const SLOW: Script = Script::Answer { after: SECOND, bytes: OK };

/// Endpoints that take one request at a time.
fn narrow(scripts: &[Script], queue: Option<QueueConfig>) -> World {
    World::with(scripts, |config| {
        config.endpoints.iter_mut().for_each(|config| config.endpoint.max_in_flight = NonZeroU32::new(1));
        config.queue = queue;
    })
}

fn queue(size: usize, timeout: Duration) -> QueueConfig {
    QueueConfig { size, timeout }
}

/// Sends a request and lets it get as far as it can at once.
async fn begin(world: &World) -> (tokio::io::DuplexStream, tokio::task::JoinHandle<()>) {
    let (mut client, serving) = world.client();
    client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
    sleep(SECOND / 100).await;
    (client, serving)
}

#[test]
fn without_a_queue_who_finds_everything_full_is_rejected_at_once() {
    in_paused_time(async {
        let world = narrow(&[SLOW], None);
        let _first = begin(&world).await;
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("lb-reject: at-capacity"), "{answer}");
        assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
        assert!(began.elapsed() < SECOND / 2 && world.cluster.queued().is_none());
    });
}

#[test]
fn with_a_queue_it_waits_for_its_turn() {
    in_paused_time(async {
        let world = narrow(&[SLOW], Some(queue(5, 9 * SECOND)));
        let began = Instant::now();
        let (_first, get) = (begin(&world).await, world.get());
        assert!(get.await.starts_with("HTTP/1.1 200"));
        assert!(began.elapsed() >= 2 * SECOND && began.elapsed() < 3 * SECOND, "{:?}", began.elapsed());
        assert_eq!(world.cluster.queued(), Some(0));
    });
}

#[test]
fn when_the_queue_is_full_a_request_is_rejected_at_once() {
    in_paused_time(async {
        let world = narrow(&[SLOW], Some(queue(1, 9 * SECOND)));
        let (_first, _second) = (begin(&world).await, begin(&world).await);
        assert_eq!(world.cluster.queued(), Some(1));
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("lb-reject: queue-full"), "{answer}");
        assert!(began.elapsed() < SECOND / 2);
    });
}

#[test]
fn when_its_time_is_over_a_request_is_rejected() {
    in_paused_time(async {
        let world = narrow(&[Script::Answer { after: 9 * SECOND, bytes: OK }], Some(queue(1, 2 * SECOND)));
        let _first = begin(&world).await;
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("lb-reject: queue-timeout"), "{answer}");
        assert!(began.elapsed() >= 2 * SECOND && began.elapsed() < 3 * SECOND, "{:?}", began.elapsed());
        assert_eq!(world.cluster.queued(), Some(0));
    });
}

#[test]
fn a_client_that_leaves_frees_its_place_and_the_next_one_goes() {
    in_paused_time(async {
        let world = narrow(&[SLOW], Some(queue(2, 9 * SECOND)));
        let _first = begin(&world).await;
        let (second, serving) = begin(&world).await;
        let (third, ()) = tokio::join!(world.get(), async {
            sleep(SECOND / 100).await;
            assert_eq!(world.cluster.queued(), Some(2));
            drop(second);
            let _ended = serving.await;
            assert_eq!(world.cluster.queued(), Some(1));
        });
        assert!(third.starts_with("HTTP/1.1 200"), "{third}");
        assert_eq!(world.snapshot().await.endpoints[0].counters.attempts, 2);
    });
}

/// Its answer is there already, and is worth more than a chance of another.
#[test]
fn a_retry_does_not_wait() {
    in_paused_time(async {
        let world = narrow(&[SLOW, at_once(UNAVAILABLE)], Some(queue(5, 9 * SECOND)));
        let _first = begin(&world).await;
        let began = Instant::now();
        assert!(world.get().await.starts_with("HTTP/1.1 503 No"));
        assert!(began.elapsed() < SECOND / 2);
    });
}

/// What works is full, and then nothing works any more: there is nothing to wait for.
#[test]
fn who_waits_is_rejected_when_the_last_endpoint_goes_down() {
    in_paused_time(async {
        let late = Script::Answer { after: SECOND, bytes: UNAVAILABLE };
        let world = World::with(&[late, Script::Refuse], |config| {
            config.endpoints[0].endpoint.max_in_flight = NonZeroU32::new(1);
            config.endpoints[1].endpoint.draining = true;
            config.policy.health.max_fails = 1;
            config.policy.health.max_ejected_percent = 100;
            config.queue = Some(queue(5, 9 * SECOND));
        });
        let _first = begin(&world).await;
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("lb-reject: no-endpoint"), "{answer}");
        assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    });
}

/// A request that was given up was at least so slow.
#[test]
fn peak_ewma_hears_of_requests_whose_clients_left_a_silent_endpoint() {
    in_paused_time(async {
        let silent = Script::Answer { after: 99 * SECOND, bytes: OK };
        let world = World::with(&[silent, at_once(OK)], |config| config.policy.algorithm = Algorithm::PeakEwma);
        let attempts =
            async || world.snapshot().await.endpoints.iter().map(|e| e.counters.attempts).collect::<Vec<_>>();
        while attempts().await[0] == 0 {
            let (client, serving) = begin(&world).await;
            sleep(3 * SECOND).await;
            drop(client);
            let _ended = serving.await;
        }
        let before = attempts().await[1];
        for _ in 0..8 {
            assert!(world.get().await.starts_with("HTTP/1.1 200"));
        }
        assert_eq!(attempts().await[1], before + 8, "the other is known to be slow");
    });
}

#[test]
fn who_waits_before_another_try_holds_no_place_at_the_endpoint_that_failed() {
    in_paused_time(async {
        let world = World::with(&[Script::Refuse, at_once(OK)], |config| {
            config.retry.backoff = Duration::from_secs(2);
            config.policy.health.max_fails = 0;
        });
        let (mut client, _serving) = world.client();
        client.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("it takes a request");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(world.snapshot().await.endpoints[0].counters.in_flight, 0);
    });
}
