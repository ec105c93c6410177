//! One endpoint as its cluster knows it: what is believed of it, since when and why.

use core::time::Duration;

use crate::entropy::part_of;
use crate::picker::{Candidate, Standing};
use crate::probe::{FirstProbe, ProbeRecord};
use crate::window::FailWindow;
use crate::{Belief, Cause, Endpoint, HealthPolicy, PassedOver, Policy, Timestamp};

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) endpoint: Endpoint,
    /// Its group's place among the groups.
    pub(super) group: usize,
    /// What is believed of its health; that it drains is told by `endpoint.draining`.
    pub(super) health: Belief,
    pub(super) since: Timestamp,
    pub(super) window: FailWindow,
    pub(super) probes: ProbeRecord,
    pub(super) any_request_is_the_trial: bool,
    cause: Cause,
    // Since when it has been draining or is not any more, if it ever was told.
    drain_told: Option<Timestamp>,
    /// How often it was ejected.
    pub(super) ejections: u64,
    // How often in a row it had to be ejected again soon after it was back.
    relapses: u32,
    ejected_for: Duration,
    // When the last ejection ended well.
    forgiven_from: Timestamp,
    // When it came back last, if it was out.
    back_since: Option<Timestamp>,
}

/// A slow start is made of so many steps.
pub(super) const STEPS: u32 = 10;

impl Member {
    pub(super) fn new(endpoint: Endpoint, group: usize, policy: &Policy, now: Timestamp) -> Self {
        let waits = policy.probe.is_some_and(|probe| probe.first == FirstProbe::Wait);
        let (health, cause) = if waits { (Belief::Down, Cause::NotProbedYet) } else { (Belief::Up, Cause::Started) };
        Self {
            endpoint,
            group,
            health,
            since: now,
            window: FailWindow::new(),
            probes: ProbeRecord::default(),
            any_request_is_the_trial: false,
            cause,
            drain_told: None,
            ejections: 0,
            relapses: 0,
            ejected_for: Duration::ZERO,
            forgiven_from: now,
            back_since: None,
        }
    }

    /// Goes on as another one that was the same endpoint; what is configured stays its own.
    pub(super) fn continue_as(&mut self, old: Self) {
        let (endpoint, group) = (self.endpoint.clone(), self.group);
        let drain_told = old.drain_told.filter(|_| old.endpoint.draining == endpoint.draining);
        *self = Self { endpoint, group, drain_told, ..old };
    }

    /// What is believed of it.
    pub(super) fn belief(&self) -> Belief {
        if self.health == Belief::Up && self.endpoint.draining { Belief::Draining } else { self.health }
    }

    /// Whether it is out until its first probe has succeeded.
    pub(super) fn waits_for_its_first_probe(&self) -> bool {
        self.cause == Cause::NotProbedYet
    }

    /// Changes the belief in its health.
    pub(super) fn believe(&mut self, to: Belief, cause: Cause, now: Timestamp) {
        self.window.clear();
        if to == Belief::Up && matches!(self.health, Belief::Trial | Belief::Ejected { .. }) {
            self.forgiven_from = now;
        }
        // Those that wait for their first probe were never away.
        if to == Belief::Up && !self.waits_for_its_first_probe() {
            self.back_since = Some(now);
        }
        self.health = to;
        self.since = now;
        self.cause = cause;
    }

    /// Takes it out of use, or back.
    pub(super) fn drain(&mut self, draining: bool, now: Timestamp) {
        self.endpoint.draining = draining;
        self.drain_told = Some(now);
    }

    /// Since when it is believed what is believed of it.
    pub(super) fn believed_since(&self) -> Timestamp {
        self.drain_shows().unwrap_or(self.since)
    }

    /// When it was told to drain or not to, if that is what is believed of it now, and not how well it is.
    fn drain_shows(&self) -> Option<Timestamp> {
        self.drain_told.filter(|told| self.health == Belief::Up && *told >= self.since)
    }

    /// Until when it is to be ejected now: twice as long as the last time, if it has failed again before it was back for as
    /// long as it had been out.
    pub(super) fn eject_until(&mut self, policy: &HealthPolicy, now: Timestamp, entropy: u64) -> Timestamp {
        let relapse = self.health == Belief::Trial || now.since(self.forgiven_from) < self.ejected_for;
        self.relapses = if relapse { self.relapses.saturating_add(1) } else { 0 };
        let most = policy.max_eject_time.max(policy.eject_time);
        let time = policy.eject_time.saturating_mul(1 << self.relapses.min(30)).min(most);
        self.ejected_for = time;
        now + time + part_of(time * u32::from(policy.eject_jitter_percent) / 100, entropy)
    }

    /// How many tenths of its weight it has while it starts slowly; 10 when it does not.
    pub(super) fn tenths(&self, slow_start: Duration, now: Timestamp) -> u32 {
        let Some(back_since) = self.back_since.filter(|_| !slow_start.is_zero()) else { return STEPS };
        let passed = now.since(back_since);
        let steps = u32::try_from(passed.as_nanos() * u128::from(STEPS) / slow_start.as_nanos()).unwrap_or(STEPS);
        steps.clamp(1, STEPS)
    }

    /// Whether it has started slowly since it came back; also when it has just come to its full weight.
    pub(super) fn is_starting(&self, slow_start: Duration) -> bool {
        self.back_since.is_some() && !slow_start.is_zero()
    }

    pub(super) fn candidate(&self) -> Candidate {
        let standing = match self.belief() {
            Belief::Up => Standing::Available,
            Belief::Draining => Standing::Draining,
            // Whoever is taken out of use is not tried out for strangers.
            Belief::Trial if self.endpoint.draining => Standing::Out(PassedOver::Draining),
            Belief::Trial => Standing::Trial { any: self.any_request_is_the_trial },
            Belief::Ejected { until } => Standing::Out(PassedOver::Ejected { until }),
            Belief::Down => Standing::Out(PassedOver::Down),
        };
        let Endpoint { weight, max_in_flight, .. } = self.endpoint;
        Candidate { weight, standing, group: self.group, most: max_in_flight }
    }

    pub(super) fn next_timeout(&self, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
        match self.health {
            Belief::Ejected { until } => Some(until),
            Belief::Trial if !self.any_request_is_the_trial => Some(self.since + policy.health.eject_time),
            Belief::Up => {
                let tenths = self.tenths(policy.slow_start, now);
                let back_since = self.back_since.filter(|_| tenths < STEPS)?;
                // Rounded up, so that the step is due by then.
                Some(back_since + policy.slow_start * (tenths + 1) / STEPS + Duration::from_nanos(1))
            }
            Belief::Trial | Belief::Down | Belief::Draining => None,
        }
    }

    /// The cause of the belief; for an endpoint that is up although it fails, that it was kept in.
    pub(super) fn cause_now(&self, health: &HealthPolicy, now: Timestamp) -> Cause {
        let failed = u32::try_from(self.window.count(now, health.fail_window)).unwrap_or(u32::MAX);
        if self.health == Belief::Up && health.max_fails > 0 && failed >= health.max_fails {
            Cause::KeptIn { count: failed, window: health.fail_window }
        } else if self.drain_shows().is_some() {
            if self.endpoint.draining { Cause::Drained } else { Cause::Undrained }
        } else {
            self.cause
        }
    }
}
