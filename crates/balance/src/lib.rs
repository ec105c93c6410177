//! Decides where a request goes and what its result means.
//!
//! This crate does *not* carry a byte, open a socket, read a clock, throw dice or write a log: time is a
//! [`Timestamp`] argument, events are data that the caller logs, and `#![no_std]` makes the compiler hold it.
//! So the same code serves production, unit tests and simulations in virtual time.
//!
//! ```text
//!            handle_report, handle_probe, handle_timeout
//!   reports ─────────────────────────▶ Cluster   cold: one owner, &mut self
//!                                         │ poll_picker  (only when the available set changes)
//!                                         ▼
//!   request ──▶ Picker::pick ──▶ Lease   hot: immutable, shared by all workers
//!                                  │
//!   outcome ──▶ Attempts::judge ──▶ Verdict: deliver or retry
//! ```
//!
//! A balancer's state is met by every worker, so it is cut by temperature: a [`Cluster`] believes and decides,
//! a [`Picker`] is the immutable chooser that it hands out, and what must be counted between them stands in
//! the atomics of one file.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod algorithm;
mod attempts;
mod belief;
mod budget;
mod cells;
mod cluster;
mod entropy;
mod latency;
mod lease;
mod observer;
mod outcome;
mod picker;
mod policy;
mod probe;
mod report;
mod retry;
mod time;
mod window;
mod wish;

pub use algorithm::Algorithm;
pub use attempts::{Attempt, Attempts, Sent, Stop, Verdict};
pub use belief::{Belief, Cause};
pub use budget::{BudgetPolicy, RetryBudget};
pub use cells::Counters;
pub use cluster::{Change, Cluster, Event, Legacy};
pub use lease::{EndpointId, Lease, Turn};
pub use observer::{Observer, PassedOver, PassedOverCounts};
pub use outcome::{Failure, Outcome};
pub use picker::{NoEndpoint, Picker, hash_key, layout_steps};
pub use policy::{Endpoint, HealthPolicy, OutlierPolicy, Policy};
pub use probe::{FirstProbe, ProbePolicy, ProbePoll, StatusSet};
pub use report::{Pace, Report, pace};
pub use retry::{RetryOn, RetryPolicy};
pub use time::Timestamp;
pub use wish::Wish;
