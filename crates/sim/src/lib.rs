//! A discrete-event simulator around `lb-balance`: the production `Cluster`, `Picker` and `Attempts` in virtual time,
//! before endpoints that follow a script. A simulated hour takes seconds, and a seed repeats it exactly.
//!
//! This crate does *not* carry a byte, open a socket or read a clock, and it decides nothing: every choice, retry and
//! ejection is taken by the code that serves production. It prints nothing either; `lb simulate` and `lb drill` do.
//!
//! ```text
//!            arrivals ──▶ Balancer (Cluster, Picker, RetryBudget) ──▶ Player: an endpoint's script
//!                ▲             ▲ │ pick, judge, handle_*               │ latency, capacity, faults
//!                │             └─┴──────────── Agenda ◀────────────────┘
//!                └──────── what happens next, in the order of time
//! ```
//!
//! Several balancers stand side by side, each with its own view: what one learns, the others have to learn themselves.

mod agenda;
mod arrivals;
mod audit;
mod balancer;
mod distribution;
mod fault;
mod player;
mod reference;
mod report;
mod request;
mod simulation;

pub use arrivals::Arrivals;
pub use audit::Violation;
pub use balancer::BalancerConfig;
pub use distribution::Distribution;
pub use fault::{Fault, FaultKind};
pub use player::{Capacity, Script};
pub use reference::Reference;
pub use report::{EndpointReport, Failed, Report, Slice};
pub use simulation::{Setup, run};
