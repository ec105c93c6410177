//! WebSocket connections that keep to the protocol or break it in hundreds of ways, straight to a server and through `lb`:
//! whoever is in between must not be noticed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::corpora;
use crate::support::{Lb, config};

/// A WebSocket server that says everything back, until it is dropped.
struct Echo {
    child: Child,
    address: SocketAddr,
}

impl Echo {
    fn new() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile/echo.py");
        let mut command = Command::new(corpora::python_with_packages());
        let mut child = command.arg(script).stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says its port");
        let port = line.trim().parse().expect("a port");
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What each case came to, and how its connection ended.
fn verdicts(address: SocketAddr) -> BTreeMap<String, (String, String)> {
    let folder = tempfile::tempdir().expect("a folder for a report");
    let mut kosoku = Command::new(corpora::python_with_packages().with_file_name("kosoku"));
    // Without those that only measure how long large messages take (9), and compressed ones in all combinations (12, 13):
    // to whom does not look into messages these are like others.
    kosoku.args(["--exclude", "9.*", "--exclude", "12.*", "--exclude", "13.*", "--parallelism", "4", "--outdir"]);
    // It fails if one case does, also where the server is to blame; what counts is whether the same do.
    kosoku.arg(folder.path()).arg(address.to_string()).output().expect("kosoku starts");
    let report = std::fs::read(folder.path().join("index.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("it is JSON");
    let agents = report.as_object().expect("results by server");
    let cases = agents.values().flat_map(|cases| cases.as_object().expect("results by case"));
    // How soon a server notices that it is being fooled is no matter of strictness between two runs: both are passes.
    let text = |value: &serde_json::Value| value.as_str().expect("a verdict").replace("NON-STRICT", "OK");
    cases.map(|(case, told)| (case.clone(), (text(&told["behavior"]), text(&told["behaviorClose"])))).collect()
}

#[test]
fn web_sockets_are_the_same_through_lb_as_straight() {
    let echo = Echo::new();
    let lb = Lb::with_config(&config::cluster(&[echo.address], ""));
    let (straight, through) = (verdicts(echo.address), verdicts(lb.address()));
    let passed = straight.values().filter(|(behavior, _)| behavior == "OK").count();
    println!("{} WebSocket cases, {passed} of them OK without lb", straight.len());
    assert!(straight.len() > 240 && passed > 200, "the cases ran: {straight:?}");
    let differ = |case: &&String| straight[*case] != through[*case];
    let different: Vec<_> =
        straight.keys().filter(differ).map(|case| (case, &straight[case], &through[case])).collect();
    assert!(different.is_empty() && straight.len() == through.len(), "{different:?}");
}
