//! Latency at a fixed rate of requests, from when each was due (not from when it could be sent, which would leave out the
//! wait behind a slow one: coordinated omission).

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::case::Case;
use crate::load::Load;
use crate::running::Running;
use crate::statistics::quantile;
use crate::usage;

/// Requests a second.
pub(crate) const RATE: u32 = 5000;

/// In microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// How long the load, and the proxy, waited for their cores, in milliseconds a second. The load is one thread that never
    /// sleeps here, so when it waits, something else runs on this machine, and latencies tell of that.
    pub(crate) load_waited: f64,
    pub(crate) proxy_waited: f64,
}

/// Measures for that long, after a fifth of it to warm up, on as many connections as the case has.
pub(crate) fn measure(load: &mut Load, proxy: &Running, case: &Case, time: Duration) -> Result<Latency> {
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections)?;
    load.open_loop(&job, RATE, time / 5)?;
    let (own, processes) = ([std::process::id()], proxy.processes()?);
    let before = (usage::cpu(&own)?, usage::cpu(&processes)?);
    let mut latencies = load.open_loop(&job, RATE, time)?;
    let load_waited = usage::cpu(&own)?.since(before.0).waited;
    let proxy_waited = usage::cpu(&processes)?.since(before.1).waited;
    load.close();
    let a_second = |waited: Duration| waited.as_secs_f64() * 1e3 / time.as_secs_f64();
    let mut at = |per_mille| quantile(&mut latencies, per_mille).map(|nanoseconds| nanoseconds as f64 / 1e3);
    let none = "no request was made";
    Ok(Latency {
        p50: at(500).context(none)?,
        p99: at(990).context(none)?,
        load_waited: a_second(load_waited),
        proxy_waited: a_second(proxy_waited),
    })
}
