//! What a fault makes of a request.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::sleep;

use super::{Kind, Line, Place};
use crate::Backend;

/// No method, no version, no status: nothing that an HTTP parser could take for a beginning.
const GARBAGE: &[u8] = b"\x00\x7f\xff this is not HTTP (simulated fault)\r\n\r\n";

/// Waits as long as the fault wants it, then gives the answer that goes out in the place of the real one, if one does.
///
/// The request has to be read to its end before: a socket that is closed with bytes unread resets the connection, and
/// the client could lose what was sent to it (RFC 9112 §9.6).
pub(crate) async fn strike(backend: &Backend, place: Place, line: &Line) -> Option<Response> {
    let standing = backend.fault().standing().filter(|standing| standing.hits(place))?;
    let kind = standing.fault().kind;
    // Where the connection breaks, this status is seen by the log alone.
    let mut status = StatusCode::INTERNAL_SERVER_ERROR;
    match kind {
        Kind::Latency { delay, jitter } => {
            sleep(delay + jitter.mul_f64(fastrand::f64())).await;
            return None;
        }
        Kind::Hang => {
            backend.fault().over(&standing).await;
            return None;
        }
        Kind::Errors { status: told } => status = told,
        Kind::Reset => line.reset(),
        Kind::Truncate => line.end_after(truncated(backend.name())),
        Kind::Garbage => line.end_after(GARBAGE),
    }
    Some((status, format!("Server {} {kind} (simulated fault)", backend.name())).into_response())
}

