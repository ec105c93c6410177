//! Lets choosing explain itself. An observer only listens: nothing it does changes a choice.

use crate::{EndpointId, Timestamp};

/// Why an endpoint was not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// This request has tried it already.
    AlreadyTried,
    /// Requests failed on it.
    Ejected {
        /// When its trial begins.
        until: Timestamp,
    },
    /// It is on trial and another request is the trial, or this one could not be tried again if it failed.
    OnTrial,
    /// Probes failed on it.
    Down,
}

/// Is told, for each endpoint that is passed over, why. The unit observer compiles to nothing.
pub trait Observer {
    /// Whether anybody listens. Where nobody does, reasons are not even looked up.
    const LISTENS: bool;

    /// `endpoint` was not chosen, for this reason.
    fn passed_over(&mut self, endpoint: EndpointId, why: PassedOver);
}

impl Observer for () {
    const LISTENS: bool = false;

    fn passed_over(&mut self, _: EndpointId, _: PassedOver) {}
}

impl Observer for alloc::vec::Vec<(EndpointId, PassedOver)> {
    const LISTENS: bool = true;

    fn passed_over(&mut self, endpoint: EndpointId, why: PassedOver) {
        self.push((endpoint, why));
    }
}
