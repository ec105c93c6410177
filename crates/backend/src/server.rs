//! Carries a backend on a socket: accepts connections, and stops without cutting off anyone who was quick.
//!
//! When to stop is the caller's business: this knows no signal.

use std::io;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::Backend;
use crate::fault::{Line, Wires};

/// How long [`serve`] waits for requests in flight once it was told to stop: 10 s, what `docker stop` allows before
/// it kills.
pub const STOP_GRACE: Duration = Duration::from_secs(10);

/// Answers requests on `listener` until `stop` is ready.
///
/// Then the listener is closed, idle connections are closed, and the requests in flight are finished, for at most
/// [`STOP_GRACE`]. What is unfinished even then is left to the runtime, whose end cuts it off.
///
/// # Errors
///
/// If the listener does not know its own address. A failed accept is no error: it is tried again.
pub async fn serve(
    listener: TcpListener,
    backend: Backend,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let name = backend.name().to_owned();
    info!("{name} listens on {}", listener.local_addr()?);

    // Small answers shall not wait for the client's acknowledgement (Nagle's algorithm meets delayed ACK: 40 ms).
    let listener = Wires(listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            debug!("TCP_NODELAY: {error}");
        }
    }));
    let router = backend.router().into_make_service_with_connect_info::<Line>();

    let (stopping, stopped) = oneshot::channel();
    let stop = {
        let name = name.clone();
        async move {
            stop.await;
            info!("{name} stops");
            // Nobody waits for it any more if everything has ended at the same moment.
            let _ = stopping.send(());
        }
    };
    let grace_over = async {
        // An error means that `stop` panicked, which axum takes for a stop as well: wait no longer than after a real one.
        let _ = stopped.await;
        sleep(STOP_GRACE).await;
    };

    tokio::select! {
        result = axum::serve(listener, router).with_graceful_shutdown(stop) => result,
        () = grace_over => {
            warn!("{name} stopped with requests unfinished after {} s", STOP_GRACE.as_secs());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;

    const HALF_A_REQUEST: &[u8] =
        b"POST /api HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n";
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

    async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, Backend::new("web1"), async {
            let _ = stopped.await;
        }));
        (address, stop, server)
    }

    /// A client whose request is being handled: the server asked for the body (RFC 9110 §10.1.1), which is still to come.
    async fn request_in_flight(address: SocketAddr) -> TcpStream {
        let mut client = TcpStream::connect(address).await.expect("the server listens");
        client.write_all(HALF_A_REQUEST).await.expect("the server reads");
        let mut interim = [0; CONTINUE.len()];
        client.read_exact(&mut interim).await.expect("the server answers");
        assert_eq!(interim, CONTINUE);
        client
    }

    #[tokio::test]
    async fn a_stop_finishes_the_request_in_flight() {
        let (address, stop, server) = start().await;
        let mut client = request_in_flight(address).await;
        stop.send(()).expect("the server waits for it");
        client.write_all(b"body").await.expect("the server reads");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("the server answers");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nResponse from server: web1"), "{answer}");
        server.await.expect("no panic").expect("no error");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_ten_seconds_and_no_longer() {
        let (address, stop, server) = start().await;
        let _client = request_in_flight(address).await;
        let stopped = Instant::now();
        stop.send(()).expect("the server waits for it");
        server.await.expect("no panic").expect("no error");
        // A timer of tokio fires up to a millisecond late.
        let took = stopped.elapsed();
        assert!(took >= STOP_GRACE && took <= STOP_GRACE + Duration::from_millis(2), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_do_not_hold_up_a_stop() {
        let (address, stop, server) = start().await;
        let mut silent = TcpStream::connect(address).await.expect("the server listens");
        let mut kept_alive = TcpStream::connect(address).await.expect("the server listens");
        kept_alive.write_all(b"HEAD /api HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("the server reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(kept_alive.read_u8().await.expect("the server answers"));
        }
        let stopped = Instant::now();
        stop.send(()).expect("the server waits for it");
        server.await.expect("no panic").expect("no error");
        assert!(stopped.elapsed() < STOP_GRACE);
        assert_eq!(kept_alive.read(&mut [0]).await.expect("a clean end"), 0);
        assert_eq!(silent.read(&mut [0]).await.expect("a clean end"), 0);
    }
}
