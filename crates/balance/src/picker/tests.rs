//! Whom a picker chooses, and whom it passes over.

use super::*;
use crate::{Algorithm, Attempt, Attempts, Failure, Outcome, RetryBudget, RetryOn, RetryPolicy, Sent};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const OUT: Standing = Standing::Out(PassedOver::Down);

const HERE: Preference = Preference { priority: 0, elsewhere: false };
const BACKUP: Preference = Preference { priority: 1, elsewhere: false };
const NOW: Timestamp = Timestamp::ORIGIN;

fn candidate(standing: Standing) -> Candidate {
    Candidate { weight: 1, standing, group: 0, most: None }
}

fn picker_of(candidates: &[Candidate], preferences: &[Preference], fail_open: bool) -> Picker {
    let cells: Box<[_]> = candidates.iter().map(|_| Arc::new(EndpointCell::new())).collect();
    for (cell, candidate) in cells.iter().zip(candidates) {
        cell.set_trial_ticket(matches!(candidate.standing, Standing::Trial { .. }));
    }
    let choosing = Choosing { algorithm: Algorithm::RoundRobin, layout: None, bound_percent: 0 };
    let cursors = preferences.iter().map(|_| Cursor::default()).collect();
    Picker::new(
        &choosing,
        preferences,
        candidates,
        fail_open,
        Arc::new(SharedCounts { cells, cursors, all: None, measured: false }),
    )
}

fn picker(standings: &[Standing], fail_open: bool) -> Picker {
    let candidates: Vec<_> = standings.iter().map(|standing| candidate(*standing)).collect();
    picker_of(&candidates, &[HERE], fail_open)
}

fn unlimited() -> RetryBudget {
    RetryBudget::new(None)
}

fn retrying() -> RetryPolicy {
    RetryPolicy {
        on: RetryOn { error: true, ..RetryOn::default() },
        attempts: NonZeroU32::new(9).expect("not zero"),
        ..RetryPolicy::default()
    }
}

fn picked(picker: &Picker, attempts: &Attempts<'_>) -> Option<(u32, Turn)> {
    picker.pick(&Wish::new(attempts, NOW, 0), &mut ()).ok().map(|lease| (lease.endpoint().0, lease.turn()))
}

fn try_all(picker: &Picker, policy: &RetryPolicy) -> Vec<u32> {
    let unlimited = unlimited();
    let mut attempts = Attempts::new(policy, &unlimited, NOW, true);
    let mut tried = vec![];
    while let Ok(lease) = picker.pick(&Wish::new(&attempts, NOW, 0), &mut ()) {
        tried.push(lease.endpoint().0);
        let outcome = Outcome::Failed(Failure::Closed);
        let attempt = Attempt { endpoint: lease.endpoint(), outcome, took: Duration::ZERO };
        attempts.judge(attempt, Sent::Kept, NOW, 0);
    }
    tried
}

#[test]
fn a_request_never_gets_an_endpoint_twice() {
    let mut tried = try_all(&picker(&[Standing::Available; 4], false), &retrying());
    tried.sort_unstable();
    assert_eq!(tried, [0, 1, 2, 3]);
}

#[test]
fn one_shielded_request_is_the_trial_and_the_others_go_elsewhere() {
    let unlimited = unlimited();
    let policy = retrying();
    let attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let picker = picker(&[Standing::Available, Standing::Trial { any: false }], false);
    let trial = picker.pick(&Wish::new(&attempts, NOW, 0), &mut ()).expect("there are endpoints");
    assert_eq!((trial.endpoint().0, trial.turn()), (1, Turn::Trial));
    assert_eq!(picked(&picker, &attempts), Some((0, Turn::Regular)));
    drop(trial);
    assert_eq!(picked(&picker, &attempts), Some((1, Turn::Trial)), "dropped without a result: again");
}

#[test]
fn a_request_that_could_not_be_tried_again_is_no_trial_while_others_are_available() {
    let unlimited = unlimited();
    let policy = retrying();
    let post = Attempts::new(&policy, &unlimited, NOW, false);
    let patient = picker(&[Standing::Available, Standing::Trial { any: false }], false);
    assert_eq!(picked(&patient, &post), Some((0, Turn::Regular)));
    let urgent = picker(&[Standing::Available, Standing::Trial { any: true }], false);
    assert_eq!(picked(&urgent, &post), Some((1, Turn::Trial)));
    let alone = picker(&[OUT, Standing::Trial { any: false }], false);
    assert_eq!(picked(&alone, &post), Some((1, Turn::Trial)));
}

#[test]
fn no_endpoint_is_chosen_that_is_out_unless_the_cluster_fails_open() {
    let unlimited = unlimited();
    let policy = RetryPolicy::default();
    let attempts = Attempts::new(&policy, &unlimited, NOW, true);
    assert_eq!(picked(&picker(&[OUT, OUT], false), &attempts), None);
    assert_eq!(picked(&picker(&[OUT, OUT], true), &attempts), Some((0, Turn::FailOpen)));
    assert_eq!(picked(&picker(&[OUT, Standing::Available], true), &attempts), Some((1, Turn::Regular)));
}

