//! One client's connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::dial::Dial;
use crate::proxy::Proxy;
use crate::voice::Voice;

/// How long a client may take for the head of a request, and how long it may stay connected without one.
/// nginx: 60 s for the head, 75 s idle.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Most that is buffered of a client's request: its head must fit in. nginx: 4 × 8 KiB.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves a connection until either side ends it, or `stopping` asks it to end after the current request.
pub(crate) async fn serve<D: Dial, S>(proxy: Rc<Proxy<D>>, stream: S, client: IpAddr, stopping: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |request| {
        let proxy = Rc::clone(&proxy);
        async move { Ok::<_, Infallible>(proxy.handle(request, client).await) }
    });
    let connection = http1::Builder::new()
        // hyper ignores the time limit without a timer.
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_LIMIT)
        .max_header_size(BUFFER_LIMIT)
        .serve_connection(TokioIo::new(Voice::new(stream)), service);
    if let Err(error) = stopping.watch(connection).await {
        tracing::debug!(%client, %error, "connection ended");
    }
}
