//! What expectations are held against, however it was measured.

use crate::simulation::{Latencies, Summary};

/// Times are in milliseconds, rates from 0 to 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) success_rate: f64,
    pub(crate) error_rate: f64,
    pub(crate) latency_ms: Latencies,
    pub(crate) attempts_per_request: f64,
    pub(crate) retries_per_request: f64,
    pub(crate) ejections: u64,
    /// From the beginning of what goes wrong to the last failed request before the next thing goes wrong: the longest.
    pub(crate) recovery_ms: f64,
}

impl From<&Summary> for Figures {
    fn from(summary: &Summary) -> Self {
        Self {
            requests: summary.requests,
            success_rate: summary.success_rate,
            error_rate: summary.error_rate,
            latency_ms: summary.latency_ms,
            attempts_per_request: summary.attempts_per_request,
            retries_per_request: summary.retries_per_request,
            ejections: summary.ejections,
            recovery_ms: summary.recovery_ms,
        }
    }
}
