//! End to end: the real binaries, seen from outside. A topic a file; what they share is in `support`.

mod admin;
mod balancing;
mod bodies;
mod cli;
mod demo;
mod failing;
mod heads;
mod serving;
mod stopping;
mod support;
