//! The cold half of a balancer: who belongs to a cluster, what is believed of each endpoint, and when that changes.
//! Carries no request and is on no request's path.
//!
//! ```text
//!        failures in the window or in a row, or
//!        far more of them than the others have       eject-time over, or probes recovered
//!        Up ───────────────────────────────▶ Ejected ───────────────────────────────▶ Trial
//!        ▲ ▲                                    ▲               the trial failed        │
//!        │ │                                    └───────────────────────────────────────┤
//!        │ └────────────────────────────────────────────────────────────────────────────┘
//!        │  rise probes succeeded                                   the trial succeeded
//!       Down ◀── fall probes failed, from any state
//! ```
//!
//! An endpoint that is up may be draining: it keeps its sessions and gets nothing else.

mod known;
mod legacy;
mod member;
mod outliers;
mod projection;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::{BinaryHeap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::cells::EndpointCell;
use crate::entropy::stir;
use crate::picker::{Candidate, Choosing, Layout, Preference, SharedCounts, hash_key};
use crate::probe::{ProbeEffect, ProbeSchedule};
use crate::{
    Algorithm, Belief, Cause, Endpoint, EndpointId, Outcome, Picker, Policy, ProbePoll, Report, Timestamp, Turn,
};
pub use legacy::Legacy;
use member::{Member, STEPS};
use outliers::{Outlier, Outliers};
pub use projection::Change;

/// A belief changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub endpoint: EndpointId,
    /// What was believed before.
    pub from: Belief,
    /// What is believed now.
    pub to: Belief,
    /// Why.
    pub cause: Cause,
}

/// Interchangeable endpoints under one policy, and what is believed of each.
///
/// `handle_*` says what happened, `poll_*` asks what to do next; after any `handle_*`, ask all of
/// [`poll_event`](Self::poll_event), [`poll_picker`](Self::poll_picker), [`poll_probe`](Self::poll_probe) and
/// [`poll_timeout`](Self::poll_timeout) again.
#[derive(Debug)]
pub struct Cluster {
    members: Vec<Member>,
    policy: Policy,
    choosing: Choosing,
    preferences: Box<[Preference]>,
    schedule: Option<ProbeSchedule>,
    outliers: Option<Outliers>,
    shared: Arc<SharedCounts>,
    events: VecDeque<Event>,
    picker_is_stale: bool,
    // When each member's time is up. Entries whose member has changed meanwhile are skipped.
    timers: BinaryHeap<Reverse<(Timestamp, EndpointId)>>,
    // How many members are not up.
    out: usize,
    entropy: u64,
}

impl Cluster {
    /// A cluster of these endpoints, each believed to be up until it fails (or, if the probes' policy says so, down until a
    /// probe has succeeded). `entropy` is 64 random bits, from which jitter is drawn.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX` endpoints.
    pub fn new(endpoints: Vec<Endpoint>, policy: Policy, now: Timestamp, entropy: u64) -> Self {
        let count = u32::try_from(endpoints.len()).expect("no configuration names four billion endpoints");
        let preference = |e: &Endpoint| Preference { priority: e.priority, elsewhere: e.elsewhere };
        let mut preferences: Vec<_> = endpoints.iter().map(preference).collect();
        preferences.sort_unstable();
        preferences.dedup();
        let group = |endpoint: &Endpoint| preferences.partition_point(|other| *other < preference(endpoint));
        let layout = layout(policy.algorithm, endpoints.iter());
        let bounded = policy.algorithm.is_hash() && policy.bound_percent > 0;
        let shared = SharedCounts {
            cells: endpoints.iter().map(|_| Arc::new(EndpointCell::new())).collect(),
            cursors: preferences.iter().map(|_| crate::cells::Cursor::default()).collect(),
            all: bounded.then(Arc::default),
            measured: policy.algorithm == Algorithm::PeakEwma,
        };
        let members: Vec<_> = endpoints
            .into_iter()
            .map(|endpoint| {
                let group = group(&endpoint);
                Member::new(endpoint, group, &policy, now)
            })
            .collect();
        Self {
            out: members.iter().filter(|member| member.health != Belief::Up).count(),
            choosing: Choosing { algorithm: policy.algorithm, layout, bound_percent: policy.bound_percent },
            preferences: preferences.into(),
            schedule: policy.probe.map(|probe| ProbeSchedule::new(probe, count, now)),
            outliers: policy.health.outliers.map(|policy| Outliers::new(policy, members.len(), now)),
            members,
            policy,
            shared: Arc::new(shared),
            events: VecDeque::new(),
            picker_is_stale: true,
            timers: BinaryHeap::new(),
            entropy,
        }
    }

