//! System calls per request, counted by `strace`, which slows the proxy down: for this count only.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;

use crate::case::Case;
use crate::load::{Load, Until};
use crate::running::{Running, signal};

/// How many calls there were, by their names.
pub(crate) type Calls = BTreeMap<String, u64>;

/// Counts over so many requests, on connections that are warm.
pub(crate) fn count(load: &mut Load, proxy: &Running, case: &Case, requests: usize) -> Result<Calls> {
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections)?;
    load.closed_loop(&job, 0..case.connections, Until::Requests(requests.min(8 * case.connections)))?;
    let output = proxy.folder.path().join("strace");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-S", "calls", "-o"]).arg(&output);
    let mut threads = 0;
    for process in proxy.processes()? {
        threads += fs::read_dir(format!("/proc/{process}/task"))?.count();
        command.args(["-p", &process.to_string()]);
    }
    let mut strace = command.stderr(Stdio::piped()).spawn().context("strace cannot be run")?;
    let mut lines = BufReader::new(strace.stderr.take().expect("it is piped")).lines();
    while threads > 0 {
        let line = lines.next().context("strace ended")??;
        // "Process 7 attached", or "… attached with 3 threads".
        ensure!(line.contains(" attached"), "strace says: {line}");
        threads -= line.rsplit_once(" with ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).unwrap_or(1);
    }
    let counted = load.closed_loop(&job, 0..case.connections, Until::Requests(requests));
    signal(strace.id(), Signal::INT);
    strace.wait()?;
    load.close();
    ensure!(counted? == requests, "fewer requests were answered than sent");
    let text = fs::read_to_string(output)?;
    let calls = read(&text);
    ensure!(!calls.is_empty(), "strace counted nothing: {text}");
    Ok(calls)
}

/// Reads strace's table: time in percent, seconds, microseconds a call, calls, errors if any, name.
fn read(table: &str) -> Calls {
    let rows = table.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = *words.last()?;
        (words.len() >= 5 && name != "total").then_some((name.to_owned(), words[3].parse().ok()?))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
                     ------ ----------- ----------- --------- --------- ----------------\n \
                     60.00    0.000600           3       200        10 recvfrom\n \
                     40.00    0.000400           2       150           epoll_wait\n\
                     ------ ----------- ----------- --------- --------- ----------------\n\
                     100.00    0.001000           2       350        10 total\n";
        assert_eq!(read(table), Calls::from([("recvfrom".to_owned(), 200), ("epoll_wait".to_owned(), 150)]));
    }
}
