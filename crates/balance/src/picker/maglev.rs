//! Maglev's lookup table (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4):
//! each endpoint fills slots in an order of its own, all in turn, so that shares are even and one endpoint more or less
//! moves little. Who of them is available is not known here.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::EndpointId;
use crate::entropy::stir;

/// Which endpoint each slot belongs to.
#[derive(Debug)]
pub(crate) enum Maglev {
    // Half the memory, and memory is what a look at a large table waits for.
    Narrow(Box<[u16]>),
    // For more endpoints than 2^16.
    Wide(Box<[EndpointId]>),
}

/// Sizes of tables: primes, so that every step width visits every slot.
const SIZES: [usize; 14] = [
    2_039, 4_093, 8_191, 16_381, 32_749, 65_537, 131_071, 262_139, 524_287, 1_048_573, 2_097_143, 4_194_301, 8_388_593,
    16_777_213,
];

/// Few endpoints have so many slots each, that shares differ by no more than a fifth of a percent.
const MANY_SLOTS_EACH: usize = 512;

/// Many endpoints have at least so many each, as the paper asks for.
const FEW_SLOTS_EACH: usize = 100;

/// A larger table than this only if the endpoints are more than it has room for: it takes 4 MiB.
const LARGE: usize = 1_048_573;

const FREE: EndpointId = EndpointId(u32::MAX);

/// How an endpoint goes through the slots.
struct Walker {
    next: u32,
    skip: u32,
    weight: u32,
    // Weight that it has been given and not yet paid with a slot.
    credit: u32,
}

impl Maglev {
    /// A table for endpoints with a hash of their name and a weight of at least 1 each.
    pub(crate) fn new(endpoints: &[(u64, u32)]) -> Self {
        if endpoints.is_empty() {
            return Self::Wide(Box::default());
        }
        let wanted = (endpoints.len() * MANY_SLOTS_EACH).min(LARGE.max(endpoints.len() * FEW_SLOTS_EACH));
        let size = SIZES.into_iter().find(|size| *size >= wanted).unwrap_or(SIZES[SIZES.len() - 1]);
        let slots_32 = u32::try_from(size).expect("the largest table has 2^24 slots");
        let most = endpoints.iter().map(|(_, weight)| *weight).max().unwrap_or(1);
        let mut walkers: Vec<_> = endpoints
            .iter()
            .map(|(name, weight)| {
                let part = |bits: u64, of: u32| u32::try_from(bits % u64::from(of)).expect("a remainder is smaller");
                let (next, skip) = (part(*name, slots_32), part(stir(*name), slots_32 - 1) + 1);
                Walker { next, skip, weight: *weight, credit: most - *weight }
            })
            .collect();
        let mut slots = vec![FREE; size];
        let mut free = size;
        'all: loop {
            for (id, walker) in (0u32..).map(EndpointId).zip(&mut walkers) {
                // One of the largest weight takes a slot in each round, others as often as their weight allows, but each
                // one in the first.
                walker.credit += walker.weight;
                if walker.credit < most {
                    continue;
                }
                walker.credit -= most;
                loop {
                    let slot = &mut slots[walker.next as usize];
                    // A subtraction in place of a division, which this loop would spend its time on.
                    walker.next += walker.skip;
                    if walker.next >= slots_32 {
                        walker.next -= slots_32;
                    }
                    if *slot == FREE {
                        *slot = id;
                        break;
                    }
                }
                free -= 1;
                if free == 0 {
                    break 'all;
                }
            }
        }
        let narrow: Result<_, _> = slots.iter().map(|id| u16::try_from(id.0)).collect();
        narrow.map_or_else(|_| Self::Wide(slots.into()), Self::Narrow)
    }

    /// The endpoint of the key's slot; after some steps, of as many other slots that follow from the key.
    pub(crate) fn at(&self, key: u64, step: usize) -> Option<EndpointId> {
        let key = if step == 0 { key } else { stir(key.wrapping_add(step as u64)) };
        match self {
            Self::Narrow(slots) => slots.get(slot_of(key, slots.len())).map(|id| EndpointId((*id).into())),
            Self::Wide(slots) => slots.get(slot_of(key, slots.len())).copied(),
        }
    }
}

