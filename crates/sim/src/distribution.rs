//! How long things take, by chance.

use std::time::Duration;

use fastrand::Rng;

/// A distribution of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(Duration),
    /// Anything between the two, each as likely.
    Uniform(Duration, Duration),
    /// Memoryless, with this mean.
    Exponential(Duration),
    /// Most are near the median, a few far beyond it: the logarithm is normal with this standard deviation.
    LogNormal {
        /// The median.
        median: Duration,
        /// The standard deviation of the natural logarithm; 0.5 puts the 99th percentile at 3.2 times the median.
        sigma: f64,
    },
    /// Normal, drawn again while it is negative.
    Normal {
        /// The mean before that.
        mean: Duration,
        /// The standard deviation before that.
        deviation: Duration,
    },
}

impl Distribution {
    /// One duration.
    pub fn sample(&self, rng: &mut Rng) -> Duration {
        match *self {
            Self::Constant(always) => always,
            Self::Uniform(least, most) => least + times(most.saturating_sub(least), rng.f64()),
            Self::Exponential(mean) => times(mean, exponential(rng)),
            Self::LogNormal { median, sigma } => times(median, (sigma * normal(rng)).exp()),
            Self::Normal { mean, deviation } => loop {
                let drawn = mean.as_secs_f64() + deviation.as_secs_f64() * normal(rng);
                if drawn >= 0.0 {
                    return seconds(drawn);
                }
            },
        }
    }
}

/// Longer than any simulation, and short enough to be added to any moment of one.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 10);

/// So many times as long.
pub(crate) fn times(duration: Duration, factor: f64) -> Duration {
    seconds(duration.as_secs_f64() * factor)
}

/// So many seconds, at most ten years.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(FOR_EVER).min(FOR_EVER)
}

/// Exponential with mean 1.
pub(crate) fn exponential(rng: &mut Rng) -> f64 {
    // From 1 downwards, so that the logarithm of 0 is never taken.
    -(1.0 - rng.f64()).ln()
}

/// Normal with mean 0 and deviation 1 (Box and Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (2.0 * exponential(rng)).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_ms(distribution: Distribution) -> f64 {
        let mut rng = Rng::with_seed(1);
        let sum: f64 = (0..200_000).map(|_| distribution.sample(&mut rng).as_secs_f64()).sum();
        sum / 200.0
    }

    #[test]
    fn each_distribution_has_the_mean_that_theory_gives_it() {
        let ms = Duration::from_millis;
        for (distribution, expected) in [
            (Distribution::Constant(ms(10)), 10.0),
            (Distribution::Uniform(ms(1), ms(50)), 25.5),
            (Distribution::Exponential(ms(10)), 10.0),
            (Distribution::LogNormal { median: ms(10), sigma: 0.5 }, 10.0 * (0.125f64).exp()),
            // E[X | X > 0] = m + s φ(1) / Φ(1) for m = s.
            (Distribution::Normal { mean: ms(10), deviation: ms(10) }, 12.876),
        ] {
            let mean = mean_ms(distribution);
            assert!((mean / expected - 1.0).abs() < 0.01, "{distribution:?}: {mean} instead of {expected}");
        }
    }
}
