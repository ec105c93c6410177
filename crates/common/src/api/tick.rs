//! What happened in one step of time: what charts are drawn from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Answers a [`History`]. The query says how far back: `window=5m` (in steps of a second) or `window=1h` (of ten).
pub const HISTORY_PATH: &str = "/lb/v1/history";

/// So many latency buckets there are at most. Bucket `i` holds what took at least [`bucket_start_us`]`(i)` and less than
/// [`bucket_start_us`]`(i + 1)`; the last one has no end.
pub const BUCKETS: usize = 88;

/// The shortest latency, in microseconds, that falls in that bucket: four buckets to each power of two, from 16 µs on;
/// bucket 0 begins at nothing.
pub const fn bucket_start_us(bucket: usize) -> u64 {
    if bucket == 0 {
        return 0;
    }
    (4 + (bucket as u64 % 4)) << (bucket as u64 / 4 + 2)
}

/// A stretch of time in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// How long each step is.
    pub step_ms: u64,
    /// The steps, the oldest first. Those of which nothing is known are not there.
    pub ticks: Vec<Tick>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Tick {
    /// When it ended.
    pub at_ms: u64,
    /// How long it was.
    pub ms: u64,
    /// Requests that ended in it, `lb`'s own answers (files, the admin API) left out.
    pub requests: u64,
    /// Those of them that got a 5xx, or no whole answer though their client stayed.
    pub errors: u64,
    /// Those of them that were tried more than once.
    pub retried: u64,
    /// Attempts that came to something in it.
    pub attempts: u64,
    /// What the requests took, to the last byte: pairs of a bucket and a count, where there is any.
    pub latency: Vec<(u8, u32)>,
    /// By cluster, in the order of the configuration.
    pub clusters: Vec<ClusterTick>,
}

/// One cluster's part of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct ClusterTick {
    /// By endpoint, in the order of the configuration; at most 256 of them, the rest summed in the last one.
    pub endpoints: Vec<EndpointTick>,
}

/// One endpoint's part of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct EndpointTick {
    /// Attempts that came to something.
    #[serde(rename = "n")]
    pub attempts: u32,
    /// Those of them that were a 5xx, or no answer.
    #[serde(rename = "f", default, skip_serializing_if = "super::is_default")]
    pub failures: u32,
    /// What the attempts took until the answer's head was there: pairs of a bucket and a count.
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<(u8, u32)>,
}
