//! What a request costs through `lb`, nginx, HAProxy, Caddy and a Pingora balancer, side by side.
//!
//! ```text
//!  core A: this program                               core B: one proxy at a time
//!  clients ──▶ ─────────────────────────────────────▶ lb | nginx | HAProxy | Caddy | Pingora ──┐
//!  four endpoints ◀────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! It does not say how many requests a second a machine can do: with the load on the same machine that says little. It
//! counts what the proxy uses for each request.

mod arguments;
mod case;
mod load;
mod measure;
mod page;
mod peers;
mod practice;
mod report;
mod results;
mod rounds;
mod running;
mod statistics;
mod usage;
mod wire;

use std::path::absolute;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use self::arguments::Arguments;
use self::load::Load;
use self::peers::Programs;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    raise_descriptors()?;
    let core = take_cores()?;
    let load = Load::new(interrupted)?;
    let programs = Programs {
        lb: absolute(&arguments.lb)?,
        plain: arguments.plain.as_ref().map(absolute).transpose()?,
        pingora: arguments.pingora.as_ref().map(absolute).transpose()?,
    };
    if arguments.practise {
        return practice::run(&programs.lb, load, core);
    }
    let mut versions = Vec::new();
    for peer in arguments.peers() {
        versions.push((peer, peer.version(&programs)?));
    }
    let results = rounds::run(arguments, programs, load, core)?;
    let report = report::text(arguments, &versions, &results)?;
    println!("\n{report}");
    if let Some(path) = &arguments.write {
        std::fs::write(path, &report).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    ensure!(results.failures.is_empty(), "not everything could be measured:\n  {}", results.failures.join("\n  "));
    Ok(())
}

/// As many descriptors as this user may have: ten thousand clients are as many sockets, here and in each proxy.
fn raise_descriptors() -> Result<()> {
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard })?;
    Ok(())
}

/// Keeps this program to the first core that it may use; the last one is for the proxies.
fn take_cores() -> Result<usize> {
    let may = sched_getaffinity(None)?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| may.is_set(*core)).collect();
    ensure!(cores.len() >= 2, "two cores are needed: one for the proxy, one for the load");
    let mut own = CpuSet::new();
    own.set(cores[0]);
    sched_setaffinity(None, &own)?;
    Ok(cores[cores.len() - 1])
}
