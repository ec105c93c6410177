//! What a simulation came to, for people and for programs.

use std::fmt;
use std::time::Duration;

use lb_sim::{Report, Slice};
use serde::Serialize;

/// The figures of one simulation. Times are in milliseconds, rates from 0 to 1.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub(crate) seed: u64,
    pub(crate) endpoints: usize,
    pub(crate) balancers: u32,
    pub(crate) simulated_ms: f64,
    pub(crate) requests: u64,
    pub(crate) succeeded: u64,
    /// By what the client saw.
    pub(crate) failed: Failed,
    pub(crate) success_rate: f64,
    pub(crate) error_rate: f64,
    pub(crate) latency_ms: Latencies,
    pub(crate) attempts_per_request: f64,
    pub(crate) retries: u64,
    pub(crate) retries_per_request: f64,
    pub(crate) refused_by_budget: u64,
    pub(crate) ejections: u64,
    pub(crate) downs: u64,
    pub(crate) probes: u64,
    /// An endpoint's share of the attempts over its share of the weights: the least and the most.
    pub(crate) share_of_due: (f64, f64),
    /// From the beginning of what goes wrong to the last failed request before the next thing goes wrong: the longest.
    pub(crate) recovery_ms: f64,
}

/// Requests that did not succeed.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Failed {
    pub(crate) answered_5xx: u64,
    pub(crate) unanswered: u64,
    pub(crate) rejected: u64,
    pub(crate) given_up: u64,
}

/// Of the requests that succeeded.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Latencies {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Summary {
    pub(crate) fn new(setup: &lb_sim::Setup, report: &Report) -> Self {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let per_request = |count: u64| if report.requests == 0 { 0.0 } else { count as f64 / report.requests as f64 };
        Self {
            seed: setup.seed,
            endpoints: setup.scripts.len(),
            balancers: setup.balancers,
            simulated_ms: ms(report.simulated),
            requests: report.requests,
            succeeded: report.succeeded,
            failed: Failed {
                answered_5xx: report.failed.answered,
                unanswered: report.failed.unanswered,
                rejected: report.failed.rejected,
                given_up: report.failed.given_up,
            },
            success_rate: report.success_rate(),
            error_rate: per_request(report.failed.all()),
            latency_ms: Latencies {
                mean: ms(report.mean_latency()),
                p50: ms(report.latency(0.5)),
                p90: ms(report.latency(0.9)),
                p99: ms(report.latency(0.99)),
                p999: ms(report.latency(0.999)),
                max: ms(report.latency(1.0)),
            },
            attempts_per_request: per_request(report.attempts),
            retries: report.retries,
            retries_per_request: per_request(report.retries),
            refused_by_budget: report.refused_by_budget,
            ejections: report.ejections,
            downs: report.downs,
            probes: report.probes,
            share_of_due: shares(setup, report),
            recovery_ms: ms(recovery(setup, report)),
        }
    }
}

fn shares(setup: &lb_sim::Setup, report: &Report) -> (f64, f64) {
    let weights: f64 = setup.balancer.endpoints.iter().map(|endpoint| f64::from(endpoint.weight)).sum();
    let attempts = report.attempts.max(1) as f64;
    let of_due = setup.balancer.endpoints.iter().zip(&report.endpoints).map(|(endpoint, seen)| {
        let due = f64::from(endpoint.weight) / weights;
        seen.attempts as f64 / attempts / due
    });
    of_due.fold((f64::MAX, 0.0), |(least, most), share| (least.min(share), share.max(most)))
}

fn recovery(setup: &lb_sim::Setup, report: &Report) -> Duration {
    let has_failures: Vec<_> = report.slices.iter().map(|slice| slice.failed > 0).collect();
    recovery_in(setup, &has_failures)
}

/// The same of slices of which is known whether a request that failed ended in them; exact to the length of a slice.
pub(crate) fn recovery_in(setup: &lb_sim::Setup, has_failures: &[bool]) -> Duration {
    let rates = setup.rates.iter().map(|(from, _)| *from);
    let mut starts: Vec<_> = setup.faults.iter().map(|fault| fault.from).chain(rates).collect();
    starts.sort_unstable();
    starts.dedup();
    let last_failure = |from: Duration, until: Duration| {
        let slices = (0u32..).zip(has_failures).map(|(index, failed)| (Slice::LENGTH * index, failed));
        slices.filter(|(at, failed)| *at + Slice::LENGTH > from && *at < until && **failed).last()
    };
    let ends = starts.iter().skip(1).copied().chain([Duration::MAX]);
    let recoveries = starts.iter().zip(ends).filter_map(|(from, until)| {
        last_failure(*from, until).map(|(at, _)| (at + Slice::LENGTH).min(until).saturating_sub(*from))
    });
    recoveries.max().unwrap_or_default()
}

/// A rate in percent, with as many digits as it takes to be told from none and from all.
pub(crate) fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    let digits = if percent == 0.0 || (percent - 100.0).abs() < f64::EPSILON {
        0
    } else if percent < 1.0 || (99.0..100.0).contains(&percent) {
        4
    } else {
        1
    };
    format!("{percent:.digits$} %")
}

/// With a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { answered_5xx, unanswered, rejected, given_up } = self.failed;
        let Latencies { mean, p50, p90, p99, p999, max } = self.latency_ms;
        writeln!(f, "requests   {}", grouped(self.requests))?;
        writeln!(f, "succeeded  {}", percent(self.success_rate))?;
        if self.requests > self.succeeded {
            let failed = [
                (answered_5xx, "answered 5xx"),
                (unanswered, "unanswered"),
                (rejected, "rejected: no endpoint could be asked"),
                (given_up, "given up by their clients"),
            ];
            let told = failed.iter().filter(|(count, _)| *count > 0);
            let told: Vec<_> = told.map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
            writeln!(f, "failed     {}", told.join(", "))?;
        }
        writeln!(
            f,
            "latency    mean {mean:.1} ms, p50 {p50:.1}, p90 {p90:.1}, p99 {p99:.1}, p99.9 {p999:.1}, max {max:.1} ms"
        )?;
        writeln!(
            f,
            "attempts   {:.4} a request; {} retries, {} refused by the budget",
            self.attempts_per_request,
            grouped(self.retries),
            grouped(self.refused_by_budget)
        )?;
        let (least, most) = self.share_of_due;
        writeln!(f, "shares     an endpoint got {} to {} of what its weight says", percent(least), percent(most))?;
        writeln!(
            f,
            "beliefs    {} ejections, {} times down, {} probes, of all balancers",
            grouped(self.ejections),
            grouped(self.downs),
            grouped(self.probes)
        )?;
        if self.recovery_ms > 0.0 {
            writeln!(
                f,
                "recovery   {:.1} s from a failure's beginning to the last failed request",
                self.recovery_ms / 1000.0
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_rate_is_told_from_none_and_from_all() {
        assert_eq!(
            [0.0, 0.00012, 0.5, 0.99987, 1.0, 1.2].map(percent),
            ["0 %", "0.0120 %", "50.0 %", "99.9870 %", "100 %", "120.0 %"]
        );
    }
}
