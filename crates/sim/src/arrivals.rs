//! When requests come.

use std::time::Duration;

use lb_balance::Timestamp;

use crate::distribution::{exponential, seconds};

/// Who sends requests, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// An open loop: so many requests a second by chance (a Poisson process), whatever becomes of them.
    Open {
        /// Requests a second, of all balancers together.
        per_second: f64,
    },
    /// A closed loop: so many clients, each of which waits for its answer, thinks for a while and asks again.
    Closed {
        /// How many.
        clients: u32,
        /// How long each thinks in the mean, exponentially.
        think: Duration,
    },
}

/// The open loop's next arrival.
#[derive(Debug)]
pub(crate) struct Arriving {
    mean_gap: f64,
    next: f64,
}

impl Arriving {
    pub(crate) fn new(per_second: f64) -> Self {
        Self { mean_gap: 1.0 / per_second, next: 0.0 }
    }

    /// Moves on to the next arrival.
    pub(crate) fn step(&mut self, rng: &mut fastrand::Rng) -> Timestamp {
        self.next += self.mean_gap * exponential(rng);
        Timestamp::ORIGIN + seconds(self.next)
    }

    /// From now on so many requests a second. Gives the next arrival.
    pub(crate) fn change(&mut self, per_second: f64, now: Timestamp, rng: &mut fastrand::Rng) -> Timestamp {
        self.mean_gap = 1.0 / per_second;
        self.next = now.since_origin().as_secs_f64();
        self.step(rng)
    }
}
