//! The atomics: all that workers and the cluster's owner write at the same time. No decision is taken here.
//!
//! Orderings: the counters are statistics and use `Relaxed`. So does the count in flight: it guards no other
//! memory. The trial's ticket is claimed with `Acquire` and returned with `Release`, so that whoever takes it
//! sees what the last holder did.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

/// One endpoint's shared counts. Aligned to two cache lines, the unit that x86 prefetches, so that
/// endpoints do not slow each other down.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct EndpointCell {
    in_flight: AtomicU32,
    attempts: AtomicU64,
    failures: AtomicU64,
    latency_us: AtomicU64,
    trial_ticket: AtomicBool,
}

/// Stands for "no latency measured yet".
const UNMEASURED: u64 = u64::MAX;

/// What an endpoint's shared counts say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Requests that it is answering right now.
    pub in_flight: u32,
    /// Attempts since the start.
    pub attempts: u64,
    /// Those of them that count against its health.
    pub failures: u64,
    /// How long the last answered attempt took until the answer's head was there.
    pub latency: Option<Duration>,
}

impl EndpointCell {
    pub(crate) fn new() -> Self {
        Self {
            in_flight: AtomicU32::new(0),
            attempts: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            latency_us: AtomicU64::new(UNMEASURED),
            trial_ticket: AtomicBool::new(false),
        }
    }

    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_latency(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(UNMEASURED - 1);
        self.latency_us.store(us, Ordering::Relaxed);
    }

    /// Lays the ticket down, or takes it away: with it, one request may try an endpoint that is on trial.
    pub(crate) fn set_trial_ticket(&self, there: bool) {
        self.trial_ticket.store(there, Ordering::Release);
    }

    /// Takes the ticket if it lies there. Of any number of workers, one gets it.
    pub(crate) fn claim_trial_ticket(&self) -> bool {
        self.trial_ticket.compare_exchange(true, false, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn counters(&self) -> Counters {
        let latency_us = self.latency_us.load(Ordering::Relaxed);
        Counters {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            attempts: self.attempts.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            latency: (latency_us != UNMEASURED).then(|| Duration::from_micros(latency_us)),
        }
    }
}

/// Whose turn it is: counts up by one a pick, for all workers together. It outlives the pickers that use it,
/// so that a change of the available set does not send the next request to the first endpoint again.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Cursor(AtomicUsize);

impl Cursor {
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_claimed_once() {
        let cell = EndpointCell::new();
        assert!(!cell.claim_trial_ticket());
        cell.set_trial_ticket(true);
        assert!(cell.claim_trial_ticket());
        assert!(!cell.claim_trial_ticket());
    }

    #[test]
    fn a_latency_is_unknown_until_it_is_measured() {
        let cell = EndpointCell::new();
        assert_eq!(cell.counters().latency, None);
        cell.note_latency(Duration::from_micros(1500));
        assert_eq!(cell.counters().latency, Some(Duration::from_micros(1500)));
    }
}
