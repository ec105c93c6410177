//! What carries a client's bytes, and what is asked of it beside reading and writing. A trait, so that tests can come by pipe.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What carries a client's bytes.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Pending, with the task to be woken, if it is known that there is nothing to read. It saves lending a buffer in vain.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether something has come, though the event loop may not have heard of it yet.
    fn has_bytes(&self) -> bool;

    /// Lets the stream end with a reset when it is dropped, so that nobody takes the end for a regular one.
    fn end_with_reset(&self);
}

/// Reads a byte that nobody needs any more, to learn whether there is one.
pub(super) fn poll_byte<S: Stream>(cx: &mut Context<'_>, stream: &mut S) -> Poll<io::Result<usize>> {
    let mut byte = [0];
    let mut room = ReadBuf::new(&mut byte);
    ready!(Pin::new(stream).poll_read(cx, &mut room))?;
    Poll::Ready(Ok(room.filled().len()))
}

impl Stream for TcpStream {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An error is found by reading, too.
        self.poll_read_ready(cx).map(|_ready| ())
    }

    fn has_bytes(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        matches!(socket2::SockRef::from(self).peek(&mut byte), Ok(1..))
    }

    fn end_with_reset(&self) {
        // If it fails the client has left, and nobody is there to be misled.
        let _gone = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}
