//! One try at one endpoint: a connection, the request, the head of its answer. What follows from the result is
//! `lb-balance`'s to say.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lb_balance::{Failure, Outcome, Sent, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::Address;
use crate::clock::Clock;
use crate::config::Timeouts;
use crate::dial::Dial;
use crate::forward::{self, Outgoing};
use crate::pool::Pool;
use crate::replay::{NoMore, Replay};
use crate::tally::EndpointTally;
use crate::telling::Connected;
use crate::upload::{Unsent, Upload};
use crate::wire::{Broken, Wire};

/// An endpoint as one worker reaches it.
pub(crate) struct Endpoint<D: Dial> {
    pub(crate) address: Address,
    pub(crate) timeouts: Timeouts,
    pub(crate) pool: Rc<Pool<D::Stream>>,
    pub(crate) dial: D,
    pub(crate) clock: Clock,
    /// Where it is counted, if anything is.
    pub(crate) tally: Option<Arc<EndpointTally>>,
}

/// There is no answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Miss {
    pub(crate) outcome: Outcome,
    pub(crate) sent: Sent,
}

/// The connection on which an answer's head has come and its body is coming, and what is still to be sent of the request.
pub(crate) struct Hit<S> {
    // Boxed: it is handed on from one to the next, and kept from one request to the next.
    pub(crate) wire: Box<Wire<S>>,
    pub(crate) upload: Upload,
}

/// How long an endpoint may take to ask for a body that the client holds back (RFC 9110 §10.1.1 lets nobody wait for ever).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// Sends the request, as an attempt that began then; on a new connection if `fresh`, else on an idle one where there is one.
/// Notes in `connected` which; there it also finds the attempt's number in a trace.
pub(crate) async fn run<D: Dial>(
    endpoint: &Endpoint<D>,
    head: &Outgoing,
    body: &Replay,
    began: Timestamp,
    fresh: bool,
    connected: &mut Connected,
) -> Result<Hit<D::Stream>, Miss> {
    let limits = endpoint.timeouts;
    let idle = if fresh { None } else { endpoint.pool.take(began) };
    let (mut wire, answer_since) = if let Some(wire) = idle {
        connected.reused = true;
        if let Some(tally) = &endpoint.tally {
            tally.reused.add(1);
        }
        (wire, began)
    } else {
        let limit = limits.attempt.unwrap_or(limits.connect).min(limits.connect);
        let mut wire = connect(&endpoint.dial, &endpoint.address, limit)
            .await
            .map_err(|failure| Miss { outcome: Outcome::Failed(failure), sent: Sent::Nothing })?;
        if let Some(tally) = &endpoint.tally {
            wire.count_in(tally);
        }
        let now = endpoint.clock.now();
        connected.took = Some(now.since(began));
        (wire, now)
    };
    let mut upload = Upload::begin(&mut wire, head, body, connected.span);
    let mut patience = Patience { clock: endpoint.clock, limits, answer_since, attempt_since: began };
    let ended = poll_fn(|cx| {
        if let Poll::Ready(result) = poll_answer(cx, &mut wire, &mut upload, body) {
            return Poll::Ready(Some(result));
        }
        patience.poll_over(cx, &mut wire, &mut upload, body).map(|()| None)
    })
    .await;
    match ended {
        // It was not asked to switch protocols, or not to that one.
        Some(Ok(())) if wire.answer().status() == 101 && !forward::agrees(wire.answer(), head.upgrade()) => {
            Err(Miss { outcome: Outcome::Failed(Failure::InvalidHeader), sent: body.sent() })
        }
        Some(Ok(())) => Ok(Hit { wire, upload }),
        Some(Err(broken)) => Err(miss(broken, &wire, body)),
        // A client that stopped sending in the middle of its body is nobody's failure, or it could eject endpoints.
        None if body.waits_for_client() => Err(Miss { outcome: Outcome::Abandoned, sent: body.sent() }),
        None => Err(Miss { outcome: Outcome::Failed(Failure::ResponseTimeout), sent: body.sent() }),
    }
}

/// Why an attempt ended without an answer.
#[derive(Clone, Copy)]
enum Ended {
    Broken(Broken),
    ClientBrokeOff,
}

