//! `/lb/v1/events`: what happens, as it happens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Belief;

/// Streams Server-Sent Events:
///
/// - `status` ([`Status`](super::Status)): at the start and every second;
/// - `event` ([`Event`]): everything that changes what is believed or configured. These have ids: who comes back with
///   `Last-Event-ID` (or `?since=ID`) is told what it missed, as far as it is kept;
/// - `probe` ([`ProbeChange`](super::ProbeChange)): a probe found something else than the one before it;
/// - `tick` ([`Tick`](super::Tick)): every second;
/// - `flow` (a list of [`Trace`](super::Trace)): requests as they end, five times a second, a sample where they are many;
/// - `drill` ([`DrillRun`](super::DrillRun)): how a drill goes.
///
/// `?only=status,event` leaves the others out.
pub const EVENTS_PATH: &str = "/lb/v1/events";

/// Answers a [`Timeline`]: the events that are kept. The query: `since` (an id), `limit` (1 to 1000, default 200).
pub const TIMELINE_PATH: &str = "/lb/v1/timeline";

/// The events that are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    /// The oldest first.
    pub events: Vec<Event>,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number: each event's is one higher than that of the one before it, since the start.
    pub id: u64,
    /// When.
    pub at_ms: u64,
    /// What, in one sentence: `web2 ejected: 3 requests failed within 10 s, the last one answered 503`.
    pub says: String,
    /// The same for machines.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// `lb` started.
    Started {
        /// Its version.
        version: String,
        /// Where the configuration came from.
        config: String,
    },
    /// `lb` was told to stop.
    Stopping,
    /// The configuration was read again, and is what holds now.
    Reloaded {
        /// Where it came from.
        config: String,
        /// What is different now, one thing each; nothing if only files differ that it refers to.
        differences: Vec<String>,
    },
    /// The configuration was to be read again, and all stays as it was.
    ReloadRefused {
        /// Where it came from.
        config: String,
        /// What is wrong with it.
        why: String,
    },
    /// What is believed of an endpoint changed.
    Belief {
        /// The endpoint's cluster.
        cluster: String,
        /// The endpoint.
        endpoint: String,
        /// What was believed before.
        from: Belief,
        /// What is believed now.
        to: Belief,
        /// Why, in one short sentence.
        reason: String,
        /// When the ejection ends; only if `to` is [`Belief::Ejected`].
        until_ms: Option<u64>,
    },
    /// A probe failed that had succeeded before, or the other way round.
    Probe {
        /// The endpoint's cluster.
        cluster: String,
        /// The endpoint.
        endpoint: String,
        /// Whether it is a success now.
        ok: bool,
        /// What it found, in words.
        found: String,
    },
    /// An endpoint was changed by hand: it drains, is enabled again, or has another weight.
    Changed {
        /// The endpoint's cluster.
        cluster: String,
        /// The endpoint.
        endpoint: String,
        /// What of it: `draining` or `weight`.
        key: String,
        /// What it was.
        from: String,
        /// What it is.
        to: String,
        /// When it ends by itself; `None`: when it is changed again, or with this process.
        until_ms: Option<u64>,
        /// Whether its time was over.
        expired: bool,
    },
    /// A fault began that `lb` plays on demand.
    FaultBegan {
        /// Which.
        fault: super::Fault,
    },
    /// It ended.
    FaultEnded {
        /// Which.
        fault: super::Fault,
        /// Whether its time was over, rather than somebody ending it.
        expired: bool,
    },
    /// A drill began, or ended.
    Drill {
        /// Its name.
        name: String,
        /// `began`, `passed`, `failed` or `stopped`.
        state: String,
    },
}
