//! A request's body on its way to an endpoint, kept up to a limit so that another endpoint can be sent it again.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use lb_balance::Sent;

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
    ended: bool,
    client_failed: bool,
    size_at_start: SizeHint,
    bytes_taken: u64,
}

/// Reads the body from its start, for one attempt.
pub(crate) struct ReplayBody {
    source: Option<Rc<RefCell<Source>>>,
    next_kept: usize,
}

/// The client broke off its own body.
#[derive(Debug, thiserror::Error)]
#[error("the client broke off its request")]
pub(crate) struct ClientBrokeOff;

impl Replay {
    pub(crate) fn new(body: Incoming, limit: usize) -> Self {
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
            ended: false,
            client_failed: false,
            bytes_taken: 0,
        };
        Self(Some(Rc::new(RefCell::new(source))))
    }

    /// The body from its start. There must be no other reader of it any more.
    pub(crate) fn reader(&self) -> ReplayBody {
        ReplayBody { source: self.0.clone(), next_kept: 0 }
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
        self.0.as_ref().is_some_and(|source| source.borrow().client_failed)
    }

    /// How far sending has come, while it has not ended.
    pub(crate) fn progress(&self) -> Option<u64> {
        let source = self.0.as_ref()?.borrow();
        (!source.ended).then_some(source.bytes_taken)
    }
}

impl Source {
    fn keep(&mut self, data: &Bytes) {
        self.bytes_taken += data.len() as u64;
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
    type Error = ClientBrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientBrokeOff>>> {
        let this = &mut *self;
        let Some(source) = &this.source else { return Poll::Ready(None) };
        let source = &mut *source.borrow_mut();
        if let Some(data) = source.kept.get(this.next_kept) {
            this.next_kept += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        if source.ended {
            return Poll::Ready(None);
        }
        match std::task::ready!(Pin::new(&mut source.inner).poll_frame(cx)) {
            None => {
                source.ended = true;
                Poll::Ready(None)
            }
            Some(Err(_)) => {
                source.ended = true;
                source.client_failed = true;
                Poll::Ready(Some(Err(ClientBrokeOff)))
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
            self.next_kept >= source.kept.len() && (source.ended || source.inner.is_end_stream())
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
        Self { source: None, next_kept: 0 }
    }
}
