//! How much of all traffic may be retries: when everything fails, retries must not multiply the load. Counts, and
//! nothing else: which failures are worth a retry is `retry`'s.

use crate::Timestamp;
use crate::cells::Seconds;

/// How many retries a cluster may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetPolicy {
    /// So many retries for a hundred requests, both of the latest ten seconds; 0 to 1000.
    pub percent: u32,
    /// So many retries a second are always allowed, so that a cluster with little traffic has any.
    pub floor: u32,
}

/// A cluster's retries so far. Shared by all workers.
#[derive(Debug)]
pub struct RetryBudget {
    policy: Option<BudgetPolicy>,
    requests: Seconds,
    retries: Seconds,
}

impl RetryBudget {
    /// A budget by that policy; `None`: without a limit.
    pub fn new(policy: Option<BudgetPolicy>) -> Self {
        Self { policy, requests: Seconds::default(), retries: Seconds::default() }
    }

    /// Notes that a request has come.
    pub fn note_request(&self, now: Timestamp) {
        if self.policy.is_some() {
            self.requests.add(second(now));
        }
    }

    /// Asks for one retry (or one hedge, which costs as much), and spends it.
    #[must_use]
    pub fn grant(&self, now: Timestamp) -> bool {
        let Some(policy) = self.policy else { return true };
        let second = second(now);
        // First taken, then looked at: two workers at once may both be refused the last one, but never both get it.
        self.retries.add(second);
        let allowed = self.requests.sum(second) * u64::from(policy.percent) / 100
            + u64::from(policy.floor) * Seconds::KEPT as u64;
        let granted = self.retries.sum(second) <= allowed;
        if !granted {
            self.take_back(now);
        }
        granted
    }

    /// Takes back what was granted at that moment and not used.
    pub(crate) fn take_back(&self, granted: Timestamp) {
        self.retries.take_back(second(granted));
    }

    /// Requests and retries of the latest ten seconds.
    pub fn spent(&self, now: Timestamp) -> (u64, u64) {
        (self.requests.sum(second(now)), self.retries.sum(second(now)))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "2^32 seconds are 136 years, and wrapping would only forget them")]
fn second(now: Timestamp) -> u32 {
    now.since_origin().as_secs() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use proptest::prelude::*;

    const POLICY: BudgetPolicy = BudgetPolicy { percent: 20, floor: 0 };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ORIGIN + Duration::from_secs(seconds)
    }

    fn granted(budget: &RetryBudget, asked: u32, now: Timestamp) -> usize {
        (0..asked).filter(|_| budget.grant(now)).count()
    }

    #[test]
    fn a_fifth_of_the_traffic_may_be_retries() {
        let budget = RetryBudget::new(Some(POLICY));
        (0..100).for_each(|_| budget.note_request(at(1)));
        assert_eq!(granted(&budget, 100, at(1)), 20);
        assert_eq!(budget.spent(at(1)), (100, 20));
    }

    #[test]
    fn a_quiet_cluster_has_its_floor() {
        let budget = RetryBudget::new(Some(BudgetPolicy { floor: 3, ..POLICY }));
        assert_eq!(granted(&budget, 100, at(1)), 30);
        assert_eq!(granted(&budget, 100, at(10)), 0);
        assert_eq!(granted(&budget, 100, at(11)), 30, "ten seconds later the first ones are forgotten");
    }

    #[test]
    fn without_a_policy_there_is_no_limit() {
        assert_eq!(granted(&RetryBudget::new(None), 1000, at(0)), 1000);
    }

    proptest! {
        /// Whatever comes in whatever order, the retries of ten seconds never exceed what their requests allow.
        #[test]
        fn it_is_never_overdrawn(steps in proptest::collection::vec((0u64..3, any::<bool>()), 1..400)) {
            let budget = RetryBudget::new(Some(BudgetPolicy { percent: 20, floor: 1 }));
            let (mut now, mut requests, mut retries) = (0, std::vec![], std::vec![]);
            for (later, is_request) in steps {
                now += later;
                if is_request {
                    budget.note_request(at(now));
                    requests.push(now);
                } else if budget.grant(at(now)) {
                    retries.push(now);
                    // When a retry is granted, it and those before it are within what the requests of then allow.
                    let recent = |moments: &[u64]| moments.iter().filter(|then| now - **then < 10).count();
                    prop_assert!(recent(&retries) <= recent(&requests) / 5 + 10);
                }
            }
        }
    }
}
