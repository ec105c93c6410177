//! Gives words to the refusals that hyper writes by itself: its parser answers what is no request with a bare status,
//! before there is a request to answer. Everything else passes as it is.
//!
//! Goes when the proxy parses HTTP/1.1 itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::reject::{BadRequest, Reject};

/// What a refusal of hyper's own has after its status line. No other answer has it: answers that the proxy gives or
/// carries have no `connection` field of their own, and hyper adds its to them as the last field.
const MARK: &[u8] = b"\r\nconnection: close\r\ncontent-length: 0\r\n";

/// A client's stream.
pub(crate) struct Voice<S> {
    stream: S,
    // What is to be written instead of hyper's refusal.
    words: Vec<u8>,
}

impl<S: AsyncWrite + Unpin> Voice<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, words: Vec::new() }
    }

    fn poll_words(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.words.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.words))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.words.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// The proxy's own words for it, if the bytes are a refusal of hyper's own.
fn in_words(bytes: &[u8]) -> Option<Vec<u8>> {
    let (status, after) = bytes.strip_prefix(b"HTTP/1.1 ")?.split_at_checked(3)?;
    let end_of_line = after.windows(2).take(64).position(|pair| pair == b"\r\n")?;
    if !after[end_of_line..].starts_with(MARK) {
        return None;
    }
    let reject = match status {
        b"400" => Reject::BadRequest(BadRequest::Syntax),
        b"431" => Reject::HeadTooLarge,
        _ => return None,
    };
    // Nothing is known of what the client accepts.
    let answer = reject.answer(&HeaderMap::new());
    let (head, body) = answer.into_parts();
    let mut words =
        format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", head.status, body.len()).into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            words.extend_from_slice(part);
        }
    }
    words.extend_from_slice(b"\r\n");
    words.extend_from_slice(&body);
    Some(words)
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Voice<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_words(cx))?;
        match in_words(bytes) {
            Some(words) => {
                self.words = words;
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_words(cx))?;
        match bytes {
            [only] => self.poll_write(cx, only),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_words(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_words(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Voice<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoints_own_empty_400_passes_as_it_is() {
        for head in ["content-length: 0\r\ndate: x", "content-length: 0\r\ndate: x\r\nconnection: close"] {
            assert_eq!(in_words(format!("HTTP/1.1 400 Bad Request\r\n{head}\r\n\r\n").as_bytes()), None);
        }
        assert_eq!(in_words(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), None);
        assert_eq!(in_words(b"HTTP/1.1 4"), None);
        assert_eq!(in_words(b""), None);
    }
}
