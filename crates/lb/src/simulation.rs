//! Runs a cluster of `lb.toml` in the simulator: what `lb simulate` and `lb drill` share.
//!
//! It simulates nothing and judges nothing itself: the one is `lb-sim`'s, the other `drill`'s.

mod latency;
mod step;
mod summary;
mod world;

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use lb_sim::{Report, Setup};

pub(crate) use latency::Latency;
pub(crate) use step::{Action, Step, Which};
pub(crate) use summary::{Latencies, Summary, percent, recovery_in};
pub(crate) use world::{BadWorld, World};

/// Runs a simulation and shows on a terminal how far it is. Gives how long it took, too.
pub(crate) fn run(setup: &Setup) -> (Report, std::time::Duration) {
    let clock = lb_proxy::Clock::start();
    let bar = progress_bar();
    let report = lb_sim::run(setup, |done| {
        if let Some(bar) = &bar {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
            bar.set_position((done * 1000.0) as u64);
        }
        true
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    (report, clock.now().since_origin())
}

fn progress_bar() -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("{wide_bar} {percent} % of the simulation, about {eta} to go");
    Some(ProgressBar::new(1000).with_style(style.expect("the template is well formed")))
}
