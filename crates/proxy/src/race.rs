//! The attempts of a request that are under way: one, or for a while two. Judges nothing: who asks for what comes next
//! says what follows from it.
//!
//! ```text
//!   first   ├────────── delay ──────────┼──────────▶ (dropped: cancelled, its connection closed, its lease released)
//!   hedge                               ├─────▶ answer
//! ```

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lb_balance::{Attempts, EndpointId, Failure, Outcome, Sent, Timestamp, Turn};
use tokio::time::{sleep, timeout};

use crate::ClusterId;
use crate::attempt::{self, Endpoint, Hit, Miss};
use crate::cluster::{ClusterHandle, Ties};
use crate::dial::Dial;
use crate::faults::{FaultPlace, Faults, Played};
use crate::forward::Outgoing;
use crate::held::Held;
use crate::replay::Replay;
use crate::telling::{Connected, Telling};

/// One request and its attempts.
pub(crate) struct Race<'r, D: Dial> {
    cluster: &'r Arc<ClusterHandle>,
    endpoints: &'r [Endpoint<D>],
    head: &'r Outgoing,
    body: &'r Replay,
    ties: Ties,
    stage: Stage<'r>,
    // `None` where there is no hedge, or none any more: one a request.
    hedge_after: Option<Duration>,
    has_hedged: bool,
    other: Option<Runner<'r, D>>,
}

/// Where faults may be played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage<'r> {
    pub(crate) faults: &'r Faults,
    pub(crate) cluster: ClusterId,
}

/// Something has come of an attempt.
pub(crate) struct Done<D: Dial> {
    pub(crate) lease: Held,
    pub(crate) began: Timestamp,
    pub(crate) connected: Connected,
    /// Whether it was done to it on demand.
    pub(crate) played: bool,
    pub(crate) result: Result<Hit<D::Stream>, Miss>,
}

/// An attempt under way beside another. Dropping it cancels it.
struct Runner<'r, D: Dial> {
    endpoint: EndpointId,
    turn: Turn,
    began: Timestamp,
    done: Pin<Box<dyn Future<Output = Done<D>> + 'r>>,
}

impl<'r, D: Dial> Race<'r, D> {
    pub(crate) fn new(
        cluster: &'r Arc<ClusterHandle>,
        endpoints: &'r [Endpoint<D>],
        head: &'r Outgoing,
        body: &'r Replay,
        ties: Ties,
        stage: Stage<'r>,
    ) -> Self {
        // A session is better off late than elsewhere.
        let may_be_hedged = || ties.session.is_none() && ties.pinned.is_none() && head.only_asks() && body.is_empty();
        let hedge_after = cluster.hedge_after().filter(|_| may_be_hedged());
        Self { cluster, endpoints, head, body, ties, stage, hedge_after, has_hedged: false, other: None }
    }

    /// Begins an attempt, if there is a lease for one, and waits until something comes of it, or of one that is under way.
    pub(crate) async fn next(&mut self, lease: Option<Held>, fresh: bool, attempts: &mut Attempts<'_>) -> Done<D> {
        match (lease, self.other.take()) {
            (Some(lease), None) if self.hedge_after.is_none() => {
                run(self.endpoints, self.head, self.body, self.stage, lease, fresh).await
            }
            (Some(lease), other) => {
                let runner = self.start(lease, fresh);
                // Boxed, since every request would be larger by it.
                Box::pin(self.run_beside(runner, other, attempts)).await
            }
            (None, Some(other)) => other.done.await,
            (None, None) => unreachable!("there is a lease, or an attempt under way to be awaited"),
        }
    }

    /// Whether a hedge has begun.
    pub(crate) fn has_hedged(&self) -> bool {
        self.has_hedged
    }

