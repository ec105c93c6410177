//! The testbed of Prequal (Wydrowski et al., "Load is Not What You Should Balance", NSDI 2024), figures 6 and 7, as far as
//! it is published: a hundred balancers before a hundred replicas that share machines with antagonists.
//!
//! `cargo run --release -p lb-sim --example antagonists [seconds] [seeds]`
//!
//! What is ours and not the paper's: the antagonists are drawn, not real jobs. Every replica is allotted ALLOTTED
//! processors and may use what its machine's antagonists leave beyond them. On one machine of seven they leave nothing,
//! ever, and a request takes half as long again; on the others they leave up to three times what is allotted, and that
//! changes about every second, now and then to nothing.
#![allow(missing_docs, clippy::print_stdout, reason = "an example that prints a table")]

use std::time::Duration;

use fastrand::Rng;
use lb_balance::{Algorithm, Endpoint, HealthPolicy, Policy, RetryPolicy};
use lb_sim::{
    Arrivals, BalancerConfig, Capacity, Distribution, Fault, FaultKind, Reference, Report, Script, Setup, run,
};

const REPLICAS: u32 = 100;
const BALANCERS: u32 = 100;
const ALLOTTED: f64 = 4.0;
/// Requests are given up after 5 s, in microseconds.
const TIMEOUT_US: u64 = 5_000_000;
const MS: Duration = Duration::from_millis(1);

/// The mean of a normal distribution whose deviation is its mean, drawn again while negative.
const MEAN_OF_WORK: f64 = 1.2876;
const WORK_MS: f64 = 62.5;

#[derive(Clone, Copy)]
enum Rule {
    Ours(Algorithm),
    Theirs(Reference),
}

fn setup(rule: Rule, load: f64, seconds: u32, seed: u64) -> Setup {
    let health = HealthPolicy {
        max_fails: 0,
        fail_window: 1000 * MS,
        max_fails_in_a_row: 0,
        outliers: None,
        eject_time: 1000 * MS,
        max_eject_time: 1000 * MS,
        eject_jitter_percent: 0,
        max_ejected_percent: 0,
        fail_open: false,
    };
    let (algorithm, reference) = match rule {
        Rule::Ours(algorithm) => (algorithm, None),
        Rule::Theirs(reference) => (Algorithm::RoundRobin, Some(reference)),
    };
    let policy =
        Policy { algorithm, bound_percent: 0, health, probe: None, retries: false, slow_start: Duration::ZERO };
    let length = Duration::from_secs(u64::from(seconds));
    let (scripts, faults) = machines(length, seed);
    let per_second = load * ALLOTTED * f64::from(REPLICAS) / (WORK_MS / 1000.0 * MEAN_OF_WORK);
    Setup {
        balancer: BalancerConfig {
            endpoints: (0..REPLICAS).map(|n| Endpoint::new(format!("replica{n}"), 1)).collect(),
            policy,
            retry: RetryPolicy::default(),
            budget: None,
            attempt_timeout: 5000 * MS,
            probe_timeout: 1000 * MS,
            reference,
        },
        balancers: BALANCERS,
        scripts,
        faults,
        arrivals: Arrivals::Open { per_second },
        rates: Vec::new(),
        patience: None,
        idempotent: true,
        length,
        warm_up: length / 3,
        seed,
    }
}

/// What each replica is, and how much of its machine it has when.
fn machines(length: Duration, seed: u64) -> (Vec<Script>, Vec<Fault>) {
    let mut rng = Rng::with_seed(seed ^ 0xA17A);
    let (mut scripts, mut faults) = (Vec::new(), Vec::new());
    for replica in 0..REPLICAS {
        let contended = replica % 7 == 0;
        let slowness = if contended { 1.5 } else { 0.9 + 0.3 * rng.f64() };
        let work = Duration::from_secs_f64(WORK_MS / 1000.0 * slowness);
        let latency = Distribution::Normal { mean: work, deviation: work };
        scripts.push(Script { latency, capacity: Capacity::Processors(ALLOTTED) });
        let mut at = Duration::ZERO;
        while at < length && !contended {
            let spare = if rng.f64() < 0.1 { 0.0 } else { 0.5 + 2.5 * rng.f64() };
            let kind = FaultKind::Processors { left: ALLOTTED * (1.0 + spare) };
            faults.push(Fault { endpoints: vec![replica], kind, from: at, until: None });
            at += Duration::from_secs_f64(-(1.0 - rng.f64()).ln());
        }
    }
    (scripts, faults)
}

