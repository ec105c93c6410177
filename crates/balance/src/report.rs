//! What an attempt's outcome is counted as, and whether the cluster must hear of it. What follows from it is `cluster`'s.

use core::time::Duration;

use crate::{EndpointId, Lease, Outcome, RetryPolicy, Timestamp, Turn};

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
        if tells_latency(outcome, blamed) {
            self.note_latency(took, now);
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

/// Whether the time that an attempt took says how quick its endpoint is: one that fails at once is not a quick one.
fn tells_latency(outcome: Outcome, blamed: bool) -> bool {
    match outcome {
        Outcome::Failed(failure) => failure.is_timeout(),
        Outcome::Answered { .. } | Outcome::Connected => !blamed,
        // It was at least so slow.
        Outcome::Abandoned => true,
    }
}
