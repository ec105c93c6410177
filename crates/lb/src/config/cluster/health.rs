//! A cluster's `health`.

use lb_balance::{HealthPolicy, OutlierPolicy};

use crate::config::defaults;
use crate::config::table::{Table, Value};

pub(super) fn read(table: &Table<'_>, preset: HealthPolicy) -> HealthPolicy {
    let Some(health) = table.optional("health").and_then(|value| value.table("health")) else { return preset };
    let eject_time = health.duration("eject-time", preset.eject_time);
    // Times that do not double do not begin to when they are others.
    let doubles = preset.max_eject_time > preset.eject_time;
    let longest = if doubles { preset.max_eject_time.max(eject_time) } else { eject_time };
    let policy = HealthPolicy {
        max_fails: health.integer("max-fails", 0..=1000, preset.max_fails),
        fail_window: health.duration("fail-window", preset.fail_window),
        max_fails_in_a_row: health.integer("max-fails-in-a-row", 0..=1000, preset.max_fails_in_a_row),
        outliers: health.optional("outliers").and_then(|value| read_outliers(&value)).or(preset.outliers),
        eject_time,
        max_eject_time: health.duration("max-eject-time", longest),
        eject_jitter_percent: health.share("eject-jitter", preset.eject_jitter_percent),
        max_ejected_percent: health.share("max-ejected", preset.max_ejected_percent),
        fail_open: health.boolean("fail-open", preset.fail_open),
    };
    if let Some(value) = health.optional("max-eject-time").filter(|_| policy.max_eject_time < eject_time) {
        let hint = "make it as long at least; where both are the same, relapses do not double the time";
        value.problem("max-eject-time is shorter than eject-time", hint);
    }
    health.finish();
    policy
}

fn read_outliers(value: &Value<'_>) -> Option<OutlierPolicy> {
    let table = value.table("outliers")?;
    let default = defaults::OUTLIERS;
    let deviations = table.optional("deviations").and_then(|value| value.tenths(1..=100));
    let policy = OutlierPolicy {
        interval: table.duration("interval", default.interval),
        min_requests: table.integer("min-requests", 1..=1_000_000, default.min_requests),
        min_endpoints: table.integer("min-endpoints", 2..=10_000, default.min_endpoints),
        tenths_of_deviation: deviations.unwrap_or(default.tenths_of_deviation),
    };
    table.finish();
    Some(policy)
}
