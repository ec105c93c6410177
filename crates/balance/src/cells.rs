//! The atomics: all that workers and the cluster's owner write at the same time. No decision is taken here.
//!
//! Orderings: the counters are statistics and use `Relaxed`. So does the count in flight: it guards no other
//! memory. The trial's ticket is claimed with `Acquire` and returned with `Release`, so that whoever takes it
//! sees what the last holder did.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use crate::Timestamp;
use crate::entropy::high;
use crate::latency::Latency;

/// One endpoint's shared counts, in an `Arc` of its own. What each pick writes is first, beside the count of references,
/// which it writes too: among ten thousand endpoints each cache line more is a wait for memory. Hence no alignment, which
/// would part them; the padding makes it 128 bytes with the counts of references, the unit that x86 prefetches, so that
/// endpoints hardly slow each other down.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct EndpointCell {
    attempts: AtomicU64,
    in_flight: AtomicU32,
    // Failures since the last success.
    failed_in_a_row: AtomicU32,
    latency: AtomicU64,
    latency_us: AtomicU64,
    failures: AtomicU64,
    // Whether there was a success since it was last asked for.
    has_succeeded: AtomicBool,
    trial_ticket: AtomicBool,
    _padding: [u64; 8],
}

const _: () = assert!(size_of::<EndpointCell>() + 2 * size_of::<usize>() == 128, "the padding fills two cache lines");

