//! What happens next: events in the order of time, and those of one moment in the order in which they were planned, so
//! that a seed repeats a simulation exactly.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use lb_balance::{EndpointId, Outcome, Timestamp};

/// Something that is planned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// The script changes what an endpoint does.
    Script { line: u32 },
    /// Requests come at another rate from now on.
    Rate { line: u32 },
    /// An attempt ends by itself or by a time limit. It counts only if the request is still at that attempt.
    Ends { request: u32, attempt: u32 },
    /// The wait before another attempt is over.
    TryAgain { request: u32, attempt: u32 },
    /// The first of those that an endpoint works on at the same time is done, if nothing has changed since.
    Finishes { endpoint: EndpointId, version: u32 },
    /// A balancer has something to do: an ejection ends, a probe is due.
    Wake { balancer: u32 },
    /// A probe's result is there.
    Probed { balancer: u32, endpoint: EndpointId, began: Timestamp, outcome: Outcome },
    /// A client of a closed loop sends its next request.
    Asks { client: u32 },
}

/// The plan.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    planned: u64,
}

#[derive(Debug)]
struct Entry {
    // The earliest is the greatest: the heap gives the greatest first.
    rank: Reverse<(Timestamp, u64)>,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: Timestamp, event: Event) {
        self.planned += 1;
        self.heap.push(Entry { rank: Reverse((at, self.planned)), event });
    }

    /// When the next event is.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|entry| entry.rank.0.0)
    }

    pub(crate) fn pop(&mut self) -> Option<(Timestamp, Event)> {
        self.heap.pop().map(|entry| (entry.rank.0.0, entry.event))
    }
}
