//! The shadow model: what must be true of every simulation, whatever its algorithm and its script.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lb_balance::{Belief, EndpointId, Event, Timestamp};

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub(crate) String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Watches a simulation.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    // When the ejection of a balancer's endpoint has to end.
    ejected: BTreeMap<(u32, EndpointId), Timestamp>,
    pub(crate) violations: Vec<Violation>,
}

/// An ejection ends when the balancer is next woken, which is at its moment.
const PATIENCE: Duration = Duration::from_millis(1);

/// More than these are one and the same mistake.
const MOST_TOLD: usize = 20;

impl Audit {
    pub(crate) fn tell(&mut self, at: Timestamp, what: impl fmt::Display) {
        if self.violations.len() < MOST_TOLD {
            self.violations.push(Violation(format!("after {:?}: {what}", at.since_origin())));
        }
    }

    /// A balancer has changed its mind.
    pub(crate) fn hear(&mut self, balancer: u32, event: &Event) {
        let until = self.ejected.remove(&(balancer, event.endpoint));
        if let Some(until) = until.filter(|until| *until + PATIENCE < event.at) {
            let (endpoint, until) = (event.endpoint.0, until.since_origin());
            self.tell(event.at, format_args!("balancer {balancer} had endpoint {endpoint} ejected beyond {until:?}"));
        }
        if let Belief::Ejected { until } = event.to {
            self.ejected.insert((balancer, event.endpoint), until);
        }
    }

    /// Every ejected endpoint returns: none is still out that should not be.
    pub(crate) fn check_returns(&mut self, now: Timestamp) {
        let late: Vec<_> =
            self.ejected.iter().filter(|(_, until)| **until + PATIENCE < now).map(|(k, u)| (*k, *u)).collect();
        for ((balancer, endpoint), until) in late {
            let until = until.since_origin();
            self.tell(now, format_args!("balancer {balancer} has endpoint {} ejected beyond {until:?}", endpoint.0));
            self.ejected.remove(&(balancer, endpoint));
        }
    }
}
