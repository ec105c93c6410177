//! Medians and spreads.

/// The middle of some figures, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` of no figures.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
        Some(Self { median, min, max })
    }
}

/// The figure below which that part of all lies, by the nearest rank; `None` of no figures.
pub(crate) fn quantile(figures: &mut [u64], per_mille: usize) -> Option<u64> {
    let rank = (figures.len() * per_mille).div_ceil(1000).max(1) - 1;
    (rank < figures.len()).then(|| *figures.select_nth_unstable(rank).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn a_quantile_is_one_of_the_figures() {
        let mut figures: Vec<u64> = (1..=1000).rev().collect();
        assert_eq!(quantile(&mut figures, 500), Some(500));
        assert_eq!(quantile(&mut figures, 990), Some(990));
        assert_eq!(quantile(&mut [7], 990), Some(7));
        assert_eq!(quantile(&mut [], 990), None);
    }
}
