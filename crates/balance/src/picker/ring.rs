//! A ring of hashes: each endpoint has many points on it, by weight, and a key belongs to the first point after its hash.
//! Who of them is available is not known here.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::EndpointId;
use crate::entropy::{high, stir};

/// Points in the order of their hashes.
#[derive(Debug)]
pub(crate) struct Ring {
    points: Box<[Point]>,
    // For each value of a hash's high bits the first point that has them or more; one more at the end.
    starts: Box<[u32]>,
    shift: u32,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    hash: u32,
    endpoint: EndpointId,
}

/// An endpoint of average weight has so many points where there are few endpoints: a share is within a tenth of what it
/// should be.
const MOST_POINTS_EACH: u64 = 1024;

/// So many points a ring has at most, unless the weights need more: at 10,000 endpoints 160 for each, as in nginx.
const MOST_POINTS: u64 = 1_600_000;

impl Ring {
    /// A ring of endpoints with a hash of their name and a weight of at least 1 each.
    pub(crate) fn new(endpoints: &[(u64, u32)]) -> Self {
        let sum = endpoints.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>().max(1);
        let count = endpoints.len() as u64;
        let all = (count * MOST_POINTS_EACH).min(MOST_POINTS);
        let points_of = |weight: u32| (u64::from(weight) * all / sum).max(1);
        let total: u64 = endpoints.iter().map(|(_, weight)| points_of(*weight)).sum();
        // About four points share their high bits, so that a key's place is found in two looks at memory.
        let bits = (total / 4).max(2).ilog2().min(24);
        let shift = 32 - bits;
        let hashes = |name: u64, weight: u32| (1..=points_of(weight)).map(move |n| high(stir(name ^ stir(n))));
        // Sorted by counting: first how many there are of each high part, then each at its place, then each part by itself.
        let mut starts = vec![0u32; (1 << bits) + 1];
        for (name, weight) in endpoints {
            hashes(*name, *weight).for_each(|hash| starts[(hash >> shift) as usize + 1] += 1);
        }
        for part in 1..starts.len() {
            starts[part] += starts[part - 1];
        }
        let mut next: Vec<u32> = starts.clone();
        let nowhere = Point { hash: 0, endpoint: EndpointId(0) };
        let mut points = vec![nowhere; starts.last().map_or(0, |end| *end as usize)];
        for (endpoint, (name, weight)) in (0u32..).map(EndpointId).zip(endpoints) {
            for hash in hashes(*name, *weight) {
                let place = &mut next[(hash >> shift) as usize];
                points[*place as usize] = Point { hash, endpoint };
                *place += 1;
            }
        }
        for part in starts.windows(2) {
            points[part[0] as usize..part[1] as usize].sort_unstable_by_key(|point| (point.hash, point.endpoint));
        }
        Self { points: points.into(), starts: starts.into(), shift }
    }

    /// The endpoint so many points after the key's place.
    pub(crate) fn at(&self, key: u64, step: usize) -> Option<EndpointId> {
        let hash = high(key);
        let part = (hash >> self.shift) as usize;
        let (start, end) = (self.starts[part] as usize, self.starts[part + 1] as usize);
        let before = self.points[start..end].iter().take_while(|point| point.hash < hash).count();
        let place = (start + before + step).checked_rem(self.points.len())?;
        Some(self.points[place].endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picker::hash_key;
    use alloc::format;

    fn ring(weights: &[u32]) -> Ring {
        let named = |(n, weight): (usize, &u32)| (hash_key(format!("web{n}").as_bytes()), *weight);
        Ring::new(&weights.iter().enumerate().map(named).collect::<Vec<_>>())
    }

    fn owners(ring: &Ring, keys: u64) -> Vec<usize> {
        (0..keys).map(|key| ring.at(stir(key), 0).expect("somebody").index()).collect()
    }

    #[test]
    fn a_key_belongs_to_the_first_point_after_its_hash() {
        let ring = ring(&[1; 5]);
        for key in (0..1000).map(stir) {
            let after = ring.points.iter().position(|point| point.hash >= high(key)).unwrap_or(0);
            for step in 0..3 {
                let expected = ring.points[(after + step) % ring.points.len()].endpoint;
                assert_eq!(ring.at(key, step), Some(expected));
            }
        }
    }

    #[test]
    fn shares_follow_weights() {
        let weights = [1, 2, 5, 8];
        let owners = owners(&ring(&weights), 100_000);
        for (index, weight) in weights.iter().enumerate() {
            let share = owners.iter().filter(|owner| **owner == index).count() as f64 / 100_000.0;
            let expected = f64::from(*weight) / 16.0;
            assert!((share / expected - 1.0).abs() < 0.12, "{index}: {share} instead of {expected}");
        }
    }

    #[test]
    fn an_endpoint_that_is_taken_away_moves_only_its_own_keys() {
        let (before, after) = (owners(&ring(&[1; 10]), 10_000), owners(&ring(&[1; 9]), 10_000));
        for (before, after) in before.iter().zip(&after) {
            assert!(before == after || *before == 9);
        }
    }

    #[test]
    fn an_empty_ring_has_nobody() {
        assert_eq!(Ring::new(&[]).at(7, 0), None);
    }
}
