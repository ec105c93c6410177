//! Which failures are tried again, and how often. Only the policy: `attempts` applies it to one request.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::entropy::part_of;
use crate::{Failure, Outcome};

/// The outcomes after which a request is tried at another endpoint; nginx's `proxy_next_upstream`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetryOn {
    /// The connection was refused or broke before the answer's head was complete.
    pub error: bool,
    /// The connection or the answer's head was not there in time.
    pub timeout: bool,
    /// What came is not an HTTP answer.
    pub invalid_header: bool,
    /// Answers with one of these status codes.
    pub statuses: Vec<u16>,
}

/// Which failures are tried again, how often, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// After which outcomes.
    pub on: RetryOn,
    /// How many attempts a request may make in all, the first one included.
    pub attempts: NonZeroU32,
    /// No attempt begins later than this after the request did.
    pub timeout: Duration,
    /// Whether methods that are not idempotent (RFC 9110 §9.2.2) may be tried again once their sending has begun.
    pub non_idempotent: bool,
    /// How long to wait before the second attempt; before each further one twice as long as before the one before it,
    /// up to [`MAX_BACKOFF`](Self::MAX_BACKOFF) times. Zero: another endpoint is tried at once.
    pub backoff: Duration,
}

impl RetryPolicy {
    /// A wait is never longer than this many times the first one.
    pub const MAX_BACKOFF: u32 = 16;

    /// How long to wait before another attempt after `made` ones: of what the policy says between a half and all, so that
    /// requests which failed together do not come back together.
    pub(crate) fn wait_after(&self, made: u32, entropy: u64) -> Duration {
        if self.backoff.is_zero() {
            return Duration::ZERO;
        }
        let doublings = made.saturating_sub(1).min(Self::MAX_BACKOFF.ilog2());
        let most = self.backoff * (1 << doublings);
        most / 2 + part_of(most / 2, entropy)
    }

    /// Whether the outcome is one of those after which to try again.
    pub fn covers(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Answered { status } => self.on.statuses.contains(&status),
            Outcome::Connected | Outcome::Abandoned | Outcome::Overtaken => false,
            Outcome::Failed(failure) => match failure {
                Failure::Refused | Failure::Unreachable | Failure::Shortage | Failure::Closed | Failure::IdleRace => {
                    self.on.error
                }
                Failure::ConnectTimeout | Failure::ResponseTimeout => self.on.timeout,
                Failure::InvalidHeader => self.on.invalid_header,
                // The answer has begun to reach the client by then; and a wrong body is only looked for by probes.
                Failure::Truncated | Failure::Stalled | Failure::WrongBody => false,
            },
        }
    }

    /// Whether the outcome speaks against the endpoint's health.
    ///
    /// A listed 5xx does, retried or not; a listed 4xx is the request's own fault. The idle race and our own shortage are not the endpoint's.
    pub fn blames(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Answered { status } => status >= 500 && self.on.statuses.contains(&status),
            Outcome::Failed(failure) => !failure.is_nobodys(),
            Outcome::Connected | Outcome::Abandoned | Outcome::Overtaken => false,
        }
    }

    /// Whether a request of that kind would be tried again if its endpoint failed.
    pub fn shields(&self, idempotent: bool) -> bool {
        self.attempts.get() > 1 && self.on.error && (idempotent || self.non_idempotent)
    }
}

impl Default for RetryPolicy {
    /// No retries.
    fn default() -> Self {
        Self {
            on: RetryOn::default(),
            attempts: NonZeroU32::MIN,
            timeout: Duration::MAX,
            non_idempotent: false,
            backoff: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            on: RetryOn { error: true, timeout: true, invalid_header: false, statuses: vec![404, 503] },
            ..RetryPolicy::default()
        }
    }

    #[test]
    fn a_listed_5xx_is_blamed_and_a_listed_4xx_is_not() {
        assert!(policy().blames(Outcome::Answered { status: 503 }));
        assert!(!policy().blames(Outcome::Answered { status: 404 }));
        assert!(!policy().blames(Outcome::Answered { status: 500 }), "not listed");
    }

    #[test]
    fn every_failure_but_the_idle_race_and_our_own_shortage_is_blamed() {
        for failure in Failure::ALL {
            let nobodys = matches!(failure, Failure::IdleRace | Failure::Shortage);
            assert_eq!(policy().blames(Outcome::Failed(failure)), !nobodys, "{failure:?}");
        }
    }

    #[test]
    fn each_kind_of_failure_is_covered_by_its_own_word() {
        let only = |on| RetryPolicy { on, ..RetryPolicy::default() };
        let covered = |policy: &RetryPolicy| -> Vec<&str> {
            Failure::ALL.iter().filter(|f| policy.covers(Outcome::Failed(**f))).map(|f| f.token()).collect()
        };
        let none = RetryOn::default;
        assert_eq!(
            covered(&only(RetryOn { error: true, ..none() })),
            ["refused", "unreachable", "shortage", "closed", "idle-race"]
        );
        assert_eq!(covered(&only(RetryOn { timeout: true, ..none() })), ["connect-timeout", "response-timeout"]);
        assert_eq!(covered(&only(RetryOn { invalid_header: true, ..none() })), ["invalid-header"]);
        assert!(covered(&only(none())).is_empty());
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread_over_half_of_their_length() {
        let policy = RetryPolicy { backoff: Duration::from_millis(100), ..RetryPolicy::default() };
        let range = |made| (policy.wait_after(made, 0).as_millis(), policy.wait_after(made, u64::MAX).as_millis());
        assert_eq!([1, 2, 3].map(range), [(50, 100), (100, 200), (200, 400)]);
        assert_eq!(range(50), (800, 1600));
        assert_eq!(RetryPolicy::default().wait_after(3, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn a_client_that_leaves_is_nobodys_failure() {
        assert!(!policy().blames(Outcome::Abandoned));
        assert!(!policy().covers(Outcome::Abandoned));
    }
}
