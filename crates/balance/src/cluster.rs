//! The cold half of a balancer: who belongs to a cluster, what is believed of each endpoint, and when that changes.
//! Carries no request and is on no request's path.
//!
//! ```text
//!                 max-fails in fail-window             eject-time over, or probes recovered
//!        Up ───────────────────────────────▶ Ejected ───────────────────────────────▶ Trial
//!        ▲ ▲                                    ▲               the trial failed        │
//!        │ │                                    └───────────────────────────────────────┤
//!        │ └────────────────────────────────────────────────────────────────────────────┘
//!        │  rise probes succeeded                                   the trial succeeded
//!       Down ◀── fall probes failed, from any state
//! ```

mod member;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::cells::{Counters, Cursor, EndpointCell};
use crate::picker::Candidate;
use crate::probe::{ProbeEffect, ProbeSchedule};
use crate::{Algorithm, Belief, Cause, EndpointId, Outcome, Picker, ProbePolicy, ProbePoll, Timestamp, Turn};
use member::Member;

/// One endpoint as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Unique in its cluster.
    pub name: String,
    /// Its share relative to the others, 1 to 1000.
    pub weight: u32,
}

/// When requests' failures take an endpoint out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPolicy {
    /// So many failed requests within the window eject an endpoint; 0: none ever does.
    pub max_fails: u32,
    /// The window, sliding.
    pub fail_window: Duration,
    /// How long it is out before its trial.
    pub eject_time: Duration,
    /// No endpoint is ejected if more than this part of the cluster would be out then: when so many fail, the fault
    /// is likelier ours. In percent, 0 to 100; of two or more endpoints one may always be ejected, unless it is 0.
    pub max_ejected_percent: u8,
    /// Whether, when no endpoint is available, requests go to doubted ones rather than nowhere.
    pub fail_open: bool,
}

/// How a cluster is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How it chooses.
    pub algorithm: Algorithm,
    /// What requests tell of health.
    pub health: HealthPolicy,
    /// How endpoints are probed; `None`: not at all.
    pub probe: Option<ProbePolicy>,
    /// Whether failed requests are tried again. Where they are not, any request may be an endpoint's trial,
    /// since none is better suited than another.
    pub retries: bool,
}

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
    schedule: Option<ProbeSchedule>,
    cells: Arc<[Arc<EndpointCell>]>,
    cursor: Arc<Cursor>,
    events: VecDeque<Event>,
    picker_is_stale: bool,
}

impl Cluster {
    /// A cluster of these endpoints, each believed to be up until it fails.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX` endpoints.
    pub fn new(endpoints: Vec<Endpoint>, policy: Policy, now: Timestamp) -> Self {
        let count = u32::try_from(endpoints.len()).expect("no configuration names four billion endpoints");
        Self {
            cells: endpoints.iter().map(|_| Arc::new(EndpointCell::new())).collect(),
            members: endpoints.into_iter().map(|endpoint| Member::new(endpoint, now)).collect(),
            schedule: policy.probe.map(|probe| ProbeSchedule::new(probe, count, now)),
            policy,
            cursor: Arc::default(),
            events: VecDeque::new(),
            picker_is_stale: true,
        }
    }

    /// A request failed in a way that speaks against the endpoint.
    pub fn handle_failure(&mut self, id: EndpointId, turn: Turn, outcome: Outcome, now: Timestamp) {
        let health = self.policy.health;
        let member = &mut self.members[id.index()];
        match (member.belief, turn) {
            (Belief::Up, _) => {
                let Ok(max_fails @ 1..) = usize::try_from(health.max_fails) else { return };
                member.window.push(now, max_fails);
                if member.window.count(now, health.fail_window) >= max_fails && self.may_eject_one_more() {
                    let (count, window) = (health.max_fails, health.fail_window);
                    self.eject(id, Cause::RequestsFailed { count, window, last: outcome }, now);
                }
            }
            (Belief::Trial, Turn::Trial) => self.eject(id, Cause::TrialFailed { outcome }, now),
            // Late news of requests that were under way, and failures that change nothing.
            (Belief::Trial | Belief::Ejected { .. } | Belief::Down, _) => {}
        }
    }

    /// A request succeeded on an endpoint that is doubted. A success on any other need not be reported.
    pub fn handle_success(&mut self, id: EndpointId, turn: Turn, now: Timestamp) {
        match (self.members[id.index()].belief, turn) {
            (Belief::Trial, Turn::Trial | Turn::FailOpen) | (Belief::Ejected { .. }, Turn::FailOpen) => {
                self.change(id, Belief::Up, Cause::RequestSucceeded, now);
            }
            // A pinned request shows that it was answered, not that the endpoint does its work; and what probes
            // have taken down, probes take up.
            (Belief::Up | Belief::Trial | Belief::Ejected { .. } | Belief::Down, _) => {}
        }
    }

