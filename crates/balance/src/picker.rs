//! The hot half of a balancer: an immutable chooser that all workers share. It believes nothing; it is built
//! from what the cluster believes, and built anew when that changes.

mod chooser;
mod drawing;
mod round_robin;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use self::chooser::Chooser;
pub use self::round_robin::layout_steps;
use crate::cells::{Cursor, EndpointCell};
use crate::{Algorithm, Attempts, EndpointId, Lease, Observer, PassedOver, Timestamp, Turn};

/// What a picker needs to know of one endpoint.
pub(crate) struct Candidate {
    pub(crate) weight: u32,
    pub(crate) standing: Standing,
}

/// Whether, and why not, an endpoint takes turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Available,
    /// Waits for the one request that is its trial; `any` one, or only one that could be tried again elsewhere.
    Trial {
        any: bool,
    },
    Out(PassedOver),
}

/// No endpoint can take the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEndpoint {
    /// When the next ejection ends, if one is what it waits for.
    pub until: Option<Timestamp>,
}

/// Chooses an endpoint without allocation, and by all algorithms but least-request in the same time with four endpoints
/// or ten thousand.
#[derive(Debug)]
pub struct Picker {
    chooser: Chooser,
    // By what right it chooses: `Regular`, or `FailOpen` if no endpoint is available and it chooses among the doubted.
    turn: Turn,
    trials: Box<[(EndpointId, bool)]>,
    standings: Box<[Standing]>,
    cells: Arc<[Arc<EndpointCell>]>,
    cursor: Arc<Cursor>,
}

impl Picker {
    pub(crate) fn new(
        algorithm: Algorithm,
        candidates: &[Candidate],
        fail_open: bool,
        cells: Arc<[Arc<EndpointCell>]>,
        cursor: Arc<Cursor>,
    ) -> Self {
        let ids = || (0u32..).map(EndpointId);
        let weights = |wanted: &dyn Fn(&Candidate) -> bool| -> Vec<(EndpointId, u32)> {
            ids().zip(candidates).filter(|(_, c)| wanted(c)).map(|(id, c)| (id, c.weight)).collect()
        };
        let available = weights(&|candidate| candidate.standing == Standing::Available);
        let (chooser, turn) = if available.is_empty() && fail_open {
            // Those on trial are asked first anyway, and once: they get their ticket, not a turn.
            let doubted = weights(&|candidate| matches!(candidate.standing, Standing::Out(_)));
            (Chooser::new(algorithm, &doubted), Turn::FailOpen)
        } else {
            (Chooser::new(algorithm, &available), Turn::Regular)
        };
        let trials = ids()
            .zip(candidates)
            .filter_map(|(id, candidate)| match candidate.standing {
                Standing::Trial { any } => Some((id, any)),
                Standing::Available | Standing::Out(_) => None,
            })
            .collect();
        let standings = candidates.iter().map(|candidate| candidate.standing).collect();
        Self { chooser, turn, trials, standings, cells, cursor }
    }

    /// Chooses an endpoint for the next attempt of a request, never one that it has tried. `entropy` is 64 random bits.
    ///
    /// An endpoint on trial comes first, so that it is back as soon as it works; but its trial is a request that
    /// can be tried elsewhere if it fails, as long as there is somewhere else.
    ///
    /// # Errors
    ///
    /// [`NoEndpoint`] if every endpoint is out or tried.
    pub fn pick<O: Observer>(
        &self,
        attempts: &Attempts<'_>,
        entropy: u64,
        observer: &mut O,
    ) -> Result<Lease, NoEndpoint> {
        if O::LISTENS {
            self.tell_who_is_out(observer);
        }
        let shielded = attempts.shielded();
        if let Some(lease) = self.claim_trial(attempts, |any| shielded || (any && attempts.is_empty())) {
            return Ok(lease);
        }
        let may = |endpoint| {
            let tried = attempts.tried(endpoint);
            if tried {
                observer.passed_over(endpoint, PassedOver::AlreadyTried);
            }
            !tried
        };
        if let Some(endpoint) = self.chooser.choose(&self.cells, &self.cursor, entropy, may) {
            return Ok(self.lease(endpoint, self.turn));
        }
        self.claim_trial(attempts, |_| true).ok_or_else(|| {
            for (endpoint, _) in &self.trials {
                observer.passed_over(*endpoint, PassedOver::OnTrial);
            }
            NoEndpoint { until: self.next_return() }
        })
    }

