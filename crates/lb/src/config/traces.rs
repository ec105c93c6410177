//! `[traces]`: which requests' decisions are kept.

use super::defaults;
use super::table::Table;

/// Which requests are traced though nothing was wrong with them, and how many traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TracesConfig {
    /// Of all requests, 0 to 1.
    pub(crate) sample: f64,
    /// So many of each kind.
    pub(crate) keep: usize,
}

pub(super) fn read(top: &Table<'_>) -> TracesConfig {
    let mut config = TracesConfig { sample: defaults::TRACES_SAMPLE, keep: defaults::TRACES_KEPT };
    if let Some(table) = top.optional("traces").and_then(|value| value.table("traces")) {
        if let Some(sample) = table.optional("sample").and_then(|value| value.fraction()) {
            config.sample = sample;
        }
        let keep = table.optional("keep").and_then(|value| value.integer(0..=100_000));
        config.keep = keep.and_then(|keep| usize::try_from(keep).ok()).unwrap_or(config.keep);
        table.finish();
    }
    config
}
