//! Latency at a fixed rate of requests, from when each was due (not from when it could be sent, which would leave out the
//! wait behind a slow one: coordinated omission).

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::case::Case;
use crate::load::Load;
use crate::running::Running;
use crate::statistics::quantile;

/// Requests a second.
pub(crate) const RATE: u32 = 5000;

/// In microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Measures for that long, after a fifth of it to warm up, on as many connections as the case has.
pub(crate) fn measure(load: &mut Load, proxy: &Running, case: &Case, time: Duration) -> Result<Latency> {
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections)?;
    load.open_loop(&job, RATE, time / 5)?;
    let mut latencies = load.open_loop(&job, RATE, time)?;
    load.close();
    let mut at = |per_mille| quantile(&mut latencies, per_mille).map(|nanoseconds| nanoseconds as f64 / 1e3);
    let none = "no request was made";
    Ok(Latency { p50: at(500).context(none)?, p99: at(990).context(none)? })
}
