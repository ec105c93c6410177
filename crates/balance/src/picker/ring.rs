//! A ring of hashes: each endpoint has many points on it, by weight, and a key belongs to the first point after its hash.
//! Who of them is available is not known here.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::EndpointId;
use crate::entropy::{high, stir};

/// Points in the order of their hashes, in parts: those whose hashes have the same high bits.
#[derive(Debug)]
pub(crate) struct Ring {
    // Of each point the rest of its hash, and in the bits that the shift has made free its endpoint: half the memory of a
    // hash and an endpoint side by side, and memory is what a look at ten thousand endpoints waits for.
    points: Box<[u32]>,
    // Where each part begins; one more at the end.
    starts: Box<[u32]>,
    // So many high bits a part is known by.
    bits: u32,
}

/// An endpoint of average weight has so many points where there are few endpoints: its share is within a tenth of what it
/// should be.
const MOST_POINTS_EACH: u64 = 1024;

/// So many points a ring has at most, unless the weights need more: at 10,000 endpoints 100 for each, as many as a Maglev
/// table has slots. With nginx's 160, shares would be within 8 % in place of 10 %; but these 4 MiB are what a
/// processor's cache still holds, and with half as much again a look takes half as long again.
const MOST_POINTS: u64 = 1_000_000;

impl Ring {
    /// A ring of endpoints with a hash of their name and a weight of at least 1 each.
    pub(crate) fn new(endpoints: &[(u64, u32)]) -> Self {
        let sum = endpoints.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>().max(1);
        let count = endpoints.len() as u64;
        let all = (count * MOST_POINTS_EACH).min(MOST_POINTS);
        let points_of = |weight: u32| (u64::from(weight) * all / sum).max(1);
        let total: u64 = endpoints.iter().map(|(_, weight)| points_of(*weight)).sum();
        // Twelve to 24 points are one part, which is a cache line or two; and there are as many parts as endpoints at
        // least, so that an endpoint fits where a part's bits were.
        let bits = (total / 24).max(count).max(2).next_power_of_two().ilog2();
        let part_of = |hash: u32| (hash >> (u32::BITS - bits)) as usize;
        let hashes = |name: u64, weight: u32| (1..=points_of(weight)).map(move |n| high(stir(name ^ stir(n))));
        // Sorted by counting: first how many there are of each part, then each at its place, then each part by itself.
        let mut starts = vec![0u32; (1 << bits) + 1];
        for (name, weight) in endpoints {
            hashes(*name, *weight).for_each(|hash| starts[part_of(hash) + 1] += 1);
        }
        for part in 1..starts.len() {
            starts[part] += starts[part - 1];
        }
        let mut next: Vec<u32> = starts.clone();
        let mut points = vec![0u32; starts.last().map_or(0, |end| *end as usize)];
        for (endpoint, (name, weight)) in (0u32..).zip(endpoints) {
            for hash in hashes(*name, *weight) {
                let place = &mut next[part_of(hash)];
                points[*place as usize] = hash << bits | endpoint;
                *place += 1;
            }
        }
        for part in starts.windows(2) {
            points[part[0] as usize..part[1] as usize].sort_unstable();
        }
        Self { points: points.into(), starts: starts.into(), bits }
    }

    /// The endpoint so many points after the key's place.
    pub(crate) fn at(&self, key: u64, step: usize) -> Option<EndpointId> {
        let hash = high(key);
        let part = (hash >> (u32::BITS - self.bits)) as usize;
        let (start, end) = (self.starts[part] as usize, self.starts[part + 1] as usize);
        let rest = hash << self.bits;
        // Hashes are spread evenly, so the place is guessed first: a search by halves would wait for memory twice.
        let guess = (u64::from(rest) * (end - start) as u64) >> u32::BITS;
        let mut place = start + usize::try_from(guess).unwrap_or_default();
        while place > start && self.points[place - 1] >= rest {
            place -= 1;
        }
        while place < end && self.points[place] < rest {
            place += 1;
        }
        place += step;
        if place >= self.points.len() {
            place = place.checked_rem(self.points.len())?;
        }
        Some(EndpointId(self.points[place] & ((1 << self.bits) - 1)))
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

    /// Each point's whole hash and its endpoint.
    fn points(ring: &Ring) -> Vec<(u32, EndpointId)> {
        let part = |part: usize| ring.starts[part] as usize..ring.starts[part + 1] as usize;
        let whole =
            |high: usize, point: u32| u32::try_from(high).expect("32 bits") << (32 - ring.bits) | point >> ring.bits;
        let of_part = |high: usize| {
            ring.points[part(high)]
                .iter()
                .map(move |point| (whole(high, *point), EndpointId(point & ((1 << ring.bits) - 1))))
        };
        (0..ring.starts.len() - 1).flat_map(of_part).collect()
    }

    #[test]
    fn points_are_in_the_order_of_their_hashes_and_each_endpoint_has_its_own() {
        let points = points(&ring(&[1, 3]));
        assert!(points.is_sorted());
        let hashes = |name: &str, count| {
            let name = hash_key(name.as_bytes());
            let mut hashes: Vec<_> = (1..=count).map(|n| high(stir(name ^ stir(n)))).collect();
            hashes.sort_unstable();
            hashes
        };
        let of = |id| points.iter().filter(|(_, owner)| owner.0 == id).map(|(hash, _)| *hash).collect::<Vec<_>>();
        assert_eq!((of(0), of(1)), (hashes("web0", 512), hashes("web1", 1536)));
    }

    #[test]
    fn a_key_belongs_to_the_first_point_after_its_hash() {
        let ring = ring(&[1; 5]);
        let points = points(&ring);
        for key in (0..1000).map(stir) {
            let after = points.iter().position(|(hash, _)| *hash >= high(key)).unwrap_or(0);
            for step in 0..3 {
                let (_, expected) = points[(after + step) % points.len()];
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