    /// An attempt came to something that the cluster must hear of.
    pub fn handle_report(&mut self, report: Report) {
        let Report { endpoint, turn, outcome, blamed, at } = report;
        if blamed {
            self.handle_failure(endpoint, turn, outcome, at);
        } else {
            self.handle_success(endpoint, turn, at);
        }
    }

    /// A request failed in a way that speaks against the endpoint.
    pub fn handle_failure(&mut self, id: EndpointId, turn: Turn, outcome: Outcome, now: Timestamp) {
        let health = self.policy.health;
        let member = &mut self.members[id.index()];
        match (member.health, turn) {
            (Belief::Up | Belief::Draining, _) => {
                let in_a_row = self.shared.cells[id.index()].failed_in_a_row();
                let max_fails = usize::try_from(health.max_fails).unwrap_or(usize::MAX);
                if max_fails > 0 {
                    member.window.push(now, max_fails);
                }
                let cause = if max_fails > 0 && member.window.count(now, health.fail_window) >= max_fails {
                    Cause::RequestsFailed { count: health.max_fails, window: health.fail_window, last: outcome }
                } else if health.max_fails_in_a_row > 0 && in_a_row >= health.max_fails_in_a_row {
                    Cause::FailedInARow { count: health.max_fails_in_a_row, last: outcome }
                } else {
                    return;
                };
                if self.may_eject_one_more() {
                    self.eject(id, cause, now);
                }
            }
            (Belief::Trial, Turn::Trial) => self.eject(id, Cause::TrialFailed { outcome }, now),
            // Late news of requests that were under way, and failures that change nothing.
            (Belief::Trial | Belief::Ejected { .. } | Belief::Down, _) => {}
        }
    }

    /// A request succeeded on an endpoint that is doubted. A success on any other need not be reported.
    pub fn handle_success(&mut self, id: EndpointId, turn: Turn, now: Timestamp) {
        match (self.members[id.index()].health, turn) {
            (Belief::Trial, Turn::Trial | Turn::FailOpen) | (Belief::Ejected { .. }, Turn::FailOpen) => {
                self.change(id, Belief::Up, Cause::RequestSucceeded, now);
            }
            // A pinned request shows that it was answered, not that the endpoint does its work; and what probes
            // have taken down, probes take up.
            (Belief::Up | Belief::Draining | Belief::Trial | Belief::Ejected { .. } | Belief::Down, _) => {}
        }
    }

    /// The probe that [`poll_probe`](Self::poll_probe) asked for at `began` is back.
    pub fn handle_probe(&mut self, id: EndpointId, outcome: Outcome, began: Timestamp, now: Timestamp) {
        self.entropy = stir(self.entropy);
        let Some(schedule) = &mut self.schedule else { return };
        schedule.plan(id, began, now, self.entropy);
        if matches!(outcome, Outcome::Failed(failure) if failure.is_nobodys()) {
            return;
        }
        let policy = schedule.policy();
        let member = &mut self.members[id.index()];
        let first = member.waits_for_its_first_probe();
        match (member.probes.note(policy, outcome, now), member.health) {
            (ProbeEffect::Fallen, Belief::Up | Belief::Draining | Belief::Ejected { .. } | Belief::Trial) => {
                let count = member.probes.failed_in_a_row();
                self.change(id, Belief::Down, Cause::ProbesFailed { count, last: outcome }, now);
            }
            (_, Belief::Down) if first && policy.succeeds(outcome) => {
                self.change(id, Belief::Up, Cause::ProbesSucceeded { count: 1 }, now);
            }
            (ProbeEffect::Risen, Belief::Down) => {
                self.change(id, Belief::Up, Cause::ProbesSucceeded { count: policy.rise }, now);
            }
            (ProbeEffect::Risen, Belief::Ejected { .. }) if member.probes.has_seen_the_failure() => {
                self.change(id, Belief::Trial, Cause::ProbesSucceeded { count: policy.rise }, now);
            }
            (ProbeEffect::Nothing | ProbeEffect::Fallen | ProbeEffect::Risen, _) => {}
        }
    }

