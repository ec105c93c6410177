//! The clusters whose picks and pickers are measured.

use std::collections::VecDeque;
use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use criterion::BatchSize;
use lb_balance::{
    Algorithm, Attempts, Cluster, Endpoint, EndpointId, FirstProbe, HealthPolicy, Outcome, Picker, Policy, ProbePolicy,
    RetryBudget, RetryPolicy, StatusSet, Timestamp, Wish, hash_key,
};

use super::Group;

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

#[derive(Clone, Copy)]
pub(super) enum Weights {
    Equal,
    OneToTen,
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "equal-weights",
            Self::OneToTen => "weights-1-to-10",
        })
    }
}

/// Picks, one after another, each ended as soon as so many others have begun. Requests by key have a new one each, and
/// its hashing is part of it.
pub(super) fn pick(group: &mut Group<'_>, name: &str, algorithm: Algorithm, count: u32, in_flight: usize) {
    let now = Timestamp::ORIGIN + Duration::from_mins(1);
    let mut cluster = Cluster::new(endpoints(count, Weights::Equal), policy(algorithm), now, 1);
    let picker = cluster.poll_picker(now).expect("a new cluster has a picker to give");
    let by_key = algorithm.is_hash();
    note_latencies(&picker, count, now);
    let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    let attempts = Attempts::new(&retry, &budget, now, true);
    let mut entropy = 1u64;
    let mut leases = VecDeque::with_capacity(in_flight + 1);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            entropy = entropy.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = by_key.then(|| hash_key(black_box(&entropy.to_le_bytes())));
            let wish = Wish { key, ..Wish::new(black_box(&attempts), now, entropy) };
            let lease = black_box(picker.pick(&wish, &mut ()));
            if in_flight == 0 {
                return;
            }
            leases.push_back(lease);
            if leases.len() > in_flight {
                drop(leases.pop_front());
            }
        });
    });
}

/// A belief changes: one of the endpoints goes down, or is up again. The end of a picker is part of it.
pub(super) fn rebuild(group: &mut Group<'_>, name: &str, algorithm: Algorithm, count: u32, weights: Weights) {
    let now = Timestamp::ORIGIN;
    let mut cluster = Cluster::new(endpoints(count, weights), policy(algorithm), now, 1);
    let mut status = 200;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            status = if status == 200 { 503 } else { 200 };
            cluster.handle_probe(EndpointId(7), Outcome::Answered { status }, now, now);
            cluster.poll_picker(now).expect("a belief has changed")
        });
    });
}

/// A new cluster and its first picker.
pub(super) fn build(group: &mut Group<'_>, name: &str, algorithm: Algorithm, count: u32, weights: Weights) {
    let now = Timestamp::ORIGIN;
    group.bench_function(name, |bencher| {
        let build = |endpoints| {
            let mut cluster = Cluster::new(endpoints, policy(algorithm), now, 1);
            let picker = cluster.poll_picker(now).expect("a new cluster has a picker to give");
            (cluster, picker)
        };
        bencher.iter_batched(|| endpoints(count, weights), build, BatchSize::PerIteration);
    });
}

fn endpoints(count: u32, weights: Weights) -> Vec<Endpoint> {
    let weight = |n| match weights {
        Weights::Equal => 1,
        Weights::OneToTen => 1 + n % 10,
    };
    (0..count).map(|n| Endpoint::new(format!("web{n}"), weight(n))).collect()
}

fn policy(algorithm: Algorithm) -> Policy {
    let probe = ProbePolicy {
        interval: Duration::from_secs(1),
        jitter_percent: 0,
        fall: 1,
        rise: 1,
        statuses: StatusSet::success(),
        first: FirstProbe::Trust,
        spare_busy: false,
    };
    Policy {
        algorithm,
        bound_percent: 0,
        health: HEALTH,
        probe: Some(probe),
        retries: true,
        slow_start: Duration::ZERO,
    }
}

/// Each endpoint has answered once, within 1 to 20 ms.
fn note_latencies(picker: &Picker, count: u32, now: Timestamp) {
    for id in 0..count {
        let lease = picker.pick_pinned(EndpointId(id)).expect("there is one of that number");
        lease.note_latency(Duration::from_millis(1 + u64::from(id * 7 % 20)), now);
    }
}
