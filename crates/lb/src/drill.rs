//! `lb drill`: plays what goes wrong and holds what comes of it against what is expected.

mod expectation;
mod figures;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use lb_proxy::ClusterConfig;
use serde_json::json;

use crate::cli::{complain, say};
use crate::config;
use crate::simulation::{self, Summary, World};
pub(crate) use expectation::Expectation;
pub(crate) use figures::Figures;

/// A drill.
#[derive(Debug)]
pub(crate) struct Drill {
    /// What happens, in a few words.
    pub(crate) title: String,
    pub(crate) world: World,
    pub(crate) cluster: ClusterConfig,
    pub(crate) expectations: Vec<Expectation>,
}

/// Which drills, and how they are told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The drills' files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// In place of the seed that the files name
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Prints a line of JSON for each drill
    #[arg(long)]
    json: bool,
}

/// Runs the command: fails if an expectation is broken, or a file is wrong.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    // All of them run, so that one call tells everything.
    let passed = arguments.files.iter().filter(|file| play(file, arguments)).count();
    if passed == arguments.files.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play(file: &Path, arguments: &Arguments) -> bool {
    let mut drill = match config::load_drill(file) {
        Ok(drill) => drill,
        Err(problems) => {
            complain(&problems.to_string());
            return false;
        }
    };
    drill.world.seed = arguments.seed.unwrap_or(drill.world.seed);
    let setup = match drill.world.setup(&drill.cluster) {
        Ok(setup) => setup,
        Err(problem) => {
            complain(&format!("{}: {problem}\n", file.display()));
            return false;
        }
    };
    let (report, took) = simulation::run(&setup);
    let summary = Summary::new(&setup, &report);
    let figures = Figures::from(&summary);
    let judged: Vec<_> = drill.expectations.iter().map(|one| (one, one.judge(&figures))).collect();
    let broken = judged.iter().filter(|(_, (met, _))| !met).count();
    if arguments.json {
        let expectations = judged.iter().map(
            |(expectation, (met, figure))| json!({ "expectation": expectation.text(), "met": met, "figure": figure }),
        );
        let expectations: Vec<_> = expectations.collect();
        let file = file.display().to_string();
        let took_ms = took.as_secs_f64() * 1000.0;
        let told = json!({
            "file": file, "title": drill.title, "passed": broken == 0, "expectations": expectations,
            "figures": summary, "took_ms": took_ms,
        });
        say(&told.to_string());
    } else {
        let mut told = format!("{}: {}\n", file.display(), drill.title);
        for (expectation, (met, figure)) in &judged {
            let verdict = if *met { "met   " } else { "BROKEN" };
            let _infallible = writeln!(told, "  {verdict}  {:<28} {figure}", expectation.text());
        }
        if broken > 0 {
            let all = judged.len();
            let _infallible = writeln!(told, "  {broken} of {all} expectations broken, with seed {}\n", setup.seed);
            told.push_str(&summary.to_string());
        }
        say(told.trim_end());
    }
    broken == 0
}
