//! One connection to an endpoint, driven by the task that uses it: no task of its own, so that a request is
//! never handed from one task to another.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::replay::ReplayBody;

/// A connection that speaks HTTP/1.1.
pub(crate) struct Wire<S: AsyncRead + AsyncWrite + Unpin + 'static> {
    sender: SendRequest<ReplayBody>,
    connection: Connection<TokioIo<Counted<S>>, ReplayBody>,
    is_over: bool,
    progress: Rc<Progress>,
    bytes_read_before: u64,
    used: bool,
}

/// Why an exchange came to no answer.
pub(crate) struct Broken {
    pub(crate) error: hyper::Error,
    /// Nothing of the request had been written.
    pub(crate) unsent: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Wire<S> {
    pub(crate) async fn new(stream: S) -> hyper::Result<Self> {
        let progress = Rc::new(Progress::default());
        let counted = Counted { stream, progress: Rc::clone(&progress) };
        let (sender, connection) = http1::Builder::new().handshake(TokioIo::new(counted)).await?;
        Ok(Self { sender, connection, is_over: false, progress, bytes_read_before: 0, used: false })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn exchange(&mut self, request: Request<ReplayBody>) -> Result<Response<Incoming>, Broken> {
        self.bytes_read_before = self.progress.bytes_read.get();
        self.used = true;
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let (connection, is_over) = (&mut self.connection, &mut self.is_over);
        std::future::poll_fn(|cx| {
            // The connection first: it is what brings the answer about.
            drive(connection, is_over, cx);
            answer.as_mut().poll(cx)
        })
        .await
        .map_err(|mut refused| {
            let unsent = refused.take_message().is_some();
            Broken { error: refused.into_error(), unsent }
        })
    }

    /// Moves bytes as far as they go without waiting. The body of the current answer comes out of this.
    pub(crate) fn poll_drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection, &mut self.is_over, cx);
    }

    /// Whether the last exchange is complete on both sides and another may follow.
    pub(crate) fn is_reusable(&mut self) -> bool {
        self.poll_drive(&mut Context::from_waker(Waker::noop()));
        !self.is_over && !self.progress.is_write_closed.get() && self.sender.is_ready()
    }

    /// Whether it has carried an exchange before this one.
    pub(crate) fn was_used(&self) -> bool {
        self.used
    }

    /// Whether a byte of an answer has come in this exchange.
    pub(crate) fn heard_anything(&self) -> bool {
        self.progress.bytes_read.get() != self.bytes_read_before
    }
}

fn drive<C: Future + Unpin>(connection: &mut C, is_over: &mut bool, cx: &mut Context<'_>) {
    // What it ends with reaches the request through its answer, or its body.
    if !*is_over && Pin::new(connection).poll(cx).is_ready() {
        *is_over = true;
    }
}

/// What has happened on a connection.
#[derive(Default)]
struct Progress {
    bytes_read: Cell<u64>,
    is_write_closed: Cell<bool>,
}

/// Counts the bytes that come in, to tell an endpoint that hung up before answering from one that broke off; and goes
/// on reading where writing has come to an end: an endpoint may answer early and refuse the rest of an upload
/// (RFC 9112 §9.5), and its answer is worth more than the news that it did not listen.
struct Counted<S> {
    stream: S,
    progress: Rc<Progress>,
}

impl<S> Counted<S> {
    /// Takes what can no longer be written for written.
    fn forgive(&self, polled: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        match polled {
            Poll::Ready(Err(error)) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                self.progress.is_write_closed.set(true);
                Poll::Ready(Ok(length))
            }
            polled => polled,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = &self.progress.bytes_read;
        read.set(read.get() + (buf.filled().len() - before) as u64);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.forgive(polled, buf.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.forgive(polled, bufs.iter().map(|buf| buf.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
