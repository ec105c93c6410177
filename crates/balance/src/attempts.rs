//! One request's tries so far, and the verdict on each: deliver what came of it, or try again. Never sleeps.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::{EndpointId, Failure, Outcome, RetryPolicy, Timestamp};

/// How much of the request has left for the endpoint, and whether it could be sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Nothing has.
    Nothing,
    /// Sending has begun, and all that was sent of the body is kept.
    Kept,
    /// Sending has begun, and the body was too large to be kept.
    Lost,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Give the client what there is.
    Deliver(Stop),
    /// Try another endpoint.
    Retry,
    /// Try the same endpoint once more on a new connection, free of charge: the idle race.
    RetryFresh,
}

/// Why there is no further try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The outcome is not one of those that are tried again.
    NotListed,
    /// The request has made all the attempts that it may.
    NoAttemptLeft,
    /// The time for retries is over.
    OutOfTime,
    /// The method is not idempotent, and its sending had begun.
    NotIdempotent,
    /// Part of the body is sent and no longer kept.
    BodyNotKept,
    /// The client left.
    ClientLeft,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "this outcome is not retried",
            Self::NoAttemptLeft => "no attempt is left",
            Self::OutOfTime => "the time for retries is over",
            Self::NotIdempotent => "the method is not idempotent and its sending had begun",
            Self::BodyNotKept => "the body was too large to be kept for a retry",
            Self::ClientLeft => "the client left",
        })
    }
}

/// One try at one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Where.
    pub endpoint: EndpointId,
    /// What it came to.
    pub outcome: Outcome,
    /// How long it took, from the choice of the endpoint to the outcome.
    pub took: Duration,
}

/// A request's tries so far.
#[derive(Debug)]
pub struct Attempts<'p> {
    policy: &'p RetryPolicy,
    began: Timestamp,
    idempotent: bool,
    race_spent: bool,
    // The first one stands apart so that the usual request, which needs no second, allocates nothing.
    first: Option<Attempt>,
    more: Vec<Attempt>,
}

impl<'p> Attempts<'p> {
    /// For a request that begins `now`; `idempotent` says whether its method is (RFC 9110 §9.2.2).
    pub fn new(policy: &'p RetryPolicy, now: Timestamp, idempotent: bool) -> Self {
        Self { policy, began: now, idempotent, race_spent: false, first: None, more: Vec::new() }
    }

    /// Takes down an attempt and says what follows from it.
    ///
    /// nginx's rules: a connection that could not be made is tried again whatever the method; once sending has
    /// begun, only what is idempotent (or allowed by the policy) and whose body is still kept.
    pub fn judge(&mut self, attempt: Attempt, sent: Sent, now: Timestamp) -> Verdict {
        let outcome = attempt.outcome;
        if outcome == Outcome::Abandoned {
            self.note(attempt);
            return Verdict::Deliver(Stop::ClientLeft);
        }
        let repeatable = match sent {
            Sent::Kept | Sent::Lost if !self.idempotent && !self.policy.non_idempotent => Err(Stop::NotIdempotent),
            Sent::Lost => Err(Stop::BodyNotKept),
            Sent::Nothing | Sent::Kept => Ok(()),
        };
        if outcome == Outcome::Failed(Failure::IdleRace) && repeatable.is_ok() && !self.race_spent {
            // Not noted: it costs no attempt, and the endpoint has not been tried.
            self.race_spent = true;
            return Verdict::RetryFresh;
        }
        self.note(attempt);
        if !self.policy.covers(outcome) {
            Verdict::Deliver(Stop::NotListed)
        } else if self.made() >= self.policy.attempts.get() as usize {
            Verdict::Deliver(Stop::NoAttemptLeft)
        } else if now.since(self.began) >= self.policy.timeout {
            Verdict::Deliver(Stop::OutOfTime)
        } else if let Err(stop) = repeatable {
            Verdict::Deliver(stop)
        } else {
            Verdict::Retry
        }
    }

    /// Whether this request has tried the endpoint.
    pub fn tried(&self, endpoint: EndpointId) -> bool {
        self.iter().any(|attempt| attempt.endpoint == endpoint)
    }

    /// Whether this request would be tried again if its endpoint failed it now.
    pub fn shielded(&self) -> bool {
        self.first.is_none() && self.policy.shields(self.idempotent)
    }

