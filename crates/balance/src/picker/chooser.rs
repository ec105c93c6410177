//! How one of the available endpoints is chosen. Who is available, and who is on trial, is the picker's.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::drawing::Urn;
use super::hash::{ByKey, Layout};
use super::passed::Passed;
use super::quickest::Quickest;
use super::round_robin;
use crate::cells::{Cursor, EndpointCell, InFlight};
use crate::entropy::stir;
use crate::{Algorithm, EndpointId, Wish};

/// What an algorithm may look at.
pub(super) struct Scene<'a> {
    pub(super) cells: &'a [Arc<EndpointCell>],
    pub(super) all: Option<&'a InFlight>,
    pub(super) cursor: &'a Cursor,
    pub(super) wish: &'a Wish<'a>,
}

impl Scene<'_> {
    /// What the endpoint has in flight.
    pub(super) fn in_flight(&self, id: EndpointId) -> u32 {
        self.cells[id.index()].in_flight()
    }

    /// What one more request would cost there.
    pub(super) fn cost(&self, id: EndpointId) -> u64 {
        self.cells[id.index()].cost(self.wish.now)
    }

    /// What all of them have, if it is counted.
    pub(super) fn all_in_flight(&self) -> u32 {
        self.all.map_or(0, InFlight::get)
    }
}

/// The available endpoints, laid out for an algorithm.
#[derive(Debug)]
pub(super) enum Chooser {
    RoundRobin { turns: Box<[EndpointId]>, all: Box<[(EndpointId, u32)]> },
    LeastRequest { turns: Box<[EndpointId]>, all: Box<[(EndpointId, u32)]> },
    TwoChoices(Urn),
    PeakEwma(Quickest),
    Random(Urn),
    ByKey(ByKey),
}

/// How a cluster chooses, with what does not change when a belief does.
#[derive(Debug, Clone)]
pub(crate) struct Choosing {
    pub(crate) algorithm: Algorithm,
    /// Only for algorithms that hash.
    pub(crate) layout: Option<Arc<Layout>>,
    pub(crate) bound_percent: u32,
}

/// So often a different endpoint is drawn for before a neighbour is taken: enough unless one has nearly all weight.
const REDRAWS: usize = 4;

