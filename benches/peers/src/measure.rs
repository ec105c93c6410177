//! What is measured, each in its own way.

pub(crate) mod calls;
pub(crate) mod cpu;
pub(crate) mod instructions;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod watched;
