//! An endpoint whose requests share its processors' time evenly.
//!
//! Each request that is worked on is served at the same rate, so one number is enough for all: how much service a request
//! has got that was there from the start. A request is done when that number has grown by its own work (the virtual time
//! of fair queueing; Parekh and Gallager 1993).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use lb_balance::Timestamp;

use super::Load;
use crate::distribution::seconds;

#[derive(Debug)]
pub(super) struct Shared {
    processors: f64,
    // Seconds of service that a request which was there from the start has got, and when that was computed.
    served: f64,
    at: Timestamp,
    // In nanoseconds of service, so that they can be ordered; with what each request's service began at.
    due: BTreeSet<Reverse<(u64, (u32, u32))>>,
    by_number: BTreeMap<(u32, u32), Begun>,
    version: u32,
    allotted: f64,
    used: f64,
    finished: u64,
    last_service: f64,
    latest: VecDeque<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    due: u64,
    work: f64,
    at: Timestamp,
}

/// So many of the latest requests tell how long one takes.
const LATEST: usize = 9;

const NANOS: f64 = 1e9;

impl Shared {
    pub(super) fn new(processors: f64) -> Self {
        Self {
            processors,
            served: 0.0,
            at: Timestamp::ORIGIN,
            due: BTreeSet::new(),
            by_number: BTreeMap::new(),
            version: 0,
            allotted: processors,
            used: 0.0,
            finished: 0,
            last_service: 0.0,
            latest: VecDeque::new(),
        }
    }

    pub(super) fn begin(&mut self, number: (u32, u32), work: f64, now: Timestamp) {
        self.advance(now);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "584 years of service fit in")]
        let due = ((self.served + work) * NANOS) as u64;
        self.due.insert(Reverse((due, number)));
        self.by_number.insert(number, Begun { due, work, at: now });
    }

    pub(super) fn cancel(&mut self, number: (u32, u32), now: Timestamp) {
        self.advance(now);
        if let Some(begun) = self.by_number.remove(&number) {
            self.due.remove(&Reverse((begun.due, number)));
        }
    }

    pub(super) fn set_processors(&mut self, processors: f64, now: Timestamp) {
        self.advance(now);
        self.processors = processors;
    }

    pub(super) fn next_finish(&self) -> Option<(Timestamp, u32)> {
        let Reverse((due, _)) = self.due.last()?;
        let rate = self.rate();
        if rate <= 0.0 {
            return None;
        }
        let left = (*due as f64 / NANOS - self.served).max(0.0) / rate;
        // Rounded up, so that it is done by then.
        Some((self.at + seconds(left) + Duration::from_nanos(1), self.version))
    }

    pub(super) fn finish(&mut self, version: u32, now: Timestamp) -> Option<(u32, u32)> {
        if version != self.version {
            return None;
        }
        self.advance(now);
        let Reverse((_, number)) = self.due.pop_last()?;
        if let Some(begun) = self.by_number.remove(&number) {
            self.finished += 1;
            self.last_service = begun.work;
            self.latest.push_back(now.since(begun.at).as_secs_f64());
            self.latest.drain(..self.latest.len().saturating_sub(LATEST));
        }
        Some(number)
    }

    pub(super) fn load(&self, now: Timestamp) -> Load {
        let mut sorted: Vec<f64> = self.latest.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let running = now.since(self.at).as_secs_f64() * self.rate() * self.due.len() as f64;
        Load {
            in_flight: u32::try_from(self.due.len()).unwrap_or(u32::MAX),
            latency: sorted.get(sorted.len() / 2).copied().unwrap_or_default(),
            service: self.last_service,
            finished: self.finished,
            used: (self.used + running) / self.allotted,
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let served = now.since(self.at).as_secs_f64() * self.rate();
        self.served += served;
        self.used += served * self.due.len() as f64;
        self.at = now;
        self.version = self.version.wrapping_add(1);
    }

    /// Seconds of service a second for each request.
    fn rate(&self) -> f64 {
        if self.due.is_empty() { 0.0 } else { (self.processors / self.due.len() as f64).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::ORIGIN + Duration::from_millis(ms)
    }

    fn next_ms(shared: &Shared) -> u128 {
        shared.next_finish().expect("somebody is served").0.since_origin().as_millis()
    }

    #[test]
    fn requests_share_the_processors_and_none_has_more_than_one() {
        let mut shared = Shared::new(2.0);
        shared.begin((1, 0), 0.1, at(0));
        assert_eq!(next_ms(&shared), 100);
        shared.begin((2, 0), 0.1, at(0));
        assert_eq!(next_ms(&shared), 100, "a processor for each");
        shared.begin((3, 0), 0.1, at(0));
        shared.begin((4, 0), 0.1, at(0));
        assert_eq!(next_ms(&shared), 200, "half a processor for each");
        shared.cancel((4, 0), at(100));
        shared.cancel((3, 0), at(100));
        assert_eq!(next_ms(&shared), 150, "half was done, the rest takes 50 ms");
        shared.set_processors(0.5, at(100));
        assert_eq!(next_ms(&shared), 300);
        let (when, version) = shared.next_finish().expect("somebody is served");
        assert!(shared.finish(version, when).is_some());
        assert!(shared.finish(version, when).is_none(), "it is not the same state any more");
    }
}
