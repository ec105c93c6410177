//! What choosing costs: a pick by each algorithm, and a new picker, over 4 and over 10,000 endpoints; and side by side
//! with it what the same costs in pingora-load-balancing and in tower's `Balance`.
//!
//! One pick of ours is all that a request needs: it looks at who is available and at what the request has tried, counts
//! the request in flight, and gives back a lease, whose end is part of the pick. What the others do of that is said
//! in `peers`.
#![allow(missing_docs, reason = "criterion's macro makes public items")]

mod ours;
mod peers;

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use lb_balance::Algorithm;

use ours::Weights;

const FEW: u32 = 4;
const MANY: u32 = 10_000;

/// So many requests are in flight where the choice depends on it.
const IN_FLIGHT: usize = 64;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Every algorithm by itself, no other request in flight.
fn pick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pick");
    for algorithm in Algorithm::ALL {
        let counts: &[u32] = match algorithm {
            // By its definition it looks at every endpoint.
            Algorithm::LeastRequest => &[FEW],
            // Looks at all of up to 128, and draws from more.
            Algorithm::PeakEwma => &[FEW, 100, MANY],
            Algorithm::RoundRobin | Algorithm::TwoChoices | Algorithm::Random | Algorithm::Ring | Algorithm::Maglev => {
                &[FEW, MANY]
            }
        };
        for count in counts {
            ours::pick(&mut group, &format!("{algorithm}/{count}"), algorithm, *count, 0);
        }
    }
    group.finish();
}

/// A belief changes, and the picker of 10,000 endpoints is made anew: off the request's path, but not for long.
fn rebuild(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rebuild");
    for algorithm in Algorithm::ALL {
        for weights in [Weights::Equal, Weights::OneToTen] {
            ours::rebuild(&mut group, &format!("{algorithm}/{MANY}/{weights}"), algorithm, MANY, weights);
        }
    }
    group.finish();
}

/// A new cluster of 10,000 endpoints, as at the start and after a change of the configuration, and its first picker.
fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(20);
    for algorithm in [Algorithm::RoundRobin, Algorithm::Ring, Algorithm::Maglev] {
        for weights in [Weights::Equal, Weights::OneToTen] {
            ours::build(&mut group, &format!("{algorithm}/{MANY}/{weights}"), algorithm, MANY, weights);
        }
    }
    group.finish();
}

/// The same by others. A group is one way of choosing at one size.
fn side_by_side(criterion: &mut Criterion) {
    for count in [FEW, MANY] {
        let name = |way: &str| format!("side-by-side/{way}/{count}");
        let lb = |group: &mut Group<'_>, algorithm: Algorithm, in_flight| {
            ours::pick(group, &format!("lb {algorithm}"), algorithm, count, in_flight);
        };

        let mut turns = criterion.benchmark_group(name("in-turn"));
        lb(&mut turns, Algorithm::RoundRobin, 0);
        peers::pingora_selects::<peers::RoundRobin>(&mut turns, count);
        peers::pingora_iterates::<peers::RoundRobin>(&mut turns, count);
        turns.finish();

        let mut chance = criterion.benchmark_group(name("by-chance"));
        lb(&mut chance, Algorithm::Random, 0);
        peers::pingora_selects::<peers::Random>(&mut chance, count);
        peers::pingora_iterates::<peers::Random>(&mut chance, count);
        chance.finish();

        let mut key = criterion.benchmark_group(name("by-key"));
        lb(&mut key, Algorithm::Ring, 0);
        lb(&mut key, Algorithm::Maglev, 0);
        peers::pingora_selects::<peers::Consistent>(&mut key, count);
        peers::pingora_iterates::<peers::Consistent>(&mut key, count);
        key.finish();

        let in_flight = IN_FLIGHT.min(count as usize);
        let mut load = criterion.benchmark_group(name("by-load"));
        lb(&mut load, Algorithm::TwoChoices, in_flight);
        peers::tower_by_load(&mut load, count, in_flight);
        load.finish();

        let mut latency = criterion.benchmark_group(name("by-latency"));
        lb(&mut latency, Algorithm::PeakEwma, in_flight);
        peers::tower_by_latency(&mut latency, count, in_flight);
        latency.finish();
    }
}

/// Ours after a change of belief, which pingora need not build anything for, since it asks at each selection; and both
/// after a change of who belongs to the cluster.
fn builds_side_by_side(criterion: &mut Criterion) {
    let mut turns = criterion.benchmark_group(format!("side-by-side/build-in-turn/{MANY}"));
    turns.sample_size(20);
    ours::rebuild(&mut turns, "lb round-robin, a belief", Algorithm::RoundRobin, MANY, Weights::Equal);
    ours::build(&mut turns, "lb round-robin, a cluster", Algorithm::RoundRobin, MANY, Weights::Equal);
    peers::pingora_builds::<peers::RoundRobin>(&mut turns, MANY);
    turns.finish();

    let mut key = criterion.benchmark_group(format!("side-by-side/build-by-key/{MANY}"));
    key.sample_size(20);
    for algorithm in [Algorithm::Ring, Algorithm::Maglev] {
        ours::rebuild(&mut key, &format!("lb {algorithm}, a belief"), algorithm, MANY, Weights::Equal);
        ours::build(&mut key, &format!("lb {algorithm}, a cluster"), algorithm, MANY, Weights::Equal);
    }
    peers::pingora_builds::<peers::Consistent>(&mut key, MANY);
    key.finish();
}

/// Short, since there are many; what varies from run to run varies more than what longer ones would make exact.
fn brief() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group!(name = benches; config = brief(); targets = pick, rebuild, build, side_by_side, builds_side_by_side);
criterion_main!(benches);
