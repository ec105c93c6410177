//! What a backend knows of itself: its name, whether it works, what it has counted.
//!
//! It answers nothing: the words and the statuses are in the modules that handle requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use lb_common::backend::Health;

use crate::fault::Slot;

/// One web server of the demo. Clones share the same flag, the same fault and the same counts.
#[derive(Debug, Clone)]
pub struct Backend {
    inner: Arc<Inner>,
}

/// The atomics are relaxed: each stands for itself, no other data is published through it.
#[derive(Debug)]
struct Inner {
    name: String,
    active: AtomicBool,
    fault: Slot,
    requests: AtomicU64,
    started: Instant,
}

impl Backend {
    /// A backend of that name, active, without a fault, with nothing counted; its uptime starts now.
    ///
    /// The name is taken as it is. Give each backend of one cluster its own: controls address them by it.
    #[allow(clippy::disallowed_methods, reason = "its uptime is for people; no decision hangs on it")]
    pub fn new(name: impl Into<String>) -> Self {
        let inner = Inner {
            name: name.into(),
            active: AtomicBool::new(true),
            fault: Slot::default(),
            requests: AtomicU64::new(0),
            started: Instant::now(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The name under which it answers, as in `lb.toml`.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether it does its work; `false` while it simulates a failure.
    pub fn is_active(&self) -> bool {
        self.inner.active.load(Ordering::Relaxed)
    }

    /// Makes it work (`true`) or fail (`false`). Requests that are being answered may still see the old value.
    pub fn set_active(&self, active: bool) {
        self.inner.active.store(active, Ordering::Relaxed);
    }

    /// What it answers to `GET /health`.
    pub fn health(&self) -> Health {
        Health {
            name: self.inner.name.clone(),
            active: self.is_active(),
            requests: self.inner.requests.load(Ordering::Relaxed),
            uptime_s: self.inner.started.elapsed().as_secs(),
            fault: self.inner.fault.standing().map(|standing| standing.fault().to_string()),
        }
    }

    /// The place of its fault.
    pub(crate) fn fault(&self) -> &Slot {
        &self.inner.fault
    }

    /// Counts one request to `/api`.
    pub(crate) fn count_request(&self) {
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_backend_is_active_and_has_counted_nothing() {
        let health = Backend::new("web1").health();
        assert_eq!(health, Health { name: "web1".to_owned(), active: true, requests: 0, uptime_s: 0, fault: None });
    }

    #[test]
    fn clones_share_the_flag_and_the_count() {
        let backend = Backend::new("web1");
        let clone = backend.clone();
        clone.set_active(false);
        clone.count_request();
        assert!(!backend.is_active());
        assert_eq!(backend.health().requests, 1);
    }

    #[test]
    fn two_backends_of_one_process_have_their_own_flags() {
        let (web1, web2) = (Backend::new("web1"), Backend::new("web2"));
        web1.set_active(false);
        assert!(web2.is_active());
    }
}
