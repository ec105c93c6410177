//! The atomics that workers write on a request's way, beside those of `lb-balance`. No decision is taken here.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
use std::time::Duration;

/// How many wait for something that others release.
///
/// Whoever begins to wait counts itself and then looks whether there is something; whoever releases something does that
/// and then looks whether anybody waits. Both must not miss each other, which no ordering of two single atomics promises:
/// so each side has a fence between its write and its look, and of the two fences one is first.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Waiting(AtomicUsize);

impl Waiting {
    /// One more, unless it is `most` already. What is released after this is seen by looking, or its releaser sees us.
    pub(crate) fn enter(&self, most: usize) -> bool {
        let one_more = |waiting| (waiting < most).then_some(waiting + 1);
        let entered = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        fence(Ordering::SeqCst);
        entered
    }

    pub(crate) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether anybody waits for what has just been released.
    pub(crate) fn is_anybody(&self) -> bool {
        fence(Ordering::SeqCst);
        self.count() > 0
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A time that is looked up often and found out seldom.
#[derive(Debug, Default)]
pub(crate) struct Cached {
    // 0: unknown.
    us: AtomicU32,
}

impl Cached {
    pub(crate) fn get(&self) -> Option<Duration> {
        let us = self.us.load(Ordering::Relaxed);
        (us != 0).then(|| Duration::from_micros(us.into()))
    }

    pub(crate) fn set(&self, time: Duration) {
        self.us.store(u32::try_from(time.as_micros()).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
    }
}

/// How long the latest answers took, as a histogram: eight buckets to each power of two of microseconds, so that what is
/// read from it is at most an eighth too long.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Latencies {
    buckets: Box<[AtomicU32; Latencies::BUCKETS]>,
    noted: AtomicU32,
}

impl Latencies {
    // The last one ends at 2^32 µs, which is more than an hour.
    const BUCKETS: usize = 30 * 8;
    const LONGEST_US: u32 = u32::MAX;

    pub(crate) fn new() -> Self {
        Self { buckets: Box::new([const { AtomicU32::new(0) }; Self::BUCKETS]), noted: AtomicU32::new(0) }
    }

    /// One more. Returns how many have been noted with it; that wraps.
    pub(crate) fn note(&self, latency: Duration) -> u32 {
        let us = u32::try_from(latency.as_micros()).unwrap_or(Self::LONGEST_US);
        self.buckets[bucket_of(us)].fetch_add(1, Ordering::Relaxed);
        self.noted.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Forgets every other one.
    pub(crate) fn halve(&self) {
        // Of a bucket with an odd count the one over goes with the next bucket's: or one rare answer would never be forgotten.
        let mut over = 0;
        for bucket in self.buckets.iter() {
            let kept = |count: u32| Some((count.saturating_add(over)) / 2);
            // It never fails; and two workers that do this at once forget more, not something that is not there.
            let before = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, kept).unwrap_or_else(|count| count);
            over = before.wrapping_add(over) % 2;
        }
    }

    /// How many are remembered, and within what time so many percent of them were.
    pub(crate) fn quantile(&self, percent: u8) -> (u64, Duration) {
        let counts = self.buckets.each_ref().map(|bucket| u64::from(bucket.load(Ordering::Relaxed)));
        let all: u64 = counts.iter().sum();
        let mut missing = (all * u64::from(percent)).div_ceil(100);
        let reached = counts.iter().position(|count| {
            missing = missing.saturating_sub(*count);
            missing == 0
        });
        (all, Duration::from_micros(end_of(reached.unwrap_or(Self::BUCKETS - 1))))
    }
}

fn bucket_of(us: u32) -> usize {
    let us = us as usize;
    match us.checked_ilog2() {
        None | Some(0..3) => us,
        Some(power) => (power as usize - 2) * 8 + ((us >> (power - 3)) & 7),
    }
}

/// The first microsecond that is in a later bucket.
fn end_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 8 { bucket + 1 } else { (8 + bucket % 8 + 1) << (bucket / 8 - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_is_in_a_bucket_that_ends_soon_after_it() {
        let powers = (0..32).flat_map(|power| [1u32 << power, (1u32 << power) - 1, 3 << power >> 1]);
        for us in powers.chain([u32::MAX]) {
            let end = end_of(bucket_of(us));
            assert!(end > u64::from(us) && end <= u64::from(us) + u64::from(us) / 8 + 1, "{us} µs: {end} µs");
        }
        assert_eq!(bucket_of(u32::MAX), Latencies::BUCKETS - 1);
    }

    #[test]
    fn a_quantile_is_what_so_many_were_within() {
        let latencies = Latencies::new();
        for ms in 1..=100 {
            latencies.note(Duration::from_millis(ms));
        }
        for percent in [1, 50, 90, 99] {
            let (all, within) = latencies.quantile(percent);
            let exact = Duration::from_millis(percent.into());
            assert!(all == 100 && within > exact && within <= exact * 9 / 8, "{percent} %: {within:?}");
        }
        latencies.halve();
        assert_eq!(latencies.quantile(50).0, 50);
        for _ in 0..8 {
            latencies.halve();
        }
        assert_eq!(latencies.quantile(50).0, 0, "nothing is remembered for ever");
    }

    #[test]
    fn no_more_wait_than_may() {
        let waiting = Waiting::default();
        assert_eq!([1, 2, 3].map(|_| waiting.enter(2)), [true, true, false]);
        waiting.leave();
        assert!(waiting.is_anybody() && waiting.enter(2));
        assert_eq!(waiting.count(), 2);
    }
}
