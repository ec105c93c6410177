//! What becomes of requests when something breaks: `lb`, nginx and `HAProxy` under the same faults, in one table.
//!
//! `benches/faults/run` builds what is needed and calls this. The backends, the load and the lines themselves are those
//! of the end-to-end tests, which hold `lb` to what this only measures.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what is measured are real processes in real time; threads share what they saw"
)]

mod args;
#[path = "../../../tests/faults/backend.rs"]
mod backend;
#[path = "../../../tests/faults/backends.rs"]
mod backends;
#[path = "../../../tests/faults/exchange.rs"]
mod exchange;
#[path = "../../../tests/faults/line.rs"]
mod line;
#[path = "../../../tests/faults/load.rs"]
mod load;
#[path = "../../../tests/faults/message.rs"]
mod message;
mod page;
mod peers;
#[path = "../../../tests/faults/slow.rs"]
mod slow;
#[path = "../../../tests/faults/stage.rs"]
mod stage;

use std::process::{Command, ExitCode};
use std::time::Instant;

use args::Args;
use line::Line;
use peers::{Peer, Running};
use stage::{Stage, Tally};

/// A line and what came of it at each proxy.
struct Row {
    line: Line,
    /// `None` where the proxy ended at once.
    tallies: Vec<(Peer, Option<Tally>)>,
}

fn main() -> ExitCode {
    let args = match Args::read(std::env::args().skip(1)) {
        Ok(Args::Backend { port }) => {
            backend::serve(port);
            return ExitCode::SUCCESS;
        }
        Ok(args) => args,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let Args::Compare { lb, peers, only, write } = args else { unreachable!("backends have returned") };
    let begin = Instant::now();
    let lines = all().into_iter().filter(|line| only.as_ref().is_none_or(|only| line.name.contains(only.as_str())));
    let rows = lines.map(|line| row(line, &peers, &lb)).collect::<Vec<_>>();
    eprintln!("{} lines in {} s", rows.len(), begin.elapsed().as_secs());
    if let Some(path) = write {
        let page = page::page(&rows, &peers, &lb, begin.elapsed());
        std::fs::write(&path, page).expect("the page can be written");
        eprintln!("wrote {}", path.display());
    }
    ExitCode::SUCCESS
}

/// In the order of the table.
fn all() -> Vec<Line> {
    vec![
        line::killed(),
        line::stopped(),
        line::blackhole(),
        line::reset_before_answer(),
        line::busy(),
        line::slow(),
        line::garbage(),
        line::stale(),
        line::stale_post(),
        line::reset_post(),
        line::extra_answer(),
        line::cut_in_mid_body(),
        line::all_away(),
        line::descriptors(),
        line::descriptors_without_keep_alive(),
        line::memory(),
        line::full_disk(),
        line::clock(),
    ]
}

fn row(line: Line, peers: &[Peer], lb: &std::path::Path) -> Row {
    let mut tallies = Vec::new();
    for &peer in peers {
        let mut stage = Stage::new(line.clone(), backend);
        let proxy = Running::start(peer, lb, &line, &stage);
        let tally = proxy.map(|proxy| stage.play(proxy.address(), proxy.pid()));
        let cell = page::cell(&line, tally.as_ref());
        eprintln!("{:26} {:8} {}", line.name, peer.name(), cell);
        for (reason, count) in tally.iter().flat_map(|tally| &tally.reasons) {
            eprintln!("{:36}{count} × {reason}", "");
        }
        tallies.push((peer, tally));
    }
    Row { line, tallies }
}

/// This program as a backend. One that is stopped would not notice that nobody gives it orders any more.
fn backend(port: u16) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=KILL").arg(std::env::current_exe().expect("this program has a path"));
    command.args(["backend", &port.to_string()]);
    command
}