/// Maps 64 bits to a slot without a division (Lemire 2019).
fn slot_of(key: u64, slots: usize) -> usize {
    usize::try_from((u128::from(key) * slots as u128) >> 64).expect("less than the number of slots")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picker::hash_key;
    use alloc::format;

    fn table(names: impl Iterator<Item = usize>, weight: impl Fn(usize) -> u32) -> Maglev {
        let endpoints: Vec<_> = names.map(|n| (hash_key(format!("web{n}").as_bytes()), weight(n))).collect();
        Maglev::new(&endpoints)
    }

    fn slots(table: &Maglev) -> Vec<EndpointId> {
        match table {
            Maglev::Narrow(slots) => slots.iter().map(|id| EndpointId(u32::from(*id))).collect(),
            Maglev::Wide(slots) => slots.to_vec(),
        }
    }

    fn shares(table: &Maglev, endpoints: usize) -> Vec<usize> {
        let mut shares = vec![0; endpoints];
        for id in slots(table) {
            shares[id.index()] += 1;
        }
        shares
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "it says what it measured")]
    fn a_hundred_endpoints_share_65537_slots_within_a_percent() {
        let table = table(0..100, |_| 1);
        assert_eq!(slots(&table).len(), 65_537);
        let shares = shares(&table, 100);
        let (least, most) = (shares.iter().min().expect("100"), shares.iter().max().expect("100"));
        std::println!("Maglev, 100 endpoints: {least} to {most} of 655 slots each");
        assert!(most - least <= 6, "{least} to {most} of about 655 slots each");
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "it says what it measured")]
    fn one_endpoint_less_moves_at_most_two_percent_of_the_others_keys() {
        for gone in [0, 42, 99] {
            let before = slots(&table(0..100, |_| 1));
            let after = slots(&table((0..100).filter(|n| *n != gone), |_| 1));
            // Without it, those behind it have moved up by one.
            let name_after = |id: EndpointId| if id.index() >= gone { id.index() + 1 } else { id.index() };
            let of_others = before.iter().zip(&after).filter(|(before, _)| before.index() != gone);
            let moved = of_others.filter(|(before, after)| before.index() != name_after(**after)).count();
            std::println!("Maglev without endpoint {gone}: {moved} of 65,537 slots of others moved");
            assert!(moved * 100 <= 2 * 65_537, "{moved} of 65,537 slots moved with {gone}");
        }
    }

    #[test]
    fn shares_follow_weights() {
        let shares = shares(&table(0..4, |n| [1, 2, 5, 8][n]), 4);
        for (share, weight) in shares.iter().zip([1, 2, 5, 8]) {
            let expected = 4_093 * weight / 16;
            assert!(share.abs_diff(expected) <= 8, "{shares:?}");
        }
    }

    #[test]
    fn a_key_belongs_to_its_slots_endpoint_however_many_there_are() {
        for count in [3, 65_536, 65_537] {
            let table = table(0..count, |_| 1);
            assert_eq!(matches!(table, Maglev::Narrow(_)), count <= 65_536);
            let slots = slots(&table);
            for key in (0..1000).map(stir) {
                assert_eq!(table.at(key, 0), Some(slots[slot_of(key, slots.len())]));
            }
            assert_eq!(table.at(u64::MAX, 0), slots.last().copied());
        }
    }

    #[test]
    fn the_lightest_endpoint_has_a_slot_among_heavy_ones() {
        let shares = shares(&table(0..11, |n| if n == 10 { 1 } else { 1000 }), 11);
        assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    }

    #[test]
    fn an_empty_table_has_nobody() {
        assert_eq!(Maglev::new(&[]).at(7, 0), None);
    }
}
