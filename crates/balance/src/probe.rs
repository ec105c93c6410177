//! When probes are due, and what their results add up to. Sends none: the shell does.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::cells::EndpointCell;
use crate::entropy::part_of;
use crate::{EndpointId, Outcome, Timestamp};

/// How endpoints are probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePolicy {
    /// From the start of one probe of an endpoint to the start of the next.
    pub interval: Duration,
    /// Up to so many percent are added to each interval, by chance, so that several balancers do not keep asking at the
    /// same moment. 0 to 100.
    pub jitter_percent: u8,
    /// After so many failed probes in a row an endpoint is down; at least 1.
    pub fall: u32,
    /// After so many successful ones in a row it is up again; at least 1.
    pub rise: u32,
    /// The statuses that are a success.
    pub statuses: StatusSet,
    /// What is believed of an endpoint until its first probe is back.
    pub first: FirstProbe,
    /// Whether an endpoint is spared its probe if requests have succeeded on it since the last one, and none failed.
    pub spare_busy: bool,
}

/// What is believed of an endpoint that has not been probed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstProbe {
    /// That it works.
    #[default]
    Trust,
    /// That it is down, until one probe has succeeded.
    Wait,
}

/// Status codes, 100 to 611.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusSet([u64; 8]);

impl StatusSet {
    /// None.
    pub const NONE: Self = Self([0; 8]);

    /// Any 2xx.
    pub fn success() -> Self {
        Self::NONE.with(200..=299)
    }

    /// These and those of a range; codes outside of 100 to 611 are left out.
    #[must_use]
    pub fn with(mut self, range: RangeInclusive<u16>) -> Self {
        for index in range.filter_map(|status| status.checked_sub(100)).take_while(|index| *index < 512) {
            self.0[usize::from(index / 64)] |= 1 << (index % 64);
        }
        self
    }

    /// Whether it is one of them.
    pub fn contains(&self, status: u16) -> bool {
        let index = status.checked_sub(100).filter(|index| *index < 512);
        index.is_some_and(|index| self.0[usize::from(index / 64)] >> (index % 64) & 1 == 1)
    }
}

impl ProbePolicy {
    /// Whether a probe that came to this has succeeded.
    pub fn succeeds(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Answered { status } => self.statuses.contains(status),
            Outcome::Connected => true,
            Outcome::Failed(_) | Outcome::Abandoned | Outcome::Overtaken => false,
        }
    }
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
    // Probes that are late, since nobody asked for a while, are caught up with at four times the usual rate and not in one
    // burst: a generic cell rate algorithm (ITU-T I.371), with the least distance between two probes and the moment from
    // which the next one would be in time.
    distance: Duration,
    in_time: Timestamp,
}

/// So many probes may be sent at once.
const BURST: u32 = 32;

impl ProbeSchedule {
    /// The first probes are spread evenly over one interval, so that they never come in a burst.
    pub(crate) fn new(policy: ProbePolicy, endpoints: u32, now: Timestamp) -> Self {
        let due = (0..endpoints)
            .map(|id| Reverse((now + policy.interval.mul_f64(f64::from(id) / f64::from(endpoints)), EndpointId(id))))
            .collect();
        Self { policy, due, distance: policy.interval / endpoints.max(1) / 4, in_time: now }
    }

    pub(crate) fn policy(&self) -> ProbePolicy {
        self.policy
    }

    pub(crate) fn poll(&mut self, now: Timestamp) -> ProbePoll {
        match self.due.peek() {
            None => ProbePoll::Idle,
            Some(Reverse((at, _))) if *at > now => ProbePoll::Wait(*at),
            Some(_) if self.in_time > now + self.distance * BURST => {
                ProbePoll::Wait(now + self.in_time.since(now + self.distance * (BURST - 1)))
            }
            Some(Reverse((_, id))) => {
                let id = *id;
                self.in_time = self.in_time.max(now) + self.distance;
                self.due.pop();
                ProbePoll::Send(id)
            }
        }
    }

    /// Plans the next probe of an endpoint whose last one began at `began`. If that took longer than the
    /// interval, the next one is due at once, but those that were missed are not made up for.
    pub(crate) fn plan(&mut self, id: EndpointId, began: Timestamp, now: Timestamp, entropy: u64) {
        let jitter = part_of(self.policy.interval * u32::from(self.policy.jitter_percent) / 100, entropy);
        self.due.push(Reverse(((began + self.policy.interval + jitter).max(now), id)));
    }
}

