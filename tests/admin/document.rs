//! docs/admin-api.md: its examples, as they stand there, against the demo.

use std::path::Path;
use std::process::Command;

use lb_common::api::{FAULTS_PATH, Faults, STATUS_PATH, Status};
use serde_json::Value;

use super::api::Api;
use crate::support::Lb;

/// The fenced blocks of a document, with their languages.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    text.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

fn json(output: &str) -> Value {
    serde_json::from_str(output).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[test]
fn the_examples_of_the_document_do_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/admin-api.md");
    let text = std::fs::read_to_string(path).expect("it is in the repository");
    // An answer that follows its block without a line between is what is told of it.
    let text = text.replace("```\n```json", "```\n\n```json");
    let lb = Lb::demo();
    let url = format!("http://{}", lb.address());
    let (mut commands, mut answers, mut said) = (0, 0, String::new());
    for (language, block) in blocks(&text) {
        match language {
            "sh" => {
                let output =
                    Command::new("sh").args(["-euc", block]).env("LB", &url).output().expect("there is a shell");
                assert!(output.status.success(), "{block}: {output:?}");
                said = String::from_utf8(output.stdout).expect("it is text");
                commands += block.lines().count();
            }
            "json" => {
                let (told, said) = (json(block), json(&said));
                for key in told.as_object().expect("an object").keys() {
                    assert!(said.get(key).is_some(), "{key} is told, and not there: {said}");
                }
                answers += 1;
            }
            _ => {}
        }
    }
    assert!(commands >= 15 && answers >= 4, "{commands} commands, {answers} answers");
    // They have done what is said of them.
    let api = Api::through(&lb);
    let status = api.ask::<Status>(STATUS_PATH);
    let drift: Vec<_> =
        status.drift.iter().map(|one| (one.endpoint.as_str(), one.key.as_str(), one.now.as_str())).collect();
    assert_eq!(drift, [("web3", "weight", "2")]);
    let faults: Vec<_> = api.ask::<Faults>(FAULTS_PATH).faults.into_iter().map(|fault| fault.id).collect();
    assert_eq!(faults, [2, 3]);
}

#[test]
fn blocks_are_found_by_their_fences() {
    assert_eq!(blocks("a\n```sh\nx\ny\n```\nb\n```json\n{}\n```\n"), [("sh", "x\ny"), ("json", "{}")]);
}