/// The head of a good answer with the first words of its body. A HEAD, which has no body to cut, is given the same.
fn truncated(name: &str) -> String {
    let (first_words, rest) = ("Response from ", format!("server: {name}"));
    format!(
        "HTTP/1.1 200 OK\r\n\
         content-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\n\
         cache-control: no-store\r\n\
         \r\n\
         {first_words}",
        first_words.len() + rest.len()
    )
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::ask::{Answer, get};
    use crate::{STOP_GRACE, serve};

    const REQUEST: &[u8] = b"GET /api HTTP/1.1\r\nhost: x\r\n\r\n";

    async fn with_fault(parameters: &str) -> Backend {
        let backend = Backend::new("web1");
        told(&backend, parameters).await;
        backend
    }

    async fn told(backend: &Backend, parameters: &str) {
        let answer = get(backend, &format!("/control/fault?target=web1&{parameters}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    async fn timed(backend: &Backend, path: &str) -> (Answer, Duration) {
        let began = Instant::now();
        let answer = get(backend, path).await;
        (answer, began.elapsed())
    }

    async fn api(backend: &Backend) -> (StatusCode, String) {
        let answer = get(backend, "/api").await;
        (answer.status, answer.body)
    }

    /// Timers of tokio fire up to a millisecond late.
    fn is_about(took: Duration, expected: Duration) -> bool {
        took >= expected && took <= expected + Duration::from_millis(2)
    }

    /// Serves on a port of its own, and connects.
    async fn connect(backend: &Backend) -> (TcpStream, oneshot::Sender<()>, JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, backend.clone(), async {
            let _ = stopped.await;
        }));
        (TcpStream::connect(address).await.expect("the server listens"), stop, server)
    }

    /// All that comes until the connection ends, and how it ends.
    async fn exchange(client: &mut TcpStream, request: &[u8]) -> (Vec<u8>, io::Result<usize>) {
        client.write_all(request).await.expect("the server reads");
        let mut answer = Vec::new();
        let end = client.read_to_end(&mut answer).await;
        (answer, end)
    }

    /// One whole answer of a connection that stays.
    async fn good_answer(client: &mut TcpStream) {
        client.write_all(REQUEST).await.expect("the server reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"Response from server: web1") {
            answer.push(client.read_u8().await.expect("the server answers"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", answer.escape_ascii());
    }

    #[tokio::test(start_paused = true)]
    async fn latency_gives_the_real_answer_late() {
        let backend = with_fault("kind=latency&delay=200ms&for=30s").await;
        for (active, status) in [(true, StatusCode::OK), (false, StatusCode::SERVICE_UNAVAILABLE)] {
            backend.set_active(active);
            let (answer, took) = timed(&backend, "/api").await;
            assert_eq!(answer.status, status);
            assert!(is_about(took, Duration::from_millis(200)), "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jitter_makes_it_later_by_up_to_that_much() {
        let backend = with_fault("kind=latency&delay=200ms&jitter=50ms&for=10m").await;
        let mut took = Vec::new();
        for _ in 0..100 {
            took.push(timed(&backend, "/api").await.1.as_millis());
        }
        assert!(took.iter().all(|ms| (200..=252).contains(ms)), "{took:?}");
        assert!(took.iter().any(|ms| *ms < 225) && took.iter().any(|ms| *ms > 225), "{took:?}");
    }

    #[tokio::test]
    async fn errors_have_the_status_that_was_asked_for_and_count() {
        let backend = with_fault("kind=errors&status=429&for=30s").await;
        let says = "Server web1 answers 429 (simulated fault)".to_owned();
        assert_eq!(api(&backend).await, (StatusCode::TOO_MANY_REQUESTS, says));
        assert_eq!(backend.health().requests, 1);
        told(&backend, "kind=errors&for=30s").await;
        let says = "Server web1 answers 500 (simulated fault)".to_owned();
        assert_eq!(api(&backend).await, (StatusCode::INTERNAL_SERVER_ERROR, says));
    }

    #[tokio::test]
    async fn a_part_of_the_requests_is_hit_evenly() {
        let backend = with_fault("kind=errors&percent=25&for=30s").await;
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(api(&backend).await.0.as_u16());
        }
        assert_eq!(statuses, [500, 200, 200, 200, 500, 200, 200, 200]);
    }

    #[tokio::test(start_paused = true)]
    async fn once_its_time_is_up_all_is_well() {
        let backend = with_fault("kind=errors&for=30s").await;
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(api(&backend).await, (StatusCode::OK, "Response from server: web1".to_owned()));
    }

    #[tokio::test]
    async fn everything_but_api_works_on() {
        for kind in ["latency&delay=1m", "errors", "hang", "reset", "truncate", "garbage"] {
            let backend = with_fault(&format!("kind={kind}&for=10m")).await;
            for path in ["/health", "/control", "/control/toggle?target=web1&active=true"] {
                assert_eq!(get(&backend, path).await.status, StatusCode::OK, "{kind} {path}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn health_misbehaves_alike_where_that_was_asked_for() {
        let backend = with_fault("kind=errors&status=599&health=true&for=30s").await;
        let answer = get(&backend, "/health").await;
        assert_eq!(answer.status.as_u16(), 599);
        assert_eq!(answer.body, "Server web1 answers 599 (simulated fault)");
        told(&backend, "kind=latency&delay=2s&health=true&for=30s").await;
        let (answer, took) = timed(&backend, "/health").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(is_about(took, Duration::from_secs(2)), "{took:?}");
        assert_eq!(get(&backend, "/control").await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_broken_connection_without_a_connection_is_a_500() {
        let backend = with_fault("kind=reset&for=30s").await;
        let says = "Server web1 resets the connection (simulated fault)".to_owned();
        assert_eq!(api(&backend).await, (StatusCode::INTERNAL_SERVER_ERROR, says));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_hangs_is_answered_once_the_fault_is_over() {
        let backend = with_fault("kind=hang&for=30s").await;
        let (mut client, _stop, _server) = connect(&backend).await;
        let began = Instant::now();
        good_answer(&mut client).await;
        assert!(is_about(began.elapsed(), Duration::from_secs(30)), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_request_that_hangs_is_answered_when_the_fault_is_cleared() {
        let backend = with_fault("kind=hang&for=10m").await;
        let (mut client, _stop, _server) = connect(&backend).await;
        tokio::join!(good_answer(&mut client), async {
            // It counts just before it hangs.
            while backend.health().requests == 0 {
                tokio::task::yield_now().await;
            }
            told(&backend, "kind=none").await;
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_ends_its_request() {
        let backend = with_fault("kind=hang&for=10m").await;
        let (mut client, stop, server) = connect(&backend).await;
        client.write_all(REQUEST).await.expect("the server reads");
        while backend.health().requests == 0 {
            tokio::task::yield_now().await;
        }
        drop(client);
        let stopped = Instant::now();
        stop.send(()).expect("the server waits for it");
        server.await.expect("no panic").expect("no error");
        assert!(stopped.elapsed() < STOP_GRACE, "{:?}", stopped.elapsed());
    }

    #[tokio::test]
    async fn a_reset_comes_before_any_byte_even_on_a_connection_that_was_good() {
        let backend = Backend::new("web1");
        let (mut client, _stop, _server) = connect(&backend).await;
        good_answer(&mut client).await;
        told(&backend, "kind=reset&for=30s").await;
        let (answer, end) = exchange(&mut client, REQUEST).await;
        assert_eq!(answer, b"");
        assert_eq!(end.expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
        assert_eq!(backend.health().requests, 2);
    }

    #[tokio::test]
    async fn a_truncated_answer_ends_cleanly_before_the_length_that_it_announced() {
        let backend = with_fault("kind=truncate&for=30s").await;
        let (mut client, _stop, _server) = connect(&backend).await;
        let (answer, end) = exchange(&mut client, REQUEST).await;
        end.expect("a clean end");
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("the head is whole");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-length: 26\r\n"), "{head}");
        assert_eq!(body, "Response from ");
    }

    #[tokio::test]
    async fn garbage_ends_cleanly_and_is_not_http() {
        let backend = with_fault("kind=garbage&for=30s").await;
        let (mut client, _stop, _server) = connect(&backend).await;
        let (answer, end) = exchange(&mut client, REQUEST).await;
        end.expect("a clean end");
        assert_eq!(answer, GARBAGE);
    }

    #[tokio::test]
    async fn a_request_with_a_body_is_read_before_its_connection_breaks() {
        let backend = with_fault("kind=garbage&for=30s").await;
        let (mut client, _stop, _server) = connect(&backend).await;
        let mut request = b"POST /api HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n".to_vec();
        request.resize(request.len() + (1 << 20), b'x');
        let (answer, end) = exchange(&mut client, &request).await;
        end.expect("a clean end");
        assert_eq!(answer, GARBAGE);
    }

    #[tokio::test]
    async fn the_next_connection_of_a_server_that_broke_one_is_good() {
        for kind in ["reset", "truncate", "garbage"] {
            let backend = with_fault(&format!("kind={kind}&percent=50&for=30s")).await;
            let (mut client, _stop, _server) = connect(&backend).await;
            let address = client.peer_addr().expect("it is connected");
            let (answer, _) = exchange(&mut client, REQUEST).await;
            assert!(!answer.ends_with(b"web1"), "{kind}");
            let mut next = TcpStream::connect(address).await.expect("the server listens");
            good_answer(&mut next).await;
        }
    }

    #[tokio::test]
    async fn health_breaks_its_connection_too_where_that_was_asked_for() {
        let backend = with_fault("kind=reset&health=true&for=30s").await;
        let (mut client, _stop, _server) = connect(&backend).await;
        let (answer, end) = exchange(&mut client, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(answer, b"");
        assert_eq!(end.expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
    }
}
