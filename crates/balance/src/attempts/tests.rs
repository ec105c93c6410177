//! What is delivered, what is tried again, and until when.

use super::*;
use crate::{BudgetPolicy, RetryOn};
use alloc::vec;
use core::num::NonZeroU32;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::ORIGIN;
const OK: Outcome = Outcome::Answered { status: 200 };
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
fn the_time_that_a_request_has_waited_for_an_endpoint_is_not_taken_from_its_tries() {
    let unlimited = unlimited();
    let policy = policy();
    let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
    let (admitted, later) = (NOW + Duration::from_secs(20), NOW + Duration::from_secs(21));
    attempts.begin_now(admitted);
    assert_eq!(attempts.judge(at(0, CLOSED), Sent::Kept, later, 0), Verdict::RetryAfter(Duration::ZERO));
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

/// A request with one attempt under way at endpoint 0 and another at endpoint 1.
fn hedged<'p>(policy: &'p RetryPolicy, budget: &'p RetryBudget) -> Attempts<'p> {
    let mut attempts = Attempts::new(policy, budget, NOW, true);
    let picked = attempts.hedge(EndpointId(0), NOW, |attempts| {
        assert!(attempts.tried(EndpointId(0)) && !attempts.is_empty() && !attempts.shielded());
        Some(EndpointId(1))
    });
    assert_eq!(picked, Some(EndpointId(1)));
    attempts
}

#[test]
fn of_two_attempts_the_first_good_answer_is_delivered_and_the_other_is_overtaken() {
    let (policy, unlimited) = (policy(), unlimited());
    let mut attempts = hedged(&policy, &unlimited);
    assert_eq!(attempts.judge(at(1, OK), Sent::Kept, NOW, 0), Verdict::Deliver(Stop::NotListed));
    attempts.note_overtaken(EndpointId(0), Duration::ZERO);
    let told: Vec<_> = attempts.iter().map(|attempt| (attempt.endpoint.0, attempt.outcome)).collect();
    assert_eq!(told, [(0, Outcome::Overtaken), (1, OK)]);
}

#[test]
fn of_two_attempts_a_failure_waits_for_the_other_which_is_judged_as_any() {
    let policy = policy();
    for listed in [UNAVAILABLE, CLOSED, Outcome::Failed(Failure::InvalidHeader)] {
        let budget = RetryBudget::new(Some(BudgetPolicy { percent: 200, floor: 0 }));
        let mut attempts = hedged(&policy, &budget);
        assert_eq!(attempts.judge(at(0, listed), Sent::Kept, NOW, 0), Verdict::AwaitOther, "{listed}");
        assert_eq!(budget.spent(NOW), (1, 1), "waiting costs nothing");
        assert_eq!(attempts.judge(at(1, CLOSED), Sent::Kept, NOW, 0), Verdict::RetryAfter(Duration::ZERO));
        assert_eq!(attempts.judge(at(2, CLOSED), Sent::Kept, NOW, 0), Verdict::Deliver(Stop::NoAttemptLeft));
    }
}

#[test]
fn there_is_no_hedge_without_an_attempt_time_or_budget_for_it() {
    let policy = policy();
    let none = |budget: &RetryBudget, policy: &RetryPolicy, now| {
        let mut attempts = Attempts::new(policy, budget, NOW, true);
        attempts.hedge(EndpointId(0), now, |_| Some(())).is_none()
    };
    assert!(none(&unlimited(), &RetryPolicy { attempts: NonZeroU32::MIN, ..policy.clone() }, NOW));
    assert!(none(&unlimited(), &policy, NOW + Duration::from_secs(5)));
    assert!(none(&RetryBudget::new(Some(BudgetPolicy { percent: 0, floor: 0 })), &policy, NOW));
}

#[test]
fn a_hedge_that_finds_no_endpoint_costs_nothing() {
    let (policy, budget) = (policy(), RetryBudget::new(Some(BudgetPolicy { percent: 100, floor: 0 })));
    let mut attempts = Attempts::new(&policy, &budget, NOW, true);
    assert_eq!(attempts.hedge(EndpointId(0), NOW, |_| None::<()>), None);
    assert!(attempts.is_empty() && budget.spent(NOW) == (1, 0));
}

proptest! {
    /// Whatever comes of them: no request makes more attempts than it may, none begins after its time, and each endpoint is
    /// tried once.
    #[test]
    fn a_request_never_makes_more_attempts_than_it_may_nor_begins_one_too_late(
        most in 1u32..8,
        backoff_ms in 0u64..400,
        outcomes in proptest::collection::vec((0u8..6, 0u64..900, any::<u64>()), 1..20),
    ) {
        let unlimited = unlimited();
        let policy = RetryPolicy {
            attempts: NonZeroU32::new(most).expect("not zero"),
            backoff: Duration::from_millis(backoff_ms),
            timeout: Duration::from_secs(2),
            ..policy()
        };
        let mut attempts = Attempts::new(&policy, &unlimited, NOW, true);
        let (mut now, mut made, mut endpoint) = (NOW, 0, 0);
        for (kind, took_ms, entropy) in outcomes {
            let outcome = match kind {
                0 => UNAVAILABLE,
                1 => CLOSED,
                2 => REFUSED,
                3 => RACE,
                4 => Outcome::Failed(Failure::ResponseTimeout),
                _ => Outcome::Answered { status: 200 },
            };
            prop_assert!(now.since(NOW) < policy.timeout, "an attempt begins after {:?}", now.since(NOW));
            prop_assert!(!attempts.tried(EndpointId(endpoint)));
            now = now + Duration::from_millis(took_ms);
            match attempts.judge(at(endpoint, outcome), Sent::Kept, now, entropy) {
                // The same endpoint, on a new connection, and only once.
                Verdict::RetryFresh => continue,
                Verdict::RetryAfter(wait) => now = now + wait,
                Verdict::Deliver(_) | Verdict::AwaitOther => break,
            }
            made += 1;
            prop_assert!(made < most, "{made} attempts and another one, of {most}");
            endpoint += 1;
        }
    }
}
