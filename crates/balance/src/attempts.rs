//! One request's tries so far, and the verdict on each: deliver what came of it, or try again. Never sleeps.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::{EndpointId, Failure, Outcome, RetryBudget, RetryPolicy, Timestamp};

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
    /// Try another endpoint, after this long.
    RetryAfter(Duration),
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
    /// So much of the traffic is retries already that one more would only add to the load.
    BudgetSpent,
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
            Self::BudgetSpent => "the cluster's budget of retries is spent",
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
    budget: &'p RetryBudget,
    began: Timestamp,
    idempotent: bool,
    race_spent: bool,
    // The first one stands apart so that the usual request, which needs no second, allocates nothing.
    first: Option<Attempt>,
    more: Vec<Attempt>,
}

impl<'p> Attempts<'p> {
    /// For a request that begins `now`; `idempotent` says whether its method is (RFC 9110 §9.2.2).
    pub fn new(policy: &'p RetryPolicy, budget: &'p RetryBudget, now: Timestamp, idempotent: bool) -> Self {
        budget.note_request(now);
        Self { policy, budget, began: now, idempotent, race_spent: false, first: None, more: Vec::new() }
    }

    /// Takes down an attempt and says what follows from it.
    ///
    /// nginx's rules: a connection that could not be made is tried again whatever the method; once sending has
    /// begun, only what is idempotent (or allowed by the policy) and whose body is still kept. A retry is paid for out of
    /// the cluster's budget. `entropy` is 64 random bits.
    pub fn judge(&mut self, attempt: Attempt, sent: Sent, now: Timestamp, entropy: u64) -> Verdict {
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
        } else if let Err(stop) = repeatable {
            Verdict::Deliver(stop)
        } else {
            let wait = self.policy.wait_after(u32::try_from(self.made()).unwrap_or(u32::MAX), entropy);
            if (now + wait).since(self.began) >= self.policy.timeout {
                Verdict::Deliver(Stop::OutOfTime)
            } else if !self.budget.grant(now) {
                Verdict::Deliver(Stop::BudgetSpent)
            } else {
                Verdict::RetryAfter(wait)
            }
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
mod tests;
