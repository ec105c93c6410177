//! How much memory a worker has lent to bytes that pass through it, and how much it may lend. Each worker has its part of the whole,
//! so that none waits for another.
//!
//! Where all is lent, no further request is begun, nothing more is kept for a retry, and nobody gets a larger buffer than it
//! needs. What is under way goes on: it holds little, and gives it back.

use std::cell::Cell;

thread_local! {
    static LENT: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Lets this worker lend so many bytes.
pub(crate) fn allow(most: usize) {
    MOST.set(most);
}

/// Whether all that may be is lent.
pub(crate) fn is_exhausted() -> bool {
    LENT.get() >= MOST.get()
}

/// How much is lent.
#[cfg(test)]
pub(crate) fn lent() -> usize {
    LENT.get()
}

pub(crate) fn lend(bytes: usize) {
    LENT.set(LENT.get() + bytes);
}

pub(crate) fn give_back(bytes: usize) {
    LENT.set(LENT.get() - bytes);
}

/// Memory that somebody allocates by itself, counted as lent.
#[derive(Debug, Default)]
pub(crate) struct Held(usize);

impl Held {
    /// So much is held now.
    pub(crate) fn set(&mut self, bytes: usize) {
        give_back(self.0);
        lend(bytes);
        self.0 = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back(self.0);
    }
}
