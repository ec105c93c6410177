//! What all workers together say once a second at most, however often each of them meets it.

use std::sync::atomic::{AtomicU64, Ordering};

use lb_balance::Timestamp;

/// The least time between two times that it is said: a second, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

/// One thing to complain of.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    // When it was said last, in nanoseconds since the origin; 0: never.
    said: AtomicU64,
}

impl Complaint {
    /// Says it, unless it was said a moment ago.
    pub(crate) fn say(&self, now: Timestamp, what: impl FnOnce() -> String) {
        if self.is_due(now) {
            tracing::warn!("{}", what());
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let now = u64::try_from(now.since_origin().as_nanos()).unwrap_or(u64::MAX).max(1);
        let said = self.said.load(Ordering::Relaxed);
        // Another worker may have been later in reading the time, and first here.
        let is_due = said == 0 || now.saturating_sub(said) >= PAUSE;
        is_due && self.said.compare_exchange(said, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_is_due_once_a_second_whoever_asks() {
        let complaint = Complaint::default();
        let at = |ms| Timestamp::after_origin(Duration::from_millis(ms));
        let asked = [5000, 5001, 4999, 5999, 6000, 6500, 7200];
        assert_eq!(asked.map(|ms| complaint.is_due(at(ms))), [true, false, false, false, true, false, true]);
    }
}
