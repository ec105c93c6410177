//! A request's hold on an endpoint. Dropping it, at whatever moment, releases everything.

use alloc::sync::Arc;
use core::time::Duration;

use crate::Timestamp;
use crate::cells::{EndpointCell, InFlight};
use crate::picker::SharedCounts;

/// An endpoint's place in its cluster, counted from 0 in the order of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u32);

impl EndpointId {
    /// As an index into a list of the cluster's endpoints.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// By what right a request got its endpoint; it decides what the request's result proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was an available endpoint's turn.
    Regular,
    /// This request shows whether the endpoint works again.
    Trial,
    /// No endpoint was available, and the cluster fails open: better a doubtful endpoint than none.
    FailOpen,
    /// The request belongs to a session that is bound to the endpoint.
    Session,
    /// The request named the endpoint.
    Pinned,
}

/// A request's hold on an endpoint: while it lives, the endpoint has one more request in flight.
///
/// It rides in the answer's body. Dropping it releases the endpoint; a trial that was dropped without a
/// result gives its ticket back, so that the next request is the trial.
#[derive(Debug)]
pub struct Lease {
    // Not the whole of what the pickers share: its count of references would be one more thing that all workers write.
    cell: Arc<EndpointCell>,
    all: Option<Arc<InFlight>>,
    measured: bool,
    endpoint: EndpointId,
    turn: Turn,
    settled: bool,
}

impl Lease {
    pub(crate) fn new(shared: &SharedCounts, endpoint: EndpointId, turn: Turn) -> Self {
        shared.cells[endpoint.index()].begin();
        Self::begun(shared, endpoint, turn)
    }

    /// A lease unless the endpoint has as many requests as `most` in flight.
    pub(crate) fn below(shared: &SharedCounts, endpoint: EndpointId, turn: Turn, most: u32) -> Option<Self> {
        shared.cells[endpoint.index()].begin_below(most).then(|| Self::begun(shared, endpoint, turn))
    }

    fn begun(shared: &SharedCounts, endpoint: EndpointId, turn: Turn) -> Self {
        let all = shared.all.clone();
        if let Some(all) = &all {
            all.begin();
        }
        let cell = Arc::clone(&shared.cells[endpoint.index()]);
        Self { cell, all, measured: shared.measured, endpoint, turn, settled: false }
    }

    /// The endpoint that is held.
    pub fn endpoint(&self) -> EndpointId {
        self.endpoint
    }

    /// By what right.
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// Notes that the attempt failed in a way that speaks against the endpoint.
    pub fn note_failure(&self) {
        self.cell.count_failure();
    }

    /// Notes how long the attempt went on, whatever came of it. Costs nothing unless the cluster chooses by latency.
    pub fn note_latency(&self, latency: Duration, now: Timestamp) {
        if self.measured {
            self.cell.average_in(latency, now);
        }
    }

    /// Notes that the attempt was given up after so long, while the endpoint was still silent. It would have taken longer,
    /// so this counts only where it is slower than what the endpoint is known for.
    pub fn note_given_up(&self, after: Duration, now: Timestamp) {
        if self.measured {
            self.cell.average_in_at_least(after, now);
        }
    }

    /// Notes that the endpoint answered, and how long it took until the answer's head was there.
    ///
    /// Returns whether the cluster must hear of it: a success of an endpoint that is believed to work is no news.
    pub fn note_success(&self, latency: Duration) -> bool {
        self.cell.note_latency(latency);
        self.cell.count_success();
        matches!(self.turn, Turn::Trial | Turn::FailOpen)
    }

    /// Says that the cluster has been told of the result: a trial is over, and its ticket is not given back.
    pub fn settle(&mut self) {
        self.settled = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.cell.end();
        if let Some(all) = &self.all {
            all.end();
        }
        if self.turn == Turn::Trial && !self.settled {
            self.cell.set_trial_ticket(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> SharedCounts {
        let cells = [Arc::new(EndpointCell::new())];
        SharedCounts { cells: cells.into(), cursors: [].into(), all: Some(Arc::default()), measured: true }
    }

    #[test]
    fn an_endpoint_has_one_more_request_in_flight_while_the_lease_lives() {
        let shared = shared();
        let lease = Lease::new(&shared, EndpointId(0), Turn::Regular);
        assert_eq!(shared.cells[0].counters().in_flight, 1);
        drop(lease);
        assert_eq!((shared.cells[0].counters().in_flight, shared.cells[0].counters().attempts), (0, 1));
        assert_eq!(shared.all.as_ref().map(|all| all.get()), Some(0));
    }

    #[test]
    fn a_trial_that_is_dropped_without_a_result_gives_its_ticket_back() {
        let shared = shared();
        drop(Lease::new(&shared, EndpointId(0), Turn::Trial));
        assert!(shared.cells[0].claim_trial_ticket());
    }

    #[test]
    fn a_settled_trial_keeps_its_ticket() {
        let shared = shared();
        let mut lease = Lease::new(&shared, EndpointId(0), Turn::Trial);
        lease.note_failure();
        lease.settle();
        drop(lease);
        assert!(!shared.cells[0].claim_trial_ticket());
        assert_eq!(shared.cells[0].counters().failures, 1);
    }

    #[test]
    fn a_success_is_news_only_where_it_was_doubted() {
        let news = |turn| Lease::new(&shared(), EndpointId(0), turn).note_success(Duration::ZERO);
        assert!(news(Turn::Trial) && news(Turn::FailOpen));
        assert!(!news(Turn::Regular) && !news(Turn::Pinned));
    }
}
