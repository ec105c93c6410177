//! What a cluster has where its keys say nothing.

use std::num::NonZeroU32;
use std::time::Duration;

use lb_balance::{BudgetPolicy, HealthPolicy, RetryOn, RetryPolicy};
use lb_proxy::Timeouts;

use crate::config::defaults;
use crate::config::table::Table;

/// The defaults of one cluster.
pub(super) struct Preset {
    pub(super) retry: RetryPolicy,
    pub(super) budget: Option<BudgetPolicy>,
    pub(super) health: HealthPolicy,
    pub(super) timeouts: Timeouts,
}

impl Preset {
    /// The one that the cluster names, else `lb`'s own.
    pub(super) fn read(cluster: &Table<'_>) -> Self {
        let Some(value) = cluster.optional("preset") else { return Self::own() };
        match value.string() {
            Some("nginx") => return Self::nginx(),
            Some(name) => value.problem(&format!("there is no preset {name:?}"), "it takes \"nginx\""),
            None => {}
        }
        Self::own()
    }

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
                request: None,
                tunnel: defaults::TUNNEL_TIMEOUT,
            },
        }
    }

    /// nginx's, as far as `lb` has them (`ngx_http_upstream_module`, `ngx_http_proxy_module` 1.22).
    pub(super) fn nginx() -> Self {
        // `fail_timeout` is both the window and the time that an endpoint is out.
        let fail_timeout = Duration::from_secs(10);
        // `proxy_connect_timeout`, `proxy_read_timeout`.
        let proxy_timeout = Duration::from_mins(1);
        let own = Self::own();
        Self {
            retry: RetryPolicy {
                // `proxy_next_upstream error timeout`.
                on: RetryOn { error: true, timeout: true, ..RetryOn::default() },
                // `proxy_next_upstream_tries 0`: every endpoint once; no cluster may say more here either.
                attempts: const { NonZeroU32::new(100).expect("it is not zero") },
                // `proxy_next_upstream_timeout 0`: none, which is a day here.
                timeout: Duration::from_hours(24),
                non_idempotent: false,
                backoff: Duration::ZERO,
            },
            budget: None,
            health: HealthPolicy {
                max_fails: 1,
                fail_window: fail_timeout,
                max_fails_in_a_row: 0,
                outliers: None,
                eject_time: fail_timeout,
                max_eject_time: fail_timeout,
                eject_jitter_percent: 0,
                max_ejected_percent: 100,
                fail_open: false,
            },
            timeouts: Timeouts {
                connect: proxy_timeout,
                response: proxy_timeout,
                attempt: None,
                body: proxy_timeout,
                ..own.timeouts
            },
        }
    }
}
