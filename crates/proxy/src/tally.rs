//! What each worker counts on a request's way. Each cell has one writer, its worker, so that counting is a load and a store
//! and no worker waits for another's cache line; whoever reads adds up. What is counted is [`Metrics`].

mod sum;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lb_balance::{Failure, Outcome, Stop};

use crate::cluster::ClusterHandle;
use crate::metrics::{ClusterMetrics, Histogram, Metrics, STOPS};
use crate::reject::Reject;
use crate::story::End;
use crate::telling::Telling;

/// The counts of all workers.
#[derive(Debug)]
pub struct Tallies(Box<[Arc<Tally>]>);

/// The counts of one worker.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) routes: Box<[RouteTally]>,
    pub(crate) clusters: Box<[ClusterTally]>,
    rejects: [Count; Reject::TOKENS.len()],
    pub(crate) accepted: Count,
    pub(crate) open: Count,
    pub(crate) turned_away: Count,
    pub(crate) lag_us: Count,
    pub(crate) worst_lag_us: Count,
}

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

#[derive(Debug, Default)]
pub(crate) struct RouteTally {
    requests: [Count; 6],
    retried: Count,
    broken_off: Count,
    latency: Times,
    bytes_in: Count,
    bytes_out: Count,
}

#[derive(Debug)]
pub(crate) struct ClusterTally {
    // The last one may stand for all that are beyond; see `ClusterMetrics::MOST`.
    endpoints: Box<[Arc<EndpointTally>]>,
    pub(crate) retries: Count,
    pub(crate) hedges: Count,
    stopped: [Count; STOPS.len()],
    pub(crate) queued: Count,
    pub(crate) queue_us: Count,
}

#[derive(Debug, Default)]
pub(crate) struct EndpointTally {
    answered: [Count; 6],
    failed: [Count; Failure::ALL.len()],
    abandoned: Count,
    overtaken: Count,
    latency: Times,
    pub(crate) opened: Count,
    pub(crate) closed: Count,
    pub(crate) reused: Count,
    pub(crate) idle: Count,
    pub(crate) bytes_from: Count,
}

#[derive(Debug)]
struct Times {
    counts: Box<[Count; Histogram::BUCKETS]>,
    sum_us: Count,
}

/// What is counted of a request when it has ended.
pub(crate) struct Ended {
    pub(crate) status: Option<u16>,
    pub(crate) is_retried: bool,
    pub(crate) is_broken_off: bool,
    pub(crate) took: Duration,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Tallies {
    /// For so many workers, routes, and these clusters.
    pub fn new(workers: usize, routes: usize, clusters: &[Arc<ClusterHandle>]) -> Self {
        let endpoints: Vec<_> = clusters.iter().map(|cluster| cluster.config().endpoints.len()).collect();
        Self((0..workers).map(|_| Arc::new(Tally::new(routes, &endpoints))).collect())
    }

    /// What has been counted until now.
    pub fn read(&self) -> Metrics {
        sum::all(&self.0)
    }

    pub(crate) fn of_worker(&self, worker: usize) -> Option<Arc<Tally>> {
        self.0.get(worker).map(Arc::clone)
    }
}

impl Tally {
    pub(crate) fn new(routes: usize, endpoints: &[usize]) -> Self {
        let cluster = |endpoints: &usize| ClusterTally {
            endpoints: (0..(*endpoints).min(ClusterMetrics::MOST)).map(|_| Arc::default()).collect(),
            retries: Count::default(),
            hedges: Count::default(),
            stopped: Default::default(),
            queued: Count::default(),
            queue_us: Count::default(),
        };
        Self {
            routes: (0..routes).map(|_| RouteTally::default()).collect(),
            clusters: endpoints.iter().map(cluster).collect(),
            rejects: Default::default(),
            accepted: Count::default(),
            open: Count::default(),
            turned_away: Count::default(),
            lag_us: Count::default(),
            worst_lag_us: Count::default(),
        }
    }

