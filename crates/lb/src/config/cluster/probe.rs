//! A cluster's `probe`.

use lb_balance::{FirstProbe, ProbePolicy, StatusSet};
use lb_proxy::ProbeConfig;

use crate::config::defaults;
use crate::config::table::Value;

pub(super) fn read(value: &Value<'_>) -> Option<(ProbeConfig, ProbePolicy)> {
    let probe = value.table("probe")?;
    let path = probe.optional("path").map_or(Some(defaults::PROBE_PATH), |path| {
        let text = path.string()?;
        let good = text.starts_with('/') && http::uri::PathAndQuery::try_from(text).is_ok();
        if !good {
            path.problem("this is not a path", "it begins with a slash, as in \"/health\"");
        }
        good.then_some(text)
    });
    let policy = ProbePolicy {
        interval: probe.duration("interval", defaults::PROBE_INTERVAL),
        jitter_percent: defaults::PROBE_JITTER_PERCENT,
        statuses: StatusSet::success(),
        first: FirstProbe::Trust,
        spare_busy: false,
        fall: probe.integer("fall", 1..=100, defaults::PROBE_FALL),
        rise: probe.integer("rise", 1..=100, defaults::PROBE_RISE),
    };
    let timeout = probe.duration("timeout", defaults::PROBE_TIMEOUT);
    probe.finish();
    let path = http::uri::PathAndQuery::try_from(path?).ok()?;
    Some((ProbeConfig { path, timeout }, policy))
}
