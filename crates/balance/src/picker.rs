//! The hot half of a balancer: an immutable chooser that all workers share. It believes nothing; it is built
//! from what the cluster believes, and built anew when that changes.

mod chooser;
mod drawing;
mod group;
mod hash;
mod maglev;
mod passed;
mod quickest;
mod ring;
mod round_robin;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::num::NonZeroU32;

pub(crate) use self::chooser::Choosing;
use self::chooser::Scene;
use self::group::Group;
pub(crate) use self::group::{Candidate, Preference};
pub(crate) use self::hash::Layout;
pub use self::hash::hash_key;
pub use self::round_robin::layout_steps;
use crate::cells::{Cursor, EndpointCell, InFlight};
use crate::entropy::stir;
use crate::{EndpointId, Lease, Observer, PassedOver, Timestamp, Turn, Wish};

/// Whether, and why not, an endpoint takes turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Available,
    /// Waits for the one request that is its trial; `any` one, or only one that could be tried again elsewhere.
    Trial {
        any: bool,
    },
    /// Works, but takes only the requests of sessions that are bound to it.
    Draining,
    Out(PassedOver),
}

/// No endpoint can take the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEndpoint {
    /// When the next ejection ends, if one is what it waits for.
    pub until: Option<Timestamp>,
    /// Whether an endpoint was passed over for nothing but the number of its requests in flight: one of them may end soon.
    pub at_capacity: bool,
}

/// Chooses an endpoint without allocation; by all algorithms but least-request in a time that does not grow with the number
/// of endpoints, or, with peak-ewma, not beyond that of 128.
#[derive(Debug)]
pub struct Picker {
    groups: Box<[Group]>,
    // By what right it chooses: `Regular`, or `FailOpen` if no endpoint is available and it chooses among the doubted.
    turn: Turn,
    standings: Box<[Standing]>,
    // By endpoint; empty if none has a limit.
    most: Box<[Option<NonZeroU32>]>,
    shared: Arc<SharedCounts>,
}

/// What all pickers of a cluster, one after another, count in.
#[derive(Debug)]
pub(crate) struct SharedCounts {
    pub(crate) cells: Box<[Arc<EndpointCell>]>,
    // One a group.
    pub(crate) cursors: Box<[Cursor]>,
    // Only where a choice depends on it.
    pub(crate) all: Option<Arc<InFlight>>,
    // Whether latencies are averaged.
    pub(crate) measured: bool,
}

/// A worker that loses the last place at an endpoint to another chooses again so often.
const RACES: usize = 4;

impl Picker {
    pub(crate) fn new(
        choosing: &Choosing,
        preferences: &[Preference],
        candidates: &[Candidate],
        fail_open: bool,
        shared: Arc<SharedCounts>,
    ) -> Self {
        let any_available = candidates.iter().any(|candidate| candidate.standing == Standing::Available);
        let (groups, turn) = if any_available || !fail_open {
            let available = |standing| standing == Standing::Available;
            (group::lay_out(choosing, preferences, candidates, available), Turn::Regular)
        } else {
            // Also those on trial: one request is the trial, and the others shall not be turned away meanwhile.
            let doubted = |standing: Standing| standing != Standing::Available;
            (group::lay_out(choosing, preferences, candidates, doubted), Turn::FailOpen)
        };
        let standings = candidates.iter().map(|candidate| candidate.standing).collect();
        let limited = candidates.iter().any(|candidate| candidate.most.is_some());
        let most = candidates.iter().filter(|_| limited).map(|candidate| candidate.most).collect();
        Self { groups, turn, standings, most, shared }
    }

    /// Chooses an endpoint for the next attempt of a request, never one that it has tried.
    ///
    /// A session's own endpoint comes first while it works. Next comes an endpoint on trial that is needed, so that it is
    /// back as soon as it works; but its trial is a request that can be tried elsewhere if it fails, as long as there is
    /// somewhere else.
    ///
    /// # Errors
    ///
    /// [`NoEndpoint`] if every endpoint is out, full or tried.
    pub fn pick<O: Observer>(&self, wish: &Wish<'_>, observer: &mut O) -> Result<Lease, NoEndpoint> {
        if O::LISTENS {
            self.tell_who_is_out(observer);
        }
        if let Some(lease) = wish.session.and_then(|endpoint| self.pick_for_session(endpoint, wish, observer)) {
            return Ok(lease);
        }
        let shielded = wish.attempts.shielded();
        let trial = |group: &Group| self.claim_trial(group, wish, |any| shielded || (any && wish.attempts.is_empty()));
        if let Some(lease) = self.groups.iter().filter(|group| group.is_wanted).find_map(trial) {
            return Ok(lease);
        }
        // Not the bits that draw within the group.
        let first = group::first(&self.groups, stir(!wish.entropy.rotate_left(32)));
        let others = (0..self.groups.len()).filter(|other| *other != first);
        for index in core::iter::once(first).chain(others).take(self.groups.len()) {
            if let Some(lease) = self.choose(&self.groups[index], index, wish, observer) {
                return Ok(lease);
            }
        }
        if let Some(lease) = self.groups.iter().find_map(|group| self.claim_trial(group, wish, |_| true)) {
            return Ok(lease);
        }
        for (endpoint, _) in self.groups.iter().flat_map(|group| &group.trials) {
            observer.passed_over(*endpoint, PassedOver::OnTrial);
        }
        Err(NoEndpoint { until: self.next_return(), at_capacity: self.somebody_is_full(wish) })
    }

