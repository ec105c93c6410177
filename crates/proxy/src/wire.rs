//! One connection to an endpoint, driven by the task that uses it: no task of its own, so that a request is never handed
//! from one task to another.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use lb_http1::{BodyReader, Flaw, HeadEnd, Limits, Piece, ResponseHead};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::alarm::Alarm;
use crate::buffer::{self, Buffer, Out};
use crate::tally::EndpointTally;

/// A connection that speaks HTTP/1.1.
#[allow(clippy::struct_excessive_bools, reason = "four things that have happened or not, each asked by itself")]
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    input: Buffer,
    out: Out,
    search: HeadEnd,
    alarm: Alarm,
    // The latest head that was read; it keeps its memory from one exchange to the next.
    answer: ResponseHead,
    was_used: bool,
    // Of this exchange: whether a byte of it was written, and whether one of an answer has come.
    has_spoken: bool,
    has_heard: bool,
    is_write_closed: bool,
    open: Option<Open>,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
struct Open(Arc<EndpointTally>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed.add(1);
    }
}

/// Why an exchange came to no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The endpoint closed or reset the connection.
    Closed,
    /// What it says is no answer.
    Flaw(Flaw),
}

/// The endpoint takes no more of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WriteClosed;

/// Nothing more comes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection ended before the body did.
    Closed,
    /// The body is not framed as its head says.
    Misframed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Box<Self> {
        Box::new(Self {
            stream,
            input: Buffer::default(),
            out: Out::default(),
            search: HeadEnd::default(),
            alarm: Alarm::default(),
            answer: ResponseHead::default(),
            was_used: false,
            has_spoken: false,
            has_heard: false,
            is_write_closed: false,
            open: None,
        })
    }

    /// Counts it as one that was opened, and is open as long as it is there.
    pub(crate) fn count_in(&mut self, tally: &Arc<EndpointTally>) {
        tally.opened.add(1);
        self.open = Some(Open(Arc::clone(tally)));
    }

    /// Begins an exchange; gives back where its head is to be written.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        (self.search, self.has_spoken, self.has_heard) = (HeadEnd::default(), false, false);
        self.out.bytes()
    }

    /// What is to be written next.
    pub(crate) fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    /// Writes what is to be written and then `data`; how much of `data` was taken.
    ///
    /// # Errors
    ///
    /// The endpoint takes no more. Reading goes on: it may have answered early and refused the rest of an upload (RFC 9112
    /// §9.5), and its answer is worth more than the news that it did not listen.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, WriteClosed>> {
        if !self.is_write_closed {
            let before = self.out.left().len();
            let polled = buffer::poll_write(cx, &mut self.stream, &mut self.out, data);
            self.has_spoken |= self.out.left().len() < before || matches!(polled, Poll::Ready(Ok(1..)));
            match ready!(polled) {
                Ok(taken) => return Poll::Ready(Ok(taken)),
                Err(_) => self.is_write_closed = true,
            }
        }
        self.out.clear();
        Poll::Ready(Err(WriteClosed))
    }

    /// Waits for the head of an answer, interim ones included.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let limits = &Limits::DEFAULT;
        loop {
            let filled = self.input.filled();
            if self.search.is_at_start() && !filled.is_empty() {
                match self.answer.read_first(filled, limits) {
                    Err(flaw) => return Poll::Ready(Err(Broken::Flaw(flaw))),
                    Ok(Some(length)) => {
                        self.input.consume(length);
                        return Poll::Ready(Ok(()));
                    }
                    Ok(None) => {}
                }
            }
            match self.search.find(filled) {
                Err(flaw) => return Poll::Ready(Err(Broken::Flaw(flaw))),
                Ok(Some(length)) => {
                    let read = self.answer.read(&filled[..length], limits);
                    self.input.consume(length);
                    self.search = HeadEnd::default();
                    return Poll::Ready(read.map_err(Broken::Flaw));
                }
                Ok(None) if filled.len() >= limits.head => return Poll::Ready(Err(Broken::Flaw(Flaw::TooLarge))),
                // Whoever speaks another protocol may wait for us, and we for the end of a line.
                Ok(None) if !filled.iter().zip(b"HTTP/1.").all(|(is, expected)| is == expected) => {
                    return Poll::Ready(Err(Broken::Flaw(Flaw::FirstLine)));
                }
                Ok(None) => {}
            }
            match ready!(self.input.poll_fill(cx, &mut self.stream)) {
                Ok(1..) => self.has_heard = true,
                Ok(0) | Err(_) => return Poll::Ready(Err(Broken::Closed)),
            }
        }
    }

    /// The head that was read last.
    pub(crate) fn answer(&self) -> &ResponseHead {
        &self.answer
    }

    /// Waits for the next piece of the answer's body: how many bytes of it are at the front of [`Self::data`], 0 at its end.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>, reader: &mut BodyReader) -> Poll<Result<usize, Cut>> {
        loop {
            match reader.next(self.input.filled()) {
                Err(_) => return Poll::Ready(Err(Cut::Misframed)),
                Ok(Piece::Data { start, end }) => {
                    self.input.consume(start);
                    return Poll::Ready(Ok(end - start));
                }
                Ok(Piece::End { consumed }) => {
                    self.input.consume(consumed);
                    return Poll::Ready(Ok(0));
                }
                Ok(Piece::More { consumed }) => self.input.consume(consumed),
            }
            match ready!(self.input.poll_fill(cx, &mut self.stream)) {
                Ok(1..) => {}
                Ok(0) if reader.may_end_here() => return Poll::Ready(Ok(0)),
                Ok(0) | Err(_) => return Poll::Ready(Err(Cut::Closed)),
            }
        }
    }

    /// Takes what has come away from it.
    pub(crate) fn take_input(&mut self) -> Buffer {
        std::mem::take(&mut self.input)
    }

    /// The bytes that have come.
    pub(crate) fn data(&self) -> &[u8] {
        self.input.filled()
    }

    /// So many of them were taken.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.input.consume(bytes);
    }

    /// What carries its bytes.
    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Ready when it is `by` or later.
    pub(crate) fn poll_alarm(&mut self, cx: &mut Context<'_>, by: Instant) -> Poll<()> {
        self.alarm.poll(cx, by)
    }

    /// Whether all that was to be written is, and all that has come was taken.
    pub(crate) fn is_done(&self) -> bool {
        self.out.is_empty() && !self.is_write_closed && self.input.is_empty()
    }

    /// Whether nothing has come on it that nobody has asked for, nor its end.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let cx = &mut Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Holds no memory from now on until it is used again.
    pub(crate) fn rest(&mut self) {
        self.was_used = true;
        self.input.rest();
    }

    /// Whether it has carried an exchange before this one.
    pub(crate) fn was_used(&self) -> bool {
        self.was_used
    }

    /// Whether a byte of the request was written in this exchange.
    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    /// Whether a byte of an answer has come in this exchange.
    pub(crate) fn has_heard(&self) -> bool {
        self.has_heard
    }
}
