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
not when it could be sent, so a stall counts for all that had to wait for it.";

pub(super) const MEMORY: &str = "\
PSS of all processes of a proxy that was just started and has served 5,000 requests on 64 connections. Then 10,000 clients
connect; each gets one answer and stays. nginx sets memory for all connections that it may hold aside at its start, which is in
its first figure.";

/// What is measured, how, on what and when.
pub(super) fn head(arguments: &Arguments, versions: &[(Peer, String)]) -> Result<String> {
    let names: Vec<_> = versions.iter().map(|(peer, version)| format!("{} {version}", peer.name())).collect();
    let date = Command::new("date").arg("--iso-8601").output()?.stdout;
    let date = String::from_utf8(date).context("a date is text")?;
    let command: Vec<_> = std::env::args().skip(1).collect();
    Ok(format!(
        "\
# What a request costs

`benches/peers` gives each proxy the same work and counts what it uses for it. The proxy has one worker (thread, process) and a
core of its own; clients and four endpoints share the other core, in one thread. Each proxy takes the endpoints in turn, keeps
connections on both sides (to each endpoint up to 128 idle ones), keeps Host, adds X-Forwarded-For, -Host, -Proto and Via, and writes no log
unless it is said; for the rest it has its defaults. Nobody probes. Every byte of every request's and answer's body is
compared, and so are the added fields and the endpoints' shares. In each round all proxies and all kinds of work come in an order
by chance, so that what else happens on the machine meets all of them.

It is CPU per request that counts here: how many requests a second come through says more of the machine, which the load
shares. With few connections a proxy sleeps and wakes for each request, with many it finds several at each wake.

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

/// The arguments without the paths of programs, which are this machine's business.
fn said(arguments: &[String]) -> String {
    let mut said = String::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--lb" || argument == "--pingora" {
            arguments.next();
        } else if !argument.starts_with("--lb=") && !argument.starts_with("--pingora=") {
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

/// Where `lb` is behind, and what is missing.
pub(super) fn tail(behind: &[String], results: &Results) -> String {
    let mut text = "## What is not good yet\n\n".to_owned();
    if !behind.is_empty() {
        text += "`lb` uses more than another one (by more than a twentieth):\n\n";
        text += &list(behind);
        text += "\n";
    }
    text += "`lb` has no access log yet, and Pingora leaves it to the program around it: the row with logs is of the others.\n";
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
        let arguments = ["--pingora", "/a", "--quick", "--lb=/b", "--only", "lb"].map(str::to_owned);
        assert_eq!(said(&arguments), " --quick --only lb");
    }
}
