//! How long simulated endpoints take, as people write it: `20ms`, `uniform 1ms 50ms`, `exponential 20ms`,
//! `lognormal 20ms 0.5`.

use std::str::FromStr;

use lb_sim::Distribution;

use crate::config::parse_time;

/// A distribution of latencies and the words for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Latency(pub(crate) Distribution);

/// The words are not those of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a latency; write \"20ms\", \"uniform 1ms 50ms\", \"exponential 20ms\" or \"lognormal 20ms 0.5\" (median, sigma)"
)]
pub(crate) struct BadLatency(String);

impl FromStr for Latency {
    type Err = BadLatency;

    fn from_str(text: &str) -> Result<Self, BadLatency> {
        let words: Vec<_> = text.split_whitespace().collect();
        let parsed = match words[..] {
            [always] => parse_time(always).map(Distribution::Constant),
            ["uniform", least, most] => parse_time(least)
                .zip(parse_time(most))
                .filter(|(least, most)| least <= most)
                .map(|(least, most)| Distribution::Uniform(least, most)),
            ["exponential", mean] => parse_time(mean).map(Distribution::Exponential),
            ["lognormal", median, sigma] => {
                let sigma = sigma.parse().ok().filter(|sigma: &f64| (0.0..=5.0).contains(sigma));
                parse_time(median).zip(sigma).map(|(median, sigma)| Distribution::LogNormal { median, sigma })
            }
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| BadLatency(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_distribution_has_its_words() {
        let ms = Duration::from_millis;
        let parsed = |text: &str| text.parse::<Latency>().map(|latency| latency.0);
        assert_eq!(parsed("20ms"), Ok(Distribution::Constant(ms(20))));
        assert_eq!(parsed("uniform 1ms 50ms"), Ok(Distribution::Uniform(ms(1), ms(50))));
        assert_eq!(parsed("exponential 1s"), Ok(Distribution::Exponential(ms(1000))));
        assert_eq!(parsed(" lognormal  20ms 0.5"), Ok(Distribution::LogNormal { median: ms(20), sigma: 0.5 }));
        for wrong in
            ["", "20", "uniform 5ms", "uniform 50ms 1ms", "lognormal 20ms -1", "lognormal 20ms NaN", "normal 1s"]
        {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
