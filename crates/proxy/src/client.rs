//! One client's side of its connection: the heads and bodies of its requests, and the writing of answers. What is answered is
//! not its to say.

mod body;
mod stream;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lb_balance::Timestamp;
use lb_http1::{BodyReader, Flaw, Framing, HeadEnd, Piece, Refusal, RequestHead, Version};
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::stream::Stream;
use crate::alarm::Alarm;
use crate::buffer::{self, Buffer, Out};
use crate::clock::Clock;
use crate::guests::Guest;
use crate::lent;
use crate::limits::Limits;
use crate::tunnel::OneWay;
use crate::wire::Wire;

/// After an answer to a request whose body was not read, so much of it is read over, for so long: the connection can go on, or
/// at least the client reads the answer before it finds the connection closed (RFC 9112 §9.6).
const DRAIN_LIMIT: usize = 256 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Before a connection is closed on which more is coming, that is read over for so long, however much it is.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A client's connection.
pub(crate) struct Client<S> {
    clock: Clock,
    limits: Rc<Limits>,
    inner: RefCell<Inner<S>>,
}

struct Inner<S> {
    stream: S,
    input: Buffer,
    out: Out,
    search: HeadEnd,
    body: BodyReader,
    alarm: Alarm,
    // The client holds its body back until it is told to go on.
    awaits_continue: bool,
    knows_interim: bool,
    // Since when the client is waited for: for the first byte of a head, for the rest of it, or for more of a body.
    waits_since: Option<Timestamp>,
    // The same, of before the latest byte came on an idle connection: it may have been the beginning of an empty line.
    idle_since: Option<Timestamp>,
    // Of the body: how many bytes have come, how long they were waited for, and what ends the wait.
    body_bytes: u64,
    body_waited: Duration,
    body_alarm: Alarm,
    // Since when the client has taken nothing of what is to be written.
    stalled_since: Option<Timestamp>,
    // How much it has taken since the request began.
    taken: u64,
}

/// What a client does next.
pub(crate) enum Next {
    /// It sent the head of a request.
    Request,
    /// It sent something else.
    Refused(Refusal),
    /// It sent something, and there is no memory to read it into.
    NoMemory,
    /// It began a head and did not go on.
    TimedOut,
    /// It left, or has nothing to do here for too long.
    Left,
}

impl<S: Stream> Client<S> {
    pub(crate) fn new(stream: S, clock: Clock, limits: Rc<Limits>) -> Self {
        let inner = Inner {
            stream,
            input: Buffer::default(),
            out: Out::default(),
            search: HeadEnd::default(),
            body: BodyReader::new(Framing::Empty),
            alarm: Alarm::default(),
            awaits_continue: false,
            knows_interim: false,
            waits_since: None,
            idle_since: None,
            body_bytes: 0,
            body_waited: Duration::ZERO,
            body_alarm: Alarm::default(),
            stalled_since: None,
            taken: 0,
        };
        Self { clock, limits, inner: RefCell::new(inner) }
    }

