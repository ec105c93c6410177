//! How long a request waits for one endpoint before a second one is asked beside it. Begins nothing: `race` does.

use std::time::Duration;

use crate::cells::{Cached, Latencies};
use crate::config::Hedge;

/// With fewer than this a quantile says nothing.
const MIN_SAMPLES: u64 = 100;

/// When so many are remembered, half of them are forgotten: the latest count.
const MOST_SAMPLES: u64 = 2048;

/// The quantile is looked up once in so many answers: it is a walk through all buckets.
const LOOK_EVERY: u32 = 32;

/// A cluster's delay, shared by all workers.
#[derive(Debug)]
pub(crate) enum HedgeDelay {
    Fixed(Duration),
    Learned { percent: u8, latencies: Latencies, found: Cached },
}

impl HedgeDelay {
    pub(crate) fn new(hedge: Hedge) -> Self {
        match hedge {
            Hedge::After(delay) => Self::Fixed(delay),
            Hedge::Quantile(percent) => {
                Self::Learned { percent, latencies: Latencies::new(), found: Cached::default() }
            }
        }
    }

    /// The delay, if it is known yet.
    pub(crate) fn get(&self) -> Option<Duration> {
        match self {
            Self::Fixed(delay) => Some(*delay),
            Self::Learned { found, .. } => found.get(),
        }
    }

    /// An attempt took so long.
    pub(crate) fn note(&self, latency: Duration) {
        let Self::Learned { percent, latencies, found } = self else { return };
        if latencies.note(latency).is_multiple_of(LOOK_EVERY) {
            let (samples, quantile) = latencies.quantile(*percent);
            if samples >= MIN_SAMPLES {
                found.set(quantile);
            }
            if samples >= MOST_SAMPLES {
                latencies.halve();
            }
        }
    }

    /// An attempt would have taken longer than that.
    ///
    /// Those that took longer than the delay count, or hedging would hide all slow answers from the quantile and so make it
    /// shorter and shorter. One that was given up sooner may have been of any kind.
    pub(crate) fn note_given_up(&self, after: Duration) {
        if self.get().is_some_and(|delay| after >= delay) {
            self.note(after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn learned() -> HedgeDelay {
        let delay = HedgeDelay::new(Hedge::Quantile(90));
        (0..200).for_each(|n| delay.note(ms(if n % 10 == 9 { 100 } else { 10 })));
        delay
    }

    fn is_about(delay: &HedgeDelay, expected: Duration) -> bool {
        delay.get().is_some_and(|delay| delay > expected && delay <= expected * 9 / 8)
    }

    #[test]
    fn a_quantile_is_known_when_enough_was_answered() {
        let delay = HedgeDelay::new(Hedge::Quantile(90));
        (0..99).for_each(|_| delay.note(ms(10)));
        assert_eq!(delay.get(), None);
        (0..99).for_each(|_| delay.note(ms(10)));
        assert!(is_about(&delay, ms(10)), "{delay:?}");
    }

    #[test]
    fn it_follows_the_latest_answers() {
        let delay = learned();
        assert!(is_about(&delay, ms(10)), "{:?}", delay.get());
        (0..6000).for_each(|_| delay.note(ms(40)));
        assert!(is_about(&delay, ms(40)), "{:?}", delay.get());
    }

    /// Were slow attempts that are overtaken not counted, the quantile would sink with each of them.
    #[test]
    fn hedging_does_not_hide_what_is_slow() {
        let delay = HedgeDelay::new(Hedge::Quantile(90));
        let slowness = |n: u64| ms(10 + n * 37 % 100);
        (0..200).for_each(|n| delay.note(slowness(n)));
        for n in 0..20_000 {
            let after = delay.get().expect("it has learned");
            match slowness(n) {
                slow if slow > after => delay.note_given_up(after + ms(1)),
                quick => delay.note(quick),
            }
            // A hedge that is overtaken soon after it began says nothing.
            delay.note_given_up(ms(1));
        }
        assert!(is_about(&delay, ms(99)), "{:?}", delay.get());
    }

    #[test]
    fn a_fixed_delay_learns_nothing() {
        let delay = HedgeDelay::new(Hedge::After(ms(50)));
        (0..200).for_each(|_| delay.note(ms(1)));
        assert_eq!(delay.get(), Some(ms(50)));
    }
}
