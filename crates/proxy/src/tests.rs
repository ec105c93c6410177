//! The proxy in memory: pipes instead of sockets, and a clock that stands still until everybody waits.

mod cancelling;
mod timing;
mod world;
