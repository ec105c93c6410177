//! Memory per idle connection: ten thousand clients, each of which has had one answer and stays.

use std::time::Duration;

use anyhow::Result;

use crate::case::Case;
use crate::load::{Load, Until};
use crate::running::Running;
use crate::usage;

/// So many idle connections.
pub(crate) const IDLE: usize = 10_000;

/// In bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Of the whole proxy, before the idle connections: it has served on as many connections as the case has, which are
    /// closed.
    pub(crate) before: f64,
    /// Of the whole proxy with the idle connections.
    pub(crate) after: f64,
    /// Of the whole proxy with the idle connections, while it serves others.
    pub(crate) serving: f64,
}

/// Measures a proxy that has just been started.
pub(crate) fn measure(load: &mut Load, proxy: &Running, case: &Case) -> Result<Memory> {
    let processes = proxy.processes()?;
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections)?;
    load.closed_loop(&job, 0..case.connections, Until::Requests(5000))?;
    load.close();
    let before = usage::memory(&processes)?;
    load.open(&job, IDLE)?;
    let after = usage::memory(&processes)?;
    load.open(&job, case.connections)?;
    load.closed_loop(&job, IDLE..IDLE + case.connections, Until::Passed(Duration::from_secs(1)))?;
    let serving = usage::memory(&processes)?;
    // All of the idle ones are still there, and still served: each asks once more, a few at a time, so that a proxy need
    // not hold as many connections to the endpoints.
    for first in (0..IDLE).step_by(case.connections) {
        let some = first..(first + case.connections).min(IDLE);
        load.closed_loop(&job, some.clone(), Until::Requests(some.len()))?;
    }
    load.close();
    Ok(Memory { before: before as f64, after: after as f64, serving: serving as f64 })
}
