//! The connection beneath HTTP, so that a fault can break it: sockets that can be told how to end.
//!
//! A handler holds the [`Line`], hyper the [`Wire`]. The handler says into the line how the connection ends, and gives
//! hyper any answer; as soon as hyper writes that, the wire does what was said instead, and fails. hyper then lets go of
//! the connection, which closes the socket. It waits for hyper because only hyper can let go of the socket.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Where a handler says how its connection ends. Without a connection (a router asked by a test) nobody listens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(Arc<OnceLock<Ending>>);

/// How a connection ends.
#[derive(Debug)]
enum Ending {
    /// These bytes and no other, then a regular close.
    After(Vec<u8>),
    /// TCP RST.
    Reset,
}

impl Line {
    /// Sends these bytes in the place of an answer, then closes the connection.
    pub(super) fn end_after(&self, bytes: impl Into<Vec<u8>>) {
        self.end(Ending::After(bytes.into()));
    }

    /// Resets the connection in the place of an answer.
    pub(super) fn reset(&self) {
        self.end(Ending::Reset);
    }

    fn end(&self, ending: Ending) {
        // A connection ends once: to be told again while it does changes nothing.
        let _ = self.0.set(ending);
    }
}

impl<S: Sync> FromRequestParts<S> for Line {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().map(|ConnectInfo(line): &ConnectInfo<Self>| line.clone()).unwrap_or_default())
    }
}

impl<L: Listener<Io = TcpStream>> Connected<IncomingStream<'_, Wires<L>>> for Line {
    fn connect_info(stream: IncomingStream<'_, Wires<L>>) -> Self {
        stream.io().line.clone()
    }
}

/// A listener whose connections can be told how to end.
pub(crate) struct Wires<L>(pub(crate) L);

impl<L: Listener<Io = TcpStream>> Listener for Wires<L> {
    type Io = Wire;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Wire, L::Addr) {
        let (socket, address) = self.0.accept().await;
        (Wire { socket, line: Line::default(), sent: 0 }, address)
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.0.local_addr()
    }
}

/// A socket that can be told how to end.
pub(crate) struct Wire {
    socket: TcpStream,
    line: Line,
    /// So many bytes of an [`Ending::After`] are sent.
    sent: usize,
}

impl Wire {
    /// Does what the line says; once that is done, it is an error. Is ready without one as long as the line is silent.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.line.0.get() {
            None => return Poll::Ready(Ok(())),
            Some(Ending::After(bytes)) => {
                while self.sent < bytes.len() {
                    self.sent += ready!(Pin::new(&mut self.socket).poll_write(context, &bytes[self.sent..]))?;
                }
            }
            // With nothing to linger for, the close to come is a reset.
            Some(Ending::Reset) => self.socket.set_zero_linger()?,
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "a simulated fault ends the connection")))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_end(context))?;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_end(context))?;
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
