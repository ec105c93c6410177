//! CPU time per request, in a closed loop: each connection sends its next request once it has its answer.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::case::Case;
use crate::load::{Load, Until};
use crate::running::Running;
use crate::usage::{self, Cpu};

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// In microseconds, to the nanosecond.
    pub(crate) per_request: f64,
    /// What was used in all.
    pub(crate) used: Cpu,
    /// Answers a second.
    pub(crate) rate: f64,
}

/// Measures for that long, after a fifth of it to warm up.
pub(crate) fn measure(load: &mut Load, proxy: &Running, case: &Case, time: Duration) -> Result<Sample> {
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections)?;
    load.closed_loop(&job, 0..case.connections, Until::Passed(time / 5))?;
    let processes = proxy.processes()?;
    let shares = load.shares();
    let before = usage::cpu(&processes)?;
    let began = std::time::Instant::now();
    let requests = load.closed_loop(&job, 0..case.connections, Until::Passed(time))?;
    let elapsed = began.elapsed();
    let used = usage::cpu(&processes)?.since(before);
    load.close();
    in_turn(shares, load.shares())?;
    let requests = requests as f64;
    Ok(Sample { per_request: used.total.as_secs_f64() * 1e6 / requests, used, rate: requests / elapsed.as_secs_f64() })
}

/// A proxy that does not take the endpoints in turn does other work than the others.
fn in_turn<const N: usize>(before: [u64; N], after: [u64; N]) -> Result<()> {
    let had = std::array::from_fn::<u64, N, _>(|index| after[index] - before[index]);
    let (least, most) = had.iter().fold((u64::MAX, 0), |(least, most), had| (least.min(*had), most.max(*had)));
    ensure!(most - least <= 8 + most / 50, "the endpoints did not have equal shares: {had:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_differ_are_noticed() {
        assert!(in_turn([5, 5, 5, 5], [1005, 1006, 1004, 1005]).is_ok());
        assert!(in_turn([5, 5, 5, 5], [1005, 1305, 705, 1005]).is_err());
    }
}
