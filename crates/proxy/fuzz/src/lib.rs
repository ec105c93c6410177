//! What the fuzz target of the proxy holds against it, whatever a client and an endpoint say:
//!
//! - an endpoint is sent whole requests that a strict reader takes, and nothing else;
//! - those are the requests that the client sent, in their order;
//! - a client is sent answers that a strict reader takes, at most one for each request and one for what is none;
//! - nothing panics, and nobody waits for ever.

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));

mod answers;
mod exchange;
mod joined;
#[path = "../../../http1/tests/differential/strict.rs"]
mod strict;

pub use exchange::exchange;