impl Chooser {
    pub(super) fn new(choosing: &Choosing, endpoints: &[(EndpointId, u32)]) -> Self {
        match (choosing.algorithm, &choosing.layout) {
            (Algorithm::LeastRequest, _) => {
                Self::LeastRequest { turns: round_robin::lay_out(endpoints), all: endpoints.into() }
            }
            (Algorithm::TwoChoices, _) => Self::TwoChoices(Urn::new(endpoints)),
            (Algorithm::PeakEwma, _) => Self::PeakEwma(Quickest::new(endpoints)),
            (Algorithm::Ring | Algorithm::Maglev, Some(layout)) => {
                Self::ByKey(ByKey::new(layout, endpoints, choosing.bound_percent))
            }
            (Algorithm::Random | Algorithm::Ring | Algorithm::Maglev, _) => Self::Random(Urn::new(endpoints)),
            (Algorithm::RoundRobin, _) => {
                Self::RoundRobin { turns: round_robin::lay_out(endpoints), all: endpoints.into() }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::RoundRobin { all, .. } | Self::LeastRequest { all, .. } => all.is_empty(),
            Self::TwoChoices(urn) | Self::Random(urn) => urn.all().is_empty(),
            Self::PeakEwma(quickest) => quickest.members().is_empty(),
            Self::ByKey(by_key) => by_key.members().is_empty(),
        }
    }

    /// Chooses one that `may` be taken; tells each that is asked about and may not.
    pub(super) fn choose(&self, scene: &Scene<'_>, mut may: impl FnMut(EndpointId) -> bool) -> Option<EndpointId> {
        if self.is_empty() {
            return None;
        }
        match self {
            Self::RoundRobin { turns, all } => whose_turn_it_is(turns, all, scene, may),
            Self::LeastRequest { turns, all } => {
                // From the one whose turn it is, so that equals are chosen by weight.
                let turn = turns[scene.cursor.next() % turns.len()];
                let (before, after) = all.split_at(place_of(all, turn));
                let candidates = after.iter().chain(before).copied().filter(|(id, _)| may(*id));
                candidates.reduce(|best, other| if is_less_busy(scene, other, best) { other } else { best }).map(first)
            }
            Self::TwoChoices(urn) => less_busy_of_two(urn, scene, may),
            Self::PeakEwma(quickest) => quickest.choose(scene, may),
            Self::Random(urn) => {
                let (drawn, _) = urn.draw(scene.wish.entropy)?;
                if may(drawn) { Some(drawn) } else { neighbours(urn.all(), drawn).map(first).find(|id| may(*id)) }
            }
            Self::ByKey(by_key) => by_key.choose(scene, may),
        }
    }
}

/// The next one in turn that `may` be taken.
fn whose_turn_it_is(
    turns: &[EndpointId],
    all: &[(EndpointId, u32)],
    scene: &Scene<'_>,
    mut may: impl FnMut(EndpointId) -> bool,
) -> Option<EndpointId> {
    let turn = scene.cursor.next() % turns.len();
    // Nearly always that is it, and nothing need be remembered.
    if may(turns[turn]) {
        return Some(turns[turn]);
    }
    let (before, after) = turns.split_at(turn);
    let mut passed = Passed::default();
    passed.note(turns[turn], true);
    for id in after.iter().chain(before).copied() {
        // An endpoint may have several turns.
        if passed.contains(id) {
            continue;
        }
        if may(id) {
            return Some(id);
        }
        if !passed.note(id, true) {
            // When so many may not be taken, each of the others is looked at once, however many turns it has.
            return neighbours(all, id).map(first).find(|other| !passed.contains(*other) && may(*other));
        }
    }
    None
}

/// Draws two, and takes the less busy one of them.
fn less_busy_of_two(urn: &Urn, scene: &Scene<'_>, mut may: impl FnMut(EndpointId) -> bool) -> Option<EndpointId> {
    let mut entropy = scene.wish.entropy;
    let one = urn.draw(entropy)?;
    let other = core::iter::repeat_with(|| {
        entropy = stir(entropy);
        urn.draw(entropy)
    });
    let other = other.take(REDRAWS).flatten().find(|other| other.0 != one.0);
    let other = other.or_else(|| neighbours(urn.all(), one.0).next()).unwrap_or(one);
    let chosen = match (may(one.0), other.0 != one.0 && may(other.0)) {
        (true, true) => Some(if is_less_busy(scene, other, one) { other } else { one }),
        (true, false) => Some(one),
        (false, true) => Some(other),
        (false, false) => neighbours(urn.all(), one.0).find(|(id, _)| *id != other.0 && may(*id)),
    };
    chosen.map(first)
}

fn first((id, _): (EndpointId, u32)) -> EndpointId {
    id
}

/// Whether `a` has fewer requests in flight per weight than `b`.
fn is_less_busy(scene: &Scene<'_>, a: (EndpointId, u32), b: (EndpointId, u32)) -> bool {
    u64::from(scene.in_flight(a.0)) * u64::from(b.1) < u64::from(scene.in_flight(b.0)) * u64::from(a.1)
}

fn place_of(all: &[(EndpointId, u32)], id: EndpointId) -> usize {
    all.binary_search_by_key(&id, |(id, _)| *id).unwrap_or_default()
}

/// The others in a list that is in order of ids, from the next one round to the one before.
pub(super) fn neighbours(all: &[(EndpointId, u32)], id: EndpointId) -> impl Iterator<Item = (EndpointId, u32)> {
    let (before, from) = all.split_at(place_of(all, id));
    from.iter().skip(1).chain(before).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attempts, RetryBudget, RetryPolicy, Timestamp};
    use alloc::vec;
    use alloc::vec::Vec;

    fn choosing(algorithm: Algorithm, weights: &[u32]) -> Choosing {
        let named: Vec<_> = (0u64..).map(stir).zip(weights.iter().copied()).collect();
        Choosing { algorithm, layout: Layout::new(algorithm, &named).map(Arc::new), bound_percent: 0 }
    }

