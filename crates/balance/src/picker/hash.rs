//! Choosing by the request's key: walks the endpoints in the key's own order until one may be taken, so that whatever is
//! out moves only the keys that it had. Where the order comes from is `ring`'s and `maglev`'s.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;

use super::chooser::Scene;
use super::maglev::Maglev;
use super::passed::Passed;
use super::ring::Ring;
use crate::entropy::stir;
use crate::{Algorithm, EndpointId};

/// All endpoints of a cluster, laid out once for as long as names and weights stay the same.
#[derive(Debug)]
pub(crate) enum Layout {
    Ring(Ring),
    Maglev(Maglev),
}

impl Layout {
    /// For endpoints with a hash of their name and a weight each; `None` if the algorithm needs none.
    pub(crate) fn new(algorithm: Algorithm, endpoints: &[(u64, u32)]) -> Option<Self> {
        match algorithm {
            Algorithm::Ring => Some(Self::Ring(Ring::new(endpoints))),
            Algorithm::Maglev => Some(Self::Maglev(Maglev::new(endpoints))),
            Algorithm::RoundRobin
            | Algorithm::LeastRequest
            | Algorithm::TwoChoices
            | Algorithm::PeakEwma
            | Algorithm::Random => None,
        }
    }

    /// The endpoint of the key after so many steps; an endpoint may come several times.
    fn at(&self, key: u64, step: usize) -> Option<EndpointId> {
        match self {
            Self::Ring(ring) => ring.at(key, step),
            Self::Maglev(maglev) => maglev.at(key, step),
        }
    }
}

/// The available endpoints of a layout.
#[derive(Debug)]
pub(super) struct ByKey {
    layout: Arc<Layout>,
    members: Box<[(EndpointId, u32)]>,
    // By endpoint, whether it is a member, 64 to a word.
    is_member: Box<[u64]>,
    weights: u64,
    // An endpoint is passed over while it has more than this many percent of an average share in flight; 0: never.
    bound_percent: u32,
}

/// So far a walk goes. With half of the endpoints out it ends without a choice once in 2^64 times; then every member is
/// looked at.
const STEPS: usize = 64;

impl ByKey {
    pub(super) fn new(layout: &Arc<Layout>, members: &[(EndpointId, u32)], bound_percent: u32) -> Self {
        let words = members.last().map_or(0, |(id, _)| id.index() / 64 + 1);
        let mut is_member = vec![0u64; words];
        for (id, _) in members {
            is_member[id.index() / 64] |= 1 << (id.index() % 64);
        }
        let weights = members.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let layout = Arc::clone(layout);
        Self { layout, members: members.into(), is_member: is_member.into(), weights, bound_percent }
    }

    pub(super) fn members(&self) -> &[(EndpointId, u32)] {
        &self.members
    }

    /// The first one in the key's order that may be taken and is within its bound; if all are beyond it, the one that is so
    /// least. Asks `may` about each once at most.
    pub(super) fn choose(&self, scene: &Scene<'_>, mut may: impl FnMut(EndpointId) -> bool) -> Option<EndpointId> {
        let key = scene.wish.key.unwrap_or(scene.wish.entropy);
        let mut passed = Passed::default();
        for step in 0..STEPS {
            let id = self.layout.at(key, step)?;
            if !self.has(id) || passed.contains(id) {
                continue;
            }
            let asked = self.is_within_bound(scene, id);
            if asked && may(id) {
                return Some(id);
            }
            if !passed.note(id, asked) {
                break;
            }
        }
        self.choose_among_all(scene, key, &passed, may)
    }

    /// Rendezvous hashing (Thaler and Ravishankar 1998): each member scores with the key, and the best that may be taken is
    /// chosen; so here too a member that is out moves only its own keys.
    fn choose_among_all(
        &self,
        scene: &Scene<'_>,
        key: u64,
        passed: &Passed,
        mut may: impl FnMut(EndpointId) -> bool,
    ) -> Option<EndpointId> {
        let mut best: Option<((bool, u64, u64), EndpointId)> = None;
        for (id, weight) in self.members.iter().copied() {
            if passed.was_asked(id) || !may(id) {
                continue;
            }
            let within = self.is_within_bound(scene, id);
            let crowd = if within { 0 } else { u64::from(scene.in_flight(id)) * 1000 / u64::from(weight) };
            let rank = (within, u64::MAX - crowd, stir(key ^ u64::from(id.0)));
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn has(&self, id: EndpointId) -> bool {
        self.is_member.get(id.index() / 64).is_some_and(|word| word >> (id.index() % 64) & 1 == 1)
    }

    /// Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018: with this request, no endpoint has
    /// more than its share of all that is in flight, times the bound, rounded up.
    fn is_within_bound(&self, scene: &Scene<'_>, id: EndpointId) -> bool {
        if self.bound_percent == 0 {
            return true;
        }
        let place = self.members.binary_search_by_key(&id, |(id, _)| *id);
        let weight = place.map_or(1, |place| u64::from(self.members[place].1));
        let all = u64::from(scene.all_in_flight()) + 1;
        u64::from(scene.in_flight(id)) * 100 * self.weights < u64::from(self.bound_percent) * all * weight
    }
}

/// The hash of a request's key, the same on every machine and in every version, so that balancers side by side agree:
/// FNV-1a of 64 bits (Fowler, Noll, Vo; RFC 9923), stirred once more, since its high bits are weak.
pub fn hash_key(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
    stir(fnv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_same_hash_for_ever() {
        assert_eq!(hash_key(b""), stir(0xCBF2_9CE4_8422_2325));
        assert_eq!(hash_key(b"a"), stir(0xAF63_DC4C_8601_EC8C), "the published value of FNV-1a, stirred");
    }
}
