//! How one of the available endpoints is chosen. Who is available, and who is on trial, is the picker's.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::drawing::{Urn, stir};
use super::round_robin;
use crate::cells::{Cursor, EndpointCell};
use crate::{Algorithm, EndpointId};

/// The available endpoints, laid out for an algorithm.
#[derive(Debug)]
pub(super) enum Chooser {
    RoundRobin { turns: Box<[EndpointId]> },
    LeastRequest { all: Box<[(EndpointId, u32)]> },
    TwoChoices { all: Box<[(EndpointId, u32)]>, urn: Urn },
    Random { all: Box<[(EndpointId, u32)]>, urn: Urn },
}

/// So often two different endpoints are drawn for before a neighbour is taken: enough unless one has nearly all weight.
const REDRAWS: usize = 4;

impl Chooser {
    pub(super) fn new(algorithm: Algorithm, endpoints: &[(EndpointId, u32)]) -> Self {
        let all = || endpoints.into();
        match algorithm {
            Algorithm::RoundRobin => Self::RoundRobin { turns: round_robin::lay_out(endpoints) },
            Algorithm::LeastRequest => Self::LeastRequest { all: all() },
            Algorithm::TwoChoices => Self::TwoChoices { all: all(), urn: Urn::new(endpoints) },
            Algorithm::Random => Self::Random { all: all(), urn: Urn::new(endpoints) },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::RoundRobin { turns } => turns.is_empty(),
            Self::LeastRequest { all } | Self::TwoChoices { all, .. } | Self::Random { all, .. } => all.is_empty(),
        }
    }

    /// Chooses one that `may` be taken; tells each that is asked about and may not.
    pub(super) fn choose(
        &self,
        cells: &[Arc<EndpointCell>],
        cursor: &Cursor,
        entropy: u64,
        mut may: impl FnMut(EndpointId) -> bool,
    ) -> Option<EndpointId> {
        if self.is_empty() {
            return None;
        }
        match self {
            Self::RoundRobin { turns } => {
                let (before, after) = turns.split_at(cursor.next() % turns.len());
                after.iter().chain(before).copied().find(|id| may(*id))
            }
            Self::LeastRequest { all } => {
                let (before, after) = all.split_at(cursor.next() % all.len());
                let candidates = after.iter().chain(before).copied().filter(|(id, _)| may(*id));
                candidates.reduce(|best, other| if is_less_busy(cells, other, best) { other } else { best }).map(first)
            }
            Self::TwoChoices { all, urn } => {
                let one = urn.draw(entropy)?;
                let mut entropy = entropy;
                let other = core::iter::repeat_with(|| {
                    entropy = stir(entropy);
                    urn.draw(entropy)
                });
                let other = other.take(REDRAWS).flatten().find(|other| other.0 != one.0);
                let other = other.or_else(|| neighbours(all, one.0).next()).unwrap_or(one);
                let chosen = match (may(one.0), other.0 != one.0 && may(other.0)) {
                    (true, true) => Some(if is_less_busy(cells, other, one) { other } else { one }),
                    (true, false) => Some(one),
                    (false, true) => Some(other),
                    (false, false) => neighbours(all, one.0).find(|(id, _)| *id != other.0 && may(*id)),
                };
                chosen.map(first)
            }
            Self::Random { all, urn } => {
                let (drawn, _) = urn.draw(entropy)?;
                if may(drawn) { Some(drawn) } else { neighbours(all, drawn).map(first).find(|id| may(*id)) }
            }
        }
    }
}

fn first((id, _): (EndpointId, u32)) -> EndpointId {
    id
}

/// Whether `a` has fewer requests in flight per weight than `b`.
fn is_less_busy(cells: &[Arc<EndpointCell>], a: (EndpointId, u32), b: (EndpointId, u32)) -> bool {
    let in_flight = |id: EndpointId| u64::from(cells[id.index()].in_flight());
    in_flight(a.0) * u64::from(b.1) < in_flight(b.0) * u64::from(a.1)
}

/// The others in a list that is in order of ids, from the next one round to the one before.
fn neighbours(all: &[(EndpointId, u32)], id: EndpointId) -> impl Iterator<Item = (EndpointId, u32)> {
    let place = all.binary_search_by_key(&id, |(id, _)| *id).unwrap_or_default();
    let (before, from) = all.split_at(place);
    from.iter().skip(1).chain(before).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn setting(in_flight: &[u32], weights: &[u32], algorithm: Algorithm) -> (Chooser, Vec<Arc<EndpointCell>>) {
        let endpoints: Vec<_> = (0u32..).map(EndpointId).zip(weights.iter().copied()).collect();
        let cells: Vec<_> = in_flight.iter().map(|_| Arc::new(EndpointCell::new())).collect();
        for (cell, count) in cells.iter().zip(in_flight) {
            (0..*count).for_each(|_| cell.begin());
        }
        (Chooser::new(algorithm, &endpoints), cells)
    }

    fn choices(in_flight: &[u32], weights: &[u32], algorithm: Algorithm, count: u64) -> Vec<u32> {
        let (chooser, cells) = setting(in_flight, weights, algorithm);
        let cursor = Cursor::default();
        let choose = |n| chooser.choose(&cells, &cursor, stir(n), |_| true).expect("somebody").0;
        (0..count).map(choose).collect()
    }

    #[test]
    fn least_request_chooses_the_fewest_in_flight_per_weight() {
        assert_eq!(choices(&[3, 1, 2], &[1, 1, 1], Algorithm::LeastRequest, 3), [1, 1, 1]);
        assert_eq!(choices(&[3, 2, 5], &[2, 1, 4], Algorithm::LeastRequest, 3), [2, 2, 2]);
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
    fn every_algorithm_finds_the_only_one_that_may_be_taken() {
        for algorithm in Algorithm::ALL {
            for only in 0..6 {
                let (chooser, cells) = setting(&[0; 6], &[1, 2, 3, 1, 2, 90], algorithm);
                let cursor = Cursor::default();
                for n in 0..50 {
                    let chosen = chooser.choose(&cells, &cursor, stir(n), |id| id.0 == only);
                    assert_eq!(chosen, Some(EndpointId(only)), "{algorithm}");
                }
            }
        }
    }

    #[test]
    fn every_algorithm_asks_about_each_once_at_most_and_gives_up_when_none_may_be_taken() {
        for algorithm in Algorithm::ALL {
            let (chooser, cells) = setting(&[0; 5], &[1; 5], algorithm);
            for n in 0..50 {
                let mut asked = vec![];
                let chosen = chooser.choose(&cells, &Cursor::default(), stir(n), |id| {
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
            assert_eq!(chooser.choose(&cells, &Cursor::default(), 7, |_| true), None);
        }
    }
}
