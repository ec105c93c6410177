//! What the end-to-end tests share: the load balancer as a process, scripted endpoints, a client that hides nothing.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod endpoint;
pub(crate) mod lb;
pub(crate) mod python;

pub(crate) use client::{Client, get};
pub(crate) use endpoint::{Endpoint, Reply};
pub(crate) use lb::Lb;

use std::time::{Duration, Instant};

/// No condition that a test waits for takes longer, unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until it is so; panics with what it was waiting for if it never is.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