    /// Takes the endpoint out of use, or back: while it drains, it gets only what sessions are bound to it.
    pub fn handle_drain(&mut self, id: EndpointId, draining: bool, now: Timestamp) {
        let member = &mut self.members[id.index()];
        if member.endpoint.draining == draining {
            return;
        }
        let from = member.belief();
        member.drain(draining, now);
        // One that is out is out, draining or not; what was told shows when it is back.
        let to = member.belief();
        if from != to {
            let cause = if draining { Cause::Drained } else { Cause::Undrained };
            self.events.push_back(Event { at: now, endpoint: id, from, to, cause });
        }
        self.picker_is_stale = true;
    }

    /// Gives the endpoint another weight, 1 to 1000. Where requests are hashed, keys move with it.
    pub fn handle_weight(&mut self, id: EndpointId, weight: u32) {
        let member = &mut self.members[id.index()];
        if member.endpoint.weight == weight {
            return;
        }
        member.endpoint.weight = weight;
        self.choosing.layout = layout(self.policy.algorithm, self.members.iter().map(|member| &member.endpoint));
        self.picker_is_stale = true;
    }

    /// Time has passed: ends the ejections that are over, goes on with slow starts, and compares the endpoints.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(Reverse((_, id))) = self.timers.peek().copied().filter(|Reverse((due, _))| *due <= now) {
            self.timers.pop();
            let patience = self.policy.health.eject_time;
            let member = &mut self.members[id.index()];
            match member.health {
                Belief::Ejected { until } if until <= now => {
                    self.change(id, Belief::Trial, Cause::EjectionOver, now);
                }
                Belief::Trial if !member.any_request_is_the_trial && member.since + patience <= now => {
                    member.any_request_is_the_trial = true;
                    // Whoever took it may have told a cluster whose place this one has taken.
                    self.shared.cells[id.index()].set_trial_ticket(true);
                    self.picker_is_stale = true;
                }
                Belief::Up if member.is_starting(self.policy.slow_start) => {
                    self.picker_is_stale = true;
                    self.watch(id, now);
                }
                Belief::Up | Belief::Draining | Belief::Ejected { .. } | Belief::Trial | Belief::Down => {}
            }
        }
        self.eject_outliers(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None`: not before something else happens.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let member = self.timers.peek().map(|Reverse((due, _))| *due);
        [member, self.outliers.as_ref().map(Outliers::next)].into_iter().flatten().min()
    }

    /// The next endpoint to probe, or when to ask again.
    pub fn poll_probe(&mut self, now: Timestamp) -> ProbePoll {
        let Some(schedule) = &mut self.schedule else { return ProbePoll::Idle };
        loop {
            let polled = schedule.poll(now);
            let ProbePoll::Send(id) = polled else { return polled };
            let member = &mut self.members[id.index()];
            let cell = &self.shared.cells[id.index()];
            if member.health != Belief::Up || !member.probes.is_spared(schedule.policy(), cell) {
                return polled;
            }
            // Requests have just shown what a probe would ask.
            self.entropy = stir(self.entropy);
            schedule.plan(id, now, now, self.entropy);
        }
    }

    /// The oldest change of belief that was not asked for yet.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A new picker, if the one before it is no longer right.
    pub fn poll_picker(&mut self, now: Timestamp) -> Option<Picker> {
        if !self.picker_is_stale {
            return None;
        }
        self.picker_is_stale = false;
        let candidates = self.candidates(now);
        let (fail_open, shared) = (self.policy.health.fail_open, Arc::clone(&self.shared));
        Some(Picker::new(&self.choosing, &self.preferences, &candidates, fail_open, shared))
    }

    fn candidates(&self, now: Timestamp) -> Vec<Candidate> {
        let tenths = |member: &Member| member.tenths(self.policy.slow_start, now);
        let nobody_starts = self.choosing.layout.is_some() || self.members.iter().all(|m| tenths(m) == STEPS);
        let weighed = |member: &Member| {
            let candidate = member.candidate();
            // In tenths only where it makes a difference: a round robin's table is longer then.
            let weight = if nobody_starts { candidate.weight } else { candidate.weight * tenths(member) };
            Candidate { weight, ..candidate }
        };
        self.members.iter().map(weighed).collect()
    }

    fn may_eject_one_more(&self) -> bool {
        let all = self.members.len();
        let percent = usize::from(self.policy.health.max_ejected_percent);
        // A cluster of one is never ejected: there is nowhere else to go.
        let allowed = if all < 2 || percent == 0 { 0 } else { (all * percent / 100).max(1) };
        // Those that drain serve nobody new either.
        let draining = self.members.iter().filter(|m| m.health == Belief::Up && m.endpoint.draining).count();
        self.out + draining < allowed
    }

    fn eject_outliers(&mut self, now: Timestamp) {
        let Some(outliers) = self.outliers.as_mut().filter(|outliers| outliers.next() <= now) else { return };
        let counts = self.members.iter().zip(&self.shared.cells).map(|(member, cell)| {
            let counters = cell.counters();
            (counters.attempts, counters.failures, member.health == Belief::Up)
        });
        for Outlier { endpoint, success_percent, mean_percent } in outliers.find(counts, now) {
            if self.may_eject_one_more() {
                self.eject(endpoint, Cause::Outlier { success_percent, mean_percent }, now);
            }
        }
    }

    fn eject(&mut self, id: EndpointId, cause: Cause, now: Timestamp) {
        self.entropy = stir(self.entropy);
        let member = &mut self.members[id.index()];
        member.probes.note_ejection();
        member.ejections += 1;
        let until = member.eject_until(&self.policy.health, now, self.entropy);
        self.change(id, Belief::Ejected { until }, cause, now);
    }

    fn change(&mut self, id: EndpointId, to: Belief, cause: Cause, now: Timestamp) {
        let any_request_is_the_trial = !self.policy.retries;
        let member = &mut self.members[id.index()];
        let (from, was_out) = (member.belief(), member.health != Belief::Up);
        member.believe(to, cause, now);
        member.any_request_is_the_trial = any_request_is_the_trial;
        self.out = self.out + usize::from(to != Belief::Up) - usize::from(was_out);
        let to = member.belief();
        let cell = &self.shared.cells[id.index()];
        cell.set_trial_ticket(to == Belief::Trial);
        cell.end_the_row();
        self.events.push_back(Event { at: now, endpoint: id, from, to, cause });
        self.picker_is_stale = true;
        self.watch(id, now);
    }

    /// Sees to it that the member's time is not missed.
    fn watch(&mut self, id: EndpointId, now: Timestamp) {
        if let Some(due) = self.members[id.index()].next_timeout(&self.policy, now) {
            self.timers.push(Reverse((due, id)));
        }
    }
}

/// The layout that the algorithm hashes into, if it does.
fn layout<'e>(algorithm: Algorithm, endpoints: impl Iterator<Item = &'e Endpoint>) -> Option<Arc<Layout>> {
    let hashed: Vec<_> = endpoints.map(|endpoint| (hash_key(endpoint.name.as_bytes()), endpoint.weight)).collect();
    Layout::new(algorithm, &hashed).map(Arc::new)
}
