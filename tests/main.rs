//! End to end: the real binaries, seen from outside. A topic a file; what they share is in `support`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "tests watch real processes in real time, share what they saw among threads, and say what they measured"
)]

mod access_log;
mod admin;
mod balancing;
mod bodies;
mod browser;
mod cli;
mod containers;
mod demo;
mod drilling;
mod failing;
mod faults;
mod hashing;
mod heads;
mod hostile;
mod metrics;
mod placing;
mod probing;
mod schemathesis;
mod serving;
mod simulating;
mod sticky;
mod stopping;
mod support;
mod tracing;
mod wire;