    /// Leases the endpoint that the request names, whatever is believed of it; `None` if there is no such endpoint.
    pub fn pick_pinned(&self, endpoint: EndpointId) -> Option<Lease> {
        (endpoint.index() < self.shared.cells.len()).then(|| self.lease(endpoint, Turn::Pinned))
    }

    fn choose<O: Observer>(&self, group: &Group, index: usize, wish: &Wish<'_>, observer: &mut O) -> Option<Lease> {
        let shared = &*self.shared;
        let scene = Scene { cells: &shared.cells, all: shared.all.as_deref(), cursor: &shared.cursors[index], wish };
        for _ in 0..RACES {
            let may = |endpoint| self.may_take(endpoint, wish, observer);
            let endpoint = group.chooser.choose(&scene, may)?;
            if let Some(lease) = self.lease_within_limit(endpoint, self.turn) {
                return Some(lease);
            }
        }
        None
    }

    fn pick_for_session<O: Observer>(&self, endpoint: EndpointId, wish: &Wish<'_>, observer: &mut O) -> Option<Lease> {
        match self.standings.get(endpoint.index())? {
            Standing::Available | Standing::Draining if self.may_take(endpoint, wish, observer) => {
                self.lease_within_limit(endpoint, Turn::Session)
            }
            Standing::Available | Standing::Draining | Standing::Trial { .. } | Standing::Out(_) => None,
        }
    }

    fn may_take<O: Observer>(&self, endpoint: EndpointId, wish: &Wish<'_>, observer: &mut O) -> bool {
        let why = if wish.attempts.tried(endpoint) {
            PassedOver::AlreadyTried
        } else if self.is_full(endpoint) {
            PassedOver::AtCapacity
        } else {
            return true;
        };
        observer.passed_over(endpoint, why);
        false
    }

    fn is_full(&self, endpoint: EndpointId) -> bool {
        self.most(endpoint).is_some_and(|most| self.shared.cells[endpoint.index()].in_flight() >= most.get())
    }

    fn most(&self, endpoint: EndpointId) -> Option<NonZeroU32> {
        self.most.get(endpoint.index()).copied().flatten()
    }

    fn claim_trial(&self, group: &Group, wish: &Wish<'_>, may: impl Fn(bool) -> bool) -> Option<Lease> {
        let cells = &self.shared.cells;
        let mut trials = group.trials.iter();
        trials
            .find(|(id, any)| {
                may(*any) && !wish.attempts.tried(*id) && !self.is_full(*id) && cells[id.index()].claim_trial_ticket()
            })
            .map(|(id, _)| self.lease(*id, Turn::Trial))
    }

    fn lease(&self, endpoint: EndpointId, turn: Turn) -> Lease {
        Lease::new(&self.shared, endpoint, turn)
    }

    fn lease_within_limit(&self, endpoint: EndpointId, turn: Turn) -> Option<Lease> {
        match self.most(endpoint) {
            None => Some(self.lease(endpoint, turn)),
            Some(most) => Lease::below(&self.shared, endpoint, turn, most.get()),
        }
    }

    /// Tells which endpoints it passes over whatever the request, by what was believed of them when it was made.
    pub fn tell_who_is_out<O: Observer>(&self, observer: &mut O) {
        for (id, standing) in (0u32..).map(EndpointId).zip(&self.standings) {
            match standing {
                Standing::Out(why) => observer.passed_over(id, *why),
                Standing::Draining => observer.passed_over(id, PassedOver::Draining),
                Standing::Available | Standing::Trial { .. } => {}
            }
        }
    }

    fn somebody_is_full(&self, wish: &Wish<'_>) -> bool {
        let standing_of = (0u32..).map(EndpointId).zip(&self.standings);
        let takes_turns = |standing: &Standing| match standing {
            Standing::Available => true,
            Standing::Draining | Standing::Trial { .. } | Standing::Out(_) => self.turn == Turn::FailOpen,
        };
        !self.most.is_empty()
            && standing_of
                .filter(|(_, standing)| takes_turns(standing))
                .any(|(id, _)| self.most(id).is_some() && !wish.attempts.tried(id))
    }

    fn next_return(&self) -> Option<Timestamp> {
        let returns = self.standings.iter().filter_map(|standing| match standing {
            Standing::Out(PassedOver::Ejected { until }) => Some(*until),
            Standing::Available | Standing::Trial { .. } | Standing::Draining | Standing::Out(_) => None,
        });
        returns.min()
    }
}

#[cfg(test)]
mod tests;
