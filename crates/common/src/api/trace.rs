//! `GET /lb/v1/traces`: requests and every decision that was taken for them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::whole;

/// Answers [`Traces`], the latest first. The query filters: `cluster`, `route`, `endpoint`, `status` (as `503` or `5xx`),
/// `outcome` (`failed`, `retried` or `ok`), `min-ms`, `since-ms`, `until-ms`, `id`, and `limit` (1 to 1000, default 100).
pub const TRACES_PATH: &str = "/lb/v1/traces";

/// Takes a [`TraceNext`]: the next requests are traced, all of them.
pub const TRACES_NEXT_PATH: &str = "/lb/v1/traces/next";

/// Some of the traces that are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Traces {
    /// The latest first.
    pub traces: Vec<Trace>,
    /// How many are kept, matching or not.
    pub kept: usize,
    /// How many requests deserved a trace since the start and got none, since too many came at once.
    pub dropped: u64,
    /// What part of the requests is traced though nothing was wrong with them, 0 to 1.
    pub sample: f64,
    /// How many of the next requests are still to be traced because somebody asked.
    pub next: u32,
}

/// How many of the next requests are to be traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceNext {
    /// 0 to 10 000; 0 ends it.
    #[schema(maximum = 10000)]
    #[serde(deserialize_with = "whole::number")]
    pub count: u32,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// Its number, in the order in which requests were told; unique since the start.
    pub id: u64,
    /// The value of its request id field, if there is one.
    pub request_id: Option<String>,
    /// When its head was there.
    pub at_ms: u64,
    /// How long it took from then to the last byte of its answer.
    pub us: u64,
    /// Why it is kept.
    pub kept_for: KeptFor,
    /// The client's address.
    pub client: String,
    /// Its method.
    pub method: String,
    /// The host that it asked for.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// The route that it took: `example.org/api`, or `/api`; `None` if there is none for it.
    pub route: Option<String>,
    /// The cluster; `None` if `lb` answered itself.
    pub cluster: Option<String>,
    /// How long it waited for an endpoint that had room.
    pub queued_us: u64,
    /// The tries, in the order in which they came to something.
    pub attempts: Vec<Attempt>,
    /// Why it was not tried again, as in `no attempt is left`; `None` where the answer was good.
    pub stopped: Option<String>,
    /// What the client was answered; `None` if it left before.
    pub status: Option<u16>,
    /// Why `lb` answered itself, as in `no-endpoint`; `None` if the answer is an endpoint's.
    pub reject: Option<String>,
    /// How it ended.
    pub end: End,
    /// Bytes of the request's body that were read.
    pub bytes_in: u64,
    /// Bytes of the answer, head and body, that the client took.
    pub bytes_out: u64,
    /// The trace of the W3C's Trace Context that it belongs to, 32 hexadecimal digits.
    pub trace_id: Option<String>,
}

/// Why a trace is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeptFor {
    /// It got no good answer.
    Failed,
    /// It was tried more than once.
    Retried,
    /// It is one of the sample.
    Sampled,
    /// Somebody asked for the next ones.
    Asked,
    /// Somebody watches, and it was drawn to be shown.
    Watched,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The client has the whole answer.
    Delivered,
    /// The client left, or took nothing for too long.
    ClientLeft,
    /// The endpoint broke off its answer, and so did `lb`.
    BrokenOff,
}

/// One try at one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// The endpoint's name.
    pub endpoint: String,
    /// By what right it was asked: `regular`, `trial`, `session`, `pinned` or `fail-open`.
    pub turn: String,
    /// How long after the request's head it began.
    pub after_us: u64,
    /// How long the connection took; `None` if there was one already, or if it was not there in time.
    pub connect_us: Option<u64>,
    /// Whether the connection had carried a request before.
    pub reused: bool,
    /// How long it took until something came of it: the answer's head, or the failure.
    pub us: u64,
    /// The answer's status; `None` if there was no answer.
    pub status: Option<u16>,
    /// Why there was no answer, for machines: `refused`, `response-timeout`, …, `abandoned`, `overtaken`.
    pub failure: Option<String>,
    /// What came of it, in words about the endpoint: `answered 503`, `refused the connection`.
    pub says: String,
    /// Whether it speaks against the endpoint.
    pub blamed: bool,
    /// The fault that `lb` played here on demand, in words; `None` if it was not its doing.
    pub fault: Option<String>,
    /// Which endpoints were passed over for it, and why: each of them where they are few.
    pub passed_over: Vec<PassedOver>,
    /// The same in a sum: `2 ejected, 1 tried already`; empty if none was.
    pub passed_over_sum: String,
}

/// An endpoint that did not get the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassedOver {
    /// The endpoint's name.
    pub endpoint: String,
    /// Why, in words: `ejected`, `tried already`, `at capacity`.
    pub why: String,
}
