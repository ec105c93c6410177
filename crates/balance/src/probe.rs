//! When probes are due, and what their results add up to. Sends none: the shell does.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;
use core::time::Duration;

use crate::{EndpointId, Outcome, Timestamp};

/// How endpoints are probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePolicy {
    /// From the start of one probe of an endpoint to the start of the next.
    pub interval: Duration,
    /// After so many failed probes in a row an endpoint is down; at least 1.
    pub fall: u32,
    /// After so many successful ones in a row it is up again; at least 1.
    pub rise: u32,
}

/// What the shell has to do about probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbePoll {
    /// Probe this endpoint now and give the result to [`Cluster::handle_probe`](crate::Cluster::handle_probe).
    Send(EndpointId),
    /// Nothing is due before then.
    Wait(Timestamp),
    /// Nothing will be due until a result is handed in, or ever.
    Idle,
}

/// The endpoints in the order in which their next probe is due. An endpoint whose probe is under way is not in it.
#[derive(Debug)]
pub(crate) struct ProbeSchedule {
    policy: ProbePolicy,
    due: BinaryHeap<Reverse<(Timestamp, EndpointId)>>,
}

impl ProbeSchedule {
    /// The first probes are spread evenly over one interval, so that they never come in a burst.
    pub(crate) fn new(policy: ProbePolicy, endpoints: u32, now: Timestamp) -> Self {
        let due = (0..endpoints)
            .map(|id| Reverse((now + policy.interval.mul_f64(f64::from(id) / f64::from(endpoints)), EndpointId(id))))
            .collect();
        Self { policy, due }
    }

    pub(crate) fn policy(&self) -> ProbePolicy {
        self.policy
    }

    pub(crate) fn poll(&mut self, now: Timestamp) -> ProbePoll {
        match self.due.peek() {
            None => ProbePoll::Idle,
            Some(Reverse((at, _))) if *at > now => ProbePoll::Wait(*at),
            Some(Reverse((_, id))) => {
                let id = *id;
                self.due.pop();
                ProbePoll::Send(id)
            }
        }
    }

    /// Plans the next probe of an endpoint whose last one began at `began`. If that took longer than the
    /// interval, the next one is due at once, but those that were missed are not made up for.
    pub(crate) fn plan(&mut self, id: EndpointId, began: Timestamp, now: Timestamp) {
        self.due.push(Reverse(((began + self.policy.interval).max(now), id)));
    }
}

/// How an endpoint's latest probes went.
#[derive(Debug, Default)]
pub(crate) struct ProbeRecord {
    pub(crate) last: Option<(Timestamp, Outcome)>,
    succeeded_in_a_row: u32,
    failed_in_a_row: u32,
    failed_since_ejection: bool,
}

/// What a probe's result changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeEffect {
    Nothing,
    /// `fall` probes in a row have failed.
    Fallen,
    /// `rise` probes in a row have succeeded.
    Risen,
}

impl ProbeRecord {
    pub(crate) fn note(&mut self, policy: ProbePolicy, outcome: Outcome, now: Timestamp) -> ProbeEffect {
        self.last = Some((now, outcome));
        if succeeds(outcome) {
            self.failed_in_a_row = 0;
            self.succeeded_in_a_row = self.succeeded_in_a_row.saturating_add(1);
            if self.succeeded_in_a_row >= policy.rise { ProbeEffect::Risen } else { ProbeEffect::Nothing }
        } else {
            self.succeeded_in_a_row = 0;
            self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
            self.failed_since_ejection = true;
            if self.failed_in_a_row >= policy.fall { ProbeEffect::Fallen } else { ProbeEffect::Nothing }
        }
    }

    /// Forgets what the probes before the ejection said of it.
    pub(crate) fn note_ejection(&mut self) {
        self.failed_since_ejection = self.failed_in_a_row > 0;
        self.succeeded_in_a_row = 0;
    }

    /// Whether the probes see what the requests saw: if they kept succeeding while requests failed, their
    /// success says nothing about the failure.
    pub(crate) fn has_seen_the_failure(&self) -> bool {
        self.failed_since_ejection
    }

    pub(crate) fn failed_in_a_row(&self) -> u32 {
        self.failed_in_a_row
    }
}

/// A probe succeeds with any 2xx.
pub(crate) fn succeeds(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Answered { status: 200..=299 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: ProbePolicy = ProbePolicy { interval: Duration::from_secs(2), fall: 3, rise: 2 };
    const GOOD: Outcome = Outcome::Answered { status: 200 };
    const BAD: Outcome = Outcome::Answered { status: 503 };

    fn at(ms: u64) -> Timestamp {
        Timestamp::ORIGIN + Duration::from_millis(ms)
    }

    #[test]
    fn first_probes_are_spread_over_one_interval() {
        let mut schedule = ProbeSchedule::new(POLICY, 4, at(0));
        assert_eq!(schedule.poll(at(0)), ProbePoll::Send(EndpointId(0)));
        assert_eq!(schedule.poll(at(0)), ProbePoll::Wait(at(500)));
        assert_eq!(schedule.poll(at(500)), ProbePoll::Send(EndpointId(1)));
        assert_eq!(schedule.poll(at(2000)), ProbePoll::Send(EndpointId(2)));
        assert_eq!(schedule.poll(at(2000)), ProbePoll::Send(EndpointId(3)));
        assert_eq!(schedule.poll(at(2000)), ProbePoll::Idle, "all four are under way");
    }

    #[test]
    fn a_late_probe_is_not_made_up_for() {
        let mut schedule = ProbeSchedule::new(POLICY, 1, at(0));
        assert_eq!(schedule.poll(at(0)), ProbePoll::Send(EndpointId(0)));
        schedule.plan(EndpointId(0), at(0), at(7000));
        assert_eq!(schedule.poll(at(7000)), ProbePoll::Send(EndpointId(0)));
        schedule.plan(EndpointId(0), at(7000), at(7001));
        assert_eq!(schedule.poll(at(7001)), ProbePoll::Wait(at(9000)));
    }

    #[test]
    fn probes_count_in_a_row() {
        let mut record = ProbeRecord::default();
        let mut note = |outcome| record.note(POLICY, outcome, at(0));
        assert_eq!([note(BAD), note(BAD), note(GOOD), note(BAD)], [ProbeEffect::Nothing; 4]);
        assert_eq!([note(BAD), note(BAD)], [ProbeEffect::Nothing, ProbeEffect::Fallen]);
        assert_eq!([note(GOOD), note(GOOD)], [ProbeEffect::Nothing, ProbeEffect::Risen]);
    }
}
