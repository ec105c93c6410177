//! Lets choosing explain itself. An observer only listens: nothing it does changes a choice.

use core::fmt;

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
    /// It is being taken out of use: only sessions that are bound to it go there.
    Draining,
    /// It has as many requests in flight as it may.
    AtCapacity,
}

/// Is told, for each endpoint that is passed over, why; of the same one perhaps more than once. The unit observer compiles to
/// nothing.
pub trait Observer {
    /// Whether it wants to hear of those that are out by what is believed of them. Where it does not they are not even looked up;
    /// what choosing comes across, it is told anyway.
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

/// How many endpoints were passed over for each reason: what is left to tell where they are too many to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassedOverCounts {
    /// For [`PassedOver::AlreadyTried`].
    pub already_tried: u32,
    /// For [`PassedOver::Ejected`].
    pub ejected: u32,
    /// For [`PassedOver::OnTrial`].
    pub on_trial: u32,
    /// For [`PassedOver::Down`].
    pub down: u32,
    /// For [`PassedOver::Draining`].
    pub draining: u32,
    /// For [`PassedOver::AtCapacity`].
    pub at_capacity: u32,
}

impl Observer for PassedOverCounts {
    const LISTENS: bool = true;

    fn passed_over(&mut self, _: EndpointId, why: PassedOver) {
        let count = match why {
            PassedOver::AlreadyTried => &mut self.already_tried,
            PassedOver::Ejected { .. } => &mut self.ejected,
            PassedOver::OnTrial => &mut self.on_trial,
            PassedOver::Down => &mut self.down,
            PassedOver::Draining => &mut self.draining,
            PassedOver::AtCapacity => &mut self.at_capacity,
        };
        *count += 1;
    }
}

impl fmt::Display for PassedOverCounts {
    /// As in `2 ejected, 1 down`; `nobody` if there was no reason to pass over any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = [
            (self.already_tried, "tried already"),
            (self.ejected, "ejected"),
            (self.on_trial, "on trial"),
            (self.down, "down"),
            (self.draining, "draining"),
            (self.at_capacity, "at capacity"),
        ];
        let mut separator = "";
        for (count, why) in counted.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {why}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nobody") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn reasons_are_summed_where_they_are_too_many_to_list() {
        let mut counts = PassedOverCounts::default();
        assert_eq!(counts.to_string(), "nobody");
        for id in 0..3 {
            counts.passed_over(EndpointId(id), PassedOver::Ejected { until: Timestamp::ORIGIN });
        }
        counts.passed_over(EndpointId(3), PassedOver::AtCapacity);
        assert_eq!(counts.to_string(), "3 ejected, 1 at capacity");
    }
}
