//! Whom a walk has passed already. Why is the walk's to know.

use crate::EndpointId;

/// The endpoints that a walk has passed, few enough to be looked through.
#[derive(Default)]
pub(super) struct Passed {
    ids: [u32; 16],
    // Who was asked about; the others were beyond their bound at the time.
    asked: [bool; 16],
    count: usize,
}

impl Passed {
    pub(super) fn contains(&self, id: EndpointId) -> bool {
        self.ids[..self.count].contains(&id.0)
    }

    pub(super) fn was_asked(&self, id: EndpointId) -> bool {
        let mut known = self.ids[..self.count].iter().zip(&self.asked);
        known.any(|(known, asked)| *known == id.0 && *asked)
    }

    /// Notes one; false if there is no room for another.
    pub(super) fn note(&mut self, id: EndpointId, asked: bool) -> bool {
        self.ids[self.count] = id.0;
        self.asked[self.count] = asked;
        self.count += 1;
        self.count < self.ids.len()
    }
}
