//! A request's body on its way to an endpoint, kept up to a limit so that another endpoint can be sent it again.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use lb_balance::{Sent, Timestamp};
use lb_http1::Framing;

use crate::clock::Clock;
use crate::downstream::{BodyBroken, Downstream, Progress};
use crate::lent::{self, Held};

/// The client's body and what has been taken from it so far. One per request; each attempt reads it from its start.
#[derive(Clone)]
pub(crate) struct Replay {
    client: Rc<dyn Downstream>,
    framing: Framing,
    // `None` if there is no body.
    source: Option<Rc<RefCell<Source>>>,
}

struct Source {
    // What was taken, from `base` on: all of it as long as it is within the limit; later only what the endpoint has not
    // taken yet.
    window: Vec<u8>,
    held: Held,
    base: u64,
    limit: usize,
    flow: Flow,
    clock: Clock,
    last_taken: Timestamp,
    // Only the latest reader reads: an older one's attempt is over, and what it took would be missing.
    latest_reader: u32,
}

/// How the client's side of a body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Nothing of it has been asked for.
    Untouched,
    /// There is more, or it has not been asked for.
    Moving,
    /// More was asked for, and the client has not sent it yet.
    WaitsForClient,
    Ended,
    Broken(BodyBroken),
}

/// There is no more of the body for this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoMore {
    /// The client broke off its own body.
    ClientBrokeOff,
    /// Another attempt has taken over.
    TriedElsewhere,
}

impl Replay {
    /// What a client sends after a head with that framing.
    pub(crate) fn new(client: &Rc<dyn Downstream>, framing: Framing, limit: usize, clock: Clock) -> Self {
        let source = || Source {
            window: Vec::new(),
            held: Held::default(),
            base: 0,
            limit,
            flow: Flow::Untouched,
            clock,
            last_taken: clock.now(),
            latest_reader: 0,
        };
        let is_empty = matches!(framing, Framing::Empty | Framing::Length(0));
        let source = (!is_empty).then(|| Rc::new(RefCell::new(source())));
        Self { client: Rc::clone(client), framing, source }
    }

    /// How it is framed.
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Who sends it.
    pub(crate) fn client(&self) -> &Rc<dyn Downstream> {
        &self.client
    }

    /// Whether there is no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.source.is_none()
    }

    /// Whether nothing of it has been asked for.
    pub(crate) fn is_untouched(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.borrow().flow == Flow::Untouched)
    }

    /// A number for who reads it from its start. Readers from before get no more of it.
    pub(crate) fn new_reader(&self) -> u32 {
        self.source.as_ref().map_or(0, |source| {
            let mut source = source.borrow_mut();
            source.latest_reader += 1;
            source.latest_reader
        })
    }

    /// Waits until there is something of it from `position` on, or its end is there.
    pub(crate) fn poll_at(&self, cx: &mut Context<'_>, reader: u32, position: u64) -> Poll<Result<Progress, NoMore>> {
        let Some(source) = &self.source else { return Poll::Ready(Ok(Progress::End)) };
        let source = &mut *source.borrow_mut();
        if reader != source.latest_reader {
            return Poll::Ready(Err(NoMore::TriedElsewhere));
        }
        if position < source.end() {
            return Poll::Ready(Ok(Progress::Data));
        }
        match source.flow {
            Flow::Ended => return Poll::Ready(Ok(Progress::End)),
            Flow::Broken(_) => return Poll::Ready(Err(NoMore::ClientBrokeOff)),
            Flow::Untouched | Flow::Moving | Flow::WaitsForClient => {}
        }
        let is_too_much = source.window.len() > source.limit || lent::is_exhausted();
        if source.is_lost() || is_too_much {
            source.base = source.end();
            source.window.clear();
        }
        let polled = self.client.poll_body(cx, &mut source.window);
        source.held.set(source.window.capacity());
        source.flow = if polled.is_pending() { Flow::WaitsForClient } else { Flow::Moving };
        let polled = ready!(polled);
        source.last_taken = source.clock.now();
        Poll::Ready(match polled {
            Ok(Progress::Data) => Ok(Progress::Data),
            Ok(Progress::End) => {
                source.flow = Flow::Ended;
                Ok(Progress::End)
            }
            Err(broken) => {
                source.flow = Flow::Broken(broken);
                Err(NoMore::ClientBrokeOff)
            }
        })
    }

    /// Looks at what there is of it from `position` on.
    pub(crate) fn with_data<R>(&self, position: u64, look: impl FnOnce(&[u8]) -> R) -> R {
        let Some(source) = &self.source else { return look(&[]) };
        let source = source.borrow();
        let from = position.checked_sub(source.base).and_then(|from| usize::try_from(from).ok());
        look(from.and_then(|from| source.window.get(from..)).unwrap_or_default())
    }

    /// What an attempt whose sending has begun has left of it.
    pub(crate) fn sent(&self) -> Sent {
        match &self.source {
            Some(source) if source.borrow().is_lost() => Sent::Lost,
            Some(_) | None => Sent::Kept,
        }
    }

    /// Why nothing more comes of it, if that is so.
    pub(crate) fn broken(&self) -> Option<BodyBroken> {
        match self.source.as_ref()?.borrow().flow {
            Flow::Broken(broken) => Some(broken),
            Flow::Untouched | Flow::Moving | Flow::WaitsForClient | Flow::Ended => None,
        }
    }

    /// When the last piece of it was taken; `None` if there is none.
    pub(crate) fn last_taken(&self) -> Option<Timestamp> {
        self.source.as_ref().map(|source| source.borrow().last_taken)
    }

    /// Whether the next piece of it is the client's to send.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.borrow().flow == Flow::WaitsForClient)
    }
}

impl Source {
    /// Whether its beginning is no longer there.
    fn is_lost(&self) -> bool {
        self.base > 0
    }

    fn end(&self) -> u64 {
        self.base + self.window.len() as u64
    }
}
