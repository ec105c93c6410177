//! What goes wrong with endpoints, from when to when.

use std::time::Duration;

/// A line of the script: some endpoints misbehave for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Which, by their place in the configuration.
    pub endpoints: Vec<u32>,
    /// What they do.
    pub kind: FaultKind,
    /// From so long after the start.
    pub from: Duration,
    /// Until so long after the start; `None`: to the end.
    pub until: Option<Duration>,
}

/// How an endpoint misbehaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultKind {
    /// It is gone: connections are refused, and what it was working on breaks off. Probes see it.
    Kill,
    /// It answers this part of its requests, 0 to 1, with this status. Probes see it in the same part.
    Errors {
        /// The status.
        status: u16,
        /// Which part.
        part: f64,
    },
    /// It accepts requests and never answers. Probes see it.
    Hang,
    /// It takes so many times as long as usual. Probes do not see it.
    Slow {
        /// How many times.
        factor: f64,
    },
    /// Every answer takes just so long. Probes do not see it.
    Fixed {
        /// How long.
        latency: Duration,
    },
    /// So many of its processors work for others, be it more or less than it has. Only for endpoints that share their time
    /// among their requests.
    Processors {
        /// How many are left, 0 or more.
        left: f64,
    },
}

impl FaultKind {
    /// Whether it can make a request fail that nobody gave up.
    pub fn breaks(&self) -> bool {
        matches!(self, Self::Kill | Self::Errors { .. } | Self::Hang)
    }
}
