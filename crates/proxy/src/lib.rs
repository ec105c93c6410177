//! Carries requests: accepts, routes, attempts, retries and streams back.
//!
//! This crate does *not* decide where a request goes or what its result means: that is `lb-balance`. It does not say what
//! is a message and where one ends: that is `lb-http1`. It knows no TOML, no command line, no admin API and no files: what
//! `lb` answers itself reaches it as a [`Local`] service.
//!
//! ```text
//! Worker → Listener::accept → connection::serve ⇄ client            heads and bodies in, answers out
//!                                   │ a request
//!                                   ▼
//!                             Proxy::handle
//!                                   │ routes.find
//!                                   │ forward::outgoing
//!                  ┌───────────────▶│ cluster.pick           ──▶ lb-balance
//!                  │ retry          │ race, attempt::run     ──▶ pool, wire, upload ──▶ endpoint
//!                  └────────────────│ attempts.judge
//!                                   ▼
//!                             answer::deliver                   the lease rides in the answer
//! ```
//!
//! Each worker is a thread with its own event loop, sockets and pools, and nothing of a request leaves it: one task owns
//! both of its connections. What is shared is the picker, the counts, the line of those that wait for an endpoint, and
//! the channel on which failures are told to the cluster's driver.

mod address;
mod alarm;
mod answer;
mod attempt;
mod audience;
mod buffer;
mod carried;
mod cells;
mod client;
mod clock;
mod cluster;
mod complaint;
mod config;
mod connection;
mod cookie;
mod dial;
mod downstream;
mod driver;
mod faults;
mod forward;
mod guests;
pub mod header;
mod heads;
mod hedge;
mod held;
mod key;
mod lent;
mod limits;
mod listener;
mod local;
mod marks;
mod metrics;
mod order;
mod path;
mod pool;
mod probe;
mod proxy;
mod queue;
mod race;
mod reject;
mod replay;
mod route;
mod secret;
mod server;
mod session;
mod story;
mod tally;
mod telling;
mod trace;
mod traceparent;
mod tunnel;
mod upload;
mod wire;
mod worker;

pub use address::{Address, BadAddress};
pub use audience::{Audience, Listener};
pub use clock::Clock;
pub use cluster::{ClusterHandle, ClusterSnapshot, EndpointSnapshot, ProbeSnapshot};
pub use config::{
    ClusterConfig, Config, EndpointConfig, Hedge, HttpProbe, ProbeConfig, ProbeKind, QueueConfig, StickyConfig,
    Timeouts,
};
pub use driver::{BeliefChanged, News, ProbeChanged};
pub use faults::{Fault, FaultKind, FaultPlace, Faults};
pub use key::Key;
pub use lb_http1::Limits as HeadLimits;
pub use limits::Limits;
pub use listener::{BindError, Sockets};
pub use local::{BoxError, Local, LocalBody, LocalFuture};
pub use marks::Marking;
pub use metrics::{ClusterMetrics, EndpointMetrics, Histogram, Metrics, RouteMetrics, STOPS, WorkerMetrics};
pub use order::{Deviation, Order, Ordered};
pub use path::routed;
pub use route::{ClusterId, Pin, Route, Routes, Target};
pub use secret::Secret;
pub use server::{Clusters, Server, StartError};
pub use story::{Asked, End, Listed, Passed, Span, Story, Try, Wanted};
pub use tally::Tallies;

#[cfg(test)]
mod tests;
