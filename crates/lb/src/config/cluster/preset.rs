//! What a cluster has where its keys say nothing.

use std::num::NonZeroU32;

use lb_balance::{BudgetPolicy, HealthPolicy, RetryPolicy};
use lb_proxy::Timeouts;

use crate::config::defaults;

/// The defaults of one cluster.
pub(super) struct Preset {
    pub(super) retry: RetryPolicy,
    pub(super) budget: Option<BudgetPolicy>,
    pub(super) health: HealthPolicy,
    pub(super) timeouts: Timeouts,
}

impl Preset {
    /// `lb`'s own.
    pub(super) fn own() -> Self {
        Self {
            retry: RetryPolicy {
                on: defaults::retry_on(),
                attempts: NonZeroU32::new(defaults::ATTEMPTS).unwrap_or(NonZeroU32::MIN),
                timeout: defaults::RETRY_TIMEOUT,
                non_idempotent: false,
                backoff: defaults::BACKOFF,
            },
            budget: Some(defaults::BUDGET),
            health: HealthPolicy {
                max_fails: defaults::MAX_FAILS,
                fail_window: defaults::FAIL_WINDOW,
                max_fails_in_a_row: defaults::MAX_FAILS_IN_A_ROW,
                outliers: None,
                eject_time: defaults::EJECT_TIME,
                max_eject_time: defaults::MAX_EJECT_TIME,
                eject_jitter_percent: defaults::EJECT_JITTER_PERCENT,
                max_ejected_percent: defaults::MAX_EJECTED_PERCENT,
                fail_open: defaults::FAIL_OPEN,
            },
            timeouts: Timeouts {
                connect: defaults::CONNECT_TIMEOUT,
                response: defaults::RESPONSE_TIMEOUT,
                attempt: defaults::ATTEMPT_TIMEOUT,
                body: defaults::BODY_TIMEOUT,
                idle: defaults::IDLE_TIMEOUT,
            },
        }
    }
}
