//! What clients notice when something breaks: nothing, where it can be helped; and where not, that something has failed.
//!
//! `benches/faults` plays the same lines with nginx and `HAProxy` beside `lb`, and writes `docs/reliability.md`.

mod backend;
mod backends;
mod exchange;
mod full_disk;
mod line;
mod load;
mod message;
mod slow;
mod stage;

use std::process::Command;
use std::time::Duration;

use crate::support::{Lb, config};
use exchange::{Ask, Connection, Outcome, ask};
use full_disk::Mute;
use line::{Act, Line, Surroundings};
use stage::{Stage, Tally};

/// Set in the process of a backend: on which port it is to serve.
const PORT: &str = "LB_FAULTS_BACKEND_PORT";

/// This test's own program, which becomes a backend instead of testing one.
fn a_backend(port: u16) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the tests have a path"));
    command.args(["--exact", "faults::a_backend_answers_each_request_with_what_belongs_to_it", "--nocapture"]);
    command.env(PORT, port.to_string());
    command
}

#[test]
fn a_backend_answers_each_request_with_what_belongs_to_it() {
    if let Ok(port) = std::env::var(PORT) {
        backend::serve(port.parse().expect("a port"));
        return;
    }
    let stage = Stage::new(line::killed(), a_backend);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for address in stage.endpoints() {
            let mut connection = Connection::open(address).await.expect("it listens");
            for (method, id, upload) in [("GET", "g1", 0), ("POST", "p2", 100_000)] {
                let what = Ask { method, id, upload, size: 100_000, pace: None };
                assert_eq!(ask(&mut connection, &what).await, Outcome::Ok);
            }
        }
    });
}

/// Plays a line with `lb`, and holds it to what must be so whatever breaks.
fn play(line: Line) -> Tally {
    let (name, what) = (line.name, line.what);
    let tally = play_with(line, line::policy);
    let Tally { garbage, truncated, executed_twice, ref reasons, .. } = tally;
    assert_eq!((garbage, truncated, executed_twice), (0, 0, 0), "{name}: {what} {reasons:?}");
    tally
}

/// The same with a policy of the test's own, which may allow more.
fn play_with(mut line: Line, policy: impl FnOnce(&Line) -> String) -> Tally {
    // A machine that has much else to do is no fault of lb's.
    line.load.patience = line.load.patience.max(Duration::from_secs(20));
    let mut stage = Stage::new(line.clone(), a_backend);
    let config = config::cluster(&stage.endpoints(), &policy(&line));
    let tally = if line.surroundings == Surroundings::FullDisk {
        let config = format!("{config}[access-log]\npath = \"/dev/full\"\n");
        let lb = Mute::start(|address| config.replace("127.0.0.1:0", &address.to_string()));
        let tally = stage.play(lb.address(), lb.pid());
        assert!(lb.stop().success());
        tally
    } else {
        let lb = Lb::under(&stage.wrapper(), &config);
        stage.play(lb.address(), lb.pid())
    };
    let Tally { ok, failed, struck, ref reasons, slowest, peak_kib, .. } = tally;
    println!("{}: {ok} ok, {failed} failed, slowest {slowest:?}, peak {peak_kib} KiB, {reasons:?}", line.name);
    let (name, what) = (line.name, line.what);
    assert!(tally.recovered, "{name}: {what} lb did not recover from it");
    assert!(ok > tally.requests() / 2, "{name}: {what} Most requests failed: {reasons:?}");
    let breaks = |act: &(u64, Act)| matches!(act.1, Act::Fault(..) | Act::FaultEverywhere(_));
    assert_eq!(struck > 0, line.acts.iter().any(breaks), "{name}: a fault was to meet requests, and met {struck}");
    tally
}

fn nobody_notices(line: Line) {
    let tally = play(line);
    assert_eq!(tally.failed, 0, "{:?}", tally.reasons);
}

#[test]
fn nobody_notices_that_a_backend_is_killed() {
    nobody_notices(line::killed());
}

#[test]
fn nobody_notices_that_a_backend_is_stopped_for_a_while() {
    nobody_notices(line::stopped());
}

#[test]
fn nobody_notices_an_address_at_which_nobody_answers() {
    nobody_notices(line::blackhole());
}

#[test]
fn nobody_notices_a_backend_that_resets_before_it_answers() {
    nobody_notices(line::reset_before_answer());
}

#[test]
fn nobody_notices_a_backend_that_is_too_busy() {
    nobody_notices(line::busy());
}

#[test]
fn nobody_notices_a_backend_that_is_too_slow() {
    nobody_notices(line::slow());
}

#[test]
fn nobody_notices_a_backend_that_does_not_speak_http() {
    nobody_notices(line::garbage());
}

#[test]
fn nobody_notices_backends_that_close_without_a_word() {
    nobody_notices(line::stale());
}

#[test]
fn nobody_gets_an_answer_for_which_nobody_asked() {
    nobody_notices(line::extra_answer());
}

#[test]
fn who_is_in_is_answered_while_descriptors_are_short() {
    nobody_notices(line::descriptors());
}

#[test]
fn idle_clients_leave_descriptors_for_connections_to_backends() {
    nobody_notices(line::descriptors_without_keep_alive());
}

#[test]
fn many_slow_bodies_take_little_memory() {
    nobody_notices(line::memory());
}

// A line that could not be logged once ended the process: the log's own layer told of it on standard error, and panicked.
#[test]
fn nobody_notices_that_the_log_cannot_be_written() {
    nobody_notices(line::full_disk());
}

#[test]
fn nobody_notices_that_the_clock_jumps() {
    nobody_notices(line::clock());
}

#[test]
fn a_post_that_may_have_been_executed_fails_and_no_other() {
    let tally = play(line::reset_post());
    assert_eq!(tally.failed, tally.struck, "{:?}", tally.reasons);
}

// Also the proof that the suite sees a POST that is executed twice.
#[test]
fn a_post_that_may_be_sent_twice_is() {
    let policy = |line: &Line| line::policy(line).replace("attempts = 3", "attempts = 3, non-idempotent = true");
    let tally = play_with(line::reset_post(), policy);
    assert_eq!(tally.failed, 0, "{:?}", tally.reasons);
    assert!(tally.executed_twice > 0);
}

#[test]
fn a_post_may_meet_a_connection_that_closes_and_is_not_sent_twice() {
    let tally = play(line::stale_post());
    let known = |reason: &String| reason == "status 502 (idle-race)" || reason == "status 502 (closed)";
    assert!(tally.reasons.keys().all(known), "{:?}", tally.reasons);
}

#[test]
fn an_answer_that_is_cut_is_cut_for_its_client_too_and_no_other() {
    let tally = play(line::cut_in_mid_body());
    assert_eq!(tally.failed, tally.struck, "{:?}", tally.reasons);
}

#[test]
fn when_backends_are_back_everything_is_well_again() {
    let tally = play(line::all_away());
    assert_eq!(tally.failed_late, 0, "{:?}", tally.reasons);
}
