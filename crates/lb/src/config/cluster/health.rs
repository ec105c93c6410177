//! A cluster's `health`.

use lb_balance::HealthPolicy;

use crate::config::defaults;
use crate::config::table::Table;

pub(super) fn read(table: &Table<'_>) -> HealthPolicy {
    let mut policy = HealthPolicy {
        max_fails: u32::try_from(defaults::MAX_FAILS).unwrap_or(u32::MAX),
        fail_window: defaults::FAIL_WINDOW,
        max_fails_in_a_row: 0,
        outliers: None,
        eject_time: defaults::EJECT_TIME,
        max_eject_time: defaults::MAX_EJECT_TIME,
        eject_jitter_percent: defaults::EJECT_JITTER_PERCENT,
        max_ejected_percent: u8::try_from(defaults::MAX_EJECTED_PERCENT).unwrap_or(u8::MAX),
        fail_open: false,
    };
    if let Some(health) = table.optional("health").and_then(|value| value.table("health")) {
        let max_fails = health.integer("max-fails", 0..=1000, defaults::MAX_FAILS);
        policy.max_fails = u32::try_from(max_fails).unwrap_or(u32::MAX);
        policy.fail_window = health.duration("fail-window", defaults::FAIL_WINDOW);
        policy.eject_time = health.duration("eject-time", defaults::EJECT_TIME);
        policy.max_eject_time = health.duration("max-eject-time", defaults::MAX_EJECT_TIME);
        let jitter = health.optional("eject-jitter").and_then(|value| value.percent());
        policy.eject_jitter_percent =
            jitter.and_then(|percent| percent.try_into().ok()).unwrap_or(defaults::EJECT_JITTER_PERCENT);
        let max_ejected = health.optional("max-ejected").and_then(|value| value.percent());
        policy.max_ejected_percent =
            u8::try_from(max_ejected.unwrap_or(defaults::MAX_EJECTED_PERCENT)).unwrap_or(u8::MAX);
        policy.fail_open = health.optional("fail-open").and_then(|value| value.boolean()).unwrap_or(false);
        health.finish();
    }
    policy
}
