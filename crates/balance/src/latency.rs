//! The peak-sensitive moving average of an endpoint's latency: a slower answer counts at once and in full, faster ones
//! pull the average down only as time passes; and while nobody answers it sinks by itself, so that an endpoint which was
//! slow is asked again (the idea of Finagle's Peak EWMA). Compares nothing: that is `picker`'s.

use core::time::Duration;

use crate::Timestamp;

/// An average and the moment that it is of, in one word that can be exchanged atomically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Latency {
    micros: u32,
    // In ticks of 2^20 ns, about a millisecond; wraps after 52 days, which is longer than any average lasts.
    at: u32,
}

/// The average halves in so many ticks without an answer: 2^13, about 8.6 s; for shifts in place of divisions.
const HALF_LIFE_BITS: u32 = 13;

impl Latency {
    /// Nothing has been answered yet.
    pub(crate) const UNMEASURED: Self = Self { micros: 0, at: 0 };

    pub(crate) const fn to_bits(self) -> u64 {
        (self.micros as u64) << 32 | self.at as u64
    }

    #[allow(clippy::cast_possible_truncation, reason = "each half of the word is what is wanted")]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self { micros: (bits >> 32) as u32, at: bits as u32 }
    }

    /// The average after one more answer.
    pub(crate) fn after(self, latency: Duration, now: Timestamp) -> Self {
        let heard = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX).max(1);
        let at = ticks(now);
        let passed = at.wrapping_sub(self.at);
        if self.micros == 0 || heard >= self.micros {
            return Self { micros: heard, at };
        }
        if passed == 0 {
            // One faster answer a tick is enough: no time has passed in which it could have weight.
            return self;
        }
        // What is left of the old average, and the new answer in place of what is gone.
        let old = halved(self.micros, passed);
        let new = heard - halved(heard, passed);
        Self { micros: old.saturating_add(new).max(1), at }
    }

    /// The average in microseconds by now; 0 if nothing is known any more.
    pub(crate) fn micros(self, now: Timestamp) -> u32 {
        halved(self.micros, ticks(now).wrapping_sub(self.at))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "it wraps, and only differences are looked at")]
fn ticks(now: Timestamp) -> u32 {
    (now.since_origin().as_nanos() >> 20) as u32
}

/// What is left of a value after so many ticks: halved for each half-life, and between two halvings along a parabola, which
/// is within 1 % of the exponential: 2^-x is about 1 - x (ln 2 - (ln 2 - 1/2) x).
fn halved(value: u32, passed: u32) -> u32 {
    const LN_2: u64 = 45_426; // in 65,536ths
    const LN_2_LESS_HALF: u64 = LN_2 - 32_768;
    let (halvings, rest) = (passed >> HALF_LIFE_BITS, u64::from(passed & ((1 << HALF_LIFE_BITS) - 1)));
    let value = value.checked_shr(halvings).unwrap_or(0);
    let slope = LN_2 - ((LN_2_LESS_HALF * rest) >> HALF_LIFE_BITS);
    let gone = (u64::from(value) * rest * slope) >> (HALF_LIFE_BITS + 16);
    value - u32::try_from(gone).unwrap_or(value).min(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::ORIGIN + Duration::from_millis(ms)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_slower_answer_counts_at_once_and_in_full() {
        let latency = Latency::UNMEASURED.after(ms(5), at(0)).after(ms(100), at(1));
        assert_eq!(latency.micros(at(1)), 100_000);
    }

    #[test]
    fn faster_answers_pull_it_down_as_time_passes() {
        let slow = Latency::UNMEASURED.after(ms(100), at(0));
        let soon = slow.after(ms(10), at(100));
        assert!((98_000..100_000).contains(&soon.micros(at(100))), "{soon:?}");
        let mut later = slow;
        for second in 1..60 {
            later = later.after(ms(10), at(1000 * second));
        }
        assert!((10_000..12_000).contains(&later.micros(at(59_000))), "{later:?}");
    }

    #[test]
    fn it_halves_every_half_life_while_nobody_answers() {
        let half_life = (1u64 << HALF_LIFE_BITS) << 20;
        let later = |times: u64| Timestamp::ORIGIN + Duration::from_nanos(half_life * times);
        let latency = Latency::UNMEASURED.after(ms(80), at(0));
        assert_eq!([1, 2, 3].map(|times| latency.micros(later(times))), [40_000, 20_000, 10_000]);
        assert_eq!(latency.micros(later(64)), 0);
    }

    #[test]
    fn it_survives_its_trip_through_a_word() {
        let latency = Latency::UNMEASURED.after(ms(7), at(123_456));
        assert_eq!(Latency::from_bits(latency.to_bits()), latency);
    }
}
