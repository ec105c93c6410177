//! One balancer with a view of its own: the production cluster, its picker and its budget, and when it must be woken.

use std::time::Duration;

use fastrand::Rng;
use lb_balance::{
    BudgetPolicy, Cluster, Endpoint, EndpointId, Lease, NoEndpoint, Picker, Policy, Report, RetryBudget, RetryPolicy,
    Timestamp, Wish,
};

use crate::player::Load;
use crate::reference::{Reference, State};

/// How every balancer is configured.
#[derive(Debug, Clone)]
pub struct BalancerConfig {
    /// The endpoints that all of them share.
    pub endpoints: Vec<Endpoint>,
    /// How they choose, and what they believe when.
    pub policy: Policy,
    /// Which failures are tried again.
    pub retry: RetryPolicy,
    /// How much of the traffic may be retries; `None`: any.
    pub budget: Option<BudgetPolicy>,
    /// After this long without an answer an attempt has failed.
    pub attempt_timeout: Duration,
    /// How long a probe may take.
    pub probe_timeout: Duration,
    /// An algorithm of others chooses in place of the policy's.
    pub reference: Option<Reference>,
}

/// A balancer.
#[derive(Debug)]
pub(crate) struct Balancer {
    pub(crate) cluster: Cluster,
    picker: Picker,
    /// When it is to be woken; events planned for another time are not looked at.
    pub(crate) wakes_at: Option<Timestamp>,
    pub(crate) reference: Option<State>,
}

impl Balancer {
    pub(crate) fn new(config: &BalancerConfig, balancers: u32, entropy: u64) -> Self {
        let start = Timestamp::ORIGIN;
        let mut cluster = Cluster::new(config.endpoints.clone(), config.policy, start, entropy);
        let picker = cluster.poll_picker(start).expect("a new cluster has a picker to give");
        let reference = config.reference.map(|reference| State::new(reference, config.endpoints.len(), balancers));
        Self { cluster, picker, wakes_at: None, reference }
    }

    /// Chooses an endpoint; `load` tells what a probe of one would find.
    pub(crate) fn pick(
        &mut self,
        wish: &Wish<'_>,
        rng: &mut Rng,
        load: impl Fn(usize) -> Load,
    ) -> Result<Lease, NoEndpoint> {
        match &mut self.reference {
            None => self.picker.pick(wish, &mut ()),
            Some(reference) => {
                let chosen = u32::try_from(reference.pick(wish.now, rng, load)).unwrap_or_default();
                let nobody = NoEndpoint { until: None, at_capacity: false };
                self.picker.pick_pinned(EndpointId(chosen)).ok_or(nobody)
            }
        }
    }

    /// Hears of an attempt. Whoever counts the news must do so before the next call.
    pub(crate) fn hear(&mut self, report: Report, now: Timestamp) {
        self.cluster.handle_report(report);
        self.refresh(now);
    }

    /// Takes over what the cluster has changed.
    pub(crate) fn refresh(&mut self, now: Timestamp) {
        if let Some(picker) = self.cluster.poll_picker(now) {
            self.picker = picker;
        }
    }
}

/// The budgets stand apart from the balancers, since requests hold on to them.
pub(crate) fn budgets(config: &BalancerConfig, balancers: u32) -> Vec<RetryBudget> {
    (0..balancers).map(|_| RetryBudget::new(config.budget)).collect()
}
