//! What the proxy is told to do: checked, complete, and without a string that would have to be looked up again.
//! Reads no file and holds no default: `lb` does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method};
use ipnet::IpNet;
use lb_balance::{BudgetPolicy, Endpoint, Policy, RetryPolicy};

use crate::{Address, Audience, Faults, Key, Limits, Marking, Secret, Tallies};

/// What a server needs beside its routes and its clusters.
#[derive(Debug)]
pub struct Config {
    /// What clients may ask for.
    pub limits: Limits,
    /// How long requests under way may take once the server is told to stop.
    pub stop_timeout: Duration,
    /// Where is counted what happens; `None`: nowhere.
    pub tallies: Option<Arc<Tallies>>,
    /// Who is told of requests.
    pub audience: Arc<Audience>,
    /// The faults that are played.
    pub faults: Arc<Faults>,
    /// Whoever says this in the field [`header::TRACE`](crate::header::TRACE) is told a request's attempts on any route.
    pub trace_token: Option<Secret>,
    /// How requests are marked.
    pub marking: Marking,
    /// What clients of these networks say of earlier hops is believed.
    pub trusted: Vec<IpNet>,
}

/// One cluster.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Its name, unique.
    pub name: String,
    /// How it chooses, and what it believes when.
    pub policy: Policy,
    /// What of a request is hashed, if the algorithm does.
    pub key: Key,
    /// Whether sessions stay at their endpoint.
    pub sticky: Option<StickyConfig>,
    /// Its endpoints, at least one.
    pub endpoints: Vec<EndpointConfig>,
    /// Which failures are tried again.
    pub retry: RetryPolicy,
    /// How much of the traffic may be retries; `None`: any.
    pub budget: Option<BudgetPolicy>,
    /// When a request that gets no answer is sent to a second endpoint while the first goes on; `None`: never.
    pub hedge: Option<Hedge>,
    /// Up to how many bytes of a request's body are kept for a retry.
    pub replay_limit: usize,
    /// Where requests wait while all endpoints have as many in flight as they may; `None`: they are rejected.
    pub queue: Option<QueueConfig>,
    /// What a probe asks, if the policy has probes.
    pub probe: Option<ProbeConfig>,
    /// Its time limits.
    pub timeouts: Timeouts,
    /// The protocols, compared without case, that a client may ask an endpoint to switch to (RFC 9110 §7.8).
    pub upgrades: Vec<String>,
}

/// After how long without an answer's head a second attempt begins beside the first: for GET, HEAD and OPTIONS without a
/// body, once a request, at another endpoint, if an attempt is left and the budget of retries grants it. Whichever has
/// an answer first that is not to be retried wins, and the other is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hedge {
    /// After this long.
    After(Duration),
    /// After the time within which so many percent of the cluster's latest attempts were answered, 1 to 99; never as long
    /// as few have been.
    Quantile(u8),
}

/// Where a request's first attempt waits for an endpoint. Later ones do not: they deliver what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// At most so many wait, of all workers together; at least 1.
    pub size: usize,
    /// For so long.
    pub timeout: Duration,
}

/// One endpoint.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Its name, its weight and what else choosing knows of it.
    pub endpoint: Endpoint,
    /// Where it listens.
    pub address: Address,
}

impl EndpointConfig {
    /// Unique in its cluster.
    pub fn name(&self) -> &str {
        &self.endpoint.name
    }
}

/// How sessions stay at their endpoint.
#[derive(Debug, Clone)]
pub struct StickyConfig {
    /// The name of the cookie, a token (RFC 6265 §4.1.1).
    pub cookie: String,
    /// What the cookie's values are made with; `None`: one that is drawn at the start.
    pub secret: Option<Secret>,
    /// How long browsers keep the cookie, in whole seconds; `None`: until they are closed.
    pub max_age: Option<Duration>,
}

/// How an endpoint is probed.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// How long a probe may take in all.
    pub timeout: Duration,
    /// What it asks.
    pub kind: ProbeKind,
}

/// What a probe asks an endpoint.
#[derive(Debug, Clone)]
pub enum ProbeKind {
    /// Whether it accepts a connection.
    Tcp,
    /// Whether it answers a request as it should.
    Http(HttpProbe),
}

/// A probe's request, which has no body.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path: PathAndQuery,
    /// The Host field; `None`: the endpoint's address.
    pub host: Option<HeaderValue>,
    /// What the answer's body must contain, within its first 64 KiB.
    pub body: Option<Bytes>,
}

/// Time limits towards endpoints.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until the connection is there, name lookup included.
    pub connect: Duration,
    /// From the last byte of the request to the last byte of the answer's head.
    pub response: Duration,
    /// For a request in all, waiting and retries included, from its head to its answer's head. `None`: as long as the others
    /// allow.
    pub request: Option<Duration>,
    /// For one attempt in all, from the choice of the endpoint to the last byte of the answer's head; where the client sends
    /// a body meanwhile, it begins anew with its last byte. `None`: as long as the others allow.
    pub attempt: Option<Duration>,
    /// Between two pieces of the answer's body.
    pub body: Duration,
    /// How long an unused connection is kept.
    pub idle: Duration,
    /// How long nothing may move either way on a connection that has switched protocols.
    pub tunnel: Duration,
}
