//! `lb simulate` and `lb drill`, as people run them.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::lb::lb;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn run(arguments: &[&str]) -> Output {
    lb().args(arguments).current_dir(ROOT).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn figures(arguments: &[&str]) -> Value {
    let output = run(&[&["simulate", "--json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn a_simulation_of_the_shipped_configuration_tells_people_its_figures() {
    let output = run(&["simulate", "--rate", "500", "--for", "10s", "--seed", "7"]);
    assert!(output.status.success(), "{output:?}");
    let told = said(&output);
    assert!(told.starts_with("web: round-robin, 4 endpoints, 1 balancer, seed 7; "), "{told}");
    for word in ["requests   ", "succeeded  100 %", "latency    mean ", "attempts   1.0000 a request", "beliefs    "] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(output.stderr.is_empty(), "no progress bar where there is no terminal");
}

#[test]
fn ten_thousand_endpoints_lose_a_third_and_few_requests() {
    let figures = figures(&["--endpoints", "10000", "--rate", "20000", "--for", "10s", "--fail", "at 4s kill 33%"]);
    assert_eq!(figures["endpoints"], 10_000);
    let requests = figures["requests"].as_u64().expect("a count");
    assert!((195_000..205_000).contains(&requests), "{figures}");
    assert!(figures["success_rate"].as_f64().expect("a rate") > 0.995, "{figures}");
    assert!(figures["retries"].as_u64().expect("a count") > 1000, "{figures}");
    assert!(figures["ejections"].as_u64().expect("a count") > 1000, "{figures}");
}

#[test]
fn a_seed_repeats_a_simulation_and_another_one_does_not() {
    let without_the_time = |seed| {
        let mut figures = figures(&["--for", "5s", "--fail", "at 1s errors 503 20% web2", "--seed", seed]);
        figures.as_object_mut().expect("figures").remove("took_ms");
        figures
    };
    assert_eq!(without_the_time("3"), without_the_time("3"));
    assert_ne!(without_the_time("3"), without_the_time("4"));
}

#[test]
fn what_cannot_be_simulated_is_told() {
    for (arguments, code, expected) in [
        (&["simulate", "--fail", "at 10s explode web1"][..], 2, "\"explode\" is nothing that can happen"),
        (&["simulate", "--latency", "long"][..], 2, "\"long\" is not a latency"),
        (&["simulate", "--for", "10"][..], 2, "write a number with a unit"),
        (&["simulate", "--fail", "at 10s kill web9"][..], 1, "the cluster has no endpoint \"web9\""),
        (&["simulate", "--fail", "at 90s kill web1"][..], 1, "nothing happens after the end"),
        (&["simulate", "--cluster", "api"][..], 1, "no cluster \"api\"\n  hint: it has web"),
        (&["simulate", "--config", "no/such.toml"][..], 1, "cannot be read"),
    ] {
        let output = run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && told.contains(expected), "{arguments:?}: {told}");
    }
}

#[test]
fn the_shipped_drills_pass() {
    let folder = std::fs::read_dir(Path::new(ROOT).join("docs/drills")).expect("the folder is there");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let drills = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut files: Vec<_> = drills.map(|path| path.display().to_string()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let arguments: Vec<_> = ["drill"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let output = run(&arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output).matches("docs/drills/").count(), files.len());
}

#[test]
fn a_drill_names_the_broken_expectation_and_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("drill.toml");
    let text = "title = \"all die\"\nsteps = [\"at 5s kill all for 5s\"]\n\
                expect = [\"error-rate < 0.1%\", \"requests > 100\"]\n\
                [world]\nlength = \"20s\"\n[cluster]\nendpoints = 3\n";
    std::fs::write(&file, text).expect("a file");
    let path = file.display().to_string();
    let output = run(&["drill", &path]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("BROKEN  error-rate < 0.1%"), "{told}");
    assert!(told.contains("met     requests > 100"), "{told}");
    assert!(told.contains("1 of 2 expectations broken, with seed 1"), "{told}");
    let json: Value = serde_json::from_slice(&run(&["drill", "--json", &path]).stdout).expect("a line of JSON");
    assert_eq!((&json["passed"], &json["expectations"][0]["met"]), (&Value::Bool(false), &Value::Bool(false)));
}

#[test]
fn a_wrong_drill_is_told_where_it_is_wrong_and_the_others_run_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.toml");
    std::fs::write(
        &file,
        "title = \"x\"\nsteps = [\"at 5s kill\"]\nexpect = [\"p99 < 1s\"]\n[cluster]\nendpoints = 3\n",
    )
    .expect("a file");
    let output = run(&["drill", &file.display().to_string(), "docs/drills/a-server-dies.toml"]);
    assert!(complaint(&output).contains("wrong.toml:2:10: kill takes which endpoints"), "{output:?}");
    assert!(said(&output).contains("a-server-dies.toml"), "{output:?}");
}