    /// What is to be delivered is there: an attempt that is still under way is cancelled.
    pub(crate) fn end(self, attempts: &mut Attempts<'_>, telling: &mut Telling) {
        if let Some(Runner { endpoint, turn, began, done }) = self.other {
            let now = self.endpoints[endpoint.index()].clock.now();
            let took = now.since(began);
            attempts.note_overtaken(endpoint, took);
            telling.note_overtaken(endpoint, turn, began, took);
            if let Some(tally) = &self.endpoints[endpoint.index()].tally {
                tally.note(Outcome::Overtaken, took);
            }
            // The lease first: it lays the trial's ticket down, which the news then takes away.
            drop(done);
            if turn == Turn::Trial {
                self.cluster.report_slow_trial(endpoint, now);
            }
        }
    }

    async fn run_beside(
        &mut self,
        mut one: Runner<'r, D>,
        other: Option<Runner<'r, D>>,
        attempts: &mut Attempts<'_>,
    ) -> Done<D> {
        let other = match (other, self.hedge_after) {
            (None, Some(delay)) => {
                if let Ok(done) = timeout(delay, &mut one.done).await {
                    return done;
                }
                self.hedge(&one, attempts)
            }
            (other, _) => other,
        };
        let Some(mut other) = other else { return one.done.await };
        let (done, slower) = tokio::select! {
            biased;
            done = &mut one.done => (done, other),
            done = &mut other.done => (done, one),
        };
        self.other = Some(slower);
        done
    }

    fn hedge(&mut self, first: &Runner<'r, D>, attempts: &mut Attempts<'_>) -> Option<Runner<'r, D>> {
        // While some wait for one endpoint, nobody gets two.
        if self.cluster.queued().is_some_and(|waiting| waiting > 0) {
            return None;
        }
        let now = self.endpoints[first.endpoint.index()].clock.now();
        let lease = attempts.hedge(first.endpoint, now, |attempts| self.cluster.pick(attempts, self.ties, now).ok())?;
        (self.hedge_after, self.has_hedged) = (None, true);
        Some(self.start(lease, false))
    }

    fn start(&self, lease: Held, fresh: bool) -> Runner<'r, D> {
        let (endpoint, turn) = (lease.endpoint(), lease.turn());
        let began = self.endpoints[endpoint.index()].clock.now();
        Runner {
            endpoint,
            turn,
            began,
            done: Box::pin(run(self.endpoints, self.head, self.body, self.stage, lease, fresh)),
        }
    }
}

/// One attempt, from its beginning to what comes of it. It holds its lease: where it is dropped, the lease is, too.
async fn run<D: Dial>(
    endpoints: &[Endpoint<D>],
    head: &Outgoing,
    body: &Replay,
    stage: Stage<'_>,
    mut lease: Held,
    fresh: bool,
) -> Done<D> {
    let endpoint = &endpoints[lease.endpoint().index()];
    let began = lease.began().unwrap_or_else(|| lease.begin_anew(endpoint.clock.now()));
    let mut connected = Connected { span: head.draw_span(), ..Connected::default() };
    let place = FaultPlace::Endpoint(stage.cluster, lease.endpoint());
    let played = stage.faults.draw(place, || endpoint.clock.now());
    if let Some(played) = played
        && let Some(outcome) = Box::pin(play(endpoint, played)).await
    {
        return Done { lease, began, connected, played: true, result: Err(Miss { outcome, sent: Sent::Nothing }) };
    }
    let result = attempt::run(endpoint, head, body, began, fresh, &mut connected).await;
    Done { lease, began, connected, played: played.is_some(), result }
}

/// Plays a fault in an endpoint's place; what comes of the attempt, if it is over with that.
async fn play<D: Dial>(endpoint: &Endpoint<D>, played: Played) -> Option<Outcome> {
    match played {
        Played::Delay(time) => {
            let limits = endpoint.timeouts;
            let patience = limits.attempt.unwrap_or(limits.response).min(limits.response);
            sleep(time.min(patience)).await;
            (time >= patience).then_some(Outcome::Failed(Failure::ResponseTimeout))
        }
        Played::Abort(status) => Some(Outcome::Answered { status }),
        Played::Reset => Some(Outcome::Failed(Failure::Closed)),
    }
}
