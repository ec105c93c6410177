//! What is believed of an endpoint, and why, in words. The transitions are `cluster`'s.

use core::fmt;
use core::time::Duration;

use crate::{Outcome, Timestamp};

/// What is believed of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// It gets its share.
    Up,
    /// Requests failed on it: it gets none for a while.
    Ejected {
        /// When its trial begins.
        until: Timestamp,
    },
    /// Its ejection has ended: one request shows whether it works again.
    Trial,
    /// Probes failed on it: it gets none until they succeed.
    Down,
    /// It works, and is being taken out of use: it gets only what sessions are bound to it.
    Draining,
}

/// Why something is believed. Reads as one short sentence about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing has happened yet, and an endpoint is trusted until it fails.
    Started,
    /// As many requests failed within the window as the policy bears.
    RequestsFailed {
        /// How many.
        count: u32,
        /// Within how long.
        window: Duration,
        /// What the last of them came to.
        last: Outcome,
    },
    /// As many requests in a row failed as the policy bears.
    FailedInARow {
        /// How many.
        count: u32,
        /// What the last of them came to.
        last: Outcome,
    },
    /// Much more of its requests failed than of the other endpoints'.
    Outlier {
        /// How many of a hundred succeeded.
        success_percent: u8,
        /// How many of a hundred succeeded on an endpoint of the cluster, in the mean.
        mean_percent: u8,
    },
    /// As many requests failed, but so much of the cluster is out already that the endpoint stays in.
    KeptIn {
        /// How many requests failed.
        count: u32,
        /// Within how long.
        window: Duration,
    },
    /// The ejection ran out.
    EjectionOver,
    /// The trial's request failed.
    TrialFailed {
        /// What it came to.
        outcome: Outcome,
    },
    /// A request succeeded although the endpoint was doubted.
    RequestSucceeded,
    /// As many probes in a row failed as the policy bears.
    ProbesFailed {
        /// How many.
        count: u32,
        /// What the last of them came to.
        last: Outcome,
    },
    /// As many probes in a row succeeded as the policy asks for.
    ProbesSucceeded {
        /// How many.
        count: u32,
    },
    /// No probe has succeeded yet, and the policy trusts nobody before one has.
    NotProbedYet,
    /// It was told to drain.
    Drained,
    /// It was told that it need not drain any more.
    Undrained,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("nothing has failed so far"),
            Self::RequestsFailed { count, window, last } => {
                write!(f, "{} failed within {window:?}, the last one {last}", Plural(*count, "request"))
            }
            Self::FailedInARow { count, last } => {
                write!(f, "{} in a row failed, the last one {last}", Plural(*count, "request"))
            }
            Self::Outlier { success_percent, mean_percent } => {
                write!(f, "{success_percent} % of its requests succeeded, of the others' {mean_percent} % in the mean")
            }
            Self::KeptIn { count, window } => write!(
                f,
                "{} failed within {window:?}; kept in, since too much of the cluster is out already",
                Plural(*count, "request")
            ),
            Self::EjectionOver => f.write_str("the ejection is over, the next request is its trial"),
            Self::TrialFailed { outcome } => write!(f, "the trial failed: it {outcome}"),
            Self::RequestSucceeded => f.write_str("a request succeeded on it"),
            Self::ProbesFailed { count, last } => {
                write!(f, "{} in a row failed, the last one {last}", Plural(*count, "probe"))
            }
            Self::ProbesSucceeded { count } => write!(f, "{} in a row succeeded", Plural(*count, "probe")),
            Self::NotProbedYet => f.write_str("no probe has succeeded so far"),
            Self::Drained => f.write_str("it was told to drain"),
            Self::Undrained => f.write_str("it was taken back into use"),
        }
    }
}

/// A count with its noun.
struct Plural(u32, &'static str);

impl fmt::Display for Plural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        write!(f, "{count} {noun}{}", if *count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn a_cause_reads_as_a_sentence() {
        let last = Outcome::Answered { status: 503 };
        let cause = Cause::RequestsFailed { count: 3, window: Duration::from_secs(10), last };
        assert_eq!(cause.to_string(), "3 requests failed within 10s, the last one answered 503");
        assert_eq!(
            Cause::ProbesFailed { count: 1, last }.to_string(),
            "1 probe in a row failed, the last one answered 503"
        );
    }
}
