//! What queueing theory and published measurements say, held against the simulator.

use std::time::Duration;

use crate::worlds::{SECOND, setup};
use lb_balance::Algorithm;
use lb_sim::{Arrivals, Capacity, Distribution, Report, Script, Setup, run};

/// The mean time in system with `d` random choices among many queues at this load, with service of mean 1
/// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
fn closed_form(d: f64, load: f64) -> f64 {
    (1..60).map(|i| load.powf((d.powi(i) - d) / (d - 1.0))).sum()
}

fn supermarket(algorithm: Algorithm, load: f64, queues: u32, length: u32) -> Report {
    let mut setup = setup(algorithm, queues);
    setup.scripts.fill(Script { latency: Distribution::Exponential(SECOND), capacity: Capacity::Slots(1) });
    setup.arrivals = Arrivals::Open { per_second: load * f64::from(queues) };
    setup.length = SECOND * length;
    setup.warm_up = SECOND * (length / 3);
    run(&setup, |_| true)
}

#[test]
fn two_choices_meet_mitzenmachers_closed_form() {
    for (load, published, queues, length) in [(0.9, 2.614, 1000, 900), (0.99, 5.432, 5000, 1500)] {
        let theory = closed_form(2.0, load);
        assert!((theory - published).abs() < 0.001, "{theory}");
        let measured = supermarket(Algorithm::TwoChoices, load, queues, length).mean_latency().as_secs_f64();
        println!("two choices at load {load}: {measured:.3}, in theory {theory:.3}");
        assert!((measured / theory - 1.0).abs() < 0.02, "at load {load} {measured:.3} instead of {theory:.3}");
    }
}

#[test]
fn a_queue_of_its_own_for_each_of_random_choices_waits_as_long_as_one_queue_does() {
    // M/M/1: 1 / (1 - load).
    let measured = supermarket(Algorithm::Random, 0.8, 1000, 900).mean_latency().as_secs_f64();
    assert!((measured / 5.0 - 1.0).abs() < 0.02, "{measured:.3} instead of 5");
}

/// The published measurement: eleven endpoints, a thousand requests a second, one endpoint takes 2 s from the 15th to the
/// 45th second of a minute, and clients wait for one second.
fn one_slow_of_eleven(algorithm: Algorithm, seed: u64) -> Report {
    let mut setup: Setup = setup(algorithm, 11);
    let quick = Distribution::Uniform(Duration::from_millis(1), Duration::from_millis(50));
    setup.scripts.fill(Script { latency: quick, capacity: Capacity::Unlimited });
    setup.faults = vec![lb_sim::Fault {
        endpoints: vec![3],
        kind: lb_sim::FaultKind::Fixed { latency: 2 * SECOND },
        from: 15 * SECOND,
        until: Some(45 * SECOND),
    }];
    setup.arrivals = Arrivals::Open { per_second: 1000.0 };
    setup.length = 60 * SECOND;
    setup.patience = Some(SECOND);
    setup.seed = seed;
    run(&setup, |_| true)
}

#[test]
fn one_slow_endpoint_among_eleven_hardly_matters_to_who_looks_at_latency() {
    let targets = [(Algorithm::RoundRobin, 0.95), (Algorithm::LeastRequest, 0.99), (Algorithm::PeakEwma, 0.9995)];
    for (algorithm, least) in targets {
        let rates = (0..16).map(|seed| (seed, one_slow_of_eleven(algorithm, seed).success_rate()));
        let (seed, rate) = rates.min_by(|(_, one), (_, other)| one.total_cmp(other)).expect("sixteen seeds");
        println!("one slow of eleven, {algorithm}: {:.3} % succeed with the worst of 16 seeds", rate * 100.0);
        assert!(rate >= least, "{algorithm} with seed {seed}: {rate}");
    }
}
