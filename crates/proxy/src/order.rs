//! What people tell a cluster while it runs: that an endpoint drains, or has another weight, for a while or until they tell it
//! otherwise. The configuration is what it goes back to.

use std::time::Duration;

use lb_balance::{Change, EndpointId, Timestamp};

/// A change by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// What is to become of it.
    pub change: Change,
    /// After so long it is again as configured; `None`: when it is told so.
    pub lasts: Option<Duration>,
}

/// What of an endpoint is not as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deviation {
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// What it is now.
    pub now: Change,
    /// What the configuration says.
    pub configured: Change,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// An order that was carried out, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ordered {
    /// When.
    pub at: Timestamp,
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// What it was.
    pub from: Change,
    /// What it is.
    pub to: Change,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Whether it is as configured again since its time was over.
    pub expired: bool,
}

/// The orders that end by themselves.
#[derive(Debug, Default)]
pub(crate) struct Orders(Vec<(Timestamp, EndpointId, Change)>);

impl Orders {
    /// When the next one ends.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.iter().map(|(until, ..)| *until).min()
    }

    /// A new order; whatever was told of the same thing before is forgotten.
    pub(crate) fn put(&mut self, endpoint: EndpointId, change: Change, until: Option<Timestamp>) {
        self.0.retain(|(_, other, what)| *other != endpoint || !is_of_one_kind(*what, change));
        self.0.extend(until.map(|until| (until, endpoint, change)));
    }

    /// Until when what was told of that endpoint is to last.
    pub(crate) fn until(&self, endpoint: EndpointId, kind: Change) -> Option<Timestamp> {
        let found = self.0.iter().find(|(_, other, what)| *other == endpoint && is_of_one_kind(*what, kind));
        found.map(|(until, ..)| *until)
    }

    /// Takes one away whose time is over.
    pub(crate) fn take_over(&mut self, now: Timestamp) -> Option<(EndpointId, Change)> {
        let index = self.0.iter().position(|(until, ..)| *until <= now)?;
        let (_, endpoint, change) = self.0.swap_remove(index);
        Some((endpoint, change))
    }
}

fn is_of_one_kind(one: Change, other: Change) -> bool {
    matches!((one, other), (Change::Draining(_), Change::Draining(_)) | (Change::Weight(_), Change::Weight(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_order_replaces_an_older_one_of_its_kind() {
        let at = |seconds| Timestamp::after_origin(Duration::from_secs(seconds));
        let mut orders = Orders::default();
        orders.put(EndpointId(1), Change::Weight(5), Some(at(10)));
        orders.put(EndpointId(1), Change::Draining(true), Some(at(20)));
        orders.put(EndpointId(1), Change::Weight(6), Some(at(30)));
        assert_eq!(orders.next(), Some(at(20)));
        assert_eq!(orders.take_over(at(19)), None);
        assert_eq!(orders.take_over(at(20)), Some((EndpointId(1), Change::Draining(true))));
        assert_eq!(orders.until(EndpointId(1), Change::Weight(0)), Some(at(30)));
        orders.put(EndpointId(1), Change::Weight(1), None);
        assert_eq!(orders.next(), None);
    }
}
