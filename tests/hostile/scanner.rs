//! A scanner for request smuggling, at `lb`.

use std::net::SocketAddr;
use std::process::Command;

use super::corpora;
use super::origin::Origin;
use crate::support::{Lb, config};

/// What it looks for with requests that it varies further by itself.
const VARIED: &str = "cl-te,te-cl,te-te,cl-edge,cl-0,0-cl,parser-discrepancy";

/// What it looks for with its own requests only: among the variations are some that announce a body and do not send it, and
/// that they are waited for, it takes for a finding.
const AS_THEY_ARE: &str = "h2c";

/// Scans for these; panics with what was found.
fn scan(proxy: SocketAddr, checks: &str, options: &[&str]) {
    let mut scanner = Command::new(corpora::scanner());
    scanner.args(["--json", "--timeout", "2", "--checks", checks]).args(options).arg(format!("http://{proxy}/scan"));
    let output = scanner.output().expect("the scanner starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let done = report["results"][0]["checks"].as_array().expect("a list of checks");
    let found: Vec<_> = done.iter().filter(|check| check["vulnerable"] != false).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(output.status.success(), "{output:?}");
    for check in checks.split(',') {
        assert!(done.iter().any(|done| done["check_type"] == check), "{check} was not done: {done:#?}");
    }
}

#[test]
fn a_scanner_for_smuggling_finds_nothing() {
    let origin = Origin::new();
    let lb = Lb::with_config(&config::cluster(&[origin.address()], ""));
    scan(lb.address(), VARIED, &["--fuzz"]);
    scan(lb.address(), AS_THEY_ARE, &[]);
    let seen = origin.take();
    println!("smugglex: {} requests arrived", seen.arrived.len());
    assert!(!seen.arrived.is_empty() && seen.violations.is_empty(), "{:?}", seen.violations);
}
