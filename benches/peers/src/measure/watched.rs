//! CPU time per request at a fixed rate, as it is in production, where what happens once a second counts, too.

use std::time::Duration;

use anyhow::Result;

use crate::case::Case;
use crate::load::Load;
use crate::running::Running;
use crate::usage;

/// Requests a second.
pub(crate) const RATE: u32 = 2000;

/// Measures for five times that long, since a second is little of what happens once a second; in microseconds.
pub(crate) fn measure(load: &mut Load, proxy: &Running, case: &Case, time: Duration) -> Result<f64> {
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections)?;
    load.open_loop(&job, RATE, time / 2)?;
    let processes = proxy.processes()?;
    let before = usage::cpu(&processes)?;
    let answered = load.open_loop(&job, RATE, time * 5)?;
    let used = usage::cpu(&processes)?.since(before);
    load.close();
    Ok(used.total.as_secs_f64() * 1e6 / answered.len() as f64)
}
