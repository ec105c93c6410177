//! Counts failures in a true sliding window. Knows nothing of what a failure is or what follows from it.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::Timestamp;

/// The moments of the latest failures, as many as matter.
#[derive(Debug, Clone)]
pub(crate) struct FailWindow {
    latest: VecDeque<Timestamp>,
}

impl FailWindow {
    pub(crate) fn new() -> Self {
        Self { latest: VecDeque::new() }
    }

    /// Notes one failure; only the latest `keep` are remembered, so that memory is bounded under any flood.
    pub(crate) fn push(&mut self, now: Timestamp, keep: usize) {
        while self.latest.len() >= keep {
            self.latest.pop_front();
        }
        self.latest.push_back(now);
    }

    /// How many of the remembered failures happened within `window` before `now`.
    pub(crate) fn count(&self, now: Timestamp, window: Duration) -> usize {
        self.latest.iter().rev().take_while(|at| now.since(**at) <= window).count()
    }

    pub(crate) fn clear(&mut self) {
        self.latest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ORIGIN + Duration::from_secs(seconds)
    }

    /// A counter that is reset when a fixed period ends would see two failures on each side of the border.
    #[test]
    fn failures_on_both_sides_of_any_border_are_counted_together() {
        let mut window = FailWindow::new();
        for second in [8, 9, 11, 12] {
            window.push(at(second), 4);
        }
        assert_eq!(window.count(at(12), WINDOW), 4);
    }

    #[test]
    fn a_failure_leaves_the_window_when_it_is_older_than_it() {
        let mut window = FailWindow::new();
        window.push(at(0), 3);
        window.push(at(5), 3);
        assert_eq!(window.count(at(10), WINDOW), 2);
        assert_eq!(window.count(at(11), WINDOW), 1);
        assert_eq!(window.count(at(16), WINDOW), 0);
    }

    #[test]
    fn only_as_many_failures_are_remembered_as_matter() {
        let mut window = FailWindow::new();
        for _ in 0..1000 {
            window.push(at(1), 3);
        }
        assert_eq!(window.latest.len(), 3);
    }
}
