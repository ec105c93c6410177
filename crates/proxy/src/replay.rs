//! A request's body on its way to an endpoint, kept up to a limit so that another endpoint can be sent it again.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use lb_balance::{Sent, Timestamp};

use crate::clock::Clock;

/// The client's body and what has been taken from it so far. One per request; each attempt gets its own reader.
#[derive(Clone)]
pub(crate) struct Replay(Option<Rc<RefCell<Source>>>);

struct Source {
    inner: Incoming,
    // What was taken, as long as it is within the limit; once it is not, `lost` and no longer kept.
    kept: Vec<Bytes>,
    kept_bytes: usize,
    limit: usize,
    lost: bool,
    flow: Flow,
    size_at_start: SizeHint,
    clock: Clock,
    last_taken: Timestamp,
    // Only the latest reader reads: an older one's attempt is over, and what it took would be missing.
    latest_reader: u32,
}

/// How the client's side of a body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// There is more, or it has not been asked for.
    Moving,
    /// More was asked for, and the client has not sent it yet.
    WaitsForClient,
    Ended,
    BrokenOff,
}

/// Reads the body from its start, for one attempt.
pub(crate) struct ReplayBody {
    source: Option<Rc<RefCell<Source>>>,
    next_kept: usize,
    number: u32,
}

/// There is no more of the body for this attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoMore {
    /// The client broke off its own body.
    #[error("the client broke off its request")]
    ClientBrokeOff,
    /// Another attempt has taken over.
    #[error("the request is tried again elsewhere")]
    TriedElsewhere,
}

impl Replay {
    pub(crate) fn new(body: Incoming, limit: usize, clock: Clock) -> Self {
        if body.is_end_stream() {
            return Self(None);
        }
        let source = Source {
            size_at_start: body.size_hint(),
            inner: body,
            kept: Vec::new(),
            kept_bytes: 0,
            limit,
            lost: false,
            flow: Flow::Moving,
            clock,
            last_taken: clock.now(),
            latest_reader: 0,
        };
        Self(Some(Rc::new(RefCell::new(source))))
    }

    /// Whether there is no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The body from its start. Readers from before get no more of it.
    pub(crate) fn reader(&self) -> ReplayBody {
        let number = self.0.as_ref().map_or(0, |source| {
            let mut source = source.borrow_mut();
            source.latest_reader += 1;
            source.latest_reader
        });
        ReplayBody { source: self.0.clone(), next_kept: 0, number }
    }

    /// What an attempt whose sending has begun has left of it.
    pub(crate) fn sent(&self) -> Sent {
        match &self.0 {
            Some(source) if source.borrow().lost => Sent::Lost,
            Some(_) | None => Sent::Kept,
        }
    }

    /// Whether the client broke it off.
    pub(crate) fn client_failed(&self) -> bool {
        self.0.as_ref().is_some_and(|source| source.borrow().flow == Flow::BrokenOff)
    }

    /// When the last piece of it was taken; `None` if there is none.
    pub(crate) fn last_taken(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|source| source.borrow().last_taken)
    }

    /// Whether the next piece of it is the client's to send.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.0.as_ref().is_some_and(|source| source.borrow().flow == Flow::WaitsForClient)
    }
}

impl Source {
    fn keep(&mut self, data: &Bytes) {
        if self.lost {
            return;
        }
        if self.kept_bytes + data.len() > self.limit {
            self.lost = true;
            self.kept = Vec::new();
        } else {
            self.kept_bytes += data.len();
            self.kept.push(data.clone());
        }
    }
}

impl Body for ReplayBody {
    type Data = Bytes;
    type Error = NoMore;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, NoMore>>> {
        let this = &mut *self;
        let Some(source) = &this.source else { return Poll::Ready(None) };
        let source = &mut *source.borrow_mut();
        if this.number != source.latest_reader {
            return Poll::Ready(Some(Err(NoMore::TriedElsewhere)));
        }
        if let Some(data) = source.kept.get(this.next_kept) {
            this.next_kept += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        if matches!(source.flow, Flow::Ended | Flow::BrokenOff) {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut source.inner).poll_frame(cx);
        source.flow = if polled.is_pending() { Flow::WaitsForClient } else { Flow::Moving };
        let polled = std::task::ready!(polled);
        source.last_taken = source.clock.now();
        match polled {
            None => {
                source.flow = Flow::Ended;
                Poll::Ready(None)
            }
            Some(Err(_)) => {
                source.flow = Flow::BrokenOff;
                Poll::Ready(Some(Err(NoMore::ClientBrokeOff)))
            }
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    source.keep(data);
                    this.next_kept = source.kept.len();
                } else {
                    // Trailers are not kept: a request that has them is not sent twice.
                    source.lost = true;
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.as_ref().is_none_or(|source| {
            let source = source.borrow();
            self.next_kept >= source.kept.len() && (source.flow == Flow::Ended || source.inner.is_end_stream())
        })
    }

    fn size_hint(&self) -> SizeHint {
        // Asked for before the first frame, to choose the framing.
        self.source.as_ref().map_or_else(|| SizeHint::with_exact(0), |source| source.borrow().size_at_start)
    }
}

impl ReplayBody {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self { source: None, next_kept: 0, number: 0 }
    }
}