/// Sends what can be sent, and waits for an answer that is not an interim one.
fn poll_answer<S: AsyncRead + AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    wire: &mut Wire<S>,
    upload: &mut Upload,
    body: &Replay,
) -> Poll<Result<(), Ended>> {
    loop {
        match upload.poll_send(cx, wire) {
            Poll::Ready(Err(Unsent::NoMore(NoMore::ClientBrokeOff))) => return Poll::Ready(Err(Ended::ClientBrokeOff)),
            Poll::Ready(Ok(()) | Err(Unsent::NoMore(NoMore::TriedElsewhere) | Unsent::WriteClosed)) | Poll::Pending => {
            }
        }
        if let Err(broken) = ready!(wire.poll_head(cx)) {
            return Poll::Ready(Err(Ended::Broken(broken)));
        }
        match wire.answer().status() {
            // The client is asked for its body when it is first read.
            100 => upload.go_on(),
            102..=199 => body.client().tell(&forward::interim(wire.answer())),
            _ => return Poll::Ready(Ok(())),
        }
    }
}

/// How long an attempt may still take.
struct Patience {
    clock: Clock,
    limits: Timeouts,
    answer_since: Timestamp,
    attempt_since: Timestamp,
}

impl Patience {
    fn poll_over<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire<S>,
        upload: &mut Upload,
        body: &Replay,
    ) -> Poll<()> {
        loop {
            let answer_by = self.answer_since + self.limits.response;
            let by = self.limits.attempt.map_or(answer_by, |limit| answer_by.min(self.attempt_since + limit));
            if upload.awaits_continue() {
                let continue_by = by.min(self.answer_since + CONTINUE_WAIT);
                ready!(wire.poll_alarm(cx, self.clock.deadline(continue_by)));
                upload.go_on();
                // It sends the body now, which is another turn's work.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            ready!(wire.poll_alarm(cx, self.clock.deadline(by)));
            // The time for an answer begins when the last piece of the request is sent.
            match body.last_taken().filter(|taken| *taken > self.answer_since) {
                Some(taken) => (self.answer_since, self.attempt_since) = (taken, taken),
                // A client may take longer to send than an endpoint to answer: the attempt's time stands still.
                None if by < answer_by && body.waits_for_client() => self.attempt_since = self.clock.now(),
                None => return Poll::Ready(()),
            }
        }
    }
}

/// Opens a connection and gets it ready to speak.
pub(crate) async fn connect<D: Dial>(
    dial: &D,
    address: &Address,
    limit: Duration,
) -> Result<Box<Wire<D::Stream>>, Failure> {
    match timeout(limit, dial.dial(address)).await {
        Err(_) => Err(Failure::ConnectTimeout),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Failure::Refused),
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(Failure::ConnectTimeout),
        Ok(Err(error)) if is_our_shortage(&error) => Err(Failure::Shortage),
        Ok(Err(_)) => Err(Failure::Unreachable),
        Ok(Ok(stream)) => Ok(Wire::new(stream)),
    }
}

/// Whether this machine, not the endpoint, lacks something: descriptors, memory, or local ports.
fn is_our_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::AGAIN];
    error.raw_os_error().is_some_and(|code| ours.iter().any(|errno| errno.raw_os_error() == code))
}

/// What a broken exchange says of the endpoint.
pub(crate) fn failure(broken: Broken) -> Failure {
    match broken {
        Broken::Closed => Failure::Closed,
        Broken::Flaw(_) => Failure::InvalidHeader,
    }
}

fn miss<S: AsyncRead + AsyncWrite + Unpin>(ended: Ended, wire: &Wire<S>, body: &Replay) -> Miss {
    let sent = match body.sent() {
        Sent::Kept if !wire.has_spoken() => Sent::Nothing,
        // What is no longer there cannot be sent again, even if nobody has heard it.
        sent => sent,
    };
    let outcome = match ended {
        Ended::ClientBrokeOff => Outcome::Abandoned,
        Ended::Broken(Broken::Closed) if wire.was_used() && !wire.has_heard() => Outcome::Failed(Failure::IdleRace),
        Ended::Broken(broken) => Outcome::Failed(failure(broken)),
    };
    Miss { outcome, sent }
}
