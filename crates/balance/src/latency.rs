//! The peak-sensitive moving average of an endpoint's latency: a slower answer counts at once and in full, each faster one
//! pulls the average down by a part; and while nobody answers it sinks by itself, so that an endpoint which was slow is
//! asked again (the idea of Finagle's Peak EWMA). Compares nothing: that is `picker`'s.
//!
//! The constants are the ones with which the tail was shortest in the simulation of `docs/balancing.md`.

use core::time::Duration;

use crate::Timestamp;

/// An average and the moment that it is of, in one word that can be exchanged atomically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Latency {
    micros: u32,
    // In ticks of 2^20 ns, about a millisecond; wraps after 52 days, which is longer than any average lasts.
    at: u32,
}

/// The weight of an answer that is faster than the average is a quarter at least, and a half after so many ticks without an
/// answer: 2^13, about 8.6 s. For shifts in place of divisions.
const HEARD_HALF_LIFE: u32 = 13;

/// Without answers the average halves in so many ticks: 2^16, about 69 s.
const IDLE_HALF_LIFE: u32 = 16;

/// An average is stale after so many ticks, about 8.6 s: nobody has answered for long enough that a look is worth a request.
const STALE: u32 = 1 << 13;

/// Workers' clocks differ by less than so many ticks, about a minute.
const A_MOMENT: u32 = 1 << 16;

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
        let passed = self.ticks_until(now);
        // A worker whose clock was read a moment earlier does not turn it back.
        let at = self.at.wrapping_add(passed);
        if self.micros == 0 {
            return Self { micros: heard, at: ticks(now) };
        }
        if heard >= self.micros {
            return Self { micros: heard, at };
        }
        // What is left of the old average, and the new answer in place of what is gone.
        let kept = halved(self.micros, passed, HEARD_HALF_LIFE).min(self.micros - self.micros / 4);
        let part = u64::from(heard) * u64::from(self.micros - kept) / u64::from(self.micros);
        Self { micros: kept.saturating_add(u32::try_from(part).unwrap_or(u32::MAX)).max(1), at }
    }

    /// Whether the last answer was long ago, or none has come.
    pub(crate) fn is_stale(self, now: Timestamp) -> bool {
        self.micros == 0 || self.ticks_until(now) > STALE
    }

    /// The average after an answer that was not waited for any longer than that; `None` where that says nothing, since
    /// answers are known to take longer anyway.
    pub(crate) fn after_at_least(self, latency: Duration, now: Timestamp) -> Option<Self> {
        (latency.as_micros() > u128::from(self.micros(now))).then(|| self.after(latency, now))
    }

    /// The average in microseconds by now; 0 if nothing is known any more.
    pub(crate) fn micros(self, now: Timestamp) -> u32 {
        halved(self.micros, self.ticks_until(now), IDLE_HALF_LIFE)
    }

    /// How long ago it was; none if it is later than `now`, as another worker's answer of this very moment may be.
    fn ticks_until(self, now: Timestamp) -> u32 {
        let now = ticks(now);
        if self.at.wrapping_sub(now) < A_MOMENT { 0 } else { now.wrapping_sub(self.at) }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "it wraps, and only differences are looked at")]
fn ticks(now: Timestamp) -> u32 {
    (now.since_origin().as_nanos() >> 20) as u32
}

/// What is left of a value after so many ticks: halved for each half-life, and between two halvings along a parabola, which
/// is within 1 % of the exponential: 2^-x is about 1 - x (ln 2 - (ln 2 - 1/2) x).
fn halved(value: u32, passed: u32, half_life: u32) -> u32 {
    const LN_2: u64 = 45_426; // in 65,536ths
    const LN_2_LESS_HALF: u64 = LN_2 - 32_768;
    let (halvings, rest) = (passed >> half_life, u64::from(passed & ((1 << half_life) - 1)));
    let value = value.checked_shr(halvings).unwrap_or(0);
    let slope = LN_2 - ((LN_2_LESS_HALF * rest) >> half_life);
    // 32, 16 and 16 bits: it fits.
    let gone = (u64::from(value) * rest * slope) >> (half_life + 16);
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
    fn each_faster_answer_pulls_it_down_by_a_quarter_or_more_if_the_last_one_is_long_ago() {
        let slow = Latency::UNMEASURED.after(ms(100), at(0));
        assert_eq!(slow.after(ms(20), at(1)).micros(at(1)), 80_000);
        let long_ago = slow.after(ms(20), at(9000)).micros(at(9000));
        assert!((57_000..60_000).contains(&long_ago), "{long_ago}");
        let many = (1..60).fold(slow, |latency, n| latency.after(ms(20), at(n)));
        assert!((20_000..20_100).contains(&many.micros(at(60))), "{many:?}");
    }

    #[test]
    fn it_halves_every_half_life_while_nobody_answers() {
        let half_life = (1u64 << IDLE_HALF_LIFE) << 20;
        let later = |halves: u64| Timestamp::ORIGIN + Duration::from_nanos(half_life * halves / 2);
        let latency = Latency::UNMEASURED.after(ms(80), at(0));
        assert_eq!([2, 4, 6].map(|halves| latency.micros(later(halves))), [40_000, 20_000, 10_000]);
        let between = latency.micros(later(1));
        assert!((56_000..57_000).contains(&between), "{between} instead of 80,000 / √2");
        assert_eq!(latency.micros(later(128)), 0);
    }

    #[test]
    fn it_is_stale_when_nobody_has_answered_for_a_while() {
        assert!(Latency::UNMEASURED.is_stale(at(0)));
        let latency = Latency::UNMEASURED.after(ms(80), at(0));
        assert_eq!([1, 8000, 9000].map(|now| latency.is_stale(at(now))), [false, false, true]);
    }

    #[test]
    fn an_answer_that_was_not_waited_for_makes_nobody_quicker() {
        let slow = Latency::UNMEASURED.after(ms(100), at(0));
        assert_eq!(slow.after_at_least(ms(1), at(1000)), None);
        assert_eq!(slow.after_at_least(ms(200), at(1000)).map(|latency| latency.micros(at(1000))), Some(200_000));
        let unknown = Latency::UNMEASURED.after_at_least(ms(3), at(0));
        assert_eq!(unknown.map(|latency| latency.micros(at(0))), Some(3000));
    }

    /// Workers read their clocks one after the other, and write in any order.
    #[test]
    fn an_answer_of_a_moment_later_is_not_taken_for_one_of_long_ago() {
        let latency = Latency::UNMEASURED.after(ms(100), at(1010));
        assert_eq!((latency.micros(at(1000)), latency.is_stale(at(1000))), (100_000, false));
        assert_eq!(latency.after(ms(20), at(1000)).micros(at(1010)), 80_000);
    }

    #[test]
    fn it_survives_its_trip_through_a_word() {
        let latency = Latency::UNMEASURED.after(ms(7), at(123_456));
        assert_eq!(Latency::from_bits(latency.to_bits()), latency);
    }
}