    /// Whether none has been made.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The attempts in the order they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.first.iter().chain(&self.more)
    }

    fn made(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    fn note(&mut self, attempt: Attempt) {
        if self.first.is_none() {
            self.first = Some(attempt);
        } else {
            self.more.push(attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RetryOn;
    use alloc::vec;
    use core::num::NonZeroU32;

    const NOW: Timestamp = Timestamp::ORIGIN;
    const UNAVAILABLE: Outcome = Outcome::Answered { status: 503 };
    const CLOSED: Outcome = Outcome::Failed(Failure::Closed);
    const REFUSED: Outcome = Outcome::Failed(Failure::Refused);
    const RACE: Outcome = Outcome::Failed(Failure::IdleRace);

    fn policy() -> RetryPolicy {
        RetryPolicy {
            on: RetryOn { error: true, timeout: true, invalid_header: false, statuses: vec![503] },
            attempts: NonZeroU32::new(3).expect("not zero"),
            timeout: Duration::from_secs(5),
            non_idempotent: false,
        }
    }

    fn at(endpoint: u32, outcome: Outcome) -> Attempt {
        Attempt { endpoint: EndpointId(endpoint), outcome, took: Duration::ZERO }
    }

    #[test]
    fn a_good_answer_is_delivered() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, true);
        let verdict = attempts.judge(at(0, Outcome::Answered { status: 200 }), Sent::Kept, NOW);
        assert_eq!(verdict, Verdict::Deliver(Stop::NotListed));
    }

    #[test]
    fn a_listed_status_is_tried_again_until_no_attempt_is_left() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, true);
        assert_eq!(attempts.judge(at(0, UNAVAILABLE), Sent::Kept, NOW), Verdict::Retry);
        assert_eq!(attempts.judge(at(1, UNAVAILABLE), Sent::Kept, NOW), Verdict::Retry);
        assert_eq!(attempts.judge(at(2, UNAVAILABLE), Sent::Kept, NOW), Verdict::Deliver(Stop::NoAttemptLeft));
        assert!(attempts.tried(EndpointId(1)) && !attempts.tried(EndpointId(3)));
    }

    #[test]
    fn a_post_is_tried_again_only_while_nothing_of_it_was_sent() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, false);
        assert_eq!(attempts.judge(at(0, REFUSED), Sent::Nothing, NOW), Verdict::Retry);
        assert_eq!(attempts.judge(at(1, CLOSED), Sent::Kept, NOW), Verdict::Deliver(Stop::NotIdempotent));
    }

    #[test]
    fn a_post_may_be_tried_again_where_the_policy_says_so() {
        let policy = RetryPolicy { non_idempotent: true, ..policy() };
        let mut attempts = Attempts::new(&policy, NOW, false);
        assert_eq!(attempts.judge(at(0, CLOSED), Sent::Kept, NOW), Verdict::Retry);
        assert_eq!(attempts.judge(at(1, CLOSED), Sent::Lost, NOW), Verdict::Deliver(Stop::BodyNotKept));
    }

    #[test]
    fn a_body_that_is_no_longer_kept_ends_the_retries() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, true);
        assert_eq!(attempts.judge(at(0, CLOSED), Sent::Lost, NOW), Verdict::Deliver(Stop::BodyNotKept));
    }

    #[test]
    fn no_attempt_begins_after_the_time_for_retries() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, true);
        let late = NOW + Duration::from_secs(5);
        assert_eq!(attempts.judge(at(0, CLOSED), Sent::Kept, late), Verdict::Deliver(Stop::OutOfTime));
    }

    #[test]
    fn the_idle_race_is_free_once_and_counts_as_an_error_after_that() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, true);
        assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW), Verdict::RetryFresh);
        assert!(attempts.is_empty() && !attempts.tried(EndpointId(0)));
        assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW), Verdict::Retry);
    }

    #[test]
    fn the_idle_race_is_free_even_where_nothing_is_retried() {
        let policy = RetryPolicy::default();
        let mut attempts = Attempts::new(&policy, NOW, true);
        assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW), Verdict::RetryFresh);
    }

    #[test]
    fn a_post_in_an_idle_race_is_tried_again_only_if_nothing_was_sent() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, false);
        assert_eq!(attempts.judge(at(0, RACE), Sent::Nothing, NOW), Verdict::RetryFresh);
        let mut attempts = Attempts::new(&policy, NOW, false);
        assert_eq!(attempts.judge(at(0, RACE), Sent::Kept, NOW), Verdict::Deliver(Stop::NotIdempotent));
    }

    #[test]
    fn a_client_that_left_gets_no_further_try() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, NOW, true);
        let verdict = attempts.judge(at(0, Outcome::Abandoned), Sent::Kept, NOW);
        assert_eq!(verdict, Verdict::Deliver(Stop::ClientLeft));
    }
}
