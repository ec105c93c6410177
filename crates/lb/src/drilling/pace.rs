//! When requests are due: by chance, as in the simulation, in times since the drill's beginning.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use lb_sim::Arrivals;

/// When the next ones are due.
pub(super) struct Pace {
    arrivals: Arrivals,
    rng: Rng,
    // An open loop has one that is next, a closed one each client that is not waiting for an answer.
    due: BinaryHeap<Reverse<Duration>>,
}

impl Pace {
    pub(super) fn new(arrivals: Arrivals, seed: u64) -> Self {
        let mut pace = Self { arrivals, rng: Rng::with_seed(seed), due: BinaryHeap::new() };
        match arrivals {
            Arrivals::Open { .. } => pace.push_after(Duration::ZERO),
            Arrivals::Closed { clients, .. } => (0..clients).for_each(|_| pace.push_after(Duration::ZERO)),
        }
        pace
    }

    /// When the next request is due; `None`: when one has ended.
    pub(super) fn next(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse(due)| *due)
    }

    /// A request that is due by then, and when it was.
    pub(super) fn take(&mut self, now: Duration) -> Option<Duration> {
        let due = self.next().filter(|due| *due <= now)?;
        self.due.pop();
        if let Arrivals::Open { .. } = self.arrivals {
            self.push_after(due);
        }
        Some(due)
    }

    /// A request has ended: in a closed loop its client thinks, and asks again.
    pub(super) fn note_end(&mut self, now: Duration) {
        if let Arrivals::Closed { .. } = self.arrivals {
            self.push_after(now);
        }
    }

    /// So many requests a second come from now on.
    pub(super) fn set_rate(&mut self, per_second: f64, now: Duration) {
        self.arrivals = Arrivals::Open { per_second };
        self.due.clear();
        self.push_after(now);
    }

    fn push_after(&mut self, moment: Duration) {
        let mean = match self.arrivals {
            Arrivals::Open { per_second } => 1.0 / per_second,
            Arrivals::Closed { think, .. } => think.as_secs_f64(),
        };
        let gap = -(1.0 - self.rng.f64()).ln() * mean;
        self.due.push(Reverse(moment + Duration::from_secs_f64(gap)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_loop_asks_at_its_rate_whatever_becomes_of_the_requests() {
        let mut pace = Pace::new(Arrivals::Open { per_second: 100.0 }, 1);
        let minute = Duration::from_mins(1);
        let count = std::iter::from_fn(|| pace.take(minute)).count();
        assert!((5700..6300).contains(&count), "{count}");
        pace.set_rate(10.0, minute);
        let count = std::iter::from_fn(|| pace.take(minute * 2)).count();
        assert!((500..700).contains(&count), "{count}");
    }

    #[test]
    fn a_client_of_a_closed_loop_asks_again_only_after_its_answer() {
        let mut pace = Pace::new(Arrivals::Closed { clients: 3, think: Duration::from_secs(1) }, 1);
        let later = Duration::from_mins(1);
        assert_eq!(std::iter::from_fn(|| pace.take(later)).count(), 3);
        assert_eq!(pace.next(), None);
        pace.note_end(later);
        assert!(pace.next().is_some_and(|next| next > later));
    }
}
