//! Idle connections, kept by each worker for each endpoint. Opens none: that is `attempt`.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use lb_balance::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::tally::EndpointTally;
use crate::wire::Wire;

/// At most so many are kept for an endpoint by each worker; more would only be there after a burst.
const MAX_IDLE: usize = 128;

/// The idle connections to one endpoint.
pub(crate) struct Pool<S: AsyncRead + AsyncWrite + Unpin> {
    // The latest last: it is taken first, so that those which are not needed grow old and go.
    idle: RefCell<Vec<(Timestamp, Box<Wire<S>>)>>,
    keep_for: Duration,
    tally: Option<Arc<EndpointTally>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pool<S> {
    pub(crate) fn new(keep_for: Duration, tally: Option<Arc<EndpointTally>>) -> Self {
        Self { idle: RefCell::default(), keep_for, tally }
    }

    /// Takes the connection that was used last, if one is still good.
    pub(crate) fn take(&self, now: Timestamp) -> Option<Box<Wire<S>>> {
        loop {
            let (since, mut wire) = self.idle.borrow_mut().pop()?;
            self.note_fewer(1);
            // One that the endpoint has closed, or on which it said something unasked, is found out here.
            if now.since(since) < self.keep_for && wire.is_quiet() {
                return Some(wire);
            }
        }
    }

    /// Keeps a connection whose exchange is complete.
    pub(crate) fn put(&self, wire: Box<Wire<S>>, now: Timestamp) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < MAX_IDLE {
            idle.push((now, wire));
            if let Some(tally) = &self.tally {
                tally.idle.add(1);
            }
        }
    }

    /// Closes those that have been idle for too long.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let mut idle = self.idle.borrow_mut();
        let before = idle.len();
        idle.retain(|(since, _)| now.since(*since) < self.keep_for);
        self.note_fewer(before - idle.len());
        if idle.is_empty() {
            idle.shrink_to_fit();
        }
    }

    fn note_fewer(&self, fewer: usize) {
        if let Some(tally) = &self.tally {
            tally.idle.take(fewer as u64);
        }
    }
}
