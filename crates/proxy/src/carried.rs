//! The body of an endpoint's answer on its way to the client. The lease rides in it, and so does the connection.

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use lb_balance::{Failure, Outcome, Timestamp};
use lb_http1::{BodyReader, Fields, Framing, ResponseHead};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::attempt::{Endpoint, Hit};
use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::dial::Dial;
use crate::held::Held;
use crate::pool::Pool;
use crate::tally::EndpointTally;
use crate::upload::Upload;
use crate::wire::{Cut, Wire};

/// An answer that is not delivered is read to its end, to save its connection, if no more than this is left of it.
const DISCARD_LIMIT: usize = 64 * 1024;

/// An endpoint's answer while it is carried.
pub(crate) struct Carried<S: AsyncRead + AsyncWrite + Unpin> {
    status: u16,
    // What is added to the head's fields, line by line.
    pub(crate) additions: Vec<u8>,
    framing: Framing,
    reader: BodyReader,
    // Bytes of the body that stand ready.
    ready: usize,
    // Gone once the answer has come to its end, whichever; so is the lease. What of the answer the client has not taken by
    // then is in `rest`.
    wire: Option<Box<Wire<S>>>,
    held: Option<Held>,
    rest: Buffer,
    upload: Upload,
    home: Rc<Pool<S>>,
    tally: Option<Arc<EndpointTally>>,
    clock: Clock,
    // How long nothing may come; and how long nothing may move once it is a tunnel.
    patience: Duration,
    tunnel_patience: Duration,
    // Since when nothing has come, while something is awaited.
    stalled_since: Option<Timestamp>,
    // When its head came, as long as no more was awaited than came with it: most answers are all there then, and the time need not
    // be looked at again.
    heard_at: Option<Timestamp>,
}

/// The endpoint broke off its answer; the client's connection is aborted, so that it cannot take it for whole.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the endpoint broke off its answer: {0:?}")]
pub(crate) struct BrokenOff(Failure);

