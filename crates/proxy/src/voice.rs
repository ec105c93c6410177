//! A client's stream, with what hyper's server does not do to it: words for the refusals of its parser, a time limit on
//! clients that do not read, and an end that is no clean end for an answer that was broken off.
//!
//! Goes when the proxy speaks HTTP/1.1 itself.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::reject::{BadRequest, Reject};

/// How long a client may take none of its answer; nginx's `send_timeout`.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);

/// What hyper's own refusals have after their status line.
const MARK: &[u8] = b"\r\nconnection: close\r\ncontent-length: 0\r\n";

/// What carries a client's bytes.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Lets the stream end with a reset when it is dropped, so that nobody takes the end for a regular one.
    fn end_with_reset(&self);
}

impl Stream for TcpStream {
    fn end_with_reset(&self) {
        // If it fails the client has left, and nobody is there to be misled.
        let _gone = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

/// What a connection's stream is to know of the answers on it.
#[derive(Debug)]
pub(crate) struct Spoken {
    answers_under_way: Cell<usize>,
    is_broken_off: Cell<bool>,
    // From the head of a request until its answer is flushed, this connection counts among the worker's busy ones.
    is_busy: Cell<bool>,
    busy_connections: Rc<Cell<usize>>,
}

impl Spoken {
    pub(crate) fn new(busy_connections: &Rc<Cell<usize>>) -> Self {
        Self {
            answers_under_way: Cell::new(0),
            is_broken_off: Cell::new(false),
            is_busy: Cell::new(false),
            busy_connections: Rc::clone(busy_connections),
        }
    }

    pub(crate) fn begin(&self) {
        self.answers_under_way.set(self.answers_under_way.get() + 1);
        if !self.is_busy.replace(true) {
            self.busy_connections.set(self.busy_connections.get() + 1);
        }
    }

    pub(crate) fn end(&self) {
        self.answers_under_way.set(self.answers_under_way.get() - 1);
    }

    /// Nothing more is to be written of what was begun.
    fn rest(&self) {
        if self.is_busy.replace(false) {
            self.busy_connections.set(self.busy_connections.get() - 1);
        }
    }

    /// An answer whose end is the connection's end was broken off.
    pub(crate) fn break_off(&self) {
        self.is_broken_off.set(true);
    }
}

/// A client's stream.
pub(crate) struct Voice<S: Stream> {
    stream: S,
    spoken: Rc<Spoken>,
    // What is to be written instead of hyper's refusal.
    words: Vec<u8>,
    // Something of an answer was written and not yet flushed: what follows may be more of it.
    is_mid_answer: bool,
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S: Stream> Voice<S> {
    pub(crate) fn new(stream: S, spoken: Rc<Spoken>) -> Self {
        Self { stream, spoken, words: Vec::new(), is_mid_answer: false, stall: None }
    }

    /// Writes what there is to write first; then whatever `write` writes, within the time limit.
    fn poll_in_time(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let mut polled = self.poll_words(cx);
        if let Poll::Ready(Ok(_)) = polled {
            polled = write(Pin::new(&mut self.stream), cx);
        }
        match polled {
            Poll::Pending => {
                let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(SEND_TIMEOUT)));
                ready!(stall.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Ready(result) => {
                if let Some(stall) = &mut self.stall {
                    stall.as_mut().reset(Instant::now() + SEND_TIMEOUT);
                }
                Poll::Ready(result)
            }
        }
    }

    fn poll_words(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while !self.words.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.words))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.words.drain(..written);
        }
        Poll::Ready(Ok(0))
    }

    fn is_between_answers(&self) -> bool {
        self.spoken.answers_under_way.get() == 0 && !self.is_mid_answer
    }
}

/// The proxy's own words for it, if the bytes are a refusal of hyper's own and nothing else.
fn in_words(bytes: &[u8]) -> Option<Vec<u8>> {
    let (status, after) = bytes.strip_prefix(b"HTTP/1.1 ")?.split_at_checked(3)?;
    let end_of_line = after.windows(2).take(64).position(|pair| pair == b"\r\n")?;
    let end = after.windows(4).position(|four| four == b"\r\n\r\n")?;
    if !after[end_of_line..].starts_with(MARK) || end + 4 != after.len() {
        return None;
    }
    let reject = match status {
        b"400" => Reject::BadRequest(BadRequest::Syntax),
        b"431" => Reject::HeadTooLarge,
        _ => return None,
    };
    // Nothing is known of what the client accepts.
    let (head, body) = reject.answer(&HeaderMap::new()).into_parts();
    let (status, length) = (head.status, body.len());
    let mut words = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n").into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            words.extend_from_slice(part);
        }
    }
    words.extend_from_slice(b"\r\n");
    words.extend_from_slice(&body);
    Some(words)
}

impl<S: Stream> AsyncWrite for Voice<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_between_answers()
            && self.words.is_empty()
            && let Some(words) = in_words(bytes)
        {
            self.words = words;
            return Poll::Ready(Ok(bytes.len()));
        }
        self.is_mid_answer = true;
        self.poll_in_time(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bytes {
            return self.poll_write(cx, only);
        }
        self.is_mid_answer = true;
        self.poll_in_time(cx, |stream, cx| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_in_time(cx, |_, _| Poll::Ready(Ok(0))))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.spoken.answers_under_way.get() == 0 {
            self.is_mid_answer = false;
            self.spoken.rest();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_in_time(cx, |_, _| Poll::Ready(Ok(0))))?;
        if self.spoken.is_broken_off.get() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: Stream> AsyncRead for Voice<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: Stream> Drop for Voice<S> {
    fn drop(&mut self) {
        self.spoken.rest();
        if self.spoken.is_broken_off.get() {
            self.stream.end_with_reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_hypers_own_is_put_into_words() {
        let refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert!(in_words(refusal.as_bytes()).is_some());
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            &format!("{refusal}more"),
            "HTTP/1.1 4",
            "",
        ] {
            assert_eq!(in_words(other.as_bytes()), None, "{other:?}");
        }
    }
}
