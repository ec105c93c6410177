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
    /// The request's other attempt is still under way: wait for what comes of that.
    AwaitOther,
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
    // Where an attempt is under way beside the one that is picked for, or that is judged next.
    under_way: Option<EndpointId>,
    // The first one stands apart so that the usual request, which needs no second, allocates nothing.
    first: Option<Attempt>,
    more: Vec<Attempt>,
}

impl<'p> Attempts<'p> {
    /// For a request that begins `now`; `idempotent` says whether its method is (RFC 9110 §9.2.2).
    pub fn new(policy: &'p RetryPolicy, budget: &'p RetryBudget, now: Timestamp, idempotent: bool) -> Self {
        budget.note_request(now);
        let (first, more) = (None, Vec::new());
        Self { policy, budget, began: now, idempotent, race_spent: false, under_way: None, first, more }
    }

    /// Its time begins now: it has waited until here for an endpoint.
    pub fn begin_now(&mut self, now: Timestamp) {
        self.began = now;
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
        let in_time = now.since(self.began) < self.policy.timeout;
        if outcome == Outcome::Failed(Failure::IdleRace) && repeatable.is_ok() && !self.race_spent && in_time {
            // Not noted: it costs no attempt, and the endpoint has not been tried.
            self.race_spent = true;
            return Verdict::RetryFresh;
        }
        self.note(attempt);
        let is_other_under_way = self.under_way.take().is_some();
        let is_good = matches!(outcome, Outcome::Answered { .. }) && !self.policy.covers(outcome);
        if is_other_under_way && !is_good {
            Verdict::AwaitOther
        } else if !self.policy.covers(outcome) {
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

    /// Begins a hedge: a second attempt, elsewhere, while the one at `first` is under way and silent. It costs an attempt
    /// and, out of the budget, as much as a retry; `None` if one of them is spent, or if `pick` finds no endpoint.
    ///
    /// Each of the two is judged when something has come of it. The first to be judged is delivered if it is an answer
    /// that is not tried again; the other one is [overtaken](Self::note_overtaken) then.
    pub fn hedge<L>(&mut self, first: EndpointId, now: Timestamp, pick: impl FnOnce(&Self) -> Option<L>) -> Option<L> {
        let is_attempt_left = self.made() + 1 < self.policy.attempts.get() as usize;
        let is_in_time = now.since(self.began) < self.policy.timeout;
        if !is_attempt_left || !is_in_time || !self.budget.grant(now) {
            return None;
        }
        self.under_way = Some(first);
        let picked = pick(self);
        if picked.is_none() {
            self.under_way = None;
            self.budget.take_back(now);
        }
        picked
    }

    /// Takes down an attempt that is given up because the one that was judged last was quicker. It is listed before that
    /// one, so that the last of the list is the one that is delivered.
    pub fn note_overtaken(&mut self, endpoint: EndpointId, took: Duration) {
        let quicker = self.more.pop().or_else(|| self.first.take());
        self.note(Attempt { endpoint, outcome: Outcome::Overtaken, took });
        if let Some(quicker) = quicker {
            self.note(quicker);
        }
    }

    /// Whether this request has tried the endpoint, or is trying it.
    pub fn tried(&self, endpoint: EndpointId) -> bool {
        self.under_way == Some(endpoint) || self.iter().any(|attempt| attempt.endpoint == endpoint)
    }

    /// Whether this request would be tried again if its endpoint failed it now.
    pub fn shielded(&self) -> bool {
        self.is_empty() && self.policy.shields(self.idempotent)
    }

    /// Whether none has been made, or is under way.
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.under_way.is_none()
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
