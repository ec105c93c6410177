//! Where requests wait while all endpoints of their cluster have as many in flight as they may: first in, first out over
//! all workers. Knows no endpoint: what is waited for is what the one who waits can take.
//!
//! ```text
//!   wait ──▶ [ … third, second ] ──turn──▶ first ──┐ take() ──▶ it goes, and the second is the first
//!                                            ▲     │ nothing
//!                                            └─room┘
//! ```
//!
//! Only the first tries to take, so nobody is overtaken, and it does so again whenever something is released. Who becomes
//! the first tries at once, before it waits for a word: so the word that its predecessor was given, and left without using
//! it, is not lost; and where several places are free, each that takes one lets the next one try.

use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use crate::cells::Waiting;
use crate::config::QueueConfig;
use crate::reject::Reject;

/// A cluster's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    config: QueueConfig,
    waiting: Waiting,
    // Whoever has it is the first. A semaphore gives its permits in the order in which they were asked for.
    turn: Semaphore,
    room: Notify,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Self {
        Self { config, waiting: Waiting::default(), turn: Semaphore::new(1), room: Notify::new() }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.count()
    }

    /// Waits until it is the first and there is something to take. Dropping it gives its place up.
    ///
    /// # Errors
    ///
    /// The queue is full, or the time is over.
    pub(crate) async fn wait<T>(&self, mut take: impl FnMut() -> Option<T>) -> Result<T, Reject> {
        let Some(_place) = Place::in_queue(self) else { return Err(Reject::QueueFull) };
        let at_the_front = async {
            let _turn = self.turn.acquire().await.expect("it is never closed");
            loop {
                if let Some(taken) = take() {
                    return taken;
                }
                // A word that came since the last look is kept, and ends this at once.
                self.room.notified().await;
            }
        };
        timeout(self.config.timeout, at_the_front).await.map_err(|_| Reject::QueueTimeout)
    }

    /// Something has been released: the first of those that wait looks again.
    pub(crate) fn wake(&self) {
        if self.waiting.is_anybody() {
            self.room.notify_one();
        }
    }
}

/// One that waits, for as long as it does.
struct Place<'q>(&'q Queue);

impl<'q> Place<'q> {
    fn in_queue(queue: &'q Queue) -> Option<Self> {
        queue.waiting.enter(queue.config.size).then(|| Self(queue))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.leave();
    }
}

#[cfg(test)]
mod tests;