    /// Leases the endpoint that the request names, whatever is believed of it; `None` if there is no such endpoint.
    pub fn pick_pinned(&self, endpoint: EndpointId) -> Option<Lease> {
        (endpoint.index() < self.cells.len()).then(|| self.lease(endpoint, Turn::Pinned))
    }

    fn claim_trial(&self, attempts: &Attempts<'_>, may: impl Fn(bool) -> bool) -> Option<Lease> {
        self.trials
            .iter()
            .find(|(id, any)| may(*any) && !attempts.tried(*id) && self.cells[id.index()].claim_trial_ticket())
            .map(|(id, _)| self.lease(*id, Turn::Trial))
    }

    fn lease(&self, endpoint: EndpointId, turn: Turn) -> Lease {
        Lease::new(&self.cells[endpoint.index()], endpoint, turn)
    }

    fn tell_who_is_out<O: Observer>(&self, observer: &mut O) {
        for (id, standing) in (0u32..).zip(&self.standings) {
            if let Standing::Out(why) = standing {
                observer.passed_over(EndpointId(id), *why);
            }
        }
    }

    fn next_return(&self) -> Option<Timestamp> {
        let returns = self.standings.iter().filter_map(|standing| match standing {
            Standing::Out(PassedOver::Ejected { until }) => Some(*until),
            Standing::Available | Standing::Trial { .. } | Standing::Out(_) => None,
        });
        returns.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attempt, Failure, Outcome, RetryOn, RetryPolicy, Sent};
    use alloc::vec;
    use core::num::NonZeroU32;
    use core::time::Duration;

    const OUT: Standing = Standing::Out(PassedOver::Down);

    fn picker(standings: &[Standing], fail_open: bool) -> Picker {
        let candidates: Vec<_> = standings.iter().map(|s| Candidate { weight: 1, standing: *s }).collect();
        let cells: Arc<[_]> = standings.iter().map(|_| Arc::new(EndpointCell::new())).collect();
        for (cell, standing) in cells.iter().zip(standings) {
            cell.set_trial_ticket(matches!(standing, Standing::Trial { .. }));
        }
        Picker::new(Algorithm::RoundRobin, &candidates, fail_open, cells, Arc::new(Cursor::default()))
    }

    fn retrying() -> RetryPolicy {
        RetryPolicy {
            on: RetryOn { error: true, ..RetryOn::default() },
            attempts: NonZeroU32::new(9).expect("not zero"),
            ..RetryPolicy::default()
        }
    }

    fn picked(picker: &Picker, attempts: &Attempts<'_>) -> Option<(u32, Turn)> {
        picker.pick(attempts, 0, &mut ()).ok().map(|lease| (lease.endpoint().0, lease.turn()))
    }

    fn try_all(picker: &Picker, policy: &RetryPolicy) -> Vec<u32> {
        let mut attempts = Attempts::new(policy, Timestamp::ORIGIN, true);
        let mut tried = vec![];
        while let Ok(lease) = picker.pick(&attempts, 0, &mut ()) {
            tried.push(lease.endpoint().0);
            let outcome = Outcome::Failed(Failure::Closed);
            let attempt = Attempt { endpoint: lease.endpoint(), outcome, took: Duration::ZERO };
            attempts.judge(attempt, Sent::Kept, Timestamp::ORIGIN);
        }
        tried
    }

