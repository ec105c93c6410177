//! The proxy in memory: pipes instead of sockets, and a clock that stands still until everybody waits.

mod cancelling;
mod hedging;
mod limiting;
mod probing;
mod queueing;
mod sessions;
mod telling;
mod timing;
mod world;

pub(crate) use world::{LIMITS, in_paused_time};