    /// The probe that [`poll_probe`](Self::poll_probe) asked for at `began` is back.
    pub fn handle_probe(&mut self, id: EndpointId, outcome: Outcome, began: Timestamp, now: Timestamp) {
        let Some(schedule) = &mut self.schedule else { return };
        schedule.plan(id, began, now);
        if matches!(outcome, Outcome::Failed(failure) if failure.is_nobodys()) {
            return;
        }
        let policy = schedule.policy();
        let member = &mut self.members[id.index()];
        match (member.probes.note(policy, outcome, now), member.belief) {
            (ProbeEffect::Fallen, Belief::Up | Belief::Ejected { .. } | Belief::Trial) => {
                let count = member.probes.failed_in_a_row();
                self.change(id, Belief::Down, Cause::ProbesFailed { count, last: outcome }, now);
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

    /// Time has passed: ends the ejections that are over.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        for id in (0u32..).map(EndpointId).take(self.members.len()) {
            let patience = self.policy.health.eject_time;
            let member = &mut self.members[id.index()];
            match member.belief {
                Belief::Ejected { until } if until <= now => {
                    self.change(id, Belief::Trial, Cause::EjectionOver, now);
                }
                Belief::Trial if !member.any_request_is_the_trial && member.since + patience <= now => {
                    member.any_request_is_the_trial = true;
                    self.picker_is_stale = true;
                }
                Belief::Up | Belief::Ejected { .. } | Belief::Trial | Belief::Down => {}
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None`: not before something else happens.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.members.iter().filter_map(|member| member.next_timeout(self.policy.health.eject_time)).min()
    }

    /// The next endpoint to probe, or when to ask again.
    pub fn poll_probe(&mut self, now: Timestamp) -> ProbePoll {
        self.schedule.as_mut().map_or(ProbePoll::Idle, |schedule| schedule.poll(now))
    }

    /// The oldest change of belief that was not asked for yet.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A new picker, if the one before it is no longer right.
    pub fn poll_picker(&mut self) -> Option<Picker> {
        if !self.picker_is_stale {
            return None;
        }
        self.picker_is_stale = false;
        let candidates: Vec<_> = self.members.iter().map(Member::candidate).collect::<Vec<Candidate>>();
        let (cells, cursor) = (Arc::clone(&self.cells), Arc::clone(&self.cursor));
        Some(Picker::new(self.policy.algorithm, &candidates, self.policy.health.fail_open, cells, cursor))
    }

    /// The endpoints in the order of the configuration.
    pub fn ids(&self) -> impl Iterator<Item = EndpointId> + use<> {
        (0u32..).map(EndpointId).take(self.members.len())
    }

    /// What is believed of the endpoint, and since when.
    pub fn belief(&self, id: EndpointId) -> (Belief, Timestamp) {
        let member = &self.members[id.index()];
        (member.belief, member.since)
    }

    /// Why it is believed.
    pub fn cause(&self, id: EndpointId, now: Timestamp) -> Cause {
        self.members[id.index()].cause_now(&self.policy.health, now)
    }

    /// The endpoint's last probe: when its result came, what it was, and whether it was a success.
    pub fn last_probe(&self, id: EndpointId) -> Option<(Timestamp, Outcome, bool)> {
        let last = self.members[id.index()].probes.last;
        last.map(|(at, outcome)| (at, outcome, crate::probe::succeeds(outcome)))
    }

    /// What the endpoint's shared counts say.
    pub fn counters(&self, id: EndpointId) -> Counters {
        self.cells[id.index()].counters()
    }

    fn may_eject_one_more(&self) -> bool {
        let all = self.members.len();
        let out = self.members.iter().filter(|member| member.belief != Belief::Up).count();
        let percent = usize::from(self.policy.health.max_ejected_percent);
        // A cluster of one is never ejected: there is nowhere else to go.
        let allowed = if all < 2 || percent == 0 { 0 } else { (all * percent / 100).max(1) };
        out < allowed
    }

    fn eject(&mut self, id: EndpointId, cause: Cause, now: Timestamp) {
        self.members[id.index()].probes.note_ejection();
        self.change(id, Belief::Ejected { until: now + self.policy.health.eject_time }, cause, now);
    }

    fn change(&mut self, id: EndpointId, to: Belief, cause: Cause, now: Timestamp) {
        let any_request_is_the_trial = !self.policy.retries;
        let member = &mut self.members[id.index()];
        let from = member.believe(to, cause, now);
        member.any_request_is_the_trial = any_request_is_the_trial;
        self.cells[id.index()].set_trial_ticket(to == Belief::Trial);
        self.events.push_back(Event { at: now, endpoint: id, from, to, cause });
        self.picker_is_stale = true;
    }
}