    #[test]
    fn a_request_never_gets_an_endpoint_twice() {
        let mut tried = try_all(&picker(&[Standing::Available; 4], false), &retrying());
        tried.sort_unstable();
        assert_eq!(tried, [0, 1, 2, 3]);
    }

    #[test]
    fn one_shielded_request_is_the_trial_and_the_others_go_elsewhere() {
        let policy = retrying();
        let attempts = Attempts::new(&policy, Timestamp::ORIGIN, true);
        let picker = picker(&[Standing::Available, Standing::Trial { any: false }], false);
        let trial = picker.pick(&attempts, 0, &mut ()).expect("there are endpoints");
        assert_eq!((trial.endpoint().0, trial.turn()), (1, Turn::Trial));
        assert_eq!(picked(&picker, &attempts), Some((0, Turn::Regular)));
        drop(trial);
        assert_eq!(picked(&picker, &attempts), Some((1, Turn::Trial)), "dropped without a result: again");
    }

    #[test]
    fn a_request_that_could_not_be_tried_again_is_no_trial_while_others_are_available() {
        let policy = retrying();
        let post = Attempts::new(&policy, Timestamp::ORIGIN, false);
        let patient = picker(&[Standing::Available, Standing::Trial { any: false }], false);
        assert_eq!(picked(&patient, &post), Some((0, Turn::Regular)));
        let urgent = picker(&[Standing::Available, Standing::Trial { any: true }], false);
        assert_eq!(picked(&urgent, &post), Some((1, Turn::Trial)));
        let alone = picker(&[OUT, Standing::Trial { any: false }], false);
        assert_eq!(picked(&alone, &post), Some((1, Turn::Trial)));
    }

    #[test]
    fn no_endpoint_is_chosen_that_is_out_unless_the_cluster_fails_open() {
        let policy = RetryPolicy::default();
        let attempts = Attempts::new(&policy, Timestamp::ORIGIN, true);
        assert_eq!(picked(&picker(&[OUT, OUT], false), &attempts), None);
        assert_eq!(picked(&picker(&[OUT, OUT], true), &attempts), Some((0, Turn::FailOpen)));
        assert_eq!(picked(&picker(&[OUT, Standing::Available], true), &attempts), Some((1, Turn::Regular)));
    }

    #[test]
    fn a_pin_reaches_an_endpoint_whatever_is_believed_of_it() {
        let picker = picker(&[Standing::Available, OUT], false);
        assert_eq!(picker.pick_pinned(EndpointId(1)).map(|lease| lease.turn()), Some(Turn::Pinned));
        assert!(picker.pick_pinned(EndpointId(2)).is_none());
    }

    #[test]
    fn whoever_waits_is_told_when_the_next_endpoint_returns() {
        let until = |s| Timestamp::ORIGIN + Duration::from_secs(s);
        let out = |s| Standing::Out(PassedOver::Ejected { until: until(s) });
        let policy = RetryPolicy::default();
        let attempts = Attempts::new(&policy, Timestamp::ORIGIN, true);
        let none = picker(&[out(9), out(7), OUT], false).pick(&attempts, 0, &mut ()).expect_err("all are out");
        assert_eq!(none.until, Some(until(7)));
    }

    #[test]
    fn an_observer_hears_why_each_endpoint_was_passed_over() {
        let policy = retrying();
        let mut attempts = Attempts::new(&policy, Timestamp::ORIGIN, true);
        let outcome = Outcome::Failed(Failure::Closed);
        attempts.judge(
            Attempt { endpoint: EndpointId(0), outcome, took: Duration::ZERO },
            Sent::Kept,
            Timestamp::ORIGIN,
        );
        let mut reasons = Vec::new();
        let lease = picker(&[Standing::Available, OUT, Standing::Available], false).pick(&attempts, 0, &mut reasons);
        assert_eq!(lease.map(|lease| lease.endpoint().0), Ok(2));
        assert_eq!(reasons, [(EndpointId(1), PassedOver::Down), (EndpointId(0), PassedOver::AlreadyTried)]);
    }
}
