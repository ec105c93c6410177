//! What a drill measures: by its own requests what clients see, by `lb`'s counts what became of them inside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use lb_balance::Belief;
use lb_proxy::{ClusterHandle, ClusterId, EndpointMetrics, Metrics, RouteMetrics, Tallies};
use lb_sim::{Setup, Slice};

use super::asker::Came;
use crate::drill::Figures;
use crate::simulation::{Latencies, recovery_in};

/// More endpoints are not told by name.
const MOST_NAMED: usize = 4;

/// What `lb` had counted at one moment, of the cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    requests: u64,
    attempts: u64,
    retries: u64,
    ejections: u64,
    // By endpoint: how many attempts, and how long they took together.
    times: Vec<(u64, Duration)>,
}

/// Where `lb` counts.
pub(super) struct Counter {
    pub(super) tallies: Option<Arc<Tallies>>,
    pub(super) cluster: ClusterId,
    pub(super) handle: Arc<ClusterHandle>,
    /// Of the routes that lead to the cluster.
    pub(super) routes: Vec<usize>,
}

impl Counter {
    /// `None` once the driver has gone.
    pub(super) async fn read(&self) -> Option<Counts> {
        let snapshot = self.handle.snapshot().await?;
        let metrics = self.tallies.as_ref().map(|tallies| tallies.read()).unwrap_or_default();
        Some(Counts { ejections: snapshot.endpoints.iter().map(|one| one.ejections).sum(), ..self.of(&metrics) })
    }

    /// Which endpoints are not up, and why, in words; `None`: all are.
    pub(super) async fn who_is_out(&self) -> Option<String> {
        let snapshot = self.handle.snapshot().await?;
        let endpoints = self.handle.config().endpoints.iter().zip(&snapshot.endpoints);
        let out = endpoints.filter(|(_, endpoint)| endpoint.belief != Belief::Up);
        let out: Vec<_> = out.map(|(config, endpoint)| format!("{} ({})", config.name(), endpoint.reason)).collect();
        let more = out.len().saturating_sub(MOST_NAMED);
        let named = out[..out.len() - more].join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!out.is_empty()).then(|| format!("not up as it begins: {named}{more}"))
    }

    fn of(&self, metrics: &Metrics) -> Counts {
        let ended = |route: &RouteMetrics| route.requests.iter().sum::<u64>();
        let requests = self.routes.iter().filter_map(|index| metrics.routes.get(*index)).map(ended).sum();
        let Some(cluster) = metrics.clusters.get(self.cluster.0) else { return Counts::default() };
        let attempts =
            |one: &EndpointMetrics| one.answered.iter().chain(&one.failed).sum::<u64>() + one.abandoned + one.overtaken;
        let time = |one: &EndpointMetrics| (one.latency.count(), Duration::from_micros(one.latency.sum_us));
        Counts {
            requests,
            attempts: cluster.endpoints.iter().map(attempts).sum(),
            retries: cluster.retries,
            ejections: 0,
            times: cluster.endpoints.iter().map(time).collect(),
        }
    }
}

/// The figures of one drill.
pub(super) struct Measured {
    requests: u64,
    succeeded: u64,
    latency_us: Histogram<u64>,
    failed: BTreeMap<Came, u64>,
    // By slice: whether a request that failed ended in it.
    has_failures: Vec<bool>,
    before: Counts,
    pub(super) now: Counts,
}

impl Measured {
    /// From these counts on.
    pub(super) fn new(before: Counts) -> Self {
        let longest = 3600 * 1_000_000;
        let latency_us =
            Histogram::new_with_bounds(1, longest, 3).expect("the bounds are in order, three digits allowed");
        let now = before.clone();
        Self { requests: 0, succeeded: 0, latency_us, failed: BTreeMap::new(), has_failures: Vec::new(), before, now }
    }

    /// A request ended so long after the beginning, and had taken so long.
    pub(super) fn note(&mut self, at: Duration, took: Duration, came: Came) {
        self.requests += 1;
        if came == Came::Well {
            self.succeeded += 1;
            self.latency_us.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            return;
        }
        *self.failed.entry(came).or_default() += 1;
        let slice = usize::try_from(at.as_nanos() / Slice::LENGTH.as_nanos()).unwrap_or(usize::MAX);
        if slice >= self.has_failures.len() {
            self.has_failures.resize(slice + 1, false);
        }
        self.has_failures[slice] = true;
    }

