//! What would become of the endpoints' shares if one of them were changed: asked of a picker that is made as the real one would
//! be, with counts of its own.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::{Cluster, layout};
use crate::cells::{Cursor, EndpointCell};
use crate::entropy::stir;
use crate::picker::{Choosing, SharedCounts, Standing};
use crate::{Attempts, EndpointId, Picker, RetryBudget, RetryPolicy, Timestamp, Wish};

/// So many choices are made for a projection.
const PICKS: u32 = 20_000;

/// A change that is thought of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It drains, or does not.
    Draining(bool),
    /// It has another weight.
    Weight(u32),
}

impl Cluster {
    /// What part of the requests each endpoint would get, 0 to 1, if that one were changed so; all 0 if nobody would get any.
    ///
    /// Requests are taken to be of many clients and to take equally long on each endpoint: what the algorithm makes of latency
    /// and load shows only when it happens. `entropy` is 64 random bits.
    pub fn project(&self, id: EndpointId, change: Change, now: Timestamp, entropy: u64) -> Vec<f64> {
        let mut endpoints: Vec<_> = self.members.iter().map(|member| member.endpoint.clone()).collect();
        let mut candidates = self.candidates(now);
        let candidate = &mut candidates[id.index()];
        match change {
            Change::Draining(true) if candidate.standing == Standing::Available => {
                candidate.standing = Standing::Draining;
            }
            Change::Draining(false) if candidate.standing == Standing::Draining => {
                candidate.standing = Standing::Available;
            }
            Change::Draining(_) => {}
            Change::Weight(weight) => {
                // In tenths where some start slowly.
                let before = endpoints[id.index()].weight.max(1);
                candidate.weight = (candidate.weight / before).max(1) * weight;
                endpoints[id.index()].weight = weight;
            }
        }
        let shared = SharedCounts {
            cells: endpoints.iter().map(|_| Arc::new(EndpointCell::new())).collect(),
            cursors: self.preferences.iter().map(|_| Cursor::default()).collect::<Box<[_]>>(),
            all: self.shared.all.as_ref().map(|_| Arc::default()),
            measured: self.shared.measured,
        };
        let choosing = Choosing { layout: layout(self.policy.algorithm, endpoints.iter()), ..self.choosing.clone() };
        let fail_open = self.policy.health.fail_open;
        let picker = Picker::new(&choosing, &self.preferences, &candidates, fail_open, Arc::new(shared));
        shares(&picker, endpoints.len(), now, entropy)
    }
}

fn shares(picker: &Picker, endpoints: usize, now: Timestamp, mut entropy: u64) -> Vec<f64> {
    let (policy, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    let attempts = Attempts::new(&policy, &budget, now, true);
    let mut counts = vec![0u32; endpoints];
    // As many are in flight as let each endpoint have one, so that those who look at that see something to tell apart.
    let mut in_flight = VecDeque::new();
    let mut placed = 0;
    for _ in 0..PICKS {
        entropy = stir(entropy);
        let wish = Wish { key: Some(stir(!entropy)), ..Wish::new(&attempts, now, entropy) };
        if let Ok(lease) = picker.pick(&wish, &mut ()) {
            counts[lease.endpoint().index()] += 1;
            placed += 1;
            lease.note_latency(core::time::Duration::from_millis(1), now);
            in_flight.push_back(lease);
        }
        if in_flight.len() >= endpoints {
            in_flight.pop_front();
        }
    }
    counts.into_iter().map(|count| if placed == 0 { 0.0 } else { f64::from(count) / f64::from(placed) }).collect()
}
