//! Algorithms of others, to be measured beside ours: none of them serves production. Each balancer has one of its own, and
//! what it may know beside its own requests is what its authors give it: signals on answers, or probes.

mod c3;
mod prequal;
mod weighted;

use std::time::Duration;

use fastrand::Rng;
use lb_balance::Timestamp;

use crate::player::Load;
use c3::C3;
use prequal::Prequal;
use weighted::Weighted;

/// An algorithm of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Weighted round robin by each endpoint's requests a second over its utilisation, both reported every second (gRPC
    /// A58, `weighted_round_robin`).
    WeightedRoundRobin,
    /// C3's ranking of replicas (Suresh et al., NSDI 2015) with queue length and service time on each answer; without its
    /// rate control.
    C3,
    /// Prequal (Wydrowski et al., NSDI 2024) with three probes a request.
    Prequal,
}

/// One balancer's.
#[derive(Debug)]
pub(crate) enum State {
    Weighted(Weighted),
    C3(C3),
    Prequal(Prequal),
}

impl State {
    pub(crate) fn new(reference: Reference, endpoints: usize, balancers: u32) -> Self {
        match reference {
            Reference::WeightedRoundRobin => Self::Weighted(Weighted::new(endpoints)),
            Reference::C3 => Self::C3(C3::new(endpoints, balancers)),
            Reference::Prequal => Self::Prequal(Prequal::new(endpoints)),
        }
    }

    /// Chooses an endpoint; `load` tells what a probe of one would find.
    pub(crate) fn pick(&mut self, now: Timestamp, rng: &mut Rng, load: impl Fn(usize) -> Load) -> usize {
        match self {
            Self::Weighted(weighted) => weighted.pick(now, load),
            Self::C3(c3) => c3.pick(rng),
            Self::Prequal(prequal) => prequal.pick(now, rng, load),
        }
    }

    /// An answer came after so long; with it, what the endpoint says of itself.
    pub(crate) fn hear(&mut self, endpoint: usize, took: Duration, load: Load) {
        if let Self::C3(c3) = self {
            c3.hear(endpoint, took, load);
        }
    }

    /// An attempt ended without an answer after so long.
    pub(crate) fn give_up(&mut self, endpoint: usize, after: Duration) {
        if let Self::C3(c3) = self {
            c3.give_up(endpoint, after);
        }
    }
}
