//! Every algorithm before every kind of failure, in seeded worlds, held against what must be true of all of them: leases
//! taken less leases released are what is in flight, every ejected endpoint returns, and nobody is blamed who did not fail.
//!
//! A failure names its seed; `LB_SIM_SEED=…` runs that one alone.

use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use lb_balance::{
    Algorithm, BudgetPolicy, FirstProbe, HealthPolicy, OutlierPolicy, ProbePolicy, RetryOn, RetryPolicy, StatusSet,
};
use lb_sim::{Arrivals, Capacity, Distribution, Fault, FaultKind, Report, Script, Setup, run};

use crate::worlds::{SECOND, setup};

const ENDPOINTS: u32 = 8;
const MS: Duration = Duration::from_millis(1);

/// What goes wrong, each from the tenth to the thirtieth second of a minute.
fn scripts() -> Vec<(&'static str, Vec<Fault>)> {
    let fault = |endpoints: &[u32], kind| Fault {
        endpoints: endpoints.to_vec(),
        kind,
        from: 10 * SECOND,
        until: Some(30 * SECOND),
    };
    let flapping = (0..10).map(|n| Fault {
        from: (10 + 2 * n) * SECOND,
        until: Some((11 + 2 * n) * SECOND),
        ..fault(&[5], FaultKind::Kill)
    });
    vec![
        ("nothing", vec![]),
        ("one is killed", vec![fault(&[2], FaultKind::Kill)]),
        ("half of them are killed", vec![fault(&[0, 2, 4, 6], FaultKind::Kill)]),
        ("all of them are killed", vec![fault(&[0, 1, 2, 3, 4, 5, 6, 7], FaultKind::Kill)]),
        ("one answers 503", vec![fault(&[3], FaultKind::Errors { status: 503, part: 1.0 })]),
        ("two answer 503 now and then", vec![fault(&[1, 3], FaultKind::Errors { status: 503, part: 0.2 })]),
        ("one hangs", vec![fault(&[4], FaultKind::Hang)]),
        ("one is slow", vec![fault(&[4], FaultKind::Slow { factor: 8.0 })]),
        ("one flaps", flapping.collect()),
    ]
}

fn world(algorithm: Algorithm, faults: Vec<Fault>, seed: u64) -> Setup {
    let mut rng = Rng::with_seed(seed);
    let mut setup = setup(algorithm, ENDPOINTS);
    setup.seed = seed;
    setup.faults = faults;
    setup.balancers = rng.u32(1..4);
    setup.arrivals = if rng.bool() {
        Arrivals::Open { per_second: 20.0 + 60.0 * rng.f64() }
    } else {
        Arrivals::Closed { clients: rng.u32(1..20), think: 200 * MS }
    };
    setup.idempotent = rng.f64() < 0.8;
    setup.scripts.fill(Script {
        latency: Distribution::Uniform(MS, 40 * MS),
        capacity: if rng.bool() { Capacity::Unlimited } else { Capacity::Slots(16) },
    });
    let balancer = &mut setup.balancer;
    for endpoint in &mut balancer.endpoints {
        endpoint.weight = rng.u32(1..5);
        endpoint.priority = u8::from(rng.f64() < 0.2);
        endpoint.elsewhere = rng.f64() < 0.3;
        endpoint.max_in_flight = NonZeroU32::new(rng.u32(0..40));
    }
    balancer.attempt_timeout = SECOND;
    balancer.retry = RetryPolicy {
        on: RetryOn { error: true, timeout: true, invalid_header: false, statuses: vec![503] },
        attempts: NonZeroU32::new(rng.u32(1..5)).expect("not zero"),
        timeout: 5 * SECOND,
        non_idempotent: rng.bool(),
        backoff: if rng.bool() { Duration::ZERO } else { 20 * MS },
    };
    balancer.budget = rng.bool().then_some(BudgetPolicy { percent: 20, floor: 1 });
    let policy = &mut balancer.policy;
    policy.bound_percent = if rng.bool() { 0 } else { 125 };
    policy.retries = balancer.retry.shields(true);
    policy.slow_start = if rng.bool() { Duration::ZERO } else { 5 * SECOND };
    policy.health = HealthPolicy {
        max_fails: rng.u32(0..4),
        fail_window: 5 * SECOND,
        max_fails_in_a_row: rng.u32(0..6),
        outliers: rng.bool().then_some(OutlierPolicy {
            interval: 2 * SECOND,
            min_requests: 5,
            min_endpoints: 3,
            tenths_of_deviation: 19,
        }),
        eject_time: 2 * SECOND,
        max_eject_time: 10 * SECOND,
        eject_jitter_percent: 10,
        max_ejected_percent: rng.u8(0..=100),
        fail_open: rng.bool(),
    };
    policy.probe = rng.bool().then(|| ProbePolicy {
        interval: SECOND,
        jitter_percent: 5,
        fall: rng.u32(1..4),
        rise: rng.u32(1..4),
        statuses: StatusSet::success(),
        first: if rng.bool() { FirstProbe::Trust } else { FirstProbe::Wait },
        spare_busy: rng.bool(),
    });
    setup
}

fn blamed_without_a_failure(setup: &Setup, report: &Report) -> Vec<usize> {
    let broken = |index: usize| {
        let breaks = |fault: &Fault| fault.kind.breaks() && fault.endpoints.iter().any(|id| *id as usize == index);
        setup.faults.iter().any(breaks)
    };
    let blamed = report.endpoints.iter().enumerate().filter(|(index, endpoint)| endpoint.blamed > 0 && !broken(*index));
    blamed.map(|(index, _)| index).collect()
}

fn hold(algorithm: Algorithm) {
    let only = std::env::var("LB_SIM_SEED").ok().map(|seed| seed.parse::<u64>().expect("LB_SIM_SEED is a number"));
    let seeds: Vec<_> = only.map_or_else(|| (0..64).collect(), |seed| vec![seed]);
    for (script, faults) in scripts() {
        for seed in &seeds {
            let setup = world(algorithm, faults.clone(), *seed);
            let report = run(&setup, |_| true);
            let place = format!("{algorithm}, {script}: LB_SIM_SEED={seed}");
            assert!(report.requests > 100, "{place}: {} requests", report.requests);
            assert!(report.violations.is_empty(), "{place}: {:?}", report.violations);
            assert_eq!(blamed_without_a_failure(&setup, &report), Vec::<usize>::new(), "{place}");
            let attempts: u64 = report.endpoints.iter().map(|endpoint| endpoint.attempts).sum();
            assert_eq!(report.attempts, attempts, "{place}");
            assert_eq!(report.requests, report.succeeded + report.failed.all(), "{place}");
        }
    }
}

#[test]
fn round_robin_holds() {
    hold(Algorithm::RoundRobin);
}

#[test]
fn least_request_holds() {
    hold(Algorithm::LeastRequest);
}

#[test]
fn two_choices_hold() {
    hold(Algorithm::TwoChoices);
}

#[test]
fn peak_ewma_holds() {
    hold(Algorithm::PeakEwma);
}

#[test]
fn random_holds() {
    hold(Algorithm::Random);
}

#[test]
fn ring_holds() {
    hold(Algorithm::Ring);
}

#[test]
fn maglev_holds() {
    hold(Algorithm::Maglev);
}

#[test]
fn a_seed_repeats_a_simulation_exactly() {
    let (_, faults) = scripts().swap_remove(5);
    let told = || format!("{:?}", run(&world(Algorithm::TwoChoices, faults.clone(), 7), |_| true).endpoints);
    assert_eq!(told(), told());
}