/// How an endpoint's latest probes went.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProbeRecord {
    pub(crate) last: Option<(Timestamp, Outcome)>,
    succeeded_in_a_row: u32,
    failed_in_a_row: u32,
    failed_since_ejection: bool,
    // How many requests had failed on it when its last probe was due.
    failures_seen: u64,
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
        if policy.succeeds(outcome) {
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

    /// Whether its probe may be left out, since requests have succeeded since the last one was due, and none failed.
    pub(crate) fn is_spared(&mut self, policy: ProbePolicy, cell: &EndpointCell) -> bool {
        if !policy.spare_busy {
            return false;
        }
        let failures = cell.counters().failures;
        let failures_before = core::mem::replace(&mut self.failures_seen, failures);
        cell.take_success() && failures == failures_before && self.failed_in_a_row == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn policy() -> ProbePolicy {
        ProbePolicy {
            interval: Duration::from_secs(2),
            jitter_percent: 0,
            fall: 3,
            rise: 2,
            statuses: StatusSet::success(),
            first: FirstProbe::Trust,
            spare_busy: false,
        }
    }

    const GOOD: Outcome = Outcome::Answered { status: 200 };
    const BAD: Outcome = Outcome::Answered { status: 503 };

    fn at(ms: u64) -> Timestamp {
        Timestamp::ORIGIN + Duration::from_millis(ms)
    }

    #[test]
    fn first_probes_are_spread_over_one_interval() {
        let mut schedule = ProbeSchedule::new(policy(), 4, at(0));
        assert_eq!(schedule.poll(at(0)), ProbePoll::Send(EndpointId(0)));
        assert_eq!(schedule.poll(at(0)), ProbePoll::Wait(at(500)));
        assert_eq!(schedule.poll(at(500)), ProbePoll::Send(EndpointId(1)));
        assert_eq!(schedule.poll(at(2000)), ProbePoll::Send(EndpointId(2)));
        assert_eq!(schedule.poll(at(2000)), ProbePoll::Send(EndpointId(3)));
        assert_eq!(schedule.poll(at(2000)), ProbePoll::Idle, "all four are under way");
    }

    #[test]
    fn a_late_probe_is_not_made_up_for() {
        let mut schedule = ProbeSchedule::new(policy(), 1, at(0));
        assert_eq!(schedule.poll(at(0)), ProbePoll::Send(EndpointId(0)));
        schedule.plan(EndpointId(0), at(0), at(7000), 0);
        assert_eq!(schedule.poll(at(7000)), ProbePoll::Send(EndpointId(0)));
        schedule.plan(EndpointId(0), at(7000), at(7001), 0);
        assert_eq!(schedule.poll(at(7001)), ProbePoll::Wait(at(9000)));
    }

    /// A stall of the process must not end in a burst of connections.
    #[test]
    fn ten_thousand_late_probes_are_sent_at_four_times_their_rate() {
        let mut schedule = ProbeSchedule::new(policy(), 10_000, at(0));
        let mut sent_by = |now: u64| {
            let mut sent = 0;
            while let ProbePoll::Send(_) = schedule.poll(at(now)) {
                sent += 1;
            }
            sent
        };
        let late: Vec<u32> = (2000..2600).map(&mut sent_by).collect();
        assert!(late[0] <= BURST + 1, "{}", late[0]);
        assert!(late[1..499].iter().all(|sent| (19..=21).contains(sent)), "20 a millisecond: {late:?}");
        assert_eq!(late.iter().sum::<u32>(), 10_000);
    }

    #[test]
    fn jitter_adds_at_most_its_share_to_the_interval() {
        for (entropy, due) in [(0, 2000), (u64::MAX, 2200)] {
            let mut schedule = ProbeSchedule::new(ProbePolicy { jitter_percent: 10, ..policy() }, 1, at(0));
            assert_eq!(schedule.poll(at(0)), ProbePoll::Send(EndpointId(0)));
            schedule.plan(EndpointId(0), at(0), at(1), entropy);
            assert_eq!(schedule.poll(at(1)), ProbePoll::Wait(at(due)));
        }
    }

    #[test]
    fn an_endpoint_on_which_requests_just_succeeded_is_spared() {
        let policy = ProbePolicy { spare_busy: true, ..policy() };
        let mut record = ProbeRecord::default();
        let cell = EndpointCell::new();
        let mut spared = || record.is_spared(policy, &cell);
        assert!(!spared(), "no request has come");
        cell.count_success();
        assert!(spared());
        assert!(!spared(), "none since");
        cell.begin();
        cell.end();
        assert!(!spared(), "a request that its client gave up is no success");
        cell.count_success();
        cell.count_failure();
        assert!(!spared(), "one failed");
        cell.count_success();
        assert!(spared());
    }

    #[test]
    fn statuses_are_a_set() {
        let set = StatusSet::success().with(301..=302).with(418..=418);
        let held: Vec<u16> = (0..=999).filter(|status| set.contains(*status) && *status >= 299).collect();
        assert_eq!(held, [299, 301, 302, 418]);
        assert_eq!(StatusSet::NONE.with(0..=65535).with(611..=611).0, [u64::MAX; 8]);
    }

    #[test]
    fn probes_count_in_a_row() {
        let mut record = ProbeRecord::default();
        let mut note = |outcome| record.note(policy(), outcome, at(0));
        assert_eq!([note(BAD), note(BAD), note(GOOD), note(BAD)], [ProbeEffect::Nothing; 4]);
        assert_eq!([note(BAD), note(BAD)], [ProbeEffect::Nothing, ProbeEffect::Fallen]);
        assert_eq!([note(GOOD), note(GOOD)], [ProbeEffect::Nothing, ProbeEffect::Risen]);
    }
}
