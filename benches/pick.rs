//! What a pick costs by each algorithm, over 4 and over 10,000 endpoints, nobody out; and what a new picker costs.
#![allow(missing_docs, reason = "criterion's macro makes public items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lb_balance::{
    Algorithm, Attempts, Cluster, Endpoint, EndpointId, FirstProbe, HealthPolicy, Outcome, Policy, ProbePolicy,
    RetryBudget, RetryPolicy, StatusSet, Timestamp, Wish,
};

const HEALTH: HealthPolicy = HealthPolicy {
    max_fails: 3,
    fail_window: Duration::from_secs(10),
    max_fails_in_a_row: 0,
    outliers: None,
    eject_time: Duration::from_secs(10),
    max_eject_time: Duration::from_secs(10),
    eject_jitter_percent: 0,
    max_ejected_percent: 50,
    fail_open: false,
};

fn cluster(algorithm: Algorithm, count: u32, weights: u32) -> Cluster {
    let probe = ProbePolicy {
        interval: Duration::from_secs(1),
        jitter_percent: 0,
        fall: 1,
        rise: 1,
        statuses: StatusSet::success(),
        first: FirstProbe::Trust,
        spare_busy: false,
    };
    let policy = Policy {
        algorithm,
        bound_percent: 0,
        health: HEALTH,
        probe: Some(probe),
        retries: true,
        slow_start: Duration::ZERO,
    };
    let endpoint = |n: u32| Endpoint::new(format!("web{n}"), 1 + n % weights);
    Cluster::new((0..count).map(endpoint).collect(), policy, Timestamp::ORIGIN, 1)
}

fn pick(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        for count in [4, 10_000] {
            // By its definition it looks at every endpoint.
            if algorithm == Algorithm::LeastRequest && count > 4 {
                continue;
            }
            let mut cluster = cluster(algorithm, count, 1);
            let picker = cluster.poll_picker(Timestamp::ORIGIN).expect("a new cluster has a picker to give");
            let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
            criterion.bench_function(&format!("pick/{algorithm}/{count}"), |bencher| {
                let attempts = Attempts::new(&retry, &budget, Timestamp::ORIGIN, true);
                let mut entropy = 1u64;
                bencher.iter(|| {
                    entropy = entropy.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let wish = Wish::new(black_box(&attempts), Timestamp::ORIGIN, entropy);
                    drop(black_box(picker.pick(&wish, &mut ())));
                });
            });
        }
    }
}

/// A belief changes, and the picker of 10,000 endpoints is made anew: off the request's path, but not for long.
fn rebuild(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        for (name, weights) in [("equal-weights", 1), ("weights-1-to-10", 10)] {
            let mut cluster = cluster(algorithm, 10_000, weights);
            let mut status = 200;
            criterion.bench_function(&format!("rebuild/{algorithm}/10000/{name}"), |bencher| {
                bencher.iter(|| {
                    status = if status == 200 { 503 } else { 200 };
                    let outcome = Outcome::Answered { status };
                    cluster.handle_probe(EndpointId(7), outcome, Timestamp::ORIGIN, Timestamp::ORIGIN);
                    cluster.poll_picker(Timestamp::ORIGIN)
                });
            });
        }
    }
}

criterion_group!(benches, pick, rebuild);
criterion_main!(benches);