    fn choose(
        chooser: &Chooser,
        cells: &[Arc<EndpointCell>],
        cursor: &Cursor,
        entropy: u64,
        may: impl FnMut(EndpointId) -> bool,
    ) -> Option<EndpointId> {
        let (policy, budget) = (RetryPolicy::default(), RetryBudget::new(None));
        let attempts = Attempts::new(&policy, &budget, Timestamp::ORIGIN, true);
        let wish = Wish::new(&attempts, Timestamp::ORIGIN, entropy);
        chooser.choose(&Scene { cells, all: None, cursor, wish: &wish }, may)
    }

    fn setting(in_flight: &[u32], weights: &[u32], algorithm: Algorithm) -> (Chooser, Vec<Arc<EndpointCell>>) {
        let endpoints: Vec<_> = (0u32..).map(EndpointId).zip(weights.iter().copied()).collect();
        let cells: Vec<_> = in_flight.iter().map(|_| Arc::new(EndpointCell::new())).collect();
        for (cell, count) in cells.iter().zip(in_flight) {
            (0..*count).for_each(|_| cell.begin());
        }
        (Chooser::new(&choosing(algorithm, weights), &endpoints), cells)
    }

    fn choices(in_flight: &[u32], weights: &[u32], algorithm: Algorithm, count: u64) -> Vec<u32> {
        let (chooser, cells) = setting(in_flight, weights, algorithm);
        let cursor = Cursor::default();
        let chosen = |n| choose(&chooser, &cells, &cursor, stir(n), |_| true).expect("somebody").0;
        (0..count).map(chosen).collect()
    }

    #[test]
    fn least_request_chooses_the_fewest_in_flight_per_weight() {
        assert_eq!(choices(&[3, 1, 2], &[1, 1, 1], Algorithm::LeastRequest, 3), [1, 1, 1]);
        assert_eq!(choices(&[3, 2, 5], &[2, 1, 4], Algorithm::LeastRequest, 3), [2, 2, 2]);
    }

    #[test]
    fn least_request_chooses_among_equals_by_weight() {
        let chosen = choices(&[0; 3], &[5, 1, 1], Algorithm::LeastRequest, 70);
        let count = |id| chosen.iter().filter(|chosen| **chosen == id).count();
        assert_eq!([0, 1, 2].map(count), [50, 10, 10]);
    }

    #[test]
    fn a_round_robin_that_finds_many_full_looks_at_each_of_the_others_once() {
        let weights: Vec<u32> = (0..100).map(|n| 1 + n % 10).collect();
        let (chooser, cells) = setting(&[0; 100], &weights, Algorithm::RoundRobin);
        let mut asked = vec![];
        let chosen = choose(&chooser, &cells, &Cursor::default(), 0, |id| {
            asked.push(id);
            false
        });
        asked.sort_unstable();
        assert_eq!((chosen, asked.len()), (None, 100));
        asked.dedup();
        assert_eq!(asked.len(), 100);
    }

    #[test]
    fn least_request_takes_turns_among_equals() {
        assert_eq!(choices(&[0; 4], &[1; 4], Algorithm::LeastRequest, 8), [0, 1, 2, 3, 0, 1, 2, 3]);
        assert_eq!(choices(&[9, 0, 9, 0], &[1; 4], Algorithm::LeastRequest, 4), [1, 1, 3, 3]);
    }

    #[test]
    fn two_choices_never_takes_the_busiest_of_all() {
        let chosen = choices(&[1, 2, 9, 2], &[1; 4], Algorithm::TwoChoices, 1000);
        assert!(!chosen.contains(&2));
        let of_the_idlest = chosen.iter().filter(|id| **id == 0).count();
        // It wins whenever it is one of the two: with probability 1/2.
        assert!((450..550).contains(&of_the_idlest), "{of_the_idlest}");
    }

    #[test]
    fn peak_ewma_weighs_latency_by_what_is_in_flight() {
        let ms = core::time::Duration::from_millis;
        let chosen = |latencies: [u64; 2]| {
            let (chooser, cells) = setting(&[4, 0], &[1, 1], Algorithm::PeakEwma);
            for (cell, latency) in cells.iter().zip(latencies) {
                cell.average_in(ms(latency), Timestamp::ORIGIN);
            }
            choose(&chooser, &cells, &Cursor::default(), 7, |_| true).expect("somebody").0
        };
        assert_eq!(chosen([10, 40]), 1, "five times 10 ms are more than once 40");
        assert_eq!(chosen([10, 60]), 0, "five times 10 ms are less than once 60");
    }

