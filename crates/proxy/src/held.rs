//! A request's hold on an endpoint, as the proxy has it: a lease, and what happens beside when it ends.

use std::sync::Arc;
use std::time::Duration;

use lb_balance::{EndpointId, Lease, Outcome, Timestamp, Turn};

use crate::cluster::ClusterHandle;
use crate::story::Passed;

/// A lease and the cluster that it is of. Dropping it, at whatever moment, releases the endpoint and wakes one of those
/// that wait for it; and if the endpoint was still silent then, it is known to be at least so slow.
#[derive(Debug)]
pub(crate) struct Held {
    lease: Lease,
    // Below the lease: fields are dropped in their order, and who is woken must find the place free.
    cluster: Released,
    // When the attempt began, until something has come of it.
    silent_since: Option<Timestamp>,
    passed: Passed,
}

/// Wakes one that waits, when it is dropped.
#[derive(Debug)]
struct Released(Arc<ClusterHandle>);

impl Held {
    /// Of a request that asks the endpoint now.
    pub(crate) fn new(lease: Lease, cluster: &Arc<ClusterHandle>, now: Timestamp, passed: Passed) -> Self {
        Self { lease, cluster: Released(Arc::clone(cluster)), silent_since: Some(now), passed }
    }

    pub(crate) fn endpoint(&self) -> EndpointId {
        self.lease.endpoint()
    }

    pub(crate) fn turn(&self) -> Turn {
        self.lease.turn()
    }

    /// Takes away who was passed over for it.
    pub(crate) fn take_passed(&mut self) -> Passed {
        std::mem::take(&mut self.passed)
    }

    /// The attempt begins anew, now.
    pub(crate) fn begin_anew(&mut self, now: Timestamp) -> Timestamp {
        *self.silent_since.insert(now)
    }

    /// When the attempt began, until something has come of it.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        self.silent_since
    }

    /// Something has come of the attempt: tells the cluster. Returns how long it took.
    pub(crate) fn report(&mut self, outcome: Outcome, now: Timestamp) -> Duration {
        let took = self.silent_since.take().map_or(Duration::ZERO, |began| now.since(began));
        self.cluster.0.report(&mut self.lease, outcome, took, now);
        took
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(began) = self.silent_since {
            self.cluster.0.note_given_up(&self.lease, began);
        }
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        self.0.wake_one();
    }
}
