//! User instructions per request, counted by valgrind: the difference between two runs of different length, so that
//! starting and stopping cancel out.

use std::fs;

use anyhow::{Context as _, Result};

use crate::case::Case;
use crate::load::{Load, Until};
use crate::peers::{Peer, Programs};
use crate::running::{Mode, Running};

/// Requests in both runs before the difference begins: pools are full then, and tables grown.
const WARM: usize = 600;

/// Counts over so many requests.
pub(crate) fn count(
    load: &mut Load,
    peer: Peer,
    programs: &Programs,
    core: usize,
    case: &Case,
    requests: usize,
) -> Result<f64> {
    let mut run = |requests| -> Result<u64> {
        let mut proxy = Running::start(peer, Mode::Callgrind, programs, load.endpoints(), core)?;
        let job = load.job(case, proxy.address);
        load.open(&job, case.connections)?;
        load.closed_loop(&job, 0..case.connections, Until::Requests(requests))?;
        load.close();
        proxy.stop()?;
        total(&fs::read_to_string(proxy.folder.path().join("callgrind")).context("callgrind has written nothing")?)
            .context("callgrind tells no total")
    };
    let (short, long) = (run(WARM)?, run(WARM + requests)?);
    Ok((long as f64 - short as f64) / requests as f64)
}

/// The sum over all threads, from callgrind's file.
fn total(text: &str) -> Option<u64> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    lines.filter_map(|number| number.trim().parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read() {
        assert_eq!(total("version: 1\nsummary: 120\n\nfn=main\n12 3\n\ntotals: 123\n"), Some(123));
        assert_eq!(total("version: 1\n"), None);
    }
}
