//! The body of an endpoint's answer on its way to the client. The lease rides in it, and so does the connection.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use lb_balance::{Failure, Outcome};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

use crate::attempt::Endpoint;
use crate::clock::Clock;
use crate::dial::Dial;
use crate::held::Held;
use crate::local::{BoxError, LocalBody};
use crate::pool::Pool;
use crate::replay::Replay;
use crate::wire::Wire;

/// An answer that is not delivered is read to its end, to save its connection, if no more than this is left of it.
const DISCARD_LIMIT: usize = 64 * 1024;

/// An answer's body while it is carried.
pub(crate) struct Carried<S: AsyncRead + AsyncWrite + Unpin + 'static> {
    incoming: Incoming,
    wire: Option<Wire<S>>,
    home: Rc<Pool<S>>,
    held: Held,
    clock: Clock,
    stall: Option<Pin<Box<Sleep>>>,
    request: Replay,
}

/// The endpoint broke off its answer; the client's connection is aborted, so that it cannot take it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint {0}")]
pub(crate) struct BrokenOff(Failure);

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Carried<S> {
    pub(crate) fn new<D: Dial<Stream = S>>(
        incoming: Incoming,
        wire: Wire<S>,
        endpoint: &Endpoint<D>,
        request: &Replay,
        held: Held,
    ) -> Self {
        let (home, request) = (Rc::clone(&endpoint.pool), request.clone());
        Self { incoming, wire: Some(wire), home, held, clock: endpoint.clock, stall: None, request }
    }

    /// Gives up the answer. What has already come of it is read, so that its connection can be used again.
    pub(crate) fn discard(mut self) {
        let mut left = DISCARD_LIMIT;
        let cx = &mut Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut self).poll_frame(cx) {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    }

    fn fail(&mut self, failure: Failure) -> BrokenOff {
        self.wire = None;
        // An endpoint that waits for the rest of the request cannot go on with its answer.
        if !(failure == Failure::Stalled && self.request.waits_for_client()) {
            self.held.report(Outcome::Failed(failure), self.clock.now());
        }
        BrokenOff(failure)
    }

    /// Takes the connection home if the answer has come to its end.
    fn settle(&mut self) {
        if let Some(mut wire) = self.wire.take()
            && wire.is_reusable()
        {
            self.home.put(wire, self.clock.now());
        }
    }

    /// Whether the body has stood still for too long. The timer is set only when there is something to wait for.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.held.cluster().config().timeouts.body;
        self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit))).as_mut().poll(cx)
    }

    fn note_progress(&mut self) {
        if let Some(stall) = &mut self.stall {
            let limit = self.held.cluster().config().timeouts.body;
            stall.as_mut().reset(Instant::now() + limit);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Body for Carried<S> {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = &mut *self;
        if let Some(wire) = &mut this.wire {
            wire.poll_drive(cx);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.note_progress();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(this.fail(Failure::Truncated)))),
            Poll::Ready(None) => {
                this.settle();
                Poll::Ready(None)
            }
            Poll::Pending => {
                std::task::ready!(this.poll_stall(cx));
                Poll::Ready(Some(Err(this.fail(Failure::Stalled))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Drop for Carried<S> {
    fn drop(&mut self) {
        // A body of known length is not polled beyond its last byte.
        if self.incoming.is_end_stream() {
            self.settle();
        }
    }
}

/// The body of any answer that a client gets.
pub(crate) enum Answer<S: AsyncRead + AsyncWrite + Unpin + 'static> {
    /// `lb`'s own few words.
    Reject(Option<Bytes>),
    /// What a local service answers.
    Local(LocalBody),
    /// What an endpoint answers.
    Carried(Box<Carried<S>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Body for Answer<S> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Reject(words) => Poll::Ready(words.take().map(|words| Ok(Frame::data(words)))),
            Self::Local(body) => Pin::new(body).poll_frame(cx),
            Self::Carried(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Reject(words) => words.is_none(),
            Self::Local(body) => body.is_end_stream(),
            Self::Carried(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Reject(words) => SizeHint::with_exact(words.as_ref().map_or(0, |words| words.len() as u64)),
            Self::Local(body) => body.size_hint(),
            Self::Carried(body) => body.size_hint(),
        }
    }
}
