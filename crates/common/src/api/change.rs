//! What the admin API can be told: to drain an endpoint, to weigh it otherwise, to play a fault, to run a drill.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::whole;

/// `PATCH` takes an [`EndpointChange`] and answers the endpoint as [`Endpoint`](super::Endpoint).
pub const ENDPOINT_PATH: &str = "/lb/v1/clusters/{cluster}/endpoints/{endpoint}";

/// Answers a [`WhatIf`]: what would become of the others if that endpoint drained (`?draining=true`, which is the default), or
/// had another weight (`?weight=3`).
pub const WHAT_IF_PATH: &str = "/lb/v1/clusters/{cluster}/endpoints/{endpoint}/what-if";

/// `GET` answers [`Faults`]; `POST` takes a [`NewFault`] and answers the [`Fault`] with 201.
pub const FAULTS_PATH: &str = "/lb/v1/faults";

/// `DELETE` ends a fault.
pub const FAULT_PATH: &str = "/lb/v1/faults/{id}";

/// `GET` answers [`Drills`]; `POST` takes a [`NewDrill`] and begins it; `DELETE` stops it.
pub const DRILLS_PATH: &str = "/lb/v1/drills";

/// What is to become of an endpoint. What is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    /// Whether it drains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draining: Option<bool>,
    /// Its weight, 1 to 1000.
    #[schema(minimum = 1, maximum = 1000)]
    #[serde(default, deserialize_with = "whole::maybe", skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// After so long it is again as the file says: a number with a unit, as in `90s`, `10m`, up to a day. Left out: until it is
    /// changed again.
    #[schema(
        pattern = "^0*(([1-9][0-9]{0,6}|[1-7][0-9]{7}|8[0-5][0-9]{6}|86[0-3][0-9]{5}|86400000)ms|([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)s|([1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m|([1-9]|1[0-9]|2[0-3]|24)h)$"
    )]
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub for_: Option<String>,
}

/// Something that is not as the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// The endpoint's cluster.
    pub cluster: String,
    /// The endpoint.
    pub endpoint: String,
    /// What of it: `draining` or `weight`.
    pub key: String,
    /// What the file says.
    pub file: String,
    /// What it is.
    pub now: String,
    /// When it ends by itself.
    pub until_ms: Option<u64>,
}

/// What would become of a cluster's endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhatIf {
    /// In the order of the configuration.
    pub endpoints: Vec<Projection>,
    /// Attempts a second, in the mean of the last ten seconds, that the projection is made for.
    pub rate: f64,
    /// What is worth knowing of it, in a sentence each: `nobody would be left`, `web3 would get 2.0 times its load`.
    pub notes: Vec<String>,
}

/// One endpoint, now and then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Projection {
    /// Its name.
    pub endpoint: String,
    /// Its part of the requests in the last ten seconds, 0 to 1.
    pub share_now: f64,
    /// Its part as the picker would choose, 0 to 1.
    pub share_then: f64,
    /// Attempts a second now.
    pub rate_now: f64,
    /// Attempts a second then.
    pub rate_then: f64,
}

/// The faults that are played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Faults {
    /// Whether the configuration allows any.
    pub allowed: bool,
    /// At most so many at a time.
    pub most: usize,
    /// None is played longer than that, in seconds.
    pub longest_s: u64,
    /// Those that are played now.
    pub faults: Vec<Fault>,
}

/// A fault to be played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFault {
    /// Where: the cluster of an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Where: the endpoint, in that cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Or where: a route, as traces name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Of so many requests in a hundred, more than 0 and at most 100.
    #[schema(exclusive_minimum = 0, maximum = 100)]
    pub percent: f64,
    /// What happens.
    pub kind: FaultKind,
    /// For how long: a number with a unit, as in `30s`, up to an hour.
    #[schema(
        pattern = "^0*(([1-9][0-9]{0,5}|[1-2][0-9]{6}|3[0-5][0-9]{5}|3600000)ms|([1-9][0-9]{0,2}|[1-2][0-9]{3}|3[0-5][0-9]{2}|3600)s|([1-9]|[1-5][0-9]|60)m|(1)h)$"
    )]
    #[serde(rename = "for")]
    pub for_: String,
}

/// What a fault does to a request. A route's fault happens to the request, an endpoint's to the attempt, so that it is retried
/// as any other failure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultKind {
    /// It waits first: each time anew for so long, drawn evenly from between the two.
    Delay {
        /// At least, in milliseconds; no more than `max_ms`.
        #[schema(maximum = 60000)]
        #[serde(deserialize_with = "whole::number")]
        min_ms: u64,
        /// At most, in milliseconds, at most 60 000.
        #[schema(maximum = 60000)]
        #[serde(deserialize_with = "whole::number")]
        max_ms: u64,
    },
    /// It is answered at once, and nobody is asked.
    Abort {
        /// With this status, 400 to 599.
        #[schema(minimum = 400, maximum = 599)]
        #[serde(deserialize_with = "whole::number")]
        status: u16,
    },
    /// The connection breaks without an answer.
    // With braces: of one without them serde would not mind what else is said.
    Reset {},
}

/// A fault that is played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Its number.
    pub id: u64,
    /// The cluster, if it is an endpoint's.
    pub cluster: Option<String>,
    /// The endpoint, if it is one's.
    pub endpoint: Option<String>,
    /// The route, if it is one's.
    pub route: Option<String>,
    /// Of so many requests in a hundred.
    pub percent: f64,
    /// What happens.
    pub kind: FaultKind,
    /// When it ends by itself.
    pub until_ms: u64,
    /// How often it has happened.
    pub played: u64,
    /// In words: `web2: half of the attempts wait 100 to 200 ms`.
    pub says: String,
}

/// A drill to be run against the endpoints as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDrill {
    /// Its file's text; or one of the shipped ones by `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// One of [`Drills::shipped`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The drills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Drills {
    /// Whether the configuration allows any.
    pub allowed: bool,
    /// The names of those that `lb` brings along.
    pub shipped: Vec<String>,
    /// The one that runs, or ran last.
    pub run: Option<DrillRun>,
}

/// How a drill goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DrillRun {
    /// Its name.
    pub name: String,
    /// `running`, `passed`, `failed` or `stopped`.
    pub state: String,
    /// When it began.
    pub began_ms: u64,
    /// How long it takes in all.
    pub ms: u64,
    /// How much of that is over.
    pub elapsed_ms: u64,
    /// What happens when, in words, and whether it has happened.
    pub steps: Vec<DrillStep>,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// What went wrong with the drill itself, if something did.
    pub error: Option<String>,
}

/// One thing that a drill does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrillStep {
    /// When, after its beginning.
    pub at_ms: u64,
    /// What, in words.
    pub says: String,
    /// Whether it is done.
    pub done: bool,
}

/// One thing that a drill expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Expectation {
    /// What, in words: `error rate below 0.1 %`.
    pub says: String,
    /// What was measured so far, in words.
    pub measured: String,
    /// Whether it holds so far; `None` if that cannot be said before the end.
    pub holds: Option<bool>,
}
