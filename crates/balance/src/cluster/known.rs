//! What a cluster can be asked. Nothing here changes it.

use super::Cluster;
use crate::{Belief, Cause, Counters, Endpoint, EndpointId, Outcome, Timestamp};

impl Cluster {
    /// The endpoints in the order of the configuration.
    pub fn ids(&self) -> impl Iterator<Item = EndpointId> + use<> {
        (0u32..).map(EndpointId).take(self.members.len())
    }

    /// What is believed of the endpoint, and since when.
    pub fn belief(&self, id: EndpointId) -> (Belief, Timestamp) {
        let member = &self.members[id.index()];
        (member.belief(), member.believed_since())
    }

    /// Why it is believed.
    pub fn cause(&self, id: EndpointId, now: Timestamp) -> Cause {
        self.members[id.index()].cause_now(&self.policy.health, now)
    }

    /// The endpoint's last probe: when its result came, what it was, and whether it was a success.
    pub fn last_probe(&self, id: EndpointId) -> Option<(Timestamp, Outcome, bool)> {
        let last = self.members[id.index()].probes.last;
        let policy = self.schedule.as_ref()?.policy();
        last.map(|(at, outcome)| (at, outcome, policy.succeeds(outcome)))
    }

    /// Its weight, and whether it drains, as it was told last.
    pub fn weight_and_draining(&self, id: EndpointId) -> (u32, bool) {
        let Endpoint { weight, draining, .. } = self.members[id.index()].endpoint;
        (weight, draining)
    }

    /// How often the endpoint was ejected.
    pub fn ejections(&self, id: EndpointId) -> u64 {
        self.members[id.index()].ejections
    }

    /// What the endpoint's shared counts say.
    pub fn counters(&self, id: EndpointId) -> Counters {
        self.shared.cells[id.index()].counters()
    }
}