#[test]
fn a_pin_reaches_an_endpoint_whatever_is_believed_of_it() {
    let picker = picker(&[Standing::Available, OUT], false);
    assert_eq!(picker.pick_pinned(EndpointId(1)).map(|lease| lease.turn()), Some(Turn::Pinned));
    assert!(picker.pick_pinned(EndpointId(2)).is_none());
}

#[test]
fn whoever_waits_is_told_when_the_next_endpoint_returns() {
    let unlimited = unlimited();
    let until = |s| Timestamp::ORIGIN + Duration::from_secs(s);
    let out = |s| Standing::Out(PassedOver::Ejected { until: until(s) });
    let policy = RetryPolicy::default();
    let attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let none =
        picker(&[out(9), out(7), OUT], false).pick(&Wish::new(&attempts, NOW, 0), &mut ()).expect_err("all are out");
    assert_eq!(none.until, Some(until(7)));
}

#[test]
fn an_observer_hears_why_each_endpoint_was_passed_over() {
    let unlimited = unlimited();
    let policy = retrying();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let outcome = Outcome::Failed(Failure::Closed);
    attempts.judge(Attempt { endpoint: EndpointId(0), outcome, took: Duration::ZERO }, Sent::Kept, NOW, 0);
    let mut reasons = Vec::new();
    let lease = picker(&[Standing::Available, OUT, Standing::Available], false)
        .pick(&Wish::new(&attempts, NOW, 0), &mut reasons);
    assert_eq!(lease.map(|lease| lease.endpoint().0), Ok(2));
    assert_eq!(reasons, [(EndpointId(1), PassedOver::Down), (EndpointId(0), PassedOver::AlreadyTried)]);
}

#[test]
fn a_backup_is_chosen_when_nobody_else_may_be_and_its_trial_waits_until_then() {
    let unlimited = unlimited();
    let policy = retrying();
    let attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let of = |first, backup| {
        let backup = Candidate { group: 1, ..candidate(backup) };
        picked(&picker_of(&[candidate(first), backup], &[HERE, BACKUP], false), &attempts)
    };
    assert_eq!(of(Standing::Available, Standing::Available), Some((0, Turn::Regular)));
    assert_eq!(of(OUT, Standing::Available), Some((1, Turn::Regular)));
    assert_eq!(of(Standing::Available, Standing::Trial { any: true }), Some((0, Turn::Regular)));
    assert_eq!(of(OUT, Standing::Trial { any: false }), Some((1, Turn::Trial)));
    let backup = Candidate { group: 1, ..candidate(Standing::Available) };
    let both = picker_of(&[candidate(Standing::Available), backup], &[HERE, BACKUP], false);
    assert_eq!(try_all(&both, &policy), [0, 1], "a request that has tried the others is tried at the backup");
}

#[test]
fn an_endpoint_with_as_many_requests_as_it_may_have_is_passed_over_and_whoever_waits_is_told() {
    let unlimited = unlimited();
    let policy = RetryPolicy::default();
    let attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let limited = Candidate { most: NonZeroU32::new(2), ..candidate(Standing::Available) };
    let picker = picker_of(&[limited, limited], &[HERE], false);
    let mut leases: Vec<_> =
        (0..4).map(|_| picker.pick(&Wish::new(&attempts, NOW, 0), &mut ()).expect("there is room")).collect();
    let mut reasons = Vec::new();
    let none = picker.pick(&Wish::new(&attempts, NOW, 0), &mut reasons).expect_err("both are full");
    assert!(none.at_capacity);
    assert_eq!(reasons, [(EndpointId(0), PassedOver::AtCapacity), (EndpointId(1), PassedOver::AtCapacity)]);
    leases.remove(1);
    assert_eq!(picked(&picker, &attempts), Some((1, Turn::Regular)));
}

#[test]
fn a_session_stays_with_its_endpoint_while_that_drains_and_moves_when_it_fails() {
    let unlimited = unlimited();
    let policy = RetryPolicy::default();
    let attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let of = |standing| {
        let picker = picker(&[Standing::Available, standing], false);
        let wish = Wish { session: Some(EndpointId(1)), ..Wish::new(&attempts, NOW, 0) };
        picker.pick(&wish, &mut ()).map(|lease| (lease.endpoint().0, lease.turn()))
    };
    assert_eq!(of(Standing::Available), Ok((1, Turn::Session)));
    assert_eq!(of(Standing::Draining), Ok((1, Turn::Session)));
    assert_eq!(of(OUT), Ok((0, Turn::Regular)));
    let strangers = picker(&[Standing::Available, Standing::Draining], false);
    assert_eq!([1, 2].map(|_| picked(&strangers, &attempts)), [Some((0, Turn::Regular)); 2]);
}