    #[test]
    fn peak_ewma_sends_one_request_to_an_endpoint_that_has_answered_none() {
        let (chooser, cells) = setting(&[3, 0], &[1, 1], Algorithm::PeakEwma);
        cells[0].average_in(core::time::Duration::from_millis(1), Timestamp::ORIGIN);
        let chosen = || choose(&chooser, &cells, &Cursor::default(), 7, |_| true).expect("somebody");
        assert_eq!(chosen().0, 1);
        cells[1].begin();
        assert_eq!(chosen().0, 0);
    }

    #[test]
    fn a_key_stays_where_it_is_while_others_go() {
        for algorithm in [Algorithm::Ring, Algorithm::Maglev] {
            let (chooser, cells) = setting(&[0; 20], &[1; 20], algorithm);
            for key in 0..500 {
                let owner = |gone: u32| {
                    choose(&chooser, &cells, &Cursor::default(), stir(key), |id| id.0 != gone).expect("somebody").0
                };
                let home = owner(u32::MAX);
                for gone in (0..20).filter(|gone| *gone != home) {
                    assert_eq!(owner(gone), home, "{algorithm}");
                }
                assert_ne!(owner(home), home);
            }
        }
    }

    #[test]
    fn a_bound_passes_over_whoever_has_more_than_its_share() {
        for algorithm in [Algorithm::Ring, Algorithm::Maglev] {
            let choosing = Choosing { bound_percent: 150, ..choosing(algorithm, &[1; 4]) };
            let endpoints: Vec<_> = (0..4).map(|id| (EndpointId(id), 1)).collect();
            let chooser = Chooser::new(&choosing, &endpoints);
            let cells: Vec<_> = (0..4).map(|_| Arc::new(EndpointCell::new())).collect();
            let (all, cursor) = (InFlight::default(), Cursor::default());
            let (policy, budget) = (RetryPolicy::default(), RetryBudget::new(None));
            let attempts = Attempts::new(&policy, &budget, Timestamp::ORIGIN, true);
            // All with one and the same key.
            let wish = Wish { key: Some(stir(1)), ..Wish::new(&attempts, Timestamp::ORIGIN, 0) };
            for _ in 0..100 {
                let scene = Scene { cells: &cells, all: Some(&all), cursor: &cursor, wish: &wish };
                let chosen = chooser.choose(&scene, |_| true).expect("somebody");
                cells[chosen.index()].begin();
                all.begin();
            }
            let most = cells.iter().map(|cell| cell.in_flight()).max().expect("four");
            assert_eq!(most, 38, "{algorithm}: 150 % of a quarter of 100, rounded up");
        }
    }

    #[test]
    fn every_algorithm_finds_the_only_one_that_may_be_taken() {
        for algorithm in Algorithm::ALL {
            for only in 0..6 {
                let (chooser, cells) = setting(&[0; 6], &[1, 2, 3, 1, 2, 90], algorithm);
                let cursor = Cursor::default();
                for n in 0..50 {
                    let chosen = choose(&chooser, &cells, &cursor, stir(n), |id| id.0 == only);
                    assert_eq!(chosen, Some(EndpointId(only)), "{algorithm}");
                }
            }
        }
    }

    #[test]
    fn every_algorithm_asks_about_each_once_at_most_and_gives_up_when_none_may_be_taken() {
        for algorithm in Algorithm::ALL {
            let (chooser, cells) = setting(&[0; 5], &[1, 3, 2, 7, 1], algorithm);
            for n in 0..50 {
                let mut asked = vec![];
                let chosen = choose(&chooser, &cells, &Cursor::default(), stir(n), |id| {
                    asked.push(id);
                    false
                });
                asked.sort_unstable();
                assert_eq!((chosen, asked.len()), (None, 5), "{algorithm}");
                asked.dedup();
                assert_eq!(asked.len(), 5, "{algorithm}");
            }
        }
    }

    #[test]
    fn no_algorithm_chooses_from_nobody() {
        for algorithm in Algorithm::ALL {
            let (chooser, cells) = setting(&[], &[], algorithm);
            assert_eq!(choose(&chooser, &cells, &Cursor::default(), 7, |_| true), None);
        }
    }
}
