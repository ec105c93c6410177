//! The words of the report.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::arguments::Arguments;
use crate::peers::Peer;
use crate::results::Results;

pub(super) const RATIOS: &str = "\
`nginx / lb` says how many times as much as `lb` nginx uses: above 1, `lb` uses less. Each is the median of the rounds'
ratios; system calls, instructions and memory are measured once.";

pub(super) const CPU: &str = "\
Microseconds a request, of all processes and threads of the proxy, from `/proc/PID/task/*/schedstat`, which is exact to the
nanosecond. Median of the rounds, and in parentheses the least and the most.";

pub(super) const SPLIT: &str = "\
The medians above, user + system, split as `utime` and `stime` of `/proc/PID/stat` over all rounds are. These are counted in
ticks, so this is coarser. On a loopback the kernel does the receiver's work while the sender sends, so the system's part
holds some of the clients' and the endpoints' work; it is the same for all.";

pub(super) const CALLS: &str = "\
A request, by `strace -c -f` on a proxy that is warm. It slows the proxy down, so that more is ready at each `epoll_wait`
than otherwise.";

pub(super) const INSTRUCTIONS: &str = "\
User instructions a request, by callgrind: the difference between a run of 600 requests and one of 3,600. valgrind cannot
run Go, so Caddy has no figure.";

pub(super) const LATENCY: &str = "\
Microseconds, small GETs at a fixed rate of 5,000 a second on 64 connections. The clock of each request starts when it is due,
not when it could be sent, so a stall counts for all that had to wait for it. The load never sleeps here: when it waited for its
core, something else ran on the machine, and above all the p99 tells of that.";

pub(super) const MEMORY: &str = "\
PSS of all processes of a proxy that was just started and has served 5,000 requests on 64 connections. Then 10,000 clients
connect; each gets one answer and stays. nginx sets memory for all connections that it may hold aside at its start, which is in
its first figure.";

pub(super) const WATCHED: &str = "\
CPU time of `lb` for a small GET at 2,000 requests a second on 64 connections: when it counts nothing; with all metrics on while a
page is open, which reads the stream of events and asks for the traces once a second; and the same with one request in a hundred
traced. At this rate `lb` sleeps between requests, so each costs more than above.";

/// What is measured, how, on what and when.
pub(super) fn head(arguments: &Arguments, versions: &[(Peer, String)]) -> Result<String> {
    let names: Vec<_> = versions.iter().map(|(peer, version)| format!("{} {version}", peer.name())).collect();
    let date = Command::new("date").arg("--iso-8601").output()?.stdout;
    let date = String::from_utf8(date).context("a date is text")?;
    let command: Vec<_> = std::env::args().skip(1).collect();
    Ok(format!(
        "\
# What a request costs

`benches/peers/run` gives each proxy the same work and counts what the proxy uses for it.

- A proxy has one worker (thread or process) and a core of its own. The clients and four endpoints share the other core, in one
  thread that costs little.
- `lb` is what `benches/release` makes, guided by a profile of its own work, unless `--lb` named another one. *plain lb*, if it is here,
  is the same code after `cargo build --release`. Pingora's balancer is built so, too; the others are Debian's packages.
- Each proxy takes the endpoints in turn, keeps connections on both sides (up to 128 idle ones to each endpoint), keeps Host, adds
  X-Forwarded-For, -Host, -Proto and Via, sends no probes, and writes no log unless that is the case. For the rest it has its
  defaults: nginx for one reads an upload to its end, by way of a file, before it passes it on, and the others do not.
- The clients compare every byte of every body, the endpoints too, and these look at the added fields. Each measurement checks that
  the endpoints had equal shares. What is wrong is a failure, not a figure.
- Each round measures all proxies with all kinds of work, in an order by chance, on connections that are warm.

What counts is CPU time for a request. How many requests a second come through says more of the machine, of which the load takes a
half. A proxy with one client sleeps and wakes for each request; with many it finds several at each wake.

| | |
|---|---|
| date | {} |
| machine | two cores of an {}, Linux {} |
| versions | {} |
| rounds | {}, {} ms each measurement |
| command | `benches/peers/run{}` |

",
        date.trim(),
        processor()?,
        fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        names.join(", "),
        arguments.rounds(),
        arguments.time().as_millis(),
        said(&command),
    ))
}

/// The arguments that say where a program is.
const PATHS: [&str; 3] = ["--lb", "--plain", "--pingora"];

/// The arguments without the paths of programs, which are this machine's business.
fn said(arguments: &[String]) -> String {
    let mut said = String::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if PATHS.contains(&argument.as_str()) {
            arguments.next();
        } else if !PATHS.iter().any(|path| argument.strip_prefix(path).is_some_and(|rest| rest.starts_with('='))) {
            said += " ";
            said += argument;
        }
    }
    said
}

fn processor() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(name.map_or("an unknown processor", |(_, name)| name).to_owned())
}

const BUSY_MEANS: &str = ".\n\
Latencies say more of that than of the proxies, and small differences of CPU time are to be measured again.\n\n";

/// From so many milliseconds a second on, a machine has other things to do.
const BUSY: f64 = 5.0;

/// Where `lb` is behind, and what is missing; `busy` says how long the load waited for its core.
pub(super) fn tail(behind: &[String], busy: f64, results: &Results) -> String {
    let mut text = "## What is not good yet\n\n".to_owned();
    if busy > BUSY {
        let waited = format!("the load waited up to {busy:.0} ms a second for its core (median of the rounds)");
        text.extend(["The machine was busy with other things during this run:\n", &waited, BUSY_MEANS]);
    }
    if !behind.is_empty() {
        text += "`lb` uses more than another one (by more than a twentieth):\n\n";
        text += &list(behind);
        text += "\n";
    }
    text += "Pingora leaves an access log to the program around it: the row with logs is of the others.\n";
    if !results.failures.is_empty() {
        text += "\nNot measured, since it failed:\n\n";
        text += &list(&results.failures);
    }
    text
}

/// One line each.
fn list(items: &[String]) -> String {
    let lines = items.iter().map(|item| format!("- {}\n", item.replace(['\n', '\r'], " ")));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_of_this_machine_is_told() {
        let arguments = ["--pingora", "/a", "--quick", "--plain", "/c", "--lb=/b", "--only", "lb"].map(str::to_owned);
        assert_eq!(said(&arguments), " --quick --only lb");
    }
}
