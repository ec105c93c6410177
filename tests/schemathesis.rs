//! Schemathesis reads how the admin API describes itself, and asks and tells it all that this allows, and what it does not.

use std::path::Path;
use std::process::Command;

use lb_common::api::STATUS_PATH;

use crate::support::python::{environment, run};
use crate::support::{Endpoint, Lb, config, get};

/// How many times each operation is tried with data made up for it.
const EXAMPLES: &str = "100";

/// Where the made up data begins, so that each run is the same.
const SEED: &str = "20";

#[test]
fn the_admin_api_is_as_it_describes_itself() {
    let beside = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/schemathesis").join(name);
    let python = environment("schemathesis", &beside("requirements.txt"));
    let endpoint = Endpoint::saying("yes");
    let text = config::cluster(&[endpoint.address(), endpoint.address()], "");
    let lb = Lb::with_config(&format!(
        "{text}\n[admin]\nchanges-without-token = true\nfaults = true\nbind = \"127.0.0.1:0\"\n"
    ));
    let admin =
        lb.log().lines().find_map(|line| line.split_once("the admin API listens on ").map(|(_, at)| at.to_owned()));
    let url = format!("http://{}/lb/v1/openapi.json", admin.expect("it is said"));

    // It keeps what it has found in the folder that it is run in.
    let scratch = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.current_dir(scratch.path()).arg("--config-file").arg(beside("schemathesis.toml"));
    command.args([
        "run",
        &url,
        "--checks",
        "all",
        "--workers",
        "1",
        "--continue-on-failure",
        "--request-timeout",
        "20",
    ]);
    command.args(["--max-examples", EXAMPLES, "--seed", SEED, "--output-truncate", "false"]);
    let written = run(&mut command);
    println!("{written}");

    let after = |label: &str| written.lines().find_map(|line| line.trim().strip_prefix(label));
    let (selected, all) = after("Selected: ").and_then(|counts| counts.split_once('/')).expect("it says how many");
    let number = |text: &str| text.trim().parse::<usize>().expect("a number");
    assert_eq!(number(selected) + 1, number(all), "all operations but the stream are tried: {written}");
    assert_eq!(after("Tested: ").map(number), Some(number(selected)), "{written}");
    let count = |line: &str| line.trim().split_once(" generated, ")?.0.parse::<usize>().ok();
    let cases = written.lines().find_map(count).expect("it says how many");
    assert!(cases > 1000, "it was not too few: {written}");
    assert_eq!(get(lb.address(), STATUS_PATH).status, 200);
}
