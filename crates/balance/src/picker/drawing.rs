//! Draws endpoints by weight in constant time: Vose's alias table (M. D. Vose, "A Linear Algorithm for Generating Random
//! Numbers with a Given Distribution", 1991). Throws no dice: it is given the entropy.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::EndpointId;
use crate::entropy::high;

/// Endpoints to draw from, in the order of their ids, each with its weight.
#[derive(Debug)]
pub(super) struct Urn {
    all: Box<[(EndpointId, u32)]>,
    // One for each endpoint; none if all weights are equal, since then every draw is the endpoint's own, and a look at
    // memory is saved.
    slots: Box<[Slot]>,
}

/// Each endpoint's slot is as likely as any other's; what the endpoint does not fill of it is its alias's.
#[derive(Debug, Clone, Copy)]
struct Slot {
    // An index.
    alias: u32,
    // The own one is drawn if 32 random bits are not above this.
    own_up_to: u32,
}

impl Urn {
    pub(super) fn new(endpoints: &[(EndpointId, u32)]) -> Self {
        let are_equal = endpoints.windows(2).all(|pair| pair[0].1 == pair[1].1);
        Self { all: endpoints.into(), slots: if are_equal { Box::default() } else { slots(endpoints) } }
    }

    pub(super) fn all(&self) -> &[(EndpointId, u32)] {
        &self.all
    }

    /// One endpoint and its weight; `None` if there is none.
    pub(super) fn draw(&self, entropy: u64) -> Option<(EndpointId, u32)> {
        let (high, low) = (high(entropy), high(entropy << 32));
        // Maps 32 bits to a slot without a division (Lemire 2019); the bias is below 10,000 / 2^32.
        let own = ((u64::from(high) * self.all.len() as u64) >> 32) as usize;
        let index = match self.slots.get(own) {
            Some(slot) if low > slot.own_up_to => slot.alias as usize,
            Some(_) | None => own,
        };
        self.all.get(index).copied()
    }
}

fn slots(endpoints: &[(EndpointId, u32)]) -> Box<[Slot]> {
    let count = endpoints.len() as u64;
    let sum: u64 = endpoints.iter().map(|(_, weight)| u64::from(*weight)).sum();
    // Scaled so that an average endpoint has `sum`: what fills one slot.
    let mut left: Vec<u64> = endpoints.iter().map(|(_, weight)| u64::from(*weight) * count).collect();
    let mut slots: Box<[_]> = (0u32..).zip(endpoints).map(|(alias, _)| Slot { alias, own_up_to: u32::MAX }).collect();
    let (mut small, mut large) = (vec![], vec![]);
    for (index, left) in (0u32..).zip(&left) {
        if *left < sum { small.push(index) } else { large.push(index) }
    }
    // Each small one shares its slot with a large one, which gives what the slot still lacks.
    while let (Some(giver), Some(taker)) = (large.last().copied(), small.pop()) {
        let own = u128::from(left[taker as usize]) * u128::from(u32::MAX) / u128::from(sum);
        slots[taker as usize] = Slot { alias: giver, own_up_to: u32::try_from(own).unwrap_or(u32::MAX) };
        left[giver as usize] -= sum - left[taker as usize];
        if left[giver as usize] < sum {
            large.pop();
            small.push(giver);
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::stir;
    use proptest::prelude::*;

    fn shares(weights: &[u32], draws: u32) -> Vec<f64> {
        let endpoints: Vec<_> = (0u32..).map(EndpointId).zip(weights.iter().copied()).collect();
        let urn = Urn::new(&endpoints);
        let mut counts = vec![0u32; weights.len()];
        let mut entropy = 1;
        for _ in 0..draws {
            entropy = stir(entropy);
            counts[urn.draw(entropy).expect("somebody").0.index()] += 1;
        }
        counts.iter().map(|count| f64::from(*count) / f64::from(draws)).collect()
    }

    #[test]
    fn an_empty_urn_gives_nothing() {
        assert_eq!(Urn::new(&[]).draw(7), None);
    }

    #[test]
    fn each_of_equals_is_drawn_alike() {
        let shares = shares(&[7; 4], 100_000);
        assert!(shares.iter().all(|share| (share - 0.25).abs() < 0.006), "{shares:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn what_is_drawn_follows_the_weights(weights in proptest::collection::vec(1u32..1000, 1..20)) {
            let sum = f64::from(weights.iter().sum::<u32>());
            for (share, weight) in shares(&weights, 100_000).iter().zip(&weights) {
                // Four standard deviations of the widest share are 0.0063.
                prop_assert!((share - f64::from(*weight) / sum).abs() < 0.008);
            }
        }
    }
}
