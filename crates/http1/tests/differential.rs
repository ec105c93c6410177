//! Reads messages with `lb-http1` and with hyper, and compares what they make of them: requests as a server reads them, answers as
//! a client does. The messages are made from seeds, one each; a failure prints its seed, and `LB_FUZZ_SEED` runs that one alone.
#![allow(clippy::print_stdout, reason = "a test that counts says what it counted")]

#[path = "differential/compare.rs"]
mod compare;
#[path = "differential/exceptions.rs"]
mod exceptions;
#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/mutate.rs"]
mod mutate;
#[path = "differential/ours.rs"]
mod ours;
#[path = "differential/reading.rs"]
mod reading;
#[path = "differential/rewriting.rs"]
mod rewriting;
#[path = "differential/script.rs"]
mod script;
#[path = "differential/strict.rs"]
mod strict;
#[path = "differential/theirs.rs"]
mod theirs;

use std::ops::Range;

use compare::Tally;
use fastrand::Rng;

/// How many inputs each test makes.
const INPUTS: u64 = 12_000;

/// The seeds of a run.
fn seeds() -> Range<u64> {
    match std::env::var("LB_FUZZ_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("LB_FUZZ_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..INPUTS,
    }
}

/// An input: its bytes, and how it comes.
struct Input {
    bytes: Vec<u8>,
    pieces: Vec<Vec<u8>>,
}

/// Makes an input from each seed, half of them spoilt, and fails if any of them is judged badly.
fn for_each_input(make: impl Fn(&mut Rng) -> Vec<u8>, mut judge: impl FnMut(&mut Rng, &Input) -> Result<(), String>) {
    let mut failures = Vec::new();
    for seed in seeds() {
        let mut rng = Rng::with_seed(seed);
        let mut bytes = make(&mut rng);
        if rng.bool() {
            mutate::spoil(&mut rng, &mut bytes);
        }
        let cuts = generate::cuts(&mut rng, bytes.len());
        let pieces = reading::pieces(&bytes, &cuts);
        let input = Input { bytes, pieces };
        if let Err(failure) = judge(&mut rng, &input) {
            let input = reading::described(&input.bytes, &input.pieces);
            failures.push(format!("LB_FUZZ_SEED={seed}: {failure}\n{input}"));
        }
    }
    // The smallest says most.
    failures.sort_by_key(String::len);
    let shown = failures[..failures.len().min(5)].join("\n");
    assert!(failures.is_empty(), "{} inputs are judged badly; the shortest of them:\n{shown}", failures.len());
}

/// Says what was counted, and that it was much: a comparison of inputs that both refuse would find nothing.
fn report(tally: &Tally) {
    println!("{} messages read alike, {} broken for both", tally.alike, tally.broken_for_both);
    tally.only_theirs.iter().for_each(|(why, count)| println!("only hyper accepts: {count:5} {why}"));
    tally.excused.iter().for_each(|(name, count)| println!("excused: {count:5} {name}"));
    let inputs = seeds().count();
    assert!(inputs == 1 || tally.alike * 2 > inputs, "half of the inputs say something: {tally:?}");
}

#[test]
fn requests_are_read_as_hyper_reads_them_or_refused() {
    let mut tally = Tally::default();
    for_each_input(generate::requests, |_, input| {
        tally.compare(&ours::requests(&input.pieces, |_, _, _| {}), &theirs::requests(&input.pieces))
    });
    report(&tally);
}

#[test]
fn answers_are_read_as_hyper_reads_them_or_refused() {
    let mut tally = Tally::default();
    for_each_input(generate::answer, |rng, input| {
        let method = mutate::one(rng, &["GET", "GET", "POST", "HEAD"]);
        tally.compare(&ours::answer(method, &input.pieces), &theirs::answer(method, &input.pieces))
    });
    report(&tally);
}

#[test]
fn a_request_that_is_accepted_is_one_request_to_whoever_reads_it_next() {
    let (mut whole, mut cut) = (0, 0);
    for_each_input(generate::requests, |_, input| {
        let mut judged = Ok(());
        ours::requests(&input.pieces, |head, message, trailers| {
            *(if message.is_whole { &mut whole } else { &mut cut }) += 1;
            judged = judged.clone().and(rewriting::judge(head, message, trailers));
        });
        judged
    });
    println!("{whole} whole requests, {cut} that were cut");
    assert!(seeds().count() == 1 || whole > seeds().count(), "most inputs hold a request");
}
