//! Limits on clients: each ends what it limits, and costs those that keep within it nothing.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::{Instant, sleep};

use super::world::{LIMITS, OK, Script, World, at_once, in_paused_time};
use crate::lent::{Held, Stock, lend_from, lent};
use crate::limits::Limits;

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET / HTTP/1.1\r\nhost: t\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100000\r\n\r\n";

fn world(limits: Limits) -> World {
    World::limited(&[at_once(OK)], limits, |_| {})
}

/// A world whose endpoint waits for the body before it answers.
fn patient(limits: Limits) -> World {
    World::limited(&[Script::Answer { after: 600 * SECOND, bytes: OK }], limits, |_| {})
}

async fn send(client: &mut DuplexStream, bytes: &str) {
    client.write_all(bytes.as_bytes()).await.expect("it takes bytes");
}

async fn rest(client: &mut DuplexStream) -> String {
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.expect("pipes do not fail");
    String::from_utf8_lossy(&read).into_owned()
}

fn took(began: Instant, expected: Duration) -> bool {
    let took = began.elapsed();
    took >= expected && took <= expected + 3 * SECOND
}

#[test]
fn a_head_that_does_not_end_is_408_in_time_however_it_trickles() {
    in_paused_time(async {
        let world = world(Limits { head_timeout: 10 * SECOND, ..LIMITS });
        let (mut client, _serving) = world.client();
        let began = Instant::now();
        for byte in ["G", "E", "T", " ", "/"] {
            send(&mut client, byte).await;
            sleep(SECOND).await;
        }
        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(took(began, 10 * SECOND), "{:?}", began.elapsed());
    });
}

#[test]
fn a_connection_without_a_request_is_ended_in_time_and_without_a_word() {
    in_paused_time(async {
        let world = world(Limits { idle_timeout: 10 * SECOND, ..LIMITS });
        let (mut client, _serving) = world.client();
        let began = Instant::now();
        assert_eq!(rest(&mut client).await, "");
        assert!(took(began, 10 * SECOND), "{:?}", began.elapsed());
        // A request begins the time anew.
        let (mut client, _serving) = world.client();
        let began = Instant::now();
        for _ in 0..3 {
            sleep(6 * SECOND).await;
            send(&mut client, GET).await;
        }
        assert_eq!(rest(&mut client).await.matches("200 OK").count(), 3);
        assert!(took(began, 28 * SECOND), "{:?}", began.elapsed());
    });
}

