//! What a pick costs by each algorithm, over 4 and over 10,000 endpoints, nobody out; and what a new picker costs.
#![allow(missing_docs, reason = "criterion's macro makes public items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lb_balance::{
    Algorithm, Attempts, Cluster, Endpoint, EndpointId, HealthPolicy, Outcome, Policy, ProbePolicy, RetryPolicy,
    Timestamp,
};

const HEALTH: HealthPolicy = HealthPolicy {
    max_fails: 3,
    fail_window: Duration::from_secs(10),
    eject_time: Duration::from_secs(10),
    max_ejected_percent: 50,
    fail_open: false,
};

fn pick(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        for count in [4, 10_000] {
            // By its definition it looks at every endpoint.
            if algorithm == Algorithm::LeastRequest && count > 4 {
                continue;
            }
            let endpoints = (0..count).map(|n| Endpoint { name: format!("web{n}"), weight: 1 }).collect();
            let policy = Policy { algorithm, health: HEALTH, probe: None, retries: true };
            let mut cluster = Cluster::new(endpoints, policy, Timestamp::ORIGIN);
            let picker = cluster.poll_picker().expect("a new cluster has a picker to give");
            let retry = RetryPolicy::default();
            criterion.bench_function(&format!("pick/{algorithm}/{count}"), |bencher| {
                let attempts = Attempts::new(&retry, Timestamp::ORIGIN, true);
                let mut entropy = 1u64;
                bencher.iter(|| {
                    entropy = entropy.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    drop(black_box(picker.pick(black_box(&attempts), entropy, &mut ())));
                });
            });
        }
    }
}

/// A belief changes, and the picker of 10,000 endpoints is made anew: off the request's path, but not for long.
fn rebuild(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        for (name, weights) in [("equal-weights", 1), ("weights-1-to-10", 10)] {
            let endpoint = |n: u32| Endpoint { name: format!("web{n}"), weight: 1 + n % weights };
            let probe = Some(ProbePolicy { interval: Duration::from_secs(1), fall: 1, rise: 1 });
            let policy = Policy { algorithm, health: HEALTH, probe, retries: true };
            let mut cluster = Cluster::new((0..10_000).map(endpoint).collect(), policy, Timestamp::ORIGIN);
            let mut status = 200;
            criterion.bench_function(&format!("rebuild/{algorithm}/10000/{name}"), |bencher| {
                bencher.iter(|| {
                    status = if status == 200 { 503 } else { 200 };
                    let outcome = Outcome::Answered { status };
                    cluster.handle_probe(EndpointId(7), outcome, Timestamp::ORIGIN, Timestamp::ORIGIN);
                    cluster.poll_picker()
                });
            });
        }
    }
}

criterion_group!(benches, pick, rebuild);
criterion_main!(benches);
