//! Finds the endpoints that fail much more often than the others. Ejects none: that is the cluster's.

use alloc::vec::Vec;

use crate::{EndpointId, OutlierPolicy, Timestamp};

/// What an endpoint's counts stood at when they were looked at last.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    attempts: u64,
    failures: u64,
}

/// Compares rates of success, an interval at a time.
#[derive(Debug)]
pub(super) struct Outliers {
    policy: OutlierPolicy,
    seen: Vec<Seen>,
    next: Timestamp,
}

/// One that fails too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlier {
    pub(super) endpoint: EndpointId,
    pub(super) success_percent: u8,
    pub(super) mean_percent: u8,
}

impl Outliers {
    pub(super) fn new(policy: OutlierPolicy, endpoints: usize, now: Timestamp) -> Self {
        Self { policy, seen: alloc::vec![Seen::default(); endpoints], next: now + policy.interval }
    }

    /// Counts an endpoint's attempts and failures from there on.
    pub(super) fn begin_at(&mut self, id: EndpointId, attempts: u64, failures: u64) {
        self.seen[id.index()] = Seen { attempts, failures };
    }

    /// When to look again.
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// Those that failed too often since the last look, the worst first; of each endpoint, in order, `counts` gives the
    /// attempts and the failures so far, and whether it is in use.
    pub(super) fn find(&mut self, counts: impl Iterator<Item = (u64, u64, bool)>, now: Timestamp) -> Vec<Outlier> {
        self.next = now + self.policy.interval;
        let mut rates: Vec<(EndpointId, f64)> = Vec::new();
        for ((id, seen), (attempts, failures, in_use)) in (0u32..).map(EndpointId).zip(&mut self.seen).zip(counts) {
            let (made, failed) = (attempts - seen.attempts, failures - seen.failures);
            *seen = Seen { attempts, failures };
            if in_use && made >= u64::from(self.policy.min_requests).max(1) {
                rates.push((id, 1.0 - failed.min(made) as f64 / made as f64));
            }
        }
        if rates.len() < (self.policy.min_endpoints as usize).max(2) {
            return Vec::new();
        }
        let count = rates.len() as f64;
        let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
        let variance = rates.iter().map(|(_, rate)| (rate - mean) * (rate - mean)).sum::<f64>() / count;
        let deviations = f64::from(self.policy.tenths_of_deviation) / 10.0;
        // Squared on both sides, since a root needs more than `core`. A mean that all share has no outlier.
        let is_outlier = |rate: f64| rate < mean && (mean - rate) * (mean - rate) > deviations * deviations * variance;
        rates.retain(|(_, rate)| is_outlier(*rate));
        rates.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is from 0 to 1")]
        let percent = |rate: f64| (rate * 100.0 + 0.5) as u8;
        let outlier =
            |(endpoint, rate)| Outlier { endpoint, success_percent: percent(rate), mean_percent: percent(mean) };
        rates.into_iter().map(outlier).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const POLICY: OutlierPolicy = OutlierPolicy {
        interval: Duration::from_secs(10),
        min_requests: 100,
        min_endpoints: 5,
        tenths_of_deviation: 19,
    };

    fn found(counts: &[(u64, u64)]) -> Vec<(u32, u8)> {
        let mut outliers = Outliers::new(POLICY, counts.len(), Timestamp::ORIGIN);
        let counts = counts.iter().map(|(attempts, failures)| (*attempts, *failures, true));
        let found = outliers.find(counts, Timestamp::ORIGIN + POLICY.interval);
        found.iter().map(|outlier| (outlier.endpoint.0, outlier.success_percent)).collect()
    }

    #[test]
    fn who_fails_much_more_often_than_the_others_is_found() {
        let mut counts = [(200, 2); 10];
        assert!(found(&counts).is_empty());
        counts[3] = (200, 60);
        assert_eq!(found(&counts), [(3, 70)]);
    }

    #[test]
    fn when_all_fail_alike_nobody_is_an_outlier() {
        assert!(found(&[(200, 100); 10]).is_empty());
    }

    #[test]
    fn too_few_requests_or_endpoints_prove_nothing() {
        let mut counts = [(200, 0); 10];
        counts[3] = (99, 99);
        assert!(found(&counts).is_empty());
        assert!(found(&[(200, 0), (200, 0), (200, 0), (200, 200)]).is_empty());
    }

    #[test]
    fn only_what_came_since_the_last_look_counts() {
        let mut outliers = Outliers::new(POLICY, 10, Timestamp::ORIGIN);
        let mut look = |all: u64, failed_on_3: u64| {
            let counts = (0..10).map(|id| (all, if id == 3 { failed_on_3 } else { 0 }, true));
            outliers.find(counts, Timestamp::ORIGIN).len()
        };
        assert_eq!([look(200, 100), look(400, 100), look(600, 200)], [1, 0, 1]);
    }
}
