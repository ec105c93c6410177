//! What the process uses, as the kernel tells it. What it does not tell is left out.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// What the process uses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_descriptors: Option<u64>,
    pub(super) most_descriptors: Option<u64>,
}

impl Process {
    pub(crate) fn read() -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            cpu_seconds: Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9),
            resident_bytes: resident_bytes(),
            open_descriptors: open_descriptors(),
            most_descriptors: getrlimit(Resource::Nofile).current,
        }
    }
}

/// Since Linux 6.2 the folder says how many there are; before, they have to be counted, without the one that counting takes.
fn open_descriptors() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    match fs::metadata(FOLDER).ok()?.len() {
        0 => fs::read_dir(FOLDER).ok().map(|open| (open.count() as u64).saturating_sub(1)),
        count => Some(count),
    }
}

/// By `/proc/self/smaps_rollup` it would be exact, and slow; `VmRSS` is what everybody shows.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
