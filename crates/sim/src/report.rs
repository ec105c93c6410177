//! What a simulation came to.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::audit::Violation;

/// What a simulation came to. Times are virtual unless they say otherwise.
#[derive(Debug, Clone)]
pub struct Report {
    /// How long it went on.
    pub simulated: Duration,
    /// How many events were worked off.
    pub events: u64,
    /// Requests that came to an end.
    pub requests: u64,
    /// Those that were answered with a status below 500.
    pub succeeded: u64,
    /// The others, by what their client saw.
    pub failed: Failed,
    /// Attempts of all requests, retries included.
    pub attempts: u64,
    /// Those beyond a request's first.
    pub retries: u64,
    /// Retries that the budget refused.
    pub refused_by_budget: u64,
    /// How often a balancer ejected an endpoint.
    pub ejections: u64,
    /// How often a balancer believed an endpoint to be down.
    pub downs: u64,
    /// Probes that were sent.
    pub probes: u64,
    /// Latency of the requests that succeeded, in microseconds.
    pub latency_us: Histogram<u64>,
    /// Each endpoint, in the order of the configuration.
    pub endpoints: Vec<EndpointReport>,
    /// What happened when: slices of a tenth of a second, by the end of the requests.
    pub slices: Vec<Slice>,
    /// What must never happen, and did.
    pub violations: Vec<Violation>,
}

/// Requests that did not succeed, by what their client saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failed {
    /// An endpoint's own answer of 500 or above.
    pub answered: u64,
    /// The last attempt failed without an answer.
    pub unanswered: u64,
    /// No endpoint could be asked.
    pub rejected: u64,
    /// The client's own patience ended.
    pub given_up: u64,
}

impl Failed {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.answered + self.unanswered + self.rejected + self.given_up
    }
}

/// What one endpoint saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointReport {
    /// Attempts that were made at it.
    pub attempts: u64,
    /// Those that spoke against it.
    pub blamed: u64,
}

/// A tenth of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slice {
    /// Requests that ended in it.
    pub requests: u32,
    /// Those that did not succeed.
    pub failed: u32,
    /// Ejections, of all balancers.
    pub ejections: u32,
}

impl Slice {
    /// How long one is.
    pub const LENGTH: Duration = Duration::from_millis(100);
}

/// No latency is recorded as a longer one.
const DAY_US: u64 = 24 * 3600 * 1_000_000;

impl Report {
    pub(crate) fn new(endpoints: usize) -> Self {
        let latency_us =
            Histogram::new_with_bounds(1, DAY_US, 3).expect("the bounds are in order, and three digits allowed");
        Self {
            simulated: Duration::ZERO,
            events: 0,
            requests: 0,
            succeeded: 0,
            failed: Failed::default(),
            attempts: 0,
            retries: 0,
            refused_by_budget: 0,
            ejections: 0,
            downs: 0,
            probes: 0,
            latency_us,
            endpoints: vec![EndpointReport::default(); endpoints],
            slices: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Succeeded of all that ended, 0 to 1; 1 if none came.
    pub fn success_rate(&self) -> f64 {
        if self.requests == 0 { 1.0 } else { self.succeeded as f64 / self.requests as f64 }
    }

    /// The latency below which that part of the successful requests stayed, 0 to 1.
    pub fn latency(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.latency_us.value_at_quantile(quantile))
    }

    /// The mean latency of the successful requests.
    pub fn mean_latency(&self) -> Duration {
        Duration::from_secs_f64(self.latency_us.mean() / 1e6)
    }

    pub(crate) fn slice(&mut self, since_start: Duration) -> &mut Slice {
        let index = usize::try_from(since_start.as_nanos() / Slice::LENGTH.as_nanos()).unwrap_or(usize::MAX);
        if index >= self.slices.len() {
            self.slices.resize(index + 1, Slice::default());
        }
        &mut self.slices[index]
    }
}
