//! Who is connected to a worker, and how all of them are told that it stops.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use slab::Slab;
use tokio::sync::Notify;

/// The connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    is_stopping: Cell<bool>,
    // Of each, who is to be woken.
    wakers: RefCell<Slab<Option<Waker>>>,
    all_left: Notify,
}

/// One connection, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Guest {
    guests: Rc<Guests>,
    key: usize,
}

impl Guests {
    pub(crate) fn enter(self: &Rc<Self>) -> Guest {
        Guest { key: self.wakers.borrow_mut().insert(None), guests: Rc::clone(self) }
    }

    /// Asks all to leave when they have finished what they are at, and waits until they have.
    pub(crate) async fn stop(&self) {
        self.is_stopping.set(true);
        // Taken out first: whoever is woken may leave at once.
        let wakers: Vec<_> = self.wakers.borrow_mut().iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
        while !self.wakers.borrow().is_empty() {
            self.all_left.notified().await;
        }
    }
}

impl Guest {
    pub(crate) fn is_asked_to_leave(&self) -> bool {
        self.guests.is_stopping.get()
    }

    /// Whether it is asked to leave; if not, it is woken when it is.
    pub(crate) fn poll_asked_to_leave(&self, cx: &Context<'_>) -> bool {
        if !self.is_asked_to_leave() {
            let waker = &mut self.guests.wakers.borrow_mut()[self.key];
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        self.is_asked_to_leave()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut wakers = self.guests.wakers.borrow_mut();
        wakers.remove(self.key);
        if wakers.is_empty() {
            self.guests.all_left.notify_one();
        }
    }
}