    /// Waits for the head of the next request.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>, guest: &Guest, head: &mut RequestHead) -> Poll<Next> {
        let inner = &mut *self.inner.borrow_mut();
        let limits = &self.limits.head;
        loop {
            let filled = inner.input.filled();
            if inner.search.is_at_start() && !filled.is_empty() {
                match head.read_first(filled, limits) {
                    Err(refusal) => return Poll::Ready(Next::Refused(refusal)),
                    Ok(Some(length)) => {
                        inner.input.consume(length);
                        inner.begin(head);
                        return Poll::Ready(Next::Request);
                    }
                    Ok(None) => {}
                }
            }
            match inner.search.find(filled) {
                Err(flaw) => return Poll::Ready(Next::Refused(flaw.into())),
                Ok(Some(HeadEnd::BLANK)) => {
                    inner.input.consume(HeadEnd::BLANK);
                    inner.search = HeadEnd::default();
                    // No request has begun: empty lines buy no time.
                    if inner.input.is_empty() && inner.idle_since.is_some() {
                        inner.waits_since = inner.idle_since;
                    }
                    continue;
                }
                Ok(Some(length)) => {
                    let read = head.read(&filled[..length], limits);
                    inner.input.consume(length);
                    inner.search = HeadEnd::default();
                    return Poll::Ready(match read {
                        Ok(()) => {
                            inner.begin(head);
                            Next::Request
                        }
                        Err(refusal) => Next::Refused(refusal),
                    });
                }
                Ok(None) if filled.len() >= limits.head => return Poll::Ready(Next::Refused(Flaw::TooLarge.into())),
                // Whoever speaks another protocol, as TLS, may never end a line.
                Ok(None) if filled.first().is_some_and(|byte| !is_of_method(*byte)) => {
                    return Poll::Ready(Next::Refused(Flaw::FirstLine.into()));
                }
                Ok(None) => {}
            }
            let is_idle = inner.input.is_empty();
            // Its own memory, which it borrows anew, is not to be what there is too little of.
            inner.input.rest();
            let polled = match inner.stream.poll_readable(cx) {
                Poll::Ready(()) if is_idle && lent::is_exhausted() => match stream::poll_byte(cx, &mut inner.stream) {
                    Poll::Ready(Ok(1..)) => {
                        guest.note_busy();
                        return Poll::Ready(Next::NoMemory);
                    }
                    polled => polled,
                },
                Poll::Ready(()) => inner.input.poll_fill(cx, &mut inner.stream),
                Poll::Pending => Poll::Pending,
            };
            match polled {
                Poll::Ready(Ok(1..)) => {
                    // The time for a head begins with its first byte.
                    if is_idle {
                        inner.idle_since = inner.waits_since.take();
                        guest.note_busy();
                    }
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::OutOfMemory => {
                    return Poll::Ready(Next::NoMemory);
                }
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Left),
                Poll::Pending => {
                    let since = *inner.waits_since.get_or_insert_with(|| self.clock.now());
                    // A request that is on its way already is answered first: closing would reset it.
                    if is_idle && guest.poll_asked_to_leave(cx, since) && !inner.stream.has_bytes() {
                        return Poll::Ready(Next::Left);
                    }
                    let limit = if is_idle { self.limits.idle_timeout } else { self.limits.head_timeout };
                    ready!(inner.alarm.poll(cx, self.clock.deadline(since + limit)));
                    return Poll::Ready(if is_idle { Next::Left } else { Next::TimedOut });
                }
            }
        }
    }

    /// While a request is answered: writes what the client is told meanwhile; ready if it leaves.
    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &mut *self.inner.borrow_mut();
        if !inner.out.is_empty() {
            let polled = buffer::poll_write(cx, &mut inner.stream, &mut inner.out, &[]);
            if let Poll::Ready(Err(_)) = polled {
                return Poll::Ready(());
            }
        }
        // What comes is the body's, or the next request's; as much of it is taken as there is room for.
        while inner.input.has_room() {
            if inner.stream.poll_readable(cx).is_pending() {
                inner.input.rest();
                return Poll::Pending;
            }
            match ready!(inner.input.poll_fill(cx, &mut inner.stream)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    /// Appends to what is to be written.
    pub(crate) fn push(&self, push: impl FnOnce(&mut Vec<u8>)) {
        push(self.inner.borrow_mut().out.bytes());
    }

    /// How much waits to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.borrow().out.left().len()
    }

    /// Writes what is to be written and then `data`; how much of `data` was taken.
    ///
    /// # Errors
    ///
    /// If the client has left, or takes nothing for too long.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let inner = &mut *self.inner.borrow_mut();
        let before = inner.out.left().len();
        let polled = buffer::poll_write(cx, &mut inner.stream, &mut inner.out, data);
        inner.taken += (before - inner.out.left().len()) as u64;
        if let Poll::Ready(Ok(taken)) = polled {
            inner.taken += taken as u64;
        }
        if polled.is_ready() || inner.out.left().len() < before {
            inner.stalled_since = None;
        }
        if polled.is_pending() {
            let since = *inner.stalled_since.get_or_insert_with(|| self.clock.now());
            ready!(inner.alarm.poll(cx, self.clock.deadline(since + self.limits.send_timeout)));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }

    /// How many bytes of the request's body have come, and how many bytes of its answer the client has taken.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let inner = self.inner.borrow();
        (inner.body_bytes, inner.taken)
    }

    /// Nothing has come, and nothing was taken, of what is answered now.
    pub(crate) fn count_anew(&self) {
        let inner = &mut *self.inner.borrow_mut();
        (inner.body_bytes, inner.taken) = (0, 0);
    }

    /// Whether all of the request has come.
    pub(crate) fn has_sent_all(&self) -> bool {
        self.inner.borrow().body.is_ended()
    }

    /// Whether the client still waits to be asked for its body.
    pub(crate) fn awaits_continue(&self) -> bool {
        self.inner.borrow().awaits_continue
    }

    /// Reads over the rest of a request's body; whether that was all of it. `now` is what time it is, if that is known.
    pub(crate) async fn drain(&self, now: Option<Timestamp>) -> bool {
        let mut left = DRAIN_LIMIT;
        // Known once it is waited for something.
        let mut by = None;
        // The wait for the body is over, and that for the next request begins anew.
        self.inner.borrow_mut().waits_since = None;
        std::future::poll_fn(|cx| {
            let inner = &mut *self.inner.borrow_mut();
            loop {
                match inner.body.next(inner.input.filled()) {
                    Ok(Piece::End { consumed }) => {
                        inner.input.consume(consumed);
                        inner.waits_since = now.filter(|_| by.is_none());
                        return Poll::Ready(true);
                    }
                    Ok(Piece::Data { end, .. }) => {
                        inner.input.consume(end);
                        left = left.saturating_sub(end);
                    }
                    Ok(Piece::More { consumed }) => {
                        inner.input.consume(consumed);
                        let by = *by.get_or_insert_with(|| self.clock.now() + DRAIN_TIMEOUT);
                        match inner.poll_fill_until(cx, self.clock, by) {
                            Poll::Ready(true) => {}
                            Poll::Ready(false) => return Poll::Ready(false),
                            Poll::Pending => return Poll::Pending,
                        }
                    }
                    Err(_) => return Poll::Ready(false),
                }
                if left == 0 {
                    return Poll::Ready(false);
                }
            }
        })
        .await
    }

    /// Ends the connection in a way that lets the client read what was written: no more is written, and for a while what comes
    /// is read over. Closing at once would reset the connection, and with it the answer.
    pub(crate) async fn close(&self) {
        let by = self.clock.now() + CLOSE_TIMEOUT;
        std::future::poll_fn(|cx| {
            let inner = &mut *self.inner.borrow_mut();
            if ready!(std::pin::Pin::new(&mut inner.stream).poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            loop {
                let there = inner.input.filled().len();
                inner.input.consume(there);
                // Also while there is always more.
                if inner.alarm.poll(cx, self.clock.deadline(by)).is_ready()
                    || !ready!(inner.poll_fill_until(cx, self.clock, by))
                {
                    return Poll::Ready(());
                }
            }
        })
        .await;
    }

    /// Writes what is to be written, and then moves bytes both ways until both sides have ended, one breaks off, or nothing has
    /// moved for so long.
    pub(crate) async fn tunnel<U>(&self, wire: &mut Wire<U>, patience: Duration)
    where
        U: AsyncRead + AsyncWrite + Unpin,
    {
        let mut there = OneWay::new(std::mem::take(&mut self.inner.borrow_mut().input));
        let mut back = OneWay::new(wire.take_input());
        let mut since = self.clock.now();
        std::future::poll_fn(|cx| {
            if self.waiting() > 0 && ready!(self.poll_write(cx, &[])).is_err() {
                return Poll::Ready(());
            }
            let inner = &mut *self.inner.borrow_mut();
            let mut has_moved = false;
            let ways = (
                there.poll_move(cx, &mut inner.stream, wire.stream(), &mut has_moved),
                back.poll_move(cx, wire.stream(), &mut inner.stream, &mut has_moved),
            );
            match ways {
                (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) | (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => {
                    return Poll::Ready(());
                }
                (Poll::Pending, _) | (_, Poll::Pending) => {}
            }
            if has_moved {
                since = self.clock.now();
            }
            inner.alarm.poll(cx, self.clock.deadline(since + patience))
        })
        .await;
    }

    /// Whether something has come that nobody has read.
    pub(crate) fn has_unread(&self) -> bool {
        !self.inner.borrow().input.is_empty() || !self.has_sent_all()
    }

    /// Lets the connection end with a reset.
    pub(crate) fn end_with_reset(&self) {
        self.inner.borrow().stream.end_with_reset();
    }
}

impl<S: Stream> Inner<S> {
    fn begin(&mut self, head: &RequestHead) {
        self.body = BodyReader::new(head.framing());
        self.awaits_continue = head.expects_continue() && !self.body.is_ended();
        self.knows_interim = head.version() >= Version::Http11;
        self.idle_since = None;
        (self.waits_since, self.body_bytes, self.body_waited, self.taken) = (None, 0, Duration::ZERO, 0);
    }

    /// Reads more, until then; whether there was more.
    fn poll_fill_until(&mut self, cx: &mut Context<'_>, clock: Clock, by: Timestamp) -> Poll<bool> {
        match self.input.poll_fill(cx, &mut self.stream) {
            Poll::Ready(Ok(1..)) => Poll::Ready(true),
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(false),
            Poll::Pending => self.alarm.poll(cx, clock.deadline(by)).map(|()| false),
        }
    }
}

fn is_of_method(byte: u8) -> bool {
    // A token (RFC 9110 §5.6.2), or the beginning of an empty line before a request.
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~\r\n".contains(&byte)
}
