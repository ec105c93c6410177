//! The atomics that workers write on a request's way, beside those of `lb-balance`. No decision is taken here.

use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// How many wait for something that others release.
///
/// Whoever begins to wait counts itself and then looks whether there is something; whoever releases something does that
/// and then looks whether anybody waits. Both must not miss each other, which no ordering of two single atomics promises:
/// so each side has a fence between its write and its look, and of the two fences one is first.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Waiting(AtomicUsize);

impl Waiting {
    /// One more, unless it is `most` already. What is released after this is seen by looking, or its releaser sees us.
    pub(crate) fn enter(&self, most: usize) -> bool {
        let one_more = |waiting| (waiting < most).then_some(waiting + 1);
        let entered = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        fence(Ordering::SeqCst);
        entered
    }

    pub(crate) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether anybody waits for what has just been released.
    pub(crate) fn is_anybody(&self) -> bool {
        fence(Ordering::SeqCst);
        self.count() > 0
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_wait_than_may() {
        let waiting = Waiting::default();
        assert_eq!([1, 2, 3].map(|_| waiting.enter(2)), [true, true, false]);
        waiting.leave();
        assert!(waiting.is_anybody() && waiting.enter(2));
        assert_eq!(waiting.count(), 2);
    }
}
