//! A proxy that runs: pinned to its core, in a folder of its own, gone when this is dropped.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::load::ENDPOINTS;
use crate::page::Page;
use crate::peers::{Peer, Programs, Setup};
use crate::usage;

/// How long a proxy may take to listen; in valgrind it takes seconds.
const START: Duration = Duration::from_secs(30);

/// How long it may take to stop by itself.
const STOP: Duration = Duration::from_secs(10);

/// How a proxy is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Plain,
    Logs,
    /// In callgrind, which writes its count when the proxy ends.
    Callgrind,
}

/// A process and what came of it.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    // Closed first.
    page: Option<Page>,
}

impl Running {
    /// Starts a proxy on that core, and waits until it listens.
    pub(crate) fn start(
        peer: Peer,
        mode: Mode,
        programs: &Programs,
        endpoints: [SocketAddr; ENDPOINTS],
        core: usize,
    ) -> Result<Self> {
        let line = |setup: &Setup<'_>| {
            let mut line = peer.command(programs, setup)?;
            if mode == Mode::Callgrind {
                if peer == Peer::Nginx {
                    // The worker's code is the same in a single process, and that process is the one that counts.
                    line.extend(["-g", "master_process off;"].map(str::to_owned));
                }
                let count = format!("--callgrind-out-file={}", setup.folder.join("callgrind").display());
                let valgrind = ["valgrind", "--tool=callgrind", "--quiet", "--max-threads=64", &count];
                line.splice(0..0, valgrind.map(str::to_owned));
            }
            Ok(line)
        };
        let mut running = Self::of(line, mode == Mode::Logs, endpoints, core)
            .with_context(|| format!("{} does not start", peer.name()))?;
        if peer.is_watched() {
            running.watch()?;
        }
        Ok(running)
    }

    /// Starts what this line says once it knows where and with what, and waits until it listens.
    pub(crate) fn of(
        line: impl FnOnce(&Setup<'_>) -> Result<Vec<String>>,
        logs: bool,
        endpoints: [SocketAddr; ENDPOINTS],
        core: usize,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("peers-").tempdir()?;
        // The kernel gives a free port, and another program may take it before the proxy does; then that does not start.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let line = line(&Setup { listen: address, endpoints, folder: folder.path(), logs })?;
        let output = File::create(folder.path().join("output"))?;
        let child = Command::new("setpriv")
            // Should this program be killed, the kernel ends the proxy.
            .args(["--pdeathsig", "TERM", "taskset", "--cpu-list", &core.to_string()])
            .args(&line)
            .current_dir(folder.path())
            .env("GOMAXPROCS", "1")
            .env("HOME", folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("setpriv and taskset are in Debian's util-linux")?;
        let mut running = Self { child, address, folder, page: None };
        running.wait_until_it_listens()?;
        Ok(running)
    }

    /// Opens the page of an `lb`, as somebody's browser would.
    pub(crate) fn watch(&mut self) -> Result<()> {
        self.page = Some(Page::open(self.address)?);
        Ok(())
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}: {}", self.output());
            }
            if began.elapsed() > START {
                bail!("it does not listen after {} s: {}", START.as_secs(), self.output());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What it has said.
    fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }

    /// It and all that came of it.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        usage::tree(self.child.id())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let processes = self.processes().unwrap_or_default();
        signal(self.child.id(), Signal::TERM);
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > STOP {
                for process in processes {
                    signal(process, Signal::KILL);
                }
                self.child.wait()?;
                bail!("a proxy did not end within {} s", STOP.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.page = None;
        // Nobody is left to be told that it had to be killed; it is gone in either case.
        let _stopped = self.stop();
    }
}

/// A process that is gone already needs no signal.
pub(crate) fn signal(process: u32, signal: Signal) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let _gone = process.map(|process| kill_process(process, signal));
}
