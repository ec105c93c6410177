//! The JSON of the admin API, and where it is: `/lb/v1`.
//!
//! Times of day are milliseconds since the Unix epoch (`…_ms`, `at_ms`), by the clock of the machine on which `lb` runs; how
//! long something takes is in microseconds (`us`, `…_us`) or milliseconds.

mod change;
mod event;
mod tick;
mod trace;
mod whole;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use change::{
    DRILLS_PATH, Drift, DrillRun, DrillStep, Drills, ENDPOINT_PATH, EndpointChange, Expectation, FAULT_PATH,
    FAULTS_PATH, Fault, FaultKind, Faults, NewDrill, NewFault, Projection, WHAT_IF_PATH, WhatIf,
};
pub use event::{EVENTS_PATH, Event, TIMELINE_PATH, Timeline, What};
pub use tick::{BUCKETS, ClusterTick, EndpointTick, HISTORY_PATH, History, Tick, bucket_start_us};
pub use trace::{Attempt, End, KeptFor, PassedOver, TRACES_NEXT_PATH, TRACES_PATH, Trace, TraceNext, Traces};

/// Where the admin API is mounted.
pub const ADMIN_PATH: &str = "/lb";

/// Answers what was counted, in Prometheus' text format or as `OpenMetrics`.
pub const METRICS_PATH: &str = "/lb/metrics";

/// Answers a [`Status`].
pub const STATUS_PATH: &str = "/lb/v1/status";

/// Everything that `lb` can say of itself at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Version of `lb`.
    pub version: String,
    /// Where the configuration came from: a path, or `demo`.
    pub config: String,
    /// When this process started; another value means that `lb` was restarted and its counts began anew.
    pub started_at_ms: u64,
    /// When this status was taken.
    pub now_ms: u64,
    /// Number of worker threads.
    pub workers: usize,
    /// What is not as the file says.
    #[serde(default)]
    pub drift: Vec<Drift>,
    /// The faults that `lb` plays on demand just now.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Every cluster, in the order of the configuration.
    pub clusters: Vec<Cluster>,
}

/// One cluster of a [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    /// Its name in the configuration.
    pub name: String,
    /// How it chooses, by the name that the configuration has for it: `round-robin`.
    pub algorithm: String,
    /// Whether endpoints are probed; without probes nobody knows what an idle endpoint would answer.
    pub probed: bool,
    /// How many requests wait for an endpoint that has room; `null` if there is no queue.
    pub queued: Option<usize>,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint of a [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// Its name, unique in the cluster.
    pub name: String,
    /// `host:port`.
    pub address: String,
    /// Its share of the requests relative to the others, 1 to 1000.
    pub weight: u32,
    /// Those of a higher number get requests only when none of the lower ones may have them; left out if it is 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: u8,
    /// So many requests at most in flight; left out if there is no limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_in_flight: Option<u32>,
    /// What `lb` believes of it.
    pub belief: Belief,
    /// Why, in one short sentence.
    pub reason: String,
    /// Since when `lb` believes so.
    pub since_ms: u64,
    /// When the ejection ends; only while [`Belief::Ejected`].
    pub until_ms: Option<u64>,
    /// The last probe's result; `None` before the first one.
    pub probe: Option<Probe>,
    /// Attempts made at this endpoint since the start, probes not counted.
    pub attempts: u64,
    /// Those of them that count as failures.
    pub failures: u64,
    /// How often it was ejected since the start.
    #[serde(default)]
    pub ejections: u64,
    /// Requests that it is answering right now.
    pub in_flight: u32,
    /// How long the last attempt took until its answer's head was there, in microseconds.
    pub latency_us: Option<u64>,
}

/// Why something that was asked for is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What is wrong, in one sentence.
    pub error: String,
    /// What to do about it, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What `lb` believes of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Belief {
    /// It gets its share.
    Up,
    /// Requests failed on it: it gets none for a while.
    Ejected,
    /// Its ejection has ended: the next request shows whether it works again.
    Trial,
    /// Probes failed on it: it gets none until they succeed.
    Down,
    /// It works, and is being taken out of use: it gets only what sessions are bound to it.
    Draining,
}

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// When the result was there.
    pub at_ms: u64,
    /// Whether it counts as a success.
    pub ok: bool,
    /// The status it answered; `None` if it gave no answer.
    pub status: Option<u16>,
    /// The result in words: `answered 200`, `connection refused`.
    pub says: String,
}

/// A probe found something else than the probe before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeChange {
    /// The endpoint's cluster.
    pub cluster: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// What was found.
    pub probe: Probe,
}
