//! What is delivered, what is tried again, and until when.

use super::*;
use crate::{BudgetPolicy, RetryOn};
use alloc::vec;
use core::num::NonZeroU32;

const NOW: Timestamp = Timestamp::ORIGIN;
const UNAVAILABLE: Outcome = Outcome::Answered { status: 503 };
const CLOSED: Outcome = Outcome::Failed(Failure::Closed);
const REFUSED: Outcome = Outcome::Failed(Failure::Refused);
const RACE: Outcome = Outcome::Failed(Failure::IdleRace);

fn unlimited() -> RetryBudget {
    RetryBudget::new(None)
}

fn policy() -> RetryPolicy {
    RetryPolicy {
        on: RetryOn { error: true, timeout: true, invalid_header: false, statuses: vec![503] },
        attempts: NonZeroU32::new(3).expect("not zero"),
        timeout: Duration::from_secs(5),
        ..RetryPolicy::default()
    }
}

fn at(endpoint: u32, outcome: Outcome) -> Attempt {
    Attempt { endpoint: EndpointId(endpoint), outcome, took: Duration::ZERO }
}

#[test]
fn a_good_answer_is_delivered() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let verdict = attempts.judge(at(0, Outcome::Answered { status: 200 }), Sent::Kept, NOW, 0);
    assert_eq!(verdict, Verdict::Deliver(Stop::NotListed));
}

#[test]
fn a_listed_status_is_tried_again_until_no_attempt_is_left() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    assert_eq!(attempts.judge(at(0, UNAVAILABLE), Sent::Kept, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
    assert_eq!(attempts.judge(at(1, UNAVAILABLE), Sent::Kept, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
    assert_eq!(attempts.judge(at(2, UNAVAILABLE), Sent::Kept, NOW, 0), Verdict::Deliver(Stop::NoAttemptLeft));
    assert!(attempts.tried(EndpointId(1)) && !attempts.tried(EndpointId(3)));
}

#[test]
fn a_post_is_tried_again_only_while_nothing_of_it_was_sent() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, false);
    assert_eq!(attempts.judge(at(0, REFUSED), Sent::Nothing, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
    assert_eq!(attempts.judge(at(1, CLOSED), Sent::Kept, NOW, 0), Verdict::Deliver(Stop::NotIdempotent));
}

#[test]
fn a_post_may_be_tried_again_where_the_policy_says_so() {
    let unlimited = unlimited();
    let policy = RetryPolicy { non_idempotent: true, ..policy() };
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, false);
    assert_eq!(attempts.judge(at(0, CLOSED), Sent::Kept, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
    assert_eq!(attempts.judge(at(1, CLOSED), Sent::Lost, NOW, 0), Verdict::Deliver(Stop::BodyNotKept));
}

#[test]
fn a_body_that_is_no_longer_kept_ends_the_retries() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    assert_eq!(attempts.judge(at(0, CLOSED), Sent::Lost, NOW, 0), Verdict::Deliver(Stop::BodyNotKept));
}

#[test]
fn no_attempt_begins_after_the_time_for_retries() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let late = NOW + Duration::from_secs(5);
    assert_eq!(attempts.judge(at(0, CLOSED), Sent::Kept, late, 0), Verdict::Deliver(Stop::OutOfTime));
}

#[test]
fn a_wait_that_would_end_too_late_ends_the_retries() {
    let unlimited = unlimited();
    let policy = RetryPolicy { backoff: Duration::from_secs(1), ..policy() };
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let verdict = attempts.judge(at(0, CLOSED), Sent::Kept, NOW, u64::MAX);
    assert_eq!(verdict, Verdict::RetryAfter(Duration::from_secs(1)));
    let late = NOW + Duration::from_secs(4);
    let verdict = attempts.judge(at(1, CLOSED), Sent::Kept, late, u64::MAX);
    assert_eq!(verdict, Verdict::Deliver(Stop::OutOfTime));
}

#[test]
fn a_spent_budget_ends_the_retries_of_everybody() {
    let budget = RetryBudget::new(Some(BudgetPolicy { percent: 100, floor: 0 }));
    let policy = policy();
    let mut first = Attempts::new(&policy, &budget, NOW, true);
    assert_eq!(first.judge(at(0, CLOSED), Sent::Kept, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
    assert_eq!(first.judge(at(1, CLOSED), Sent::Kept, NOW, 0), Verdict::Deliver(Stop::BudgetSpent));
}

#[test]
fn the_idle_race_is_free_once_and_counts_as_an_error_after_that() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW, 0), Verdict::RetryFresh);
    assert!(attempts.is_empty() && !attempts.tried(EndpointId(0)));
    assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
}

#[test]
fn the_idle_race_is_free_even_where_nothing_is_retried() {
    let unlimited = unlimited();
    let policy = RetryPolicy::default();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW, 0), Verdict::RetryFresh);
}

#[test]
fn a_post_in_an_idle_race_is_tried_again_only_if_nothing_was_sent() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, false);
    assert_eq!(attempts.judge(at(0, RACE), Sent::Nothing, NOW, 0), Verdict::RetryFresh);
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, false);
    assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW, 0), Verdict::Deliver(Stop::NotIdempotent));
}

#[test]
fn a_client_that_left_gets_no_further_try() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let verdict = attempts.judge(at(0, Outcome::Abandoned), Sent::Kept, NOW, 0);
    assert_eq!(verdict, Verdict::Deliver(Stop::ClientLeft));
}
