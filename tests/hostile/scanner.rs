//! A scanner for request smuggling, at `lb`.

use std::process::Command;

use super::corpora;
use super::origin::Origin;
use crate::support::{Lb, config};

/// All that it can look for without TLS.
const CHECKS: &str = "cl-te,te-cl,te-te,h2c,cl-edge,cl-0,0-cl,parser-discrepancy";

#[test]
fn a_scanner_for_smuggling_finds_nothing() {
    let origin = Origin::new();
    let lb = Lb::with_config(&config::cluster(&[origin.address()], ""));
    let mut scanner = Command::new(corpora::scanner());
    scanner.args(["--json", "--timeout", "2", "--checks", CHECKS]).arg(format!("http://{}/scan", lb.address()));
    let output = scanner.output().expect("the scanner starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let checks = report["results"][0]["checks"].as_array().expect("a list of checks");
    let found: Vec<_> = checks.iter().filter(|check| check["vulnerable"] != false).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(output.status.success(), "{output:?}");
    for check in CHECKS.split(',') {
        assert!(checks.iter().any(|done| done["check_type"] == check), "{check} was not done: {checks:#?}");
    }
    let seen = origin.take();
    println!("smugglex: {} checks, {} requests arrived", checks.len(), seen.arrived.len());
    assert!(!seen.arrived.is_empty() && seen.violations.is_empty(), "{:?}", seen.violations);
}
