//! A cluster as the workers and the admin API see it. Its beliefs live with its driver; this is the handle.

use std::time::Duration;

use arc_swap::ArcSwap;
use lb_balance::{
    Algorithm, Attempts, Counters, EndpointId, Lease, NoEndpoint, Outcome, Picker, RetryBudget, Timestamp, Turn, Wish,
};
use tokio::sync::{mpsc, oneshot};

use crate::config::ClusterConfig;

/// So many reports may wait for the driver. When more come, failures are so many that a few do not matter.
pub(crate) const REPORTS: usize = 4096;

/// What is told to a cluster's driver.
#[derive(Debug)]
pub(crate) enum Report {
    Failure { endpoint: EndpointId, turn: Turn, outcome: Outcome, at: Timestamp },
    Success { endpoint: EndpointId, turn: Turn, at: Timestamp },
    Snapshot(oneshot::Sender<ClusterSnapshot>),
}

/// A cluster that runs.
#[derive(Debug)]
pub struct ClusterHandle {
    config: ClusterConfig,
    picker: ArcSwap<Picker>,
    budget: RetryBudget,
    reports: mpsc::Sender<Report>,
}

/// What a cluster's driver knows at one moment.
#[derive(Debug, Clone)]
pub struct ClusterSnapshot {
    /// The endpoints in the order of the configuration.
    pub endpoints: Vec<EndpointSnapshot>,
}

/// What is known of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointSnapshot {
    /// What is believed of it.
    pub belief: lb_balance::Belief,
    /// Since when.
    pub since: Timestamp,
    /// Why, in one short sentence.
    pub reason: String,
    /// Its last probe, if there was one.
    pub probe: Option<ProbeSnapshot>,
    /// Its counts.
    pub counters: Counters,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSnapshot {
    /// When its result was there.
    pub at: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether that is a success.
    pub ok: bool,
}

impl ClusterHandle {
    pub(crate) fn new(config: ClusterConfig, picker: Picker, reports: mpsc::Sender<Report>) -> Self {
        let budget = RetryBudget::new(config.budget);
        Self { config, picker: ArcSwap::from_pointee(picker), budget, reports }
    }

    /// How it is configured.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// What its driver knows now; `None` once the server has stopped.
    pub async fn snapshot(&self) -> Option<ClusterSnapshot> {
        let (reply, answer) = oneshot::channel();
        self.reports.send(Report::Snapshot(reply)).await.ok()?;
        answer.await.ok()
    }

    pub(crate) fn set_picker(&self, picker: Picker) {
        self.picker.store(std::sync::Arc::new(picker));
    }

    pub(crate) fn name_of(&self, endpoint: EndpointId) -> &str {
        self.config.endpoints[endpoint.index()].name()
    }

    /// The tries of a request that begins now.
    pub(crate) fn attempts(&self, now: Timestamp, idempotent: bool) -> Attempts<'_> {
        Attempts::new(&self.config.retry, &self.budget, now, idempotent)
    }

    pub(crate) fn pick(&self, attempts: &Attempts<'_>, now: Timestamp) -> Result<Lease, NoEndpoint> {
        self.picker.load().pick(&Wish::new(attempts, now, fastrand::u64(..)), &mut ())
    }

    pub(crate) fn pick_named(&self, name: &str) -> Option<Lease> {
        let index = self.config.endpoints.iter().position(|endpoint| endpoint.name() == name)?;
        self.picker.load().pick_pinned(EndpointId(u32::try_from(index).ok()?))
    }

    /// Counts an attempt's outcome, and tells the driver if it is news.
    pub(crate) fn report(&self, lease: &mut Lease, outcome: Outcome, took: Duration, now: Timestamp) {
        if self.config.policy.algorithm == Algorithm::PeakEwma && self.tells_latency(outcome) {
            lease.note_latency(took, now);
        }
        let (endpoint, turn, at) = (lease.endpoint(), lease.turn(), now);
        let report = if self.config.retry.blames(outcome) {
            lease.note_failure();
            Report::Failure { endpoint, turn, outcome, at }
        } else if matches!(outcome, Outcome::Answered { .. }) && lease.note_success(took) {
            Report::Success { endpoint, turn, at }
        } else {
            return;
        };
        if self.reports.try_send(report).is_ok() {
            lease.settle();
        }
    }

    /// Whether the time that an attempt took says how quick its endpoint is: one that fails at once is not a quick one.
    fn tells_latency(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Failed(failure) => failure.is_timeout(),
            Outcome::Answered { .. } | Outcome::Connected => !self.config.retry.blames(outcome),
            // It was at least so slow.
            Outcome::Abandoned => true,
        }
    }
}
