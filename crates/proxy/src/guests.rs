//! Who is connected to a worker: how all of them are told that it stops, and one that another one needs its place.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use lb_balance::Timestamp;
use slab::Slab;
use tokio::sync::Notify;

use crate::limits::Crowd;
use crate::tally::Tally;

/// The connections of one worker.
#[derive(Debug)]
pub(crate) struct Guests {
    crowd: Arc<Crowd>,
    // All are to leave after their next answer.
    is_retiring: Cell<bool>,
    // All are to leave as soon as they have nothing under way.
    is_stopping: Cell<bool>,
    seats: RefCell<Slab<Seat>>,
    all_left: Notify,
    tally: Option<Arc<Tally>>,
}

#[derive(Debug, Default)]
struct Seat {
    // Since when its connection has waited for a request, and who is to be woken; `None` while there is one.
    idle: Option<(Timestamp, Waker)>,
    is_to_leave: bool,
    // It has sent a request: it is likelier to send another one than somebody who has never sent any.
    has_asked: bool,
}

/// One connection, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Guest {
    guests: Rc<Guests>,
    seat: usize,
    address: IpAddr,
}

impl Guests {
    pub(crate) fn new(crowd: Arc<Crowd>, tally: Option<Arc<Tally>>) -> Rc<Self> {
        let (is_retiring, is_stopping) = (Cell::new(false), Cell::new(false));
        Rc::new(Self { crowd, is_retiring, is_stopping, seats: RefCell::default(), all_left: Notify::new(), tally })
    }

    /// Whether one more may come.
    pub(crate) fn has_room(&self) -> bool {
        self.crowd.has_room()
    }

    /// Asks one to leave that is idle, if there is one, and says whether there is: of those that have never sent a request the
    /// one that has been idle longest, or else of the others.
    pub(crate) fn ask_idle_to_leave(&self) -> bool {
        let mut seats = self.seats.borrow_mut();
        let idle = seats.iter_mut().filter_map(|(_, seat)| Some((seat.has_asked, seat.idle.as_ref()?.0, seat)));
        let longest = idle.min_by_key(|(has_asked, since, _)| (*has_asked, *since)).map(|(.., seat)| seat);
        let is_there = longest.is_some();
        if let Some(seat) = longest {
            seat.is_to_leave = true;
            seat.idle.take().into_iter().for_each(|(_, waker)| waker.wake());
        }
        is_there
    }

    /// Lets one in, unless so many have come from its address that it may not.
    pub(crate) fn enter(self: &Rc<Self>, address: IpAddr) -> Option<Guest> {
        let is_let_in = self.crowd.enter(address);
        if let Some(tally) = &self.tally {
            let (cell, more) = if is_let_in { (&tally.accepted, 1) } else { (&tally.turned_away, 0) };
            cell.add(1);
            tally.open.add(more);
        }
        let seat = || self.seats.borrow_mut().insert(Seat::default());
        is_let_in.then(|| Guest { seat: seat(), guests: Rc::clone(self), address })
    }

    /// Asks all to leave after their next answer, and waits until they have. Whoever is idle is left alone: it may be about to
    /// send a request, which would meet a closed connection.
    pub(crate) async fn retire(&self) {
        self.is_retiring.set(true);
        self.wait_until_all_left().await;
    }

    /// Asks all to leave when they have finished what they are at, and waits until they have.
    pub(crate) async fn stop(&self) {
        self.is_stopping.set(true);
        // Taken out first: whoever is woken may leave at once.
        let idle: Vec<_> = self.seats.borrow_mut().iter_mut().filter_map(|(_, seat)| seat.idle.take()).collect();
        for (_, waker) in idle {
            waker.wake();
        }
        self.wait_until_all_left().await;
    }

    async fn wait_until_all_left(&self) {
        while !self.seats.borrow().is_empty() {
            self.all_left.notified().await;
        }
    }
}

impl Guest {
    /// Whether this answer is to be its last.
    pub(crate) fn is_asked_to_leave(&self) -> bool {
        self.guests.is_retiring.get() || self.is_asked_to_leave_at_once()
    }

    fn is_asked_to_leave_at_once(&self) -> bool {
        self.guests.is_stopping.get() || self.guests.seats.borrow()[self.seat].is_to_leave
    }

    /// Whether it is asked to leave without another answer; if not, it is idle, and is woken when it is.
    pub(crate) fn poll_asked_to_leave(&self, cx: &Context<'_>, since: Timestamp) -> bool {
        let is_asked = self.is_asked_to_leave_at_once();
        let idle = &mut self.guests.seats.borrow_mut()[self.seat].idle;
        match idle {
            _ if is_asked => *idle = None,
            Some((at, waker)) if waker.will_wake(cx.waker()) => *at = since,
            _ => *idle = Some((since, cx.waker().clone())),
        }
        is_asked
    }

    /// It has something to do.
    pub(crate) fn note_busy(&self) {
        self.guests.seats.borrow_mut()[self.seat].idle = None;
    }

    /// It has sent a request.
    pub(crate) fn note_request(&self) {
        self.guests.seats.borrow_mut()[self.seat].has_asked = true;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.crowd.leave(self.address);
        if let Some(tally) = &self.guests.tally {
            tally.open.take(1);
        }
        let mut seats = self.guests.seats.borrow_mut();
        seats.remove(self.seat);
        if seats.is_empty() {
            self.guests.all_left.notify_one();
        }
    }
}