    /// How many requests have ended.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// What came of those that failed, in words; `None`: none did.
    pub(super) fn why_failed(&self) -> Option<String> {
        let told: Vec<_> = self.failed.iter().map(|(came, count)| format!("{count} {came}")).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// How long the endpoint's attempts took in the mean since the drill began, or since `lb` started; `None`: there was none.
    pub(super) fn usual_time_of(&self, endpoint: usize) -> Option<Duration> {
        let (count, time) = self.now.times.get(endpoint).copied()?;
        let (count_before, time_before) = self.before.times.get(endpoint).copied().unwrap_or_default();
        let mean = |count: u64, time: Duration| (count > 0).then(|| time.div_f64(count as f64));
        mean(count.saturating_sub(count_before), time.saturating_sub(time_before)).or_else(|| mean(count, time))
    }

    /// All of them, in a drill like that simulation.
    pub(super) fn figures(&self, setup: &Setup) -> Figures {
        let part = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        let ms = |quantile| self.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
        let since = |of: fn(&Counts) -> u64| of(&self.now).saturating_sub(of(&self.before));
        let counted = since(|counts| counts.requests);
        Figures {
            requests: self.requests,
            success_rate: part(self.succeeded, self.requests),
            error_rate: part(self.requests - self.succeeded, self.requests),
            latency_ms: Latencies {
                mean: self.latency_us.mean() / 1000.0,
                p50: ms(0.5),
                p90: ms(0.9),
                p99: ms(0.99),
                p999: ms(0.999),
                max: ms(1.0),
            },
            attempts_per_request: part(since(|counts| counts.attempts), counted),
            retries_per_request: part(since(|counts| counts.retries), counted),
            ejections: since(|counts| counts.ejections),
            recovery_ms: recovery_in(setup, &self.has_failures).as_secs_f64() * 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-3
    }

    /// A simulation of one endpoint in which these things go wrong.
    fn setup(steps: &str) -> Setup {
        let text = format!("title = \"t\"\nsteps = [{steps}]\nexpect = [\"p99 < 1s\"]\n[cluster]\nendpoints = 1\n");
        let drill = crate::config::parse_drill("drill", &text).unwrap_or_else(|told| panic!("{told}"));
        drill.world.setup(&drill.cluster).expect("it fits")
    }

    fn counts(requests: u64, attempts: u64, retries: u64, ejections: u64, times: &[(u64, u64)]) -> Counts {
        let times = times.iter().map(|(count, ms)| (*count, Duration::from_millis(*ms))).collect();
        Counts { requests, attempts, retries, ejections, times }
    }

    #[test]
    fn clients_are_told_by_the_drills_own_requests_and_attempts_by_what_was_counted_meanwhile() {
        let mut measured = Measured::new(counts(1000, 1500, 500, 7, &[]));
        let ms = Duration::from_millis;
        (1..=4)
            .for_each(|n| measured.note(ms(n * 100), ms(n * 10), if n < 4 { Came::Well } else { Came::Answered(503) }));
        measured.now = counts(1010, 1512, 502, 8, &[]);
        let figures = measured.figures(&setup("\"at 1s kill 1\""));
        assert_eq!((figures.requests, figures.ejections), (4, 1));
        assert!(near(figures.success_rate, 0.75) && near(figures.error_rate, 0.25), "{figures:?}");
        assert!(near(figures.attempts_per_request, 1.2) && near(figures.retries_per_request, 0.2), "{figures:?}");
        assert_eq!(measured.why_failed().as_deref(), Some("1 answered 503"));
        let latency = figures.latency_ms;
        assert!((latency.max - 30.0).abs() < 0.1 && (latency.mean - 20.0).abs() < 0.1, "of those that succeeded");
    }

    #[test]
    fn a_recovery_lasts_from_what_goes_wrong_to_the_last_failure_before_the_next_thing_goes_wrong() {
        let mut measured = Measured::new(Counts::default());
        for ms in [500, 2010, 2510, 6990] {
            measured.note(Duration::from_millis(ms), Duration::ZERO, Came::Late);
        }
        let of = |steps: &str| measured.figures(&setup(steps)).recovery_ms;
        assert!(near(of("\"at 2s kill 1 for 1s\", \"at 6s kill 1 for 1s\""), 1000.0));
        assert!(near(of("\"at 2s kill 1 for 1s\", \"at 7s kill 1 for 1s\""), 5000.0));
        assert!(near(of("\"at 10s kill 1 for 1s\""), 0.0));
    }

    #[test]
    fn an_endpoint_is_as_slow_as_it_was_since_the_drill_began_and_else_since_the_start() {
        let mut measured = Measured::new(counts(0, 0, 0, 0, &[(10, 1000), (0, 0)]));
        assert_eq!(measured.usual_time_of(0), Some(Duration::from_millis(100)));
        measured.now = counts(0, 0, 0, 0, &[(14, 1040), (0, 0)]);
        assert_eq!(measured.usual_time_of(0), Some(Duration::from_millis(10)));
        assert_eq!((measured.usual_time_of(1), measured.usual_time_of(2)), (None, None));
    }
}
