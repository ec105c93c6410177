//! A connection that has switched protocols (RFC 9110 §7.8): bytes both ways, which nobody here reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::buffer::Buffer;

/// One way through: what was read at one side and is to be written at the other. It reads on only when all is written, so a
/// slow reader slows the writer down, and holds no more than one buffer.
#[derive(Debug)]
pub(crate) struct OneWay {
    buffer: Buffer,
    has_ended: bool,
    is_shut: bool,
}

impl OneWay {
    /// Begins with what has come already.
    pub(crate) fn new(buffer: Buffer) -> Self {
        Self { buffer, has_ended: false, is_shut: false }
    }

    /// Moves bytes as far as they go without waiting. Where one side ends its half, so does the other, and the way back stays
    /// open. Ready when that has happened; tells whether anything moved.
    pub(crate) fn poll_move<A, B>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut A,
        to: &mut B,
        has_moved: &mut bool,
    ) -> Poll<io::Result<()>>
    where
        A: AsyncRead + Unpin,
        B: AsyncWrite + Unpin,
    {
        loop {
            if self.is_shut {
                return Poll::Ready(Ok(()));
            }
            while !self.buffer.is_empty() {
                let Poll::Ready(written) = Pin::new(&mut *to).poll_write(cx, self.buffer.filled()) else {
                    return Poll::Pending;
                };
                match written? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => self.buffer.consume(written),
                }
                *has_moved = true;
            }
            if self.has_ended {
                // Whoever is gone already need not be told.
                let Poll::Ready(Ok(()) | Err(_)) = Pin::new(&mut *to).poll_shutdown(cx) else { return Poll::Pending };
                self.is_shut = true;
                continue;
            }
            match self.buffer.poll_fill(cx, from) {
                Poll::Ready(Ok(read)) => {
                    self.has_ended = read == 0;
                    *has_moved = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
