//! How much memory is lent to bytes that pass through, and how much may be. All workers share it, and none waits for another: a
//! worker takes lots of it, lends from those, and puts back what it has too many of.
//!
//! Where all is lent, no further request is begun, nothing more is kept for a retry, and nobody gets a larger buffer. What is under
//! way goes on: it holds little, and gives it back.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much a worker takes at once, in bytes.
const LOT: usize = 64 * 1024;

/// So many lots there are for each worker at least: with less, one that has nothing to do would leave none to the others.
const LEAST: usize = 4;

thread_local! {
    static LENT: Cell<usize> = const { Cell::new(0) };
    // How much of it may be.
    static TAKEN: Cell<usize> = const { Cell::new(0) };
    // Without one a thread may lend as much as it likes.
    static STOCK: OnceCell<Arc<Stock>> = const { OnceCell::new() };
}

/// What no worker has taken.
#[derive(Debug)]
pub(crate) struct Stock(AtomicUsize);

impl Stock {
    /// So many bytes, for so many workers.
    pub(crate) fn new(bytes: usize, workers: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(bytes.max(workers * LEAST * LOT))))
    }

    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(LOT)).is_ok()
    }

    fn put_back(&self) {
        self.0.fetch_add(LOT, Ordering::Relaxed);
    }
}

/// Lets this thread lend from there, once and for all.
pub(crate) fn lend_from(stock: Arc<Stock>) {
    STOCK.with(|own| {
        let is_first = own.set(stock).is_ok();
        debug_assert!(is_first, "a worker has one server");
    });
}

/// Whether all that may be is lent.
pub(crate) fn is_exhausted() -> bool {
    LENT.get() >= TAKEN.get() && !take_lot()
}

#[cold]
fn take_lot() -> bool {
    STOCK.with(|stock| match stock.get() {
        None => true,
        Some(stock) => {
            // More may be lent than was taken: whoever has begun may need some more.
            while LENT.get() >= TAKEN.get() {
                if !stock.take() {
                    return false;
                }
                TAKEN.set(TAKEN.get() + LOT);
            }
            true
        }
    })
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
    // One is kept, so that a lot does not go to and fro.
    if TAKEN.get() >= LENT.get() + 2 * LOT {
        STOCK.with(|stock| {
            if let Some(stock) = stock.get() {
                TAKEN.set(TAKEN.get() - LOT);
                stock.put_back();
            }
        });
    }
}

/// Memory that somebody allocates by itself, counted as lent.
#[derive(Debug, Default)]
pub(crate) struct Held(usize);

impl Held {
    /// So much is held now.
    pub(crate) fn set(&mut self, bytes: usize) {
        lend(bytes);
        give_back(self.0);
        self.0 = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_worker_gives_back_another_may_lend() {
        let stock = Stock::new(8 * LOT, 2);
        lend_from(Arc::clone(&stock));
        let mut held = Held::default();
        held.set(8 * LOT - 1);
        assert!(!is_exhausted());
        held.set(8 * LOT);
        assert!(is_exhausted());
        let other = |stock: Arc<Stock>| {
            std::thread::spawn(move || {
                lend_from(stock);
                is_exhausted()
            })
        };
        assert!(other(Arc::clone(&stock)).join().expect("it is told"));
        // Each piece that comes back frees a lot, but for one or two that are kept.
        for left in (0..8).rev() {
            held.set(left * LOT);
        }
        assert!(!other(stock).join().expect("it is told"));
    }

    #[test]
    fn each_worker_can_have_some() {
        let stock = Stock::new(0, 3);
        let each = [(); 3].map(|()| {
            let stock = Arc::clone(&stock);
            std::thread::spawn(move || {
                lend_from(stock);
                let mut held = Held::default();
                held.set(2 * LOT);
                !is_exhausted()
            })
        });
        assert_eq!(each.map(|worker| worker.join().expect("it is told")), [true; 3]);
    }
}
