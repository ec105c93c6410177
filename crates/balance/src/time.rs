//! A moment in time, as the caller counts it. Reads no clock: that is the shell's.

use core::ops::Add;
use core::time::Duration;

/// Nanoseconds since an origin that the caller chooses once and keeps: the start of a process, or of a simulation.
///
/// 64 bits last for 584 years; arithmetic saturates instead of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The origin itself.
    pub const ORIGIN: Self = Self(0);

    /// The moment this long after the origin.
    pub fn after_origin(elapsed: Duration) -> Self {
        Self(nanos(elapsed))
    }

    /// How long after the origin this moment is.
    pub fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_saturates_at_the_end_of_time() {
        assert_eq!(Timestamp(u64::MAX) + Duration::from_secs(1), Timestamp(u64::MAX));
        assert_eq!(Timestamp::after_origin(Duration::MAX), Timestamp(u64::MAX));
    }

    #[test]
    fn an_earlier_moment_is_no_time_after_a_later_one() {
        let later = Timestamp::ORIGIN + Duration::from_secs(2);
        assert_eq!(Timestamp::ORIGIN.since(later), Duration::ZERO);
        assert_eq!(later.since(Timestamp::ORIGIN), Duration::from_secs(2));
    }
}
