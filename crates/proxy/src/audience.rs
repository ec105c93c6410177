//! Who is told of requests, and of which. Shared by all workers. It hands stories on; what becomes of them is the listener's.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use lb_balance::Timestamp;

use crate::story::{Story, Wanted};

/// Is told of requests, in the workers' threads: it must be quick and never wait.
pub trait Listener: Send + Sync {
    /// A request has ended.
    fn hear(&self, story: Story);
}

/// Who is told of requests.
pub struct Audience {
    listener: Option<Box<dyn Listener>>,
    sample: f64,
    logs: bool,
    next: AtomicU32,
    watchers: AtomicU32,
    dropped: AtomicU64,
}

/// So many requests a second each worker tells to those that watch.
const WATCHED_A_SECOND: f64 = 25.0;

/// So many failed or retried requests a second each worker tells: an outage must not cost more than what it breaks.
const TROUBLES_A_SECOND: f64 = 200.0;

impl Audience {
    /// One that hears failed and retried requests, and that part of the others, 0 to 1; all of them if `logs`.
    pub fn new(listener: Box<dyn Listener>, sample: f64, logs: bool) -> Self {
        Self { listener: Some(listener), sample, logs, ..Self::nobody() }
    }

    /// Nobody listens.
    pub fn nobody() -> Self {
        Self {
            listener: None,
            sample: 0.0,
            logs: false,
            next: AtomicU32::new(0),
            watchers: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// What part of the requests is told though nothing was wrong with them, 0 to 1.
    pub fn sample(&self) -> f64 {
        self.sample
    }

    /// So many of the next requests are told, whatever comes of them.
    pub fn ask_for_next(&self, count: u32) {
        self.next.store(count, Ordering::Relaxed);
    }

    /// How many of them are still to come.
    pub fn asked_for(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    /// Somebody begins to watch: some of the requests are told, about as they come.
    pub fn begin_watching(&self) {
        self.watchers.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody who watched no longer does.
    pub fn end_watching(&self) {
        self.watchers.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many failed or retried requests were not told, since there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn is_anybody_there(&self) -> bool {
        self.listener.is_some()
    }

    pub(crate) fn hear(&self, story: Story) {
        if let Some(listener) = &self.listener {
            listener.hear(story);
        }
    }

    /// Whether this one is one of the next that were asked for.
    pub(crate) fn take_next(&self) -> bool {
        let one_less = |next: u32| next.checked_sub(1);
        self.asked_for() > 0 && self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

impl std::fmt::Debug for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audience").field("sample", &self.sample).field("logs", &self.logs).finish_non_exhaustive()
    }
}

/// One worker's part: how much of it may be told still.
#[derive(Debug)]
pub(crate) struct Ration {
    watched: Bucket,
    troubles: Bucket,
}

impl Ration {
    pub(crate) fn new() -> Self {
        Self {
            watched: Bucket::new(WATCHED_A_SECOND, WATCHED_A_SECOND / 5.0),
            troubles: Bucket::new(TROUBLES_A_SECOND, TROUBLES_A_SECOND),
        }
    }

    /// For whom a request that begins is told, whatever comes of it.
    pub(crate) fn wanted(&self, audience: &Audience, now: Timestamp) -> Wanted {
        if audience.listener.is_none() {
            return Wanted::default();
        }
        Wanted {
            sampled: audience.sample > 0.0 && fastrand::f64() < audience.sample,
            // Found out when it is known that a cluster is to answer: files and the admin API are no decisions.
            asked: false,
            watched: audience.watchers.load(Ordering::Relaxed) > 0 && self.watched.take(now),
            logged: audience.logs,
            troubled: false,
        }
    }

    /// Whether a failed or retried request is told; counts it if not.
    pub(crate) fn may_tell_trouble(&self, audience: &Audience, now: Timestamp) -> bool {
        let may = self.troubles.take(now);
        if !may {
            audience.dropped.fetch_add(1, Ordering::Relaxed);
        }
        may
    }
}

/// So many a second, evenly, and so many at once.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    size: f64,
    level: Cell<f64>,
    filled_at: Cell<Timestamp>,
}

impl Bucket {
    fn new(rate: f64, size: f64) -> Self {
        Self { rate, size, level: Cell::new(size), filled_at: Cell::new(Timestamp::ORIGIN) }
    }

    fn take(&self, now: Timestamp) -> bool {
        let earned = now.since(self.filled_at.replace(now)).as_secs_f64() * self.rate;
        let level = (self.level.get() + earned).min(self.size);
        let is_granted = level >= 1.0;
        self.level.set(if is_granted { level - 1.0 } else { level });
        is_granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_watched_is_spread_over_the_time() {
        let bucket = Bucket::new(25.0, 5.0);
        let at = |ms| Timestamp::after_origin(Duration::from_millis(ms));
        let taken: Vec<u64> = (0..1000).filter(|ms| bucket.take(at(*ms))).collect();
        assert!((25..=30).contains(&taken.len()), "{taken:?}");
        let in_the_last_half = taken.iter().filter(|ms| **ms >= 500).count();
        assert!((12..=13).contains(&in_the_last_half), "{taken:?}");
    }

    #[test]
    fn as_many_of_the_next_are_told_as_were_asked_for() {
        let audience = Audience::nobody();
        audience.ask_for_next(2);
        assert_eq!([1, 2, 3].map(|_| audience.take_next()), [true, true, false]);
    }
}
