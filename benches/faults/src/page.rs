//! docs/reliability.md: the table and what is to be known about it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Row;
use crate::line::{Line, Surroundings};
use crate::peers::Peer;
use crate::stage::Tally;

/// What a line came to, in a few words.
pub(crate) fn cell(line: &Line, tally: Option<&Tally>) -> String {
    let Some(tally) = tally else { return "**does not run**".to_owned() };
    let failed = if line.well_after.is_some() { tally.failed_late } else { tally.failed };
    let mut words = vec![match failed {
        0 => "0 failed".to_owned(),
        _ => format!("**{failed} failed**"),
    }];
    let mut count = |number: usize, what: &str| {
        if number > 0 {
            words.push(format!("**{number} {what}**"));
        }
    };
    count(tally.garbage, "garbage");
    count(tally.truncated, "silently cut");
    count(tally.executed_twice, "executed twice");
    if !tally.recovered {
        words.push("**does not recover**".to_owned());
    }
    if let Surroundings::Memory(_) = line.surroundings {
        words.push(format!("peak {} MiB", tally.peak_kib / 1024));
    }
    words.join(", ")
}

/// The whole page.
pub(crate) fn page(rows: &[Row], peers: &[Peer], lb: &Path, took: Duration) -> String {
    let mut page = String::from(BEFORE);
    let versions = peers.iter().map(|peer| format!("{} {}", peer.name(), peer.version(lb))).collect::<Vec<_>>();
    let _infallible = writeln!(
        page,
        "{}, on {}; {}. The run took {} s.\n",
        said("date", &["-u", "+%Y-%m-%d"]),
        machine(),
        versions.join(", "),
        took.as_secs()
    );
    let names = peers.iter().map(|peer| format!(" {} |", peer.name())).collect::<Vec<_>>().concat();
    let _infallible = writeln!(page, "| line | requests |{names}\n|---|---|{}", "---|".repeat(peers.len()));
    for Row { line, tallies } in rows {
        let cells = tallies.iter().map(|(_, tally)| format!(" {} |", cell(line, tally.as_ref())));
        let cells = cells.collect::<Vec<_>>().concat();
        let requests = tallies.iter().filter_map(|(_, tally)| tally.as_ref().map(Tally::requests)).max().unwrap_or(0);
        let _infallible = writeln!(page, "| {} | {requests} {} |{cells}", line.name, method(line));
    }
    page.push_str("\n## Why requests failed\n\n");
    for Row { line, tallies } in rows {
        for (peer, tally) in tallies {
            let reasons = tally.iter().flat_map(|tally| &tally.reasons);
            let reasons = reasons.map(|(reason, count)| format!("{count} × {reason}")).collect::<Vec<_>>().join(", ");
            if !reasons.is_empty() {
                let _infallible = writeln!(page, "- {}, {}: {reasons}", line.name, peer.name());
            }
        }
    }
    page.push_str(
        "\n## The slowest good answer\n\nIn milliseconds since the request was due, connecting included.\n\n",
    );
    let _infallible = writeln!(page, "| line |{names}\n|---|{}", "---|".repeat(peers.len()));
    for Row { line, tallies } in rows {
        let each = tallies.iter().map(|(_, tally)| tally.as_ref().map_or(String::new(), slowest));
        let _infallible = writeln!(page, "| {} | {} |", line.name, each.collect::<Vec<_>>().join(" | "));
    }
    page.push_str("\n## What each line does\n\n");
    for Row { line, .. } in rows {
        let _infallible = writeln!(page, "- **{}**: {}", line.name, line.what);
    }
    page.push_str(AFTER);
    page
}

fn method(line: &Line) -> &'static str {
    match line.surroundings {
        Surroundings::Memory(_) => "transfers",
        _ => line.load.method,
    }
}

fn slowest(tally: &Tally) -> String {
    tally.slowest.as_millis().to_string()
}

/// The processor and how many there are.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{count} cores of {model}, Linux {}", said("uname", &["-r"]).split('-').next().unwrap_or_default())
}

fn said(command: &str, words: &[&str]) -> String {
    let output = Command::new(command).args(words).output().expect("the command is part of Debian");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const BEFORE: &str = include_str!("before.md");
const AFTER: &str = include_str!("after.md");
