//! Plays a line: the backends it breaks, the surroundings of the proxy, the load, and what came of it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::backends::{Backends, Become, Blackhole};
use super::exchange::Outcome;
use super::line::{Act, Line, Surroundings};
use super::load::{Load, Sent};
use super::{load, slow};

/// Where a line is played.
pub(crate) struct Stage {
    line: Line,
    backends: Backends,
    blackhole: Option<Blackhole>,
    folder: tempfile::TempDir,
}

/// What came of a line.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) ok: usize,
    pub(crate) failed: usize,
    /// Of those, the ones that were due when everybody has had the time to notice that nothing is broken any more.
    pub(crate) failed_late: usize,
    pub(crate) garbage: usize,
    pub(crate) truncated: usize,
    /// POSTs that were executed more than once.
    pub(crate) executed_twice: usize,
    /// How many requests met a backend that was told to do wrong.
    pub(crate) struck: usize,
    /// How many, by what was wrong.
    pub(crate) reasons: BTreeMap<String, usize>,
    pub(crate) slowest: Duration,
    /// Whether new clients are served well once nothing is broken any more.
    pub(crate) recovered: bool,
    /// The most memory that the proxy's processes had at a time, each for itself, added up; in KiB.
    pub(crate) peak_kib: usize,
}

impl Stage {
    pub(crate) fn new(line: Line, become_one: Become) -> Self {
        let blackhole = (line.surroundings == Surroundings::Blackhole).then(Blackhole::new);
        let folder = tempfile::tempdir().expect("a folder for a clock");
        let stage = Self { line, backends: Backends::start(become_one), blackhole, folder };
        stage.set_clock(0);
        stage
    }

    /// Where the proxy is to find its endpoints.
    pub(crate) fn endpoints(&self) -> [SocketAddr; 3] {
        let mut addresses = self.backends.each.each_ref().map(super::backends::Backend::address);
        if let Some(blackhole) = &self.blackhole {
            addresses[2] = blackhole.address();
        }
        addresses
    }

    /// Words to put before the proxy's command, each a command that becomes the one behind it.
    pub(crate) fn wrapper(&self) -> Vec<String> {
        match self.line.surroundings {
            Surroundings::Descriptors(count) => vec!["prlimit".to_owned(), format!("--nofile={count}:{count}")],
            Surroundings::Memory(mib) => vec!["prlimit".to_owned(), format!("--as={}", u64::from(mib) << 20)],
            Surroundings::OwnClock => {
                // Only what tells the date is changed, as when somebody sets the clock; and each look at it looks anew.
                let own = ["DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1"].map(str::to_owned);
                let file = format!("FAKETIME_TIMESTAMP_FILE={}", self.clock().display());
                let preload = format!("LD_PRELOAD={}", library());
                [vec!["env".to_owned()], own.to_vec(), vec![file, preload]].concat()
            }
            Surroundings::Usual | Surroundings::FullDisk | Surroundings::Blackhole => Vec::new(),
        }
    }

    fn clock(&self) -> std::path::PathBuf {
        self.folder.path().join("clock")
    }

    fn set_clock(&self, seconds: i32) {
        let (new, file) = (self.folder.path().join("new"), self.clock());
        // In one step, since it is read at any moment.
        std::fs::write(&new, format!("{seconds:+}s\n")).expect("the clock can be written");
        std::fs::rename(new, file).expect("it can be put in its place");
    }

    /// Plays the line against the proxy at `address`, whose first process is `pid`.
    pub(crate) fn play(&mut self, address: SocketAddr, pid: u32) -> Tally {
        let plan = self.line.load;
        let mut tally = if let Surroundings::Memory(_) = self.line.surroundings {
            Tally::of(slow::run(address, plan), Duration::MAX)
        } else {
            let (said, start) = mpsc::channel();
            let load = std::thread::spawn(move || {
                load::run(address, plan, |start| said.send(start).expect("the acts wait for the start"))
            });
            let start = start.recv().expect("the load begins");
            self.act(start, address);
            // Measured, since a backend that is brought back takes as long as it takes.
            let acted = start.elapsed();
            let late = self.line.well_after.map_or(Duration::MAX, |grace| acted + grace);
            Tally::of(load.join().expect("the load does not panic"), late)
        };
        self.backends.settle();
        tally.executed_twice = self.backends.executed_twice();
        tally.struck = self.backends.struck();
        tally.peak_kib = peak(pid);
        tally.recovered = recovers(address, plan);
        tally
    }

