//! What an attempt's outcome is counted as, and whether the cluster must hear of it. What follows from it is `cluster`'s.

use core::time::Duration;

use crate::{EndpointId, Failure, Lease, Outcome, RetryPolicy, Timestamp, Turn};

/// What a cluster must hear of an attempt; see [`Cluster::handle_report`](crate::Cluster::handle_report).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Where it was made.
    pub endpoint: EndpointId,
    /// By what right.
    pub turn: Turn,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether that speaks against the endpoint.
    pub blamed: bool,
    /// When.
    pub at: Timestamp,
}

impl Lease {
    /// Counts an attempt's outcome, which was there after so long. Gives a report only if it is news: a success of an
    /// endpoint that is believed to work is none. Whoever has told the cluster says so with [`settle`](Self::settle).
    pub fn conclude(&self, policy: &RetryPolicy, outcome: Outcome, took: Duration, now: Timestamp) -> Option<Report> {
        let blamed = policy.blames(outcome);
        match pace(outcome, blamed) {
            Pace::Told => self.note_latency(took, now),
            Pace::AtLeast => self.note_given_up(took, now),
            Pace::Unknown => {}
        }
        let is_news = if blamed {
            self.note_failure();
            true
        } else {
            matches!(outcome, Outcome::Answered { .. }) && self.note_success(took)
        };
        is_news.then(|| Report { endpoint: self.endpoint(), turn: self.turn(), outcome, blamed, at: now })
    }
}

/// What the time that an attempt took says of how quick its endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It takes so long.
    Told,
    /// It takes so long at least: nobody waited for the end.
    AtLeast,
    /// Nothing: one that fails at once is not a quick one.
    Unknown,
}

/// What the time that an attempt took says, by what it came to and whether that speaks against the endpoint.
pub fn pace(outcome: Outcome, blamed: bool) -> Pace {
    match outcome {
        Outcome::Failed(Failure::ConnectTimeout | Failure::ResponseTimeout) => Pace::Told,
        Outcome::Answered { .. } | Outcome::Connected if !blamed => Pace::Told,
        Outcome::Abandoned | Outcome::Overtaken => Pace::AtLeast,
        // Also of a body that stands still: its head was there in time.
        Outcome::Answered { .. } | Outcome::Connected | Outcome::Failed(_) => Pace::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_waited_for_tells_how_quick_an_endpoint_is() {
        let answered = Outcome::Answered { status: 200 };
        assert_eq!(pace(answered, false), Pace::Told);
        assert_eq!(pace(Outcome::Answered { status: 503 }, true), Pace::Unknown);
        assert_eq!(pace(Outcome::Failed(Failure::Refused), true), Pace::Unknown);
        assert_eq!(pace(Outcome::Failed(Failure::ResponseTimeout), true), Pace::Told);
        assert_eq!(pace(Outcome::Failed(Failure::Stalled), true), Pace::Unknown);
        assert_eq!(pace(Outcome::Abandoned, false), Pace::AtLeast);
    }
}
