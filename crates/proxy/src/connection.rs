//! One client's connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;

use crate::dial::Dial;
use crate::local::BoxError;
use crate::proxy::Proxy;
use crate::voice::{Spoken, Stream, Voice};

/// How long a client may take for the head of a request, and how long it may stay connected without one.
/// nginx: 60 s for the head, 75 s idle.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Most that is buffered of a client's request: its head must fit in. nginx: 4 × 8 KiB.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves a connection until either side ends it, or `stopping` asks it to end after the current request.
pub(crate) async fn serve<D: Dial, S: Stream + 'static>(
    proxy: Rc<Proxy<D>>,
    stream: S,
    client: IpAddr,
    stopping: Watcher,
) {
    let spoken = Rc::new(Spoken::new(proxy.busy_connections()));
    let voice = Voice::new(stream, Rc::clone(&spoken));
    let service = service_fn(move |request: http::Request<_>| {
        let under_way = UnderWay::new(&spoken);
        let proxy = Rc::clone(&proxy);
        async move {
            // To a client that knows no chunks, the connection's end may be the answer's.
            let end_may_be_its_end = request.version() < Version::HTTP_11;
            let answer = proxy.handle(request, client).await;
            Ok::<_, Infallible>(answer.map(|body| Delivered { body, under_way, end_may_be_its_end }))
        }
    });
    let connection = http1::Builder::new()
        // hyper ignores the time limit without a timer.
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_LIMIT)
        .max_header_size(BUFFER_LIMIT)
        .serve_connection(TokioIo::new(voice), service);
    if let Err(error) = stopping.watch(connection).await {
        tracing::debug!(%client, %error, "connection ended");
    }
}

/// Counts a request while it is under way: from its whole head to the last piece of its answer.
struct UnderWay {
    spoken: Rc<Spoken>,
}

impl UnderWay {
    fn new(spoken: &Rc<Spoken>) -> Self {
        spoken.begin();
        Self { spoken: Rc::clone(spoken) }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.spoken.end();
    }
}

/// An answer's body as it goes out.
struct Delivered<B> {
    body: B,
    under_way: UnderWay,
    end_may_be_its_end: bool,
}

impl<B: Body<Data = Bytes, Error = BoxError> + Unpin> Body for Delivered<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(_))) = &polled
            && self.end_may_be_its_end
        {
            self.under_way.spoken.break_off();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
