//! What a cluster leaves to one that takes its place, under a new policy or with other endpoints: what was learnt of an endpoint
//! stays true of it. That it is the same endpoint is for whoever hands it over to say.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Cluster, Member};
use crate::cells::{EndpointCell, InFlight};
use crate::{Belief, EndpointId, Timestamp};

/// What is known of one endpoint.
#[derive(Debug, Clone)]
pub struct Legacy {
    member: Member,
    cell: Arc<EndpointCell>,
    all: Option<Arc<InFlight>>,
}

impl Cluster {
    /// What is known of the endpoint now. Its counts are shared with whoever takes it over: what is in flight there counts for
    /// both.
    pub fn legacy(&self, id: EndpointId) -> Legacy {
        let index = id.index();
        let (member, all) = (self.members[index].clone(), self.shared.all.clone());
        Legacy { member, cell: Arc::clone(&self.shared.cells[index]), all }
    }

    /// Goes on where another cluster stands with these endpoints: the beliefs and why, failures, probes and counts. Weights,
    /// draining and everything else that is configured is this cluster's own.
    ///
    /// An endpoint that was down since its probes failed is up if this cluster has no probes, which alone could find out
    /// that it works again; and of those that are ejected, no more stay out than this cluster would eject.
    ///
    /// # Panics
    ///
    /// If this cluster has given away a picker: that one counts elsewhere.
    pub fn take_over(&mut self, legacies: impl IntoIterator<Item = (EndpointId, Legacy)>, now: Timestamp) {
        let is_out = |legacy: &Legacy| matches!(legacy.member.health, Belief::Ejected { .. } | Belief::Trial);
        // How many may be out depends on how many are, so those that are not come first.
        let (out, others): (Vec<_>, Vec<_>) = legacies.into_iter().partition(|(_, legacy)| is_out(legacy));
        for (id, legacy) in others.into_iter().chain(out) {
            self.take_over_one(id, legacy, now);
        }
        self.picker_is_stale = true;
    }

    fn take_over_one(&mut self, id: EndpointId, Legacy { member: old, cell, all }: Legacy, now: Timestamp) {
        let may_be_out = match old.health {
            Belief::Down => self.policy.probe.is_some() && !old.waits_for_its_first_probe(),
            Belief::Ejected { .. } | Belief::Trial => self.may_eject_one_more(),
            Belief::Up | Belief::Draining => true,
        };
        let counters = cell.counters();
        if let Some(outliers) = &mut self.outliers {
            outliers.begin_at(id, counters.attempts, counters.failures);
        }
        let member = &mut self.members[id.index()];
        let was_out = member.health != Belief::Up;
        if may_be_out {
            member.continue_as(old);
        }
        let health = member.health;
        self.out = self.out + usize::from(health != Belief::Up) - usize::from(was_out);
        let shared = Arc::get_mut(&mut self.shared).expect("nobody picks before endpoints are taken over");
        // Nothing is changed in it: the other cluster may have to go on with it after all. A trial's ticket that somebody holds comes
        // back, or is laid down again in time.
        shared.cells[id.index()] = cell;
        if let (Some(own), Some(all)) = (&mut shared.all, all) {
            *own = all;
        }
        self.watch(id, now);
    }
}
