//! Worlds to begin from.

use std::time::Duration;

use lb_balance::{Algorithm, Endpoint, HealthPolicy, Policy, RetryPolicy};
use lb_sim::{Arrivals, BalancerConfig, Capacity, Distribution, Script, Setup};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// One balancer before so many endpoints; nothing is retried, ejected or probed.
pub(crate) fn setup(algorithm: Algorithm, endpoints: u32) -> Setup {
    let health = HealthPolicy {
        max_fails: 0,
        fail_window: 10 * SECOND,
        max_fails_in_a_row: 0,
        outliers: None,
        eject_time: 10 * SECOND,
        max_eject_time: 10 * SECOND,
        eject_jitter_percent: 0,
        max_ejected_percent: 50,
        fail_open: false,
    };
    let policy =
        Policy { algorithm, bound_percent: 0, health, probe: None, retries: false, slow_start: Duration::ZERO };
    let script = Script { latency: Distribution::Exponential(SECOND / 100), capacity: Capacity::Unlimited };
    Setup {
        balancer: BalancerConfig {
            endpoints: (0..endpoints).map(|n| Endpoint::new(format!("e{n}"), 1)).collect(),
            policy,
            retry: RetryPolicy::default(),
            budget: None,
            attempt_timeout: Duration::from_hours(24),
            probe_timeout: SECOND,
            reference: None,
        },
        balancers: 1,
        scripts: vec![script; endpoints as usize],
        faults: Vec::new(),
        arrivals: Arrivals::Open { per_second: 1000.0 },
        rates: Vec::new(),
        patience: None,
        idempotent: true,
        length: 60 * SECOND,
        warm_up: Duration::ZERO,
        seed: 1,
    }
}
