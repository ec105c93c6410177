//! One try at one endpoint: a connection, the request, the head of its answer. What follows from the result is
//! `lb-balance`'s to say.

use std::io;
use std::pin::pin;
use std::rc::Rc;

use http::{Response, StatusCode};
use hyper::body::Incoming;
use lb_balance::{Failure, Outcome, Sent};
use tokio::time::{timeout, timeout_at};

use crate::Address;
use crate::clock::Clock;
use crate::config::Timeouts;
use crate::dial::Dial;
use crate::forward::Head;
use crate::pool::Pool;
use crate::replay::Replay;
use crate::wire::{Broken, Wire};

/// An endpoint as one worker reaches it.
pub(crate) struct Endpoint<D: Dial> {
    pub(crate) address: Address,
    pub(crate) timeouts: Timeouts,
    pub(crate) pool: Rc<Pool<D::Stream>>,
    pub(crate) dial: D,
    pub(crate) clock: Clock,
}

/// There is no answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Miss {
    pub(crate) outcome: Outcome,
    pub(crate) sent: Sent,
}

/// An answer's head, and the connection on which its body is coming.
pub(crate) type Hit<D> = (Response<Incoming>, Wire<<D as Dial>::Stream>);

/// Sends the request; on a new connection if `fresh`, else on an idle one where there is one.
pub(crate) async fn run<D: Dial>(
    endpoint: &Endpoint<D>,
    head: &Head,
    body: &Replay,
    fresh: bool,
) -> Result<Hit<D>, Miss> {
    let (clock, limits) = (endpoint.clock, endpoint.timeouts);
    let began = clock.now();
    let idle = if fresh { None } else { endpoint.pool.take(began) };
    let mut wire = match idle {
        Some(wire) => wire,
        None => {
            connect(&endpoint.dial, &endpoint.address, limits.attempt.unwrap_or(limits.connect).min(limits.connect))
                .await
                .map_err(|failure| Miss { outcome: Outcome::Failed(failure), sent: Sent::Nothing })?
        }
    };
    let was_used = wire.was_used();
    let result = {
        let mut exchange = pin!(wire.exchange(head.request(body.reader())));
        let mut answer_since = clock.now();
        let mut attempt_since = began;
        loop {
            let answer_by = answer_since + limits.response;
            let by = limits.attempt.map_or(answer_by, |limit| answer_by.min(attempt_since + limit));
            match timeout_at(clock.deadline(by), exchange.as_mut()).await {
                Ok(result) => break Some(result),
                // The time for an answer begins when the last piece of the request is sent.
                Err(_) => match body.last_taken().filter(|taken| *taken > answer_since) {
                    Some(taken) => (answer_since, attempt_since) = (taken, taken),
                    // A client may take longer to send than an endpoint to answer: the attempt's time stands still.
                    None if by < answer_by && body.waits_for_client() => attempt_since = clock.now(),
                    None => break None,
                },
            }
        }
    };
    match result {
        // It was not asked to switch protocols: the request's Upgrade field does not pass.
        Some(Ok(answer)) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
            Err(Miss { outcome: Outcome::Failed(Failure::InvalidHeader), sent: body.sent() })
        }
        Some(Ok(answer)) => Ok((answer, wire)),
        Some(Err(broken)) => Err(miss(&broken, body, was_used && !wire.heard_anything())),
        // A client that stopped sending in the middle of its body is nobody's failure, or it could eject endpoints.
        None if body.waits_for_client() => Err(Miss { outcome: Outcome::Abandoned, sent: body.sent() }),
        None => Err(Miss { outcome: Outcome::Failed(Failure::ResponseTimeout), sent: body.sent() }),
    }
}

/// Opens a connection and gets it ready to speak.
pub(crate) async fn connect<D: Dial>(
    dial: &D,
    address: &Address,
    limit: std::time::Duration,
) -> Result<Wire<D::Stream>, Failure> {
    match timeout(limit, dial.dial(address)).await {
        Err(_) => Err(Failure::ConnectTimeout),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Failure::Refused),
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(Failure::ConnectTimeout),
        Ok(Err(error)) if is_our_shortage(&error) => Err(Failure::Shortage),
        Ok(Err(_)) => Err(Failure::Unreachable),
        Ok(Ok(stream)) => Wire::new(stream).await.map_err(|_| Failure::Closed),
    }
}

/// Whether this machine, not the endpoint, lacks something: descriptors, memory, or local ports.
fn is_our_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::AGAIN];
    error.raw_os_error().is_some_and(|code| ours.iter().any(|errno| errno.raw_os_error() == code))
}

/// What a broken exchange says of the endpoint.
pub(crate) fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() { Failure::InvalidHeader } else { Failure::Closed }
}

fn miss(broken: &Broken, body: &Replay, hung_up_idle: bool) -> Miss {
    let sent = if broken.unsent { Sent::Nothing } else { body.sent() };
    let outcome = if body.client_failed() {
        Outcome::Abandoned
    } else {
        match failure(&broken.error) {
            Failure::Closed if hung_up_idle => Outcome::Failed(Failure::IdleRace),
            failure => Outcome::Failed(failure),
        }
    };
    Miss { outcome, sent }
}
