//! The report: what was measured and how, ratios first, then medians with their spread, then what is not good yet.

mod prose;
mod table;

use anyhow::Result;

use self::table::Table;
use crate::arguments::Arguments;
use crate::peers::Peer;
use crate::results::{Figure, Results};
use crate::rounds::TYPICAL;
use crate::statistics::Spread;

/// A row of figures that can be compared: the less the better.
struct Row {
    name: String,
    figure: Figure,
    case: &'static str,
}

/// The whole report, as Markdown.
pub(crate) fn text(arguments: &Arguments, versions: &[(Peer, String)], results: &Results) -> Result<String> {
    let peers = &arguments.peers();
    let mut text = prose::head(arguments, versions)?;
    let rows = rows(arguments);

    let mut ratios = Table::with_head(
        std::iter::once(String::new())
            .chain(others(peers).map(|peer| format!("{} / lb", peer.name())))
            .chain(["lb / nginx".to_owned()]),
    );
    for row in &rows {
        let to_lb = others(peers).map(|peer| results.ratio(row.figure, row.case, peer, Peer::Lb));
        let to_nginx = results.ratio(row.figure, row.case, Peer::Lb, Peer::Nginx);
        let ratios_of_row = to_lb.chain([to_nginx]).map(|ratio| ratio.map(|ratio| format!("{:.2}", ratio.median)));
        ratios.add(&row.name, ratios_of_row);
    }
    section(&mut text, "Ratios", prose::RATIOS, &ratios);

    let of = |figure: Figure, digits: usize, scale: f64| {
        let mut table = by_peer("", peers);
        for case in &arguments.case {
            table.add(
                case.about,
                peers.iter().map(|peer| cell(results.spread(figure, case.name, *peer), digits, scale)),
            );
        }
        table
    };
    section(&mut text, "CPU time", prose::CPU, &of(Figure::Cpu, 1, 1.0));
    let mut split = by_peer("", peers);
    for case in &arguments.case {
        let parts = peers.iter().map(|peer| results.split(case.name, *peer));
        split.add(case.about, parts.map(|parts| parts.map(|(user, system)| format!("{user:.1} + {system:.1}"))));
    }
    section(&mut text, "CPU time of the program and of the kernel", prose::SPLIT, &split);
    section(&mut text, "System calls", prose::CALLS, &of(Figure::Calls, 2, 1.0));
    section(&mut text, "Instructions", prose::INSTRUCTIONS, &of(Figure::Instructions, 0, 1.0));

    let several = |rows: &[(&str, Figure, usize, f64)]| {
        let mut table = by_peer("", peers);
        for (name, figure, digits, scale) in rows {
            let spreads = peers.iter().map(|peer| results.spread(*figure, TYPICAL.name, *peer));
            table.add(*name, spreads.map(|spread| cell(spread, *digits, *scale)));
        }
        table
    };
    let latency = several(&[
        ("p50", Figure::P50, 0, 1.0),
        ("p99", Figure::P99, 0, 1.0),
        ("the load waited for its core, ms a second", Figure::LoadWaited, 1, 1.0),
        ("the proxy waited for its core, ms a second", Figure::ProxyWaited, 1, 1.0),
    ]);
    section(&mut text, "Latency", prose::LATENCY, &latency);
    let mib = 1.0 / 1024.0 / 1024.0;
    let memory = several(&[
        ("before, MiB", Figure::MemoryBefore, 1, mib),
        ("with 10,000 idle connections, MiB", Figure::MemoryAfter, 1, mib),
        ("with these, while it serves 64 others, MiB", Figure::MemoryServing, 1, mib),
        ("an idle connection, KiB", Figure::MemoryEach, 2, 1.0 / 1024.0),
    ]);
    section(&mut text, "Memory", prose::MEMORY, &memory);
    let quiet = Peer::LbQuiet;
    let mut watched = Table::with_head(["", "µs a request", "times everything off"].map(str::to_owned));
    for peer in Peer::LOOKING {
        let ratio = results.ratio(Figure::Watched, TYPICAL.name, peer, quiet);
        let figures = [results.spread(Figure::Watched, TYPICAL.name, peer), ratio];
        watched.add(peer.name(), figures.into_iter().zip([2, 3]).map(|(spread, digits)| cell(spread, digits, 1.0)));
    }
    section(&mut text, "What it costs to be seen", prose::WATCHED, &watched);
    let waits = peers.iter().filter_map(|peer| results.spread(Figure::LoadWaited, TYPICAL.name, *peer));
    let busy = waits.map(|waited| waited.median).fold(0.0, f64::max);
    text += &prose::tail(&behind(&rows, peers, results), busy, results);
    Ok(text)
}

fn section(text: &mut String, title: &str, about: &str, table: &Table) {
    let table = table.text();
    if !table.is_empty() {
        text.extend(["## ", title, "\n\n", about, "\n\n", &table, "\n"]);
    }
}

fn others(peers: &[Peer]) -> impl Iterator<Item = Peer> {
    peers.iter().copied().filter(|peer| *peer != Peer::Lb)
}

fn by_peer(name: &str, peers: &[Peer]) -> Table {
    Table::with_head(std::iter::once(name.to_owned()).chain(peers.iter().map(|peer| peer.name().to_owned())))
}

/// The median, and its spread where there is one.
fn cell(spread: Option<Spread>, digits: usize, scale: f64) -> Option<String> {
    let Spread { median, min, max } = spread?;
    let number = |figure: f64| format!("{:.digits$}", figure * scale);
    let spread = if min < max { format!(" ({}–{})", number(min), number(max)) } else { String::new() };
    Some(number(median) + &spread)
}

/// All that can be compared.
fn rows(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, figure) in [("CPU", Figure::Cpu), ("system calls", Figure::Calls)] {
        rows.extend(arguments.case.iter().map(|case| Row {
            name: format!("{what}: {}", case.about),
            figure,
            case: case.name,
        }));
    }
    for (name, figure) in [
        ("user instructions: small GET, 64 connections", Figure::Instructions),
        ("latency p50: 5,000 small GETs a second", Figure::P50),
        ("latency p99: 5,000 small GETs a second", Figure::P99),
        ("memory: an idle connection", Figure::MemoryEach),
    ] {
        rows.push(Row { name: name.to_owned(), figure, case: TYPICAL.name });
    }
    rows
}

/// Where another one needs less, in words; a twentieth is not told from chance.
fn behind(rows: &[Row], peers: &[Peer], results: &Results) -> Vec<String> {
    let mut behind = Vec::new();
    for row in rows {
        let better = others(peers).filter_map(|peer| {
            let ratio = results.ratio(row.figure, row.case, Peer::Lb, peer)?;
            (ratio.median > 1.05).then(|| format!("{:.2} times {}'s", ratio.median, peer.name()))
        });
        let better: Vec<_> = better.collect();
        if !better.is_empty() {
            behind.push(format!("{}: {}", row.name, better.join(", ")));
        }
    }
    behind
}
