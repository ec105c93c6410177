//! What a pick costs by each algorithm, over 4 and over 10,000 endpoints, nobody out.
#![allow(missing_docs, reason = "criterion's macro makes public items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lb_balance::{Algorithm, Attempts, Cluster, Endpoint, HealthPolicy, Policy, RetryPolicy, Timestamp};

fn pick(criterion: &mut Criterion) {
    let health = HealthPolicy {
        max_fails: 3,
        fail_window: Duration::from_secs(10),
        eject_time: Duration::from_secs(10),
        max_ejected_percent: 50,
        fail_open: false,
    };
    for algorithm in Algorithm::ALL {
        for count in [4, 10_000] {
            // By its definition it looks at every endpoint.
            if algorithm == Algorithm::LeastRequest && count > 4 {
                continue;
            }
            let endpoints = (0..count).map(|n| Endpoint { name: format!("web{n}"), weight: 1 }).collect();
            let policy = Policy { algorithm, health, probe: None, retries: true };
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

criterion_group!(benches, pick);
criterion_main!(benches);