/// More failures in a row make an endpoint no dearer.
const MOST_FAILURES: u32 = 1000;

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
            attempts: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            failed_in_a_row: AtomicU32::new(0),
            latency: AtomicU64::new(Latency::UNMEASURED.to_bits()),
            latency_us: AtomicU64::new(UNMEASURED),
            failures: AtomicU64::new(0),
            has_succeeded: AtomicBool::new(false),
            trial_ticket: AtomicBool::new(false),
            _padding: [0; 8],
        }
    }

    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins a request unless as many as `most` are in flight. Of any number of workers, none goes beyond.
    pub(crate) fn begin_below(&self, most: u32) -> bool {
        let one_more = |in_flight| (in_flight < most).then_some(in_flight + 1);
        let begun = self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        if begun {
            self.attempts.fetch_add(1, Ordering::Relaxed);
        }
        begun
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.failed_in_a_row.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_success(&self) {
        self.end_the_row();
        if !self.has_succeeded.load(Ordering::Relaxed) {
            self.has_succeeded.store(true, Ordering::Relaxed);
        }
    }

    /// Failures from now on are not in a row with those before.
    pub(crate) fn end_the_row(&self) {
        // Nearly always it is zero already, and a read leaves the cache line where it is.
        if self.failed_in_a_row.load(Ordering::Relaxed) != 0 {
            self.failed_in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// Whether there was a success since this was last asked.
    pub(crate) fn take_success(&self) -> bool {
        self.has_succeeded.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn failed_in_a_row(&self) -> u32 {
        self.failed_in_a_row.load(Ordering::Relaxed)
    }

    pub(crate) fn note_latency(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(UNMEASURED - 1);
        self.latency_us.store(us, Ordering::Relaxed);
    }

    /// Lets the moving average of latencies hear of one more.
    pub(crate) fn average_in(&self, latency: Duration, now: Timestamp) {
        let heard = |bits| Some(Latency::from_bits(bits).after(latency, now).to_bits());
        // It never fails, since there is always a new value.
        let _before = self.latency.fetch_update(Ordering::Relaxed, Ordering::Relaxed, heard);
    }

    /// Lets the moving average hear of an answer that would have taken longer than that.
    pub(crate) fn average_in_at_least(&self, latency: Duration, now: Timestamp) {
        let heard = |bits| Latency::from_bits(bits).after_at_least(latency, now).map(Latency::to_bits);
        // It fails where that is no news.
        let _before = self.latency.fetch_update(Ordering::Relaxed, Ordering::Relaxed, heard);
    }

    /// What one more request would cost here: the average latency in microseconds, once for each request in flight and
    /// for itself. An endpoint of which nothing is known costs nothing while it is idle, so that it is asked, and more than
    /// any other while its first answer is awaited or requests fail on it: what fails at once is not quick, and each failure
    /// in a row counts like a request in flight.
    pub(crate) fn cost(&self, now: Timestamp) -> u64 {
        let micros = Latency::from_bits(self.latency.load(Ordering::Relaxed)).micros(now);
        let burden = u64::from(self.in_flight()) + u64::from(self.failed_in_a_row().min(MOST_FAILURES));
        match micros {
            0 if burden == 0 => 0,
            0 => u64::from(u32::MAX) + burden,
            micros => u64::from(micros) * (burden + 1),
        }
    }

    /// Whether it is idle, and its last answer long ago.
    pub(crate) fn is_worth_a_look(&self, now: Timestamp) -> bool {
        self.in_flight() == 0 && Latency::from_bits(self.latency.load(Ordering::Relaxed)).is_stale(now)
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

/// What the whole cluster has in flight; counted only where a choice depends on it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct InFlight(AtomicU32);

impl InFlight {
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much happened in each of the latest seconds. Each slot holds the second it counts and the count, so that whoever
/// comes first in a new second clears the slot by counting in it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Seconds([AtomicU64; Seconds::KEPT]);

impl Seconds {
    /// So many seconds are remembered, the current one included.
    pub(crate) const KEPT: usize = 10;

    pub(crate) fn add(&self, second: u32) {
        let slot = &self.0[second as usize % Self::KEPT];
        let (now, one) = (u64::from(second) << 32, 1);
        let current = slot.load(Ordering::Relaxed);
        if current >> 32 == u64::from(second) {
            slot.fetch_add(one, Ordering::Relaxed);
        } else if slot.compare_exchange(current, now | one, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            // Somebody else has cleared it meanwhile.
            slot.fetch_add(one, Ordering::Relaxed);
        }
    }

    /// Takes one back that was added in that second.
    pub(crate) fn take_back(&self, second: u32) {
        let counts = |slot: u64| slot >> 32 == u64::from(second) && slot & u64::from(u32::MAX) > 0;
        let fewer = |slot: u64| counts(slot).then(|| slot - 1);
        // If the slot counts another second by now, the one is forgotten anyway.
        let _forgotten = self.0[second as usize % Self::KEPT].fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    }

    /// How much there was in the latest seconds up to this one.
    pub(crate) fn sum(&self, second: u32) -> u64 {
        let recent = |slot: u64| (second.wrapping_sub(high(slot)) as usize) < Self::KEPT;
        let slots = self.0.iter().map(|slot| slot.load(Ordering::Relaxed));
        slots.filter(|slot| recent(*slot)).map(|slot| slot & u64::from(u32::MAX)).sum()
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
    fn no_more_begin_than_may_be_in_flight() {
        let cell = EndpointCell::new();
        assert_eq!([1, 2, 3].map(|_| cell.begin_below(2)), [true, true, false]);
        assert_eq!((cell.counters().in_flight, cell.counters().attempts), (2, 2));
    }

    #[test]
    fn a_success_ends_a_row_of_failures() {
        let cell = EndpointCell::new();
        cell.count_failure();
        cell.count_failure();
        assert_eq!(cell.failed_in_a_row(), 2);
        cell.count_success();
        assert_eq!((cell.failed_in_a_row(), cell.counters().failures), (0, 2));
    }

    #[test]
    fn ten_seconds_are_remembered_and_no_more() {
        let seconds = Seconds::default();
        for second in 0..30 {
            seconds.add(second);
            seconds.add(second);
            assert_eq!(seconds.sum(second), 2 * u64::from(second + 1).min(10));
        }
        assert_eq!(seconds.sum(34), 10);
        assert_eq!(seconds.sum(39), 0);
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let seconds = Seconds::default();
        seconds.add(3);
        seconds.take_back(3);
        assert_eq!(seconds.sum(3), 0);
        seconds.take_back(3);
        assert_eq!(seconds.sum(3), 0);
    }

    #[test]
    fn a_latency_is_unknown_until_it_is_measured() {
        let cell = EndpointCell::new();
        assert_eq!(cell.counters().latency, None);
        cell.note_latency(Duration::from_micros(1500));
        assert_eq!(cell.counters().latency, Some(Duration::from_micros(1500)));
    }
}
