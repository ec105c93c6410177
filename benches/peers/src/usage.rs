//! What processes have used, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Kernel ticks a second in `/proc/PID/stat`; Linux has fixed it at 100 for programs.
const TICKS: f64 = 100.0;

/// What some processes have used since they began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// On a CPU, all threads together; exact, from the scheduler.
    pub(crate) total: Duration,
    /// Ready to run while something else had the CPU.
    pub(crate) waited: Duration,
    /// As the kernel splits it between the program and itself, in seconds; its ticks are coarse.
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    /// What was used between an earlier moment and this one.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            waited: self.waited.saturating_sub(earlier.waited),
            user: self.user - earlier.user,
            system: self.system - earlier.system,
        }
    }
}

/// A process and all that came of it.
pub(crate) fn tree(root: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that is gone in the meantime is none of ours.
        let Some(parent) = stat(process).and_then(|fields| fields.get(1)?.parse::<u32>().ok()) else { continue };
        parents.push((process, parent));
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        next += 1;
    }
    Ok(family)
}

/// What these processes have used so far.
pub(crate) fn cpu(processes: &[u32]) -> Result<Cpu> {
    let mut sum = Cpu::default();
    for process in processes {
        for task in fs::read_dir(format!("/proc/{process}/task")).context("a proxy is gone")? {
            // A thread may end while its folder is read; then its time is lost, here and in the next reading.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let mut fields = text.split(' ').map(|field| field.parse().map(Duration::from_nanos));
            let mut next = || fields.next().and_then(Result::ok).context("schedstat begins with two numbers");
            sum.total += next()?;
            sum.waited += next()?;
        }
        let fields = stat(*process).context("a proxy is gone")?;
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
        sum.user += ticks(11).context("stat tells the user's ticks")? / TICKS;
        sum.system += ticks(12).context("stat tells the system's ticks")? / TICKS;
    }
    Ok(sum)
}

/// The memory of these processes, in bytes; what they share is counted once (PSS).
pub(crate) fn memory(processes: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for process in processes {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).context("a proxy is gone")?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("smaps_rollup tells the PSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("the PSS is a number")?;
        sum += kib * 1024;
    }
    Ok(sum)
}

/// The fields after the program's name, which may hold spaces and parentheses itself; state is the first of them.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(text.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_does_is_counted() {
        let own = [std::process::id()];
        let before = cpu(&own).expect("it can be read");
        let mut sum = 0_u64;
        while cpu(&own).expect("it can be read").since(before).total < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(memory(&own).expect("it can be read") > 100 * 1024);
    }

    #[test]
    fn a_child_belongs_to_the_tree() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("Debian has sleep");
        let tree = tree(std::process::id()).expect("it can be read");
        child.kill().expect("it is ours");
        child.wait().expect("it was there");
        assert!(tree.contains(&child.id()));
    }
}
