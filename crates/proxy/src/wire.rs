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
    bytes_read: Rc<Cell<u64>>,
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
        let bytes_read = Rc::new(Cell::new(0));
        let counted = Counted { stream, bytes_read: Rc::clone(&bytes_read) };
        let (sender, connection) = http1::Builder::new().handshake(TokioIo::new(counted)).await?;
        Ok(Self { sender, connection, is_over: false, bytes_read, bytes_read_before: 0, used: false })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn exchange(&mut self, request: Request<ReplayBody>) -> Result<Response<Incoming>, Broken> {
        self.bytes_read_before = self.bytes_read.get();
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
        !self.is_over && self.sender.is_ready()
    }

    /// Whether it has carried an exchange before this one.
    pub(crate) fn was_used(&self) -> bool {
        self.used
    }

    /// Whether a byte of an answer has come in this exchange.
    pub(crate) fn heard_anything(&self) -> bool {
        self.bytes_read.get() != self.bytes_read_before
    }
}

fn drive<C: Future + Unpin>(connection: &mut C, is_over: &mut bool, cx: &mut Context<'_>) {
    // What it ends with reaches the request through its answer, or its body.
    if !*is_over && Pin::new(connection).poll(cx).is_ready() {
        *is_over = true;
    }
}

/// Counts the bytes that come in, to tell an endpoint that hung up before answering from one that broke off.
struct Counted<S> {
    stream: S,
    bytes_read: Rc<Cell<u64>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.bytes_read.set(self.bytes_read.get() + (buf.filled().len() - before) as u64);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
