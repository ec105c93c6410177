//! What workers count, as those read it who tell it. Plain sums since the start, over all workers. The counting itself is
//! `tally`'s.

use std::time::Duration;

use lb_balance::{Failure, Stop};

/// Everything that is counted.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// By route, in the configuration's order.
    pub routes: Vec<RouteMetrics>,
    /// By cluster, in the configuration's order.
    pub clusters: Vec<ClusterMetrics>,
    /// By worker.
    pub workers: Vec<WorkerMetrics>,
    /// How often `lb` answered itself with an error, by the reason: every reason there is, also those that never were.
    pub rejects: Vec<(&'static str, u64)>,
}

/// One route's requests.
#[derive(Debug, Clone, Default)]
pub struct RouteMetrics {
    /// Requests that ended, by the class of their status: 1xx to 5xx; at 0 those whose client left before an answer.
    pub requests: [u64; 6],
    /// Those of them that were tried more than once.
    pub retried: u64,
    /// Those of them whose answer was broken off.
    pub broken_off: u64,
    /// From the request's head to the last byte of its answer.
    pub latency: Histogram,
    /// Bytes of requests' bodies.
    pub bytes_in: u64,
    /// Bytes of answers, heads and bodies.
    pub bytes_out: u64,
}

/// One cluster's attempts.
#[derive(Debug, Clone, Default)]
pub struct ClusterMetrics {
    /// By endpoint, in the configuration's order: the first [`ClusterMetrics::MOST`]; the last one is the sum of all that are
    /// beyond.
    pub endpoints: Vec<EndpointMetrics>,
    /// Attempts that were a further one of their request.
    pub retries: u64,
    /// Attempts that began beside another one of their request.
    pub hedges: u64,
    /// How often, and why, a request was not tried again though what it got is worth a retry; in the order of [`STOPS`].
    pub stopped: [u64; STOPS.len()],
    /// How many requests waited for an endpoint that had room.
    pub queued: u64,
    /// How long they waited, together.
    pub queue_time: Duration,
}

impl ClusterMetrics {
    /// So many endpoints are counted each by itself: metrics by endpoint cost memory in all that read them.
    pub const MOST: usize = 256;
}

/// Why a request is not tried again, with its name for machines.
pub const STOPS: [(Stop, &str); 6] = [
    (Stop::NoAttemptLeft, "no-attempt-left"),
    (Stop::OutOfTime, "out-of-time"),
    (Stop::NotIdempotent, "not-idempotent"),
    (Stop::BodyNotKept, "body-not-kept"),
    (Stop::BudgetSpent, "budget-spent"),
    (Stop::ClientLeft, "client-left"),
];

/// One endpoint's attempts.
#[derive(Debug, Clone, Default)]
pub struct EndpointMetrics {
    /// Attempts that were answered, by the class of the status, 1xx to 5xx; at 0 those beyond 599.
    pub answered: [u64; 6],
    /// Attempts that failed, in the order of [`Failure::ALL`].
    pub failed: [u64; Failure::ALL.len()],
    /// Attempts whose client left.
    pub abandoned: u64,
    /// Attempts that another one of their request overtook.
    pub overtaken: u64,
    /// From the choice of the endpoint to its answer's head.
    pub latency: Histogram,
    /// Connections that were opened to it.
    pub opened: u64,
    /// Attempts for which a connection was there already.
    pub reused: u64,
    /// Connections that are idle now.
    pub idle: u64,
    /// Connections that are open now, the idle ones included.
    pub open: u64,
    /// Bytes of bodies that came from it.
    pub bytes_from: u64,
}

/// One worker.
#[derive(Debug, Clone, Default)]
pub struct WorkerMetrics {
    /// Connections of clients that were accepted.
    pub accepted: u64,
    /// Those that are open now.
    pub open: u64,
    /// Those that were turned away since their address had too many.
    pub turned_away: u64,
    /// How much later than planned its event loop woke up, the last time that was looked at.
    pub lag: Duration,
    /// The most of that in the last ten seconds or so.
    pub worst_lag: Duration,
}

/// How long things took, in buckets: four to each power of two of microseconds, from 16 µs to a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// How many fell in each.
    pub counts: [u64; Histogram::BUCKETS],
    /// All of them, together, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// So many there are.
    pub const BUCKETS: usize = 88;

    /// The shortest time, in microseconds, that falls in that bucket; each ends where the next one begins, and the last one has
    /// no end.
    pub const fn start_us(bucket: usize) -> u64 {
        if bucket == 0 {
            return 0;
        }
        (4 + (bucket as u64 % 4)) << (bucket as u64 / 4 + 2)
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; Self::BUCKETS], sum_us: 0 }
    }
}
