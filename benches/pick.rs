//! What a pick costs: round robin over 4 and over 10,000 endpoints, nobody out.
#![allow(missing_docs, reason = "criterion's macro makes public items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lb_balance::{Attempts, Cluster, Endpoint, HealthPolicy, Policy, RetryPolicy, Timestamp};

fn pick(criterion: &mut Criterion) {
    let health = HealthPolicy {
        max_fails: 3,
        fail_window: Duration::from_secs(10),
        eject_time: Duration::from_secs(10),
        max_ejected_percent: 50,
        fail_open: false,
    };
    for count in [4, 10_000] {
        let endpoints = (0..count).map(|n| Endpoint { name: format!("web{n}"), weight: 1 }).collect();
        let policy = Policy { health, probe: None, retries: true };
        let mut cluster = Cluster::new(endpoints, policy, Timestamp::ORIGIN);
        let picker = cluster.poll_picker().expect("a new cluster has a picker to give");
        let retry = RetryPolicy::default();
        criterion.bench_function(&format!("pick/round-robin/{count}"), |bencher| {
            let attempts = Attempts::new(&retry, Timestamp::ORIGIN, true);
            bencher.iter(|| drop(black_box(picker.pick(black_box(&attempts), &mut ()))));
        });
    }
}

criterion_group!(benches, pick);
criterion_main!(benches);
