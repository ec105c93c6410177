//! Smooth weighted round robin, laid out as a table of turns when the picker is built.
//!
//! nginx's order: at each turn every endpoint gains its weight, the one with the most goes and pays the sum of
//! all weights. {5, 1, 1} gives a a b a c a a instead of a a a a a b c. The order repeats after the sum of the
//! weights divided by their greatest common divisor, so it is computed once and picking is one step of a cursor.
//!
//! Endpoints of one weight gain alike and take their turns in order, so of each weight only the next one can have the
//! most: a turn costs one look at each distinct weight.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::EndpointId;

/// The endpoints of one weight.
struct Peers {
    weight: i64,
    indices: Vec<usize>,
    // Whose turn it is among them, and what that one has.
    place: usize,
    credit: i64,
}

impl Peers {
    fn next(&self) -> usize {
        self.indices[self.place]
    }

    /// The next of them has gone. The one after it has as much as it had, unless all have gone and paid.
    fn go_on(&mut self, sum: i64) {
        self.place += 1;
        if self.place == self.indices.len() {
            self.place = 0;
            self.credit -= sum;
        }
    }
}

/// How many steps it takes to lay out the turns of endpoints with these weights, each at least 1: a look at each distinct
/// weight for each turn. A million take about a millisecond.
pub fn layout_steps(weights: &[u32]) -> u64 {
    let divisor = weights.iter().fold(0, |divisor, weight| gcd(divisor, *weight)).max(1);
    let turns: u64 = weights.iter().map(|weight| u64::from(weight / divisor)).sum();
    let distinct: BTreeSet<u32> = weights.iter().copied().collect();
    turns * distinct.len() as u64
}

/// Lays out one round of turns. Weights are at least 1.
pub(super) fn lay_out(endpoints: &[(EndpointId, u32)]) -> Box<[EndpointId]> {
    let divisor = endpoints.iter().fold(0, |divisor, (_, weight)| gcd(divisor, *weight)).max(1);
    let mut by_weight: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, (_, weight)) in endpoints.iter().enumerate() {
        by_weight.entry(weight / divisor).or_default().push(index);
    }
    if by_weight.len() <= 1 {
        return endpoints.iter().map(|(id, _)| *id).collect();
    }
    let peers = |(weight, indices): (u32, _)| Peers { weight: weight.into(), indices, place: 0, credit: 0 };
    let mut peers: Vec<_> = by_weight.into_iter().map(peers).collect();
    let sum: i64 = endpoints.iter().map(|(_, weight)| i64::from(weight / divisor)).sum();
    let richest = |_| {
        let (mut most, mut chosen) = (i64::MIN, 0);
        for candidate in 0..peers.len() {
            peers[candidate].credit += peers[candidate].weight;
            let credit = peers[candidate].credit;
            if credit > most || (credit == most && peers[candidate].next() < peers[chosen].next()) {
                (most, chosen) = (credit, candidate);
            }
        }
        let (id, _) = endpoints[peers[chosen].next()];
        peers[chosen].go_on(sum);
        id
    };
    (0..sum).map(richest).collect()
}

/// Euclid's greatest common divisor; `gcd(0, n)` is `n`.
fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn order(weights: &[u32]) -> Vec<u32> {
        let endpoints: Vec<_> = (0u32..).map(EndpointId).zip(weights.iter().copied()).collect();
        lay_out(&endpoints).iter().map(|id| id.0).collect()
    }

    /// The rule as it is told: everybody gains, the richest goes and pays.
    fn by_the_rule(weights: &[u32]) -> Vec<u32> {
        let sum = weights.iter().map(|weight| i64::from(*weight)).sum::<i64>();
        let mut credit = vec![0; weights.len()];
        let turn = |_| {
            for (credit, weight) in credit.iter_mut().zip(weights) {
                *credit += i64::from(*weight);
            }
            let most = credit.iter().copied().max().expect("somebody");
            let richest = credit.iter().position(|credit| *credit == most).expect("somebody has the most");
            credit[richest] -= sum;
            u32::try_from(richest).expect("few endpoints")
        };
        (0..sum).map(turn).collect()
    }

    #[test]
    fn five_one_one_is_spread_smoothly() {
        assert_eq!(order(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn equal_weights_take_turns_whatever_the_weight() {
        assert_eq!(order(&[7, 7, 7]), [0, 1, 2]);
    }

    #[test]
    fn nobody_has_no_turns() {
        assert!(order(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_rule(weights in proptest::collection::vec(1u32..12, 1..14)) {
            let divisor = weights.iter().fold(0, |d, w| gcd(d, *w));
            let reduced: Vec<_> = weights.iter().map(|weight| weight / divisor).collect();
            prop_assert_eq!(order(&weights), by_the_rule(&reduced));
        }

        #[test]
        fn shares_follow_weights_exactly(weights in proptest::collection::vec(1u32..50, 1..12)) {
            let order = order(&weights);
            let divisor = weights.iter().fold(0, |d, w| gcd(d, *w));
            for (index, weight) in (0u32..).zip(&weights) {
                let turns = order.iter().filter(|id| **id == index).count();
                prop_assert_eq!(turns, (weight / divisor) as usize);
            }
        }
    }
}