/// A connection that has switched protocols.
pub(crate) struct Switched<S> {
    pub(crate) wire: Box<Wire<S>>,
    // The endpoint has one request more in flight as long as it is there.
    _lease: Held,
    /// How long nothing may move on it.
    pub(crate) patience: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carried<S> {
    /// Its head came at `now`.
    pub(crate) fn new<D: Dial<Stream = S>>(
        hit: Hit<S>,
        now: Timestamp,
        method: &[u8],
        endpoint: &Endpoint<D>,
        held: Held,
    ) -> Self {
        let (status, framing) = (hit.wire.answer().status(), hit.wire.answer().framing(method));
        Self {
            status,
            additions: Vec::new(),
            framing,
            reader: BodyReader::new(framing),
            ready: 0,
            wire: Some(hit.wire),
            held: Some(held),
            rest: Buffer::default(),
            upload: hit.upload,
            home: Rc::clone(&endpoint.pool),
            tally: endpoint.tally.clone(),
            clock: endpoint.clock,
            patience: endpoint.timeouts.body,
            tunnel_patience: endpoint.timeouts.tunnel,
            stalled_since: None,
            heard_at: Some(now),
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Its head, until it has come to its end.
    pub(crate) fn head(&self) -> Option<&ResponseHead> {
        self.wire.as_ref().map(|wire| wire.answer())
    }

    /// Whether more of the request is to be sent to the endpoint.
    pub(crate) fn is_still_sent(&self) -> bool {
        self.wire.is_some() && self.upload.goes_on()
    }

    /// The connection, if it has switched protocols.
    ///
    /// # Errors
    ///
    /// The answer itself, if it has not.
    pub(crate) fn into_tunnel(mut self: Box<Self>) -> Result<Switched<S>, Box<Self>> {
        if self.status != 101 {
            return Err(self);
        }
        match (self.wire.take(), self.held.take()) {
            (Some(wire), Some(lease)) => Ok(Switched { wire, _lease: lease, patience: self.tunnel_patience }),
            _ => unreachable!("nothing of its answer was read"),
        }
    }

    /// Gives up the answer. What has already come of it is read, so that its connection can be used again.
    pub(crate) fn discard(mut self) {
        let mut left = DISCARD_LIMIT;
        let cx = &mut Context::from_waker(Waker::noop());
        while let Poll::Ready(Ok(1..)) = self.poll_data(cx) {
            left = left.saturating_sub(self.ready);
            if left == 0 {
                break;
            }
            self.consume(self.ready);
        }
    }

    /// Sends on what is left of the request, and waits for more of the answer: how many bytes stand ready, 0 at its end.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BrokenOff>> {
        let Some(wire) = &mut self.wire else { return Poll::Ready(Ok(self.ready)) };
        // What becomes of the sending shows in the answer.
        let _progress = self.upload.poll_send(cx, wire);
        if self.ready > 0 {
            return Poll::Ready(Ok(self.ready));
        }
        match wire.poll_data(cx, &mut self.reader) {
            Poll::Ready(Ok(ready)) => {
                (self.ready, self.stalled_since) = (ready, None);
                if let Some(tally) = &self.tally {
                    tally.bytes_from.add(ready as u64);
                }
                if ready == 0 || self.reader.is_ended() {
                    self.settle();
                } else {
                    // The client may take its time with this before the rest is read.
                    self.heard_at = None;
                }
                Poll::Ready(Ok(ready))
            }
            Poll::Ready(Err(Cut::Closed | Cut::Misframed)) => Poll::Ready(Err(self.fail(Failure::Truncated))),
            Poll::Pending => {
                self.heard_at = None;
                let since = *self.stalled_since.get_or_insert_with(|| self.clock.now());
                // As long as more of the request comes, an answer may well wait for the rest of it.
                let since = self.upload.last_taken().map_or(since, |taken| taken.max(since));
                ready!(wire.poll_alarm(cx, self.clock.deadline(since + self.patience)));
                Poll::Ready(Err(self.fail(Failure::Stalled)))
            }
        }
    }

    /// The bytes that stand ready.
    pub(crate) fn data(&self) -> &[u8] {
        let data = self.wire.as_ref().map_or(self.rest.filled(), |wire| wire.data());
        &data[..self.ready]
    }

    /// So many of them were taken.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.ready -= bytes;
        match &mut self.wire {
            Some(wire) => wire.consume(bytes),
            None => self.rest.consume(bytes),
        }
    }

    /// What came after its last chunk.
    pub(crate) fn trailers(&self) -> Option<&Fields> {
        self.reader.trailers()
    }

    fn fail(&mut self, failure: Failure) -> BrokenOff {
        self.wire = None;
        // An endpoint that waits for the rest of the request cannot go on with its answer, and may give up.
        let is_excused = self.upload.is_broken_off() || (failure == Failure::Stalled && self.upload.waits_for_client());
        if let Some(mut held) = self.held.take()
            && !is_excused
        {
            held.report(Outcome::Failed(failure), self.clock.now());
        }
        BrokenOff(failure)
    }

    /// The endpoint has said all: it is released, and its connection goes home if request and answer have come to their ends
    /// on it. The client may take its time.
    fn settle(&mut self) {
        if let Some(mut wire) = self.wire.take() {
            let may_go_on = self.framing != Framing::UntilClose && !wire.answer().wants_close();
            let is_whole = may_go_on && self.upload.is_complete();
            self.rest = wire.take_input();
            let is_all = self.rest.filled().len() == self.ready;
            // Whether something comes that nobody has asked for is looked at when it is used again.
            if is_whole && is_all && wire.is_done() {
                wire.rest();
                self.home.put(wire, self.heard_at.unwrap_or_else(|| self.clock.now()));
            }
        }
        self.held = None;
    }
}