    fn act(&mut self, start: Instant, address: SocketAddr) {
        let mut crowd = Vec::new();
        for (at, act) in self.line.acts.clone() {
            // A script in time, which waits for nothing but its moment.
            std::thread::sleep((start + Duration::from_millis(at)).saturating_duration_since(Instant::now()));
            let each = &mut self.backends.each;
            match act {
                Act::Kill(backend) => each[backend].kill(),
                Act::Restart(backend) => each[backend].restart(),
                Act::Stop(backend) => each[backend].signal("STOP"),
                Act::Continue(backend) => each[backend].signal("CONT"),
                Act::Fault(backend, fault) => each[backend].set(fault),
                Act::FaultEverywhere(fault) => each.iter_mut().for_each(|backend| backend.set(fault)),
                Act::Crowd(count) => crowd.extend((0..count).map(|_| {
                    // Each in a thread of its own: a proxy may let them wait, or not have them at all.
                    std::thread::spawn(move || TcpStream::connect_timeout(&address, Duration::from_secs(2)))
                })),
                Act::Leave => crowd.drain(..).for_each(|thread| drop(thread.join())),
                Act::Clock(seconds) => self.set_clock(seconds),
            }
        }
    }
}

impl Tally {
    /// How many were sent.
    pub(crate) fn requests(&self) -> usize {
        self.ok + self.failed + self.garbage + self.truncated
    }

    fn of(sent: Vec<Sent>, late: Duration) -> Self {
        let mut tally = Self::default();
        for Sent { due, took, outcome } in sent {
            let reason = match outcome {
                Outcome::Ok => {
                    tally.ok += 1;
                    tally.slowest = tally.slowest.max(took);
                    continue;
                }
                Outcome::Failed(reason) => {
                    tally.failed += 1;
                    tally.failed_late += usize::from(due > late);
                    reason
                }
                Outcome::Garbage(reason) => {
                    tally.garbage += 1;
                    format!("garbage: {reason}")
                }
                Outcome::Truncated => {
                    tally.truncated += 1;
                    "silently truncated".to_owned()
                }
            };
            *tally.reasons.entry(reason).or_default() += 1;
        }
        tally
    }
}

/// Twenty requests in a row that succeed, on connections of their own, are a recovery; there is half a minute for it.
fn recovers(address: SocketAddr, plan: Load) -> bool {
    let deadline = Instant::now() + Duration::from_secs(30);
    let again = Load { method: "GET", rate: 100, time: Duration::from_millis(200), connections: 0, size: 1000, ..plan };
    while Instant::now() < deadline {
        let patience = Duration::from_secs(5);
        if load::run(address, Load { patience, ..again }, drop).iter().all(|sent| sent.outcome == Outcome::Ok) {
            return true;
        }
    }
    false
}

/// Where Debian has the library that sets a process's clock.
fn library() -> String {
    let known = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"));
    let there = known.into_iter().find(|path| std::path::Path::new(path).exists());
    there.expect("libfaketime is there. hint: apt-get install faketime")
}

/// The peak of the resident memory of a process and its children.
fn peak(pid: u32) -> usize {
    let children = Command::new("pgrep").args(["-P", &pid.to_string()]).output().expect("there is a pgrep command");
    let children = String::from_utf8_lossy(&children.stdout).into_owned();
    let all = children.lines().map(str::to_owned).chain([pid.to_string()]);
    all.filter_map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok()
    })
    .sum()
}