#[test]
fn empty_lines_buy_an_idle_connection_no_time() {
    in_paused_time(async {
        let world = world(Limits { idle_timeout: 10 * SECOND, ..LIMITS });
        let (mut client, _serving) = world.client();
        let began = Instant::now();
        for piece in ["\r\n", "\r", "\n"] {
            sleep(3 * SECOND).await;
            send(&mut client, piece).await;
        }
        assert_eq!(rest(&mut client).await, "");
        assert!(took(began, 10 * SECOND), "{:?}", began.elapsed());
        // Before a request they are passed over.
        let (mut client, _serving) = world.client();
        send(&mut client, "\r\n").await;
        send(&mut client, GET).await;
        assert!(rest(&mut client).await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn a_body_that_stands_still_is_408_and_nobodys_failure() {
    in_paused_time(async {
        let world = patient(Limits { body_timeout: 10 * SECOND, body_rate: 0, ..LIMITS });
        let (mut client, _serving) = world.client();
        let began = Instant::now();
        send(&mut client, POST).await;
        for _ in 0..3 {
            send(&mut client, "abc").await;
            sleep(5 * SECOND).await;
        }
        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("client-timeout"), "{answer}");
        assert!(took(began, 20 * SECOND), "{:?}", began.elapsed());
        assert_eq!(world.snapshot().await.endpoints[0].counters.failures, 0);
    });
}

#[test]
fn a_body_that_trickles_is_ended_when_it_falls_behind_its_rate() {
    in_paused_time(async {
        let world = patient(Limits { body_rate: 1024, ..LIMITS });
        let (mut client, _serving) = world.client();
        let began = Instant::now();
        send(&mut client, POST).await;
        let trickle = async {
            while client.write_all(&[b'x'; 512]).await.is_ok() {
                sleep(SECOND).await;
            }
            rest(&mut client).await
        };
        let answer = trickle.await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        // Half of the rate is twenty seconds of grace: ten, and what was earned meanwhile; and five until the pipe is closed.
        assert!(took(began, 24 * SECOND), "{:?}", began.elapsed());
    });
}

#[test]
fn a_body_that_is_too_large_is_413_in_either_framing() {
    in_paused_time(async {
        let limits = Limits { body: Some(10), ..LIMITS };
        for (framing, body, status) in [
            ("content-length: 10", "0123456789", 200),
            ("content-length: 11", "", 413),
            ("transfer-encoding: chunked", "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 200),
            ("transfer-encoding: chunked", "5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n", 413),
        ] {
            let world = world(limits);
            let answer =
                world.ask(&format!("POST / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{framing}\r\n\r\n{body}")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{framing} {body}: {answer}");
        }
    });
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_left() {
    in_paused_time(async {
        let large: &'static str =
            format!("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n{}", "x".repeat(200_000)).leak();
        let limits = Limits { send_timeout: 10 * SECOND, ..LIMITS };
        let world = World::limited(&[at_once(large)], limits, |_| {});
        let (mut client, serving) = world.client();
        let began = Instant::now();
        send(&mut client, GET).await;
        serving.await.expect("it ends by itself");
        assert!(took(began, 10 * SECOND), "{:?}", began.elapsed());
        assert_eq!(world.snapshot().await.endpoints[0].counters.in_flight, 0);
    });
}

#[test]
fn a_connection_ends_after_as_many_requests_as_it_may_have() {
    in_paused_time(async {
        let world = world(Limits { requests_per_connection: NonZeroU32::new(2), ..LIMITS });
        let answers = world.ask(&GET.repeat(3)).await;
        assert_eq!(
            (answers.matches("200 OK").count(), answers.matches("Connection: close").count()),
            (2, 1),
            "{answers}"
        );
    });
}

#[test]
fn a_request_that_takes_too_long_in_all_is_504() {
    in_paused_time(async {
        let slow = Script::Answer { after: 4 * SECOND, bytes: super::world::UNAVAILABLE };
        let world = World::with(&[slow, slow, slow], |config| config.timeouts.request = Some(6 * SECOND));
        let began = Instant::now();
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("request-timeout"), "{answer}");
        assert!(took(began, 6 * SECOND), "{:?}", began.elapsed());
    });
}

#[test]
fn whoever_is_idle_longest_makes_room() {
    in_paused_time(async {
        let world = world(Limits { connections: NonZeroUsize::new(3).expect("not zero"), ..LIMITS });
        let mut clients = Vec::new();
        for _ in 0..3 {
            assert!(world.guests().has_room(), "there is room");
            let (mut client, serving) = world.client();
            send(&mut client, GET).await;
            sleep(SECOND).await;
            clients.push((client, serving));
        }
        assert!(!world.guests().has_room() && world.guests().ask_idle_to_leave(), "somebody is idle");
        let (mut first, serving) = clients.remove(0);
        serving.await.expect("it ends by itself");
        assert!(rest(&mut first).await.starts_with("HTTP/1.1 200 OK"), "it had its answer");
        for (mut client, _serving) in clients {
            send(&mut client, GET).await;
            let mut answers = vec![0; 200];
            assert_ne!(client.read(&mut answers).await.expect("pipes do not fail"), 0, "the others stay");
        }
    });
}

#[test]
fn somebody_who_is_busy_makes_no_room() {
    in_paused_time(async {
        let slow = Script::Answer { after: 20 * SECOND, bytes: OK };
        let limits = Limits { connections: NonZeroUsize::MIN, ..LIMITS };
        let world = World::limited(&[slow], limits, |_| {});
        let (mut client, _serving) = world.client();
        send(&mut client, GET).await;
        sleep(SECOND).await;
        assert!(!world.guests().has_room() && !world.guests().ask_idle_to_leave());
        // Half a head is busy, too.
        sleep(30 * SECOND).await;
        send(&mut client, "GET / HT").await;
        sleep(SECOND).await;
        assert!(!world.guests().has_room() && !world.guests().ask_idle_to_leave());
    });
}

/// Ten thousand idle clients would hold 80 MiB.
#[test]
fn a_connection_on_which_nothing_happens_holds_no_buffer() {
    in_paused_time(async {
        let world = world(LIMITS);
        let (mut client, _serving) = world.client();
        sleep(SECOND).await;
        assert_eq!(lent(), 0, "before its first request");
        send(&mut client, GET).await;
        sleep(SECOND).await;
        assert_eq!(lent(), 0, "after its answer; the connection to the endpoint is idle, too");
        send(&mut client, "GET / HT").await;
        sleep(SECOND).await;
        assert_eq!(lent(), 8 * 1024, "bytes are in it");
    });
}

/// Each byte that it sends lets the proxy look for more of the answer.
#[test]
fn a_client_that_reads_nothing_makes_nobody_take_its_whole_answer_in() {
    in_paused_time(async {
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
        let large: &'static str =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(200)).leak();
        let world = World::new(&[at_once(large)]);
        let (mut client, _serving) = world.client();
        send(&mut client, GET).await;
        for _ in 0..500 {
            sleep(Duration::from_millis(1)).await;
            send(&mut client, "G").await;
        }
        // The pipes and the buffers hold less than half of it: the endpoint has not got rid of the rest.
        assert_eq!(world.snapshot().await.endpoints[0].counters.in_flight, 1);
    });
}

#[test]
fn where_all_memory_is_lent_new_requests_are_503_and_those_under_way_go_on() {
    in_paused_time(async {
        let world = world(LIMITS);
        // A quarter of a mebibyte.
        lend_from(Stock::new(0, 1));
        let ((mut first, _one), (mut second, _two)) = (world.client(), world.client());
        send(&mut first, "GET / HT").await;
        sleep(SECOND).await;
        let mut others = Held::default();
        others.set((256 - 8) * 1024);
        send(&mut second, GET).await;
        let answer = rest(&mut second).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("lb-reject: no-memory\r\n"), "{answer}");
        assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
        send(&mut first, &GET["GET / HT".len()..]).await;
        sleep(SECOND).await;
        assert_eq!(lent(), (256 - 8) * 1024, "what was lent to it is back");
        let (mut third, _three) = world.client();
        send(&mut third, GET).await;
        drop(first);
        assert!(rest(&mut third).await.starts_with("HTTP/1.1 200 "));
    });
}

#[test]
fn where_all_memory_is_lent_nobody_gets_a_larger_buffer() {
    in_paused_time(async {
        let world = world(LIMITS);
        lend_from(Stock::new(0, 1));
        let (mut client, _serving) = world.client();
        send(&mut client, "GET / HTTP/1.1\r\nx: ").await;
        sleep(SECOND).await;
        let mut others = Held::default();
        others.set((256 - 8) * 1024);
        send(&mut client, &"x".repeat(10_000)).await;
        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("lb-reject: no-memory\r\n"), "{answer}");
    });
}

#[test]
fn a_request_that_waits_for_its_answer_holds_no_buffer() {
    in_paused_time(async {
        let world = patient(LIMITS);
        let (mut client, _serving) = world.client();
        send(&mut client, GET).await;
        sleep(SECOND).await;
        assert_eq!(lent(), 0);
    });
}

#[test]
fn empty_lines_after_requests_do_not_make_a_connection_older() {
    in_paused_time(async {
        let world = world(Limits { idle_timeout: 10 * SECOND, ..LIMITS });
        let (mut client, _serving) = world.client();
        for _ in 0..8 {
            sleep(4 * SECOND).await;
            send(&mut client, &format!("{GET}\r\n")).await;
        }
        assert_eq!(rest(&mut client).await.matches("200 OK").count(), 8);
    });
}

/// A body that is kept counts as long as its request may be sent again.
#[test]
fn what_is_kept_of_a_body_is_lent() {
    in_paused_time(async {
        let world = patient(LIMITS);
        let (mut client, _serving) = world.client();
        send(&mut client, "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 30000\r\n\r\n").await;
        send(&mut client, &"x".repeat(20_000)).await;
        sleep(SECOND).await;
        assert!(lent() >= 16_000, "{}", lent());
        drop(client);
        sleep(SECOND).await;
        assert_eq!(lent(), 0);
    });
}
