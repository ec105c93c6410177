//! Smooth weighted round robin, laid out as a table of turns when the picker is built.
//!
//! nginx's order: at each turn every endpoint gains its weight, the one with the most goes and pays the sum of
//! all weights. {5, 1, 1} gives a a b a c a a instead of a a a a a b c. The order repeats after the sum of the
//! weights divided by their greatest common divisor, so it is computed once and picking is one step of a cursor.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::EndpointId;

/// Lays out one round of turns. Weights are at least 1.
pub(super) fn lay_out(endpoints: &[(EndpointId, u32)]) -> Box<[EndpointId]> {
    let divisor = endpoints.iter().fold(0, |divisor, (_, weight)| gcd(divisor, *weight));
    let weights: Vec<i64> = endpoints.iter().map(|(_, weight)| i64::from(weight / divisor.max(1))).collect();
    if weights.iter().all(|weight| *weight == 1) {
        return endpoints.iter().map(|(id, _)| *id).collect();
    }
    let sum: i64 = weights.iter().sum();
    let mut credit = vec![0; weights.len()];
    (0..sum)
        .map(|_| {
            let mut richest = 0;
            for (index, weight) in weights.iter().enumerate() {
                credit[index] += weight;
                if credit[index] > credit[richest] {
                    richest = index;
                }
            }
            credit[richest] -= sum;
            endpoints[richest].0
        })
        .collect()
}

/// Euclid's greatest common divisor; `gcd(0, n)` is `n`.
fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(weights: &[u32]) -> Vec<u32> {
        let endpoints: Vec<_> = (0u32..).map(EndpointId).zip(weights.iter().copied()).collect();
        lay_out(&endpoints).iter().map(|id| id.0).collect()
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
