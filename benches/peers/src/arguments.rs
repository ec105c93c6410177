//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::case::{CASES, Case};
use crate::peers::Peer;

/// Compares lb with nginx, HAProxy, Caddy and a Pingora balancer: the same work, one worker on one core
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Only these proxies
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::ALL)]
    only: Vec<Peer>,

    /// Only these kinds of work
    #[arg(long, value_parser = Case::named, value_delimiter = ',', default_values = CASES.map(|case| case.name))]
    pub(crate) case: Vec<Case>,

    /// Only these figures
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::ALL)]
    pub(crate) figure: Vec<Kind>,

    /// How often CPU and latency are measured; the order is by chance in each round
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..1000))]
    rounds: u32,

    /// Three short rounds, and no count of instructions: in two minutes, for a first impression
    #[arg(long)]
    pub(crate) quick: bool,

    /// The lb that is measured
    #[arg(long, value_name = "PATH")]
    pub(crate) lb: PathBuf,

    /// Another build of the same lb, measured beside it
    #[arg(long, value_name = "PATH")]
    pub(crate) plain: Option<PathBuf>,

    /// The balancer that is built from Pingora's crates
    #[arg(long, value_name = "PATH", required_unless_present = "practise")]
    pub(crate) pingora: Option<PathBuf>,

    /// Measures nothing: works lb in, for a build that is guided by a profile
    #[arg(long, conflicts_with_all = ["only", "case", "figure", "rounds", "quick", "write"])]
    pub(crate) practise: bool,

    /// Writes the report to this file, too
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "docs/performance.md")]
    pub(crate) write: Option<PathBuf>,
}

/// A kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// CPU time per request
    Cpu,
    /// System calls per request
    Calls,
    /// User instructions per request
    Instructions,
    /// Latency at a fixed rate
    Latency,
    /// Memory per idle connection
    Memory,
    /// CPU time of lb per request at a fixed rate: with everything off, and while it is watched
    Watched,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Cpu, Self::Calls, Self::Instructions, Self::Latency, Self::Memory, Self::Watched];
}

impl Arguments {
    /// The proxies, in the order in which they are told of.
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let mut peers = self.only.clone();
        if self.plain.is_some() {
            let after_lb = peers.iter().position(|peer| *peer == Peer::Lb).map_or(0, |lb| lb + 1);
            peers.insert(after_lb, Peer::LbPlain);
        }
        peers
    }

    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { self.rounds.min(3) } else { self.rounds }
    }

    /// How long each measurement of CPU and latency takes.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_millis(if self.quick { 200 } else { 800 })
    }

    pub(crate) fn wants(&self, kind: Kind) -> bool {
        // Whoever asks for nothing else wants it even so.
        let too_slow = self.quick && kind == Kind::Instructions && self.figure.len() > 1;
        self.figure.contains(&kind) && !too_slow
    }
}