/// The load of each step of the paper's ramp: three quarters of what is allotted, and each time a ninth more.
const RAMP: [f64; 9] = [0.75, 0.83, 0.93, 1.03, 1.14, 1.27, 1.41, 1.57, 1.74];

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>().expect("a whole number"));
    let (seconds, seeds) = (arguments.next().unwrap_or(60), arguments.next().unwrap_or(3));
    let rules = [
        ("round robin", Rule::Ours(Algorithm::RoundRobin)),
        ("random", Rule::Ours(Algorithm::Random)),
        ("weighted round robin", Rule::Theirs(Reference::WeightedRoundRobin)),
        ("least-request", Rule::Ours(Algorithm::LeastRequest)),
        ("two-choices", Rule::Ours(Algorithm::TwoChoices)),
        ("C3", Rule::Theirs(Reference::C3)),
        ("Prequal", Rule::Theirs(Reference::Prequal)),
        ("peak-ewma", Rule::Ours(Algorithm::PeakEwma)),
    ];
    println!("{seconds} s, the last two thirds of it counted, {seeds} seeds; p90 and p99 in ms, failed of all\n");
    println!(
        "| rule | p90 at 70 % | p99 at 70 % | p90 at 90 % | p99 at 90 % | p99 at 90 % / at 70 % | failed at 90 % |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (name, rule) in rules {
        let (quiet, busy) = (measure(rule, 0.7, seconds, seeds), measure(rule, 0.9, seconds, seeds));
        let [q90, q99, b90, b99] = [&quiet, &busy].map(|report| [ms(report, 0.9), ms(report, 0.99)]).concat()[..]
        else {
            unreachable!("two of two")
        };
        let failed = (1.0 - busy.success_rate()) * 100.0;
        let ratio = b99 / q99;
        println!("| {name} | {q90:.0} | {q99:.0} | {b90:.0} | {b99:.0} | {ratio:.3} | {failed:.2} % |");
    }
    println!(
        "\n| load | {} |",
        rules[2..].iter().map(|(name, _)| format!("{name}: p99")).collect::<Vec<_>>().join(" | ")
    );
    println!("|---|{}", "---|".repeat(rules.len() - 2));
    for load in RAMP {
        let cells = rules[2..].iter().map(|(_, rule)| {
            let report = measure(*rule, load, seconds, seeds);
            let failed = (1.0 - report.success_rate()) * 100.0;
            let p99 = ms(&report, 0.99);
            if report.succeeded == report.requests {
                format!("{p99:.0}")
            } else {
                format!("{p99:.0}, {failed:.2} % failed")
            }
        });
        println!("| {load} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// All seeds together. A request that failed took all the time that there is.
fn measure(rule: Rule, load: f64, seconds: u32, seeds: u32) -> Report {
    // Not those with which the constants of peak-ewma were chosen.
    let mut reports = (101..101 + u64::from(seeds)).map(|seed| run(&setup(rule, load, seconds, seed), |_| true));
    let first: Report = reports.next().expect("a seed at least");
    let mut all = reports.fold(first, |mut all, one| {
        all.latency_us.add(&one.latency_us).expect("histograms of one kind");
        all.requests += one.requests;
        all.succeeded += one.succeeded;
        all
    });
    all.latency_us.record_n(TIMEOUT_US, all.requests - all.succeeded).expect("it is within the bounds");
    all
}

fn ms(report: &Report, quantile: f64) -> f64 {
    report.latency(quantile).as_secs_f64() * 1000.0
}