    /// A request has ended so.
    pub(crate) fn note_request(&self, telling: &Telling, end: End, took: Duration, bytes: (u64, u64)) {
        let (bytes_in, bytes_out) = bytes;
        let is_broken_off = end == End::BrokenOff;
        if let Some(route) = telling.route.and_then(|route| self.routes.get(route)) {
            let is_retried = telling.is_retried();
            route.note(&Ended { status: telling.status, is_retried, is_broken_off, took, bytes_in, bytes_out });
        }
        if let Some(token) = telling.reject {
            self.note_reject(token);
        }
        let Some(cluster) = telling.cluster.and_then(|cluster| self.clusters.get(cluster.0)) else { return };
        if telling.is_retried() {
            let further = telling.tries().count() as u64 - 1;
            let hedges = u64::from(telling.hedged);
            cluster.hedges.add(hedges);
            cluster.retries.add(further - hedges.min(further));
        }
        if let Some(stop) = telling.stopped {
            cluster.note_stop(stop);
        }
        if !telling.queued.is_zero() {
            cluster.queued.add(1);
            cluster.queue_us.add(u64::try_from(telling.queued.as_micros()).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn note_reject(&self, token: &str) {
        if let Some(index) = Reject::TOKENS.iter().position(|other| *other == token) {
            self.rejects[index].add(1);
        }
    }
}

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    /// Wraps below zero: of cells that many write, only the sum is read.
    pub(crate) fn take(&self, less: u64) {
        self.set(self.get().wrapping_sub(less));
    }

    pub(crate) fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl RouteTally {
    pub(crate) fn note(&self, ended: &Ended) {
        self.requests[class(ended.status.unwrap_or_default())].add(1);
        if ended.is_retried {
            self.retried.add(1);
        }
        if ended.is_broken_off {
            self.broken_off.add(1);
        }
        self.latency.note(ended.took);
        if ended.bytes_in > 0 {
            self.bytes_in.add(ended.bytes_in);
        }
        self.bytes_out.add(ended.bytes_out);
    }
}

impl ClusterTally {
    /// The cells of the endpoint at that place; those far behind share one.
    pub(crate) fn endpoint(&self, index: usize) -> Option<Arc<EndpointTally>> {
        self.endpoints.get(index).or(self.endpoints.last()).map(Arc::clone)
    }

    /// What is worth a retry is not tried again.
    pub(crate) fn note_stop(&self, stop: Stop) {
        if let Some(index) = STOPS.iter().position(|(other, _)| *other == stop) {
            self.stopped[index].add(1);
        }
    }
}

impl EndpointTally {
    /// Something has come of an attempt.
    pub(crate) fn note(&self, outcome: Outcome, took: Duration) {
        match outcome {
            Outcome::Answered { status } => {
                self.answered[class(status)].add(1);
                self.latency.note(took);
            }
            Outcome::Failed(failure) => {
                if let Some(index) = Failure::ALL.iter().position(|other| *other == failure) {
                    self.failed[index].add(1);
                }
            }
            Outcome::Abandoned => self.abandoned.add(1),
            Outcome::Overtaken => self.overtaken.add(1),
            // Probes alone are content with a connection.
            Outcome::Connected => {}
        }
    }
}

impl Times {
    fn note(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket_of(us)].add(1);
        self.sum_us.add(us);
    }
}

impl Default for Times {
    fn default() -> Self {
        Self { counts: Box::new([const { Count(AtomicU64::new(0)) }; Histogram::BUCKETS]), sum_us: Count::default() }
    }
}

/// The class of a status, 1 to 5; 0 for what has none.
fn class(status: u16) -> usize {
    match status / 100 {
        class @ 1..=5 => usize::from(class),
        _ => 0,
    }
}

fn bucket_of(us: u64) -> usize {
    match us.checked_ilog2() {
        Some(power @ 4..) => {
            let quarter = (us >> (power - 2)) & 3;
            ((power as usize - 4) * 4 + usize::try_from(quarter).unwrap_or_default()).min(Histogram::BUCKETS - 1)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_falls_in_the_bucket_that_begins_at_or_before_it() {
        for us in (0..34).flat_map(|power| [1u64 << power, (1 << power) - 1, 5 << power >> 2, 7 << power >> 2]) {
            let bucket = bucket_of(us);
            assert!(Histogram::start_us(bucket) <= us, "{us} µs");
            assert!(bucket == Histogram::BUCKETS - 1 || us < Histogram::start_us(bucket + 1), "{us} µs");
        }
    }

    #[test]
    fn what_workers_counted_is_added_up() {
        let tallies = Tallies((0..2).map(|_| Arc::new(Tally::new(1, &[300]))).collect());
        for tally in &tallies.0 {
            let ended = Ended {
                status: Some(503),
                is_retried: true,
                is_broken_off: false,
                took: Duration::from_millis(1),
                bytes_in: 1,
                bytes_out: 2,
            };
            tally.routes[0].note(&ended);
            for endpoint in [0, 255, 299] {
                let cells = tally.clusters[0].endpoint(endpoint).expect("there are so many");
                cells.note(Outcome::Failed(Failure::Refused), Duration::ZERO);
            }
            tally.note_reject("no-route");
        }
        let metrics = tallies.read();
        let route = &metrics.routes[0];
        assert_eq!((route.requests[5], route.retried, route.latency.count(), route.latency.sum_us), (2, 2, 2, 2000));
        assert_eq!((route.bytes_in, route.bytes_out), (2, 4));
        let endpoints = &metrics.clusters[0].endpoints;
        assert_eq!((endpoints.len(), endpoints[0].failed[0], endpoints[255].failed[0]), (256, 2, 4));
        assert_eq!(metrics.rejects.iter().find(|(token, _)| *token == "no-route"), Some(&("no-route", 2)));
    }
}
