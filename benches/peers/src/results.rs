//! All that was measured.

use std::collections::BTreeMap;

use crate::peers::Peer;
use crate::statistics::Spread;

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Microseconds a request.
    Cpu,
    /// Seconds that the program and the kernel used while the CPU time was measured, in whole ticks.
    User,
    System,
    /// Microseconds.
    P50,
    P99,
    /// Milliseconds a second.
    LoadWaited,
    ProxyWaited,
    /// A request.
    Calls,
    /// A request.
    Instructions,
    /// Bytes: of the whole proxy, and what each idle connection adds.
    MemoryBefore,
    MemoryAfter,
    MemoryServing,
    MemoryEach,
    /// Microseconds a request, at a fixed rate.
    Watched,
}

/// Figures by what they say, the case and the proxy, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    figures: BTreeMap<(Figure, &'static str, Peer), Vec<f64>>,
    /// What failed, and why.
    pub(crate) failures: Vec<String>,
}

impl Results {
    pub(crate) fn add(&mut self, figure: Figure, case: &'static str, peer: Peer, value: f64) {
        self.figures.entry((figure, case, peer)).or_default().push(value);
    }

    pub(crate) fn spread(&self, figure: Figure, case: &'static str, peer: Peer) -> Option<Spread> {
        Spread::of(self.figures.get(&(figure, case, peer))?)
    }

    /// The median of the CPU time, as the ticks of all rounds together split it: what the program used, and what the kernel.
    /// A single measurement has too few ticks to be split by itself.
    pub(crate) fn split(&self, case: &'static str, peer: Peer) -> Option<(f64, f64)> {
        let ticks = |figure| Some(self.figures.get(&(figure, case, peer))?.iter().sum::<f64>());
        let (user, system) = (ticks(Figure::User)?, ticks(Figure::System)?);
        let all = self.spread(Figure::Cpu, case, peer)?.median;
        let user = all * user / (user + system).max(f64::EPSILON);
        Some((user, all - user))
    }

    /// How many times as much one has as the other: the median of their ratios, each of the same round. `None` if
    /// either is missing.
    pub(crate) fn ratio(&self, figure: Figure, case: &'static str, of: Peer, to: Peer) -> Option<Spread> {
        let (of, to) = (self.figures.get(&(figure, case, of))?, self.figures.get(&(figure, case, to))?);
        let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
        Spread::of(&ratios)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let mut results = Results::default();
        for (lb, nginx) in [(1.0, 2.0), (10.0, 10.0), (3.0, 2.0)] {
            results.add(Figure::Cpu, "get-64", Peer::Lb, lb);
            results.add(Figure::Cpu, "get-64", Peer::Nginx, nginx);
        }
        let ratio = results.ratio(Figure::Cpu, "get-64", Peer::Lb, Peer::Nginx);
        assert_eq!(ratio, Some(Spread { median: 1.0, min: 0.5, max: 1.5 }));
        assert_eq!(results.ratio(Figure::Cpu, "get-64", Peer::Lb, Peer::Caddy), None);
    }

    #[test]
    fn the_median_is_split_by_the_ticks_of_all_rounds() {
        let mut results = Results::default();
        for (cpu, user, system) in [(30.0, 0.0, 0.5), (40.0, 0.25, 0.25), (90.0, 0.25, 0.75)] {
            results.add(Figure::Cpu, "get-64", Peer::Lb, cpu);
            results.add(Figure::User, "get-64", Peer::Lb, user);
            results.add(Figure::System, "get-64", Peer::Lb, system);
        }
        assert_eq!(results.split("get-64", Peer::Lb), Some((10.0, 30.0)));
    }
}
