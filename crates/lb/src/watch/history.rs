//! The last five minutes in steps of a second, and the last hour in steps of ten: what charts begin with.

use std::collections::VecDeque;
use std::time::Duration;

use lb_balance::Timestamp;
use lb_common::api::{self, ClusterTick, EndpointTick, Tick};
use lb_proxy::{EndpointMetrics, Histogram, Metrics};

use crate::names::Names;

// What is counted is told in the same buckets.
const _: () = {
    assert!(Histogram::BUCKETS == api::BUCKETS);
    let mut bucket = 0;
    while bucket < api::BUCKETS {
        assert!(Histogram::start_us(bucket) == api::bucket_start_us(bucket));
        bucket += 1;
    }
};

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// Five minutes in steps of a second.
    FiveMinutes,
    /// An hour in steps of ten seconds.
    Hour,
}

const FINE_KEPT: usize = 300;
const COARSE_KEPT: usize = 360;

/// So many fine steps make a coarse one.
const COARSE: usize = 10;

/// What of the metrics is told: `lb`'s own answers (files, the admin API) are not.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    // By route: whether a cluster answers there.
    routes: Vec<bool>,
}

impl Scope {
    pub(super) fn new(names: &Names) -> Self {
        Self { routes: names.routes_to_clusters() }
    }
}

/// The steps, and what they are counted from.
#[derive(Debug, Clone)]
pub(super) struct History {
    scope: Scope,
    before: Option<(Timestamp, Metrics)>,
    fine: VecDeque<Tick>,
    coarse: VecDeque<Tick>,
    // The coarse step that is being made.
    making: (usize, Tick),
}

impl History {
    pub(super) fn new(scope: Scope) -> Self {
        Self { scope, before: None, fine: VecDeque::new(), coarse: VecDeque::new(), making: (0, Tick::default()) }
    }

    /// Goes on with other clusters and endpoints, which are told apart by their names: what was counted of those that are still there
    /// stays theirs. What is counted from now on begins at zero.
    pub(super) fn go_on(mut self, scope: Scope, old: &Names, new: &Names) -> Self {
        let places = new.places_in(old);
        for tick in self.fine.iter_mut().chain(&mut self.coarse).chain([&mut self.making.1]) {
            let before = std::mem::take(&mut tick.clusters);
            let endpoint = |(cluster, endpoint): (usize, usize)| before.get(cluster)?.endpoints.get(endpoint).cloned();
            let cluster = |places: &Vec<Option<(usize, usize)>>| ClusterTick {
                endpoints: places.iter().map(|place| place.and_then(endpoint).unwrap_or_default()).collect(),
            };
            tick.clusters = places.iter().map(cluster).collect();
        }
        Self { scope, before: None, ..self }
    }

    /// A step ends with these counts; the first time, one begins.
    pub(super) fn note(&mut self, now: Metrics, at_ms: u64, at: Timestamp) -> Option<&Tick> {
        let (began, before) = self.before.replace((at, now))?;
        let now = &self.before.as_ref()?.1;
        let tick = tick(&self.scope, &before, now, at_ms, at.since(began));
        let (steps, making) = &mut self.making;
        add(making, &tick);
        *steps += 1;
        if *steps == COARSE {
            let made = std::mem::take(&mut self.making).1;
            push(&mut self.coarse, made, COARSE_KEPT);
        }
        push(&mut self.fine, tick, FINE_KEPT);
        self.fine.back()
    }

    pub(super) fn window(&self, window: Window) -> api::History {
        let (step, ticks) = match window {
            Window::FiveMinutes => (Duration::from_secs(1), &self.fine),
            Window::Hour => (Duration::from_secs(10), &self.coarse),
        };
        api::History {
            step_ms: u64::try_from(step.as_millis()).unwrap_or(u64::MAX),
            ticks: ticks.iter().cloned().collect(),
        }
    }

    /// Attempts a second, by cluster and endpoint, in the mean of the latest ten steps.
    pub(super) fn rates(&self) -> Vec<Vec<f64>> {
        let latest = self.fine.iter().rev().take(COARSE);
        let mut sum = Tick::default();
        latest.for_each(|tick| add(&mut sum, tick));
        let seconds = (sum.ms as f64 / 1000.0).max(1.0);
        let rate = |endpoint: &EndpointTick| f64::from(endpoint.attempts) / seconds;
        sum.clusters.iter().map(|cluster| cluster.endpoints.iter().map(rate).collect()).collect()
    }
}

fn push(ticks: &mut VecDeque<Tick>, tick: Tick, kept: usize) {
    if ticks.len() == kept {
        ticks.pop_front();
    }
    ticks.push_back(tick);
}

fn tick(scope: &Scope, before: &Metrics, now: &Metrics, at_ms: u64, length: Duration) -> Tick {
    let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let mut tick = Tick { at_ms, ms, ..Tick::default() };
    let mut latency = Histogram::default();
    for (index, route) in now.routes.iter().enumerate().filter(|(index, _)| scope.routes[*index]) {
        let none = lb_proxy::RouteMetrics::default();
        let old = before.routes.get(index).unwrap_or(&none);
        let since = |of: fn(&lb_proxy::RouteMetrics) -> u64| of(route) - of(old);
        tick.requests += since(|route| route.requests.iter().sum());
        tick.errors += since(|route| route.requests[5] + route.broken_off);
        tick.retried += since(|route| route.retried);
        for (sum, (new, old)) in latency.counts.iter_mut().zip(route.latency.counts.iter().zip(&old.latency.counts)) {
            *sum += new - old;
        }
    }
    tick.latency = pairs(&latency.counts, &[0; Histogram::BUCKETS]);
    tick.clusters = now
        .clusters
        .iter()
        .enumerate()
        .map(|(cluster, metrics)| {
            let old = |index| before.clusters.get(cluster)?.endpoints.get(index);
            let endpoints = metrics.endpoints.iter().enumerate();
            ClusterTick { endpoints: endpoints.map(|(index, new)| endpoint_tick(old(index), new)).collect() }
        })
        .collect();
    let attempts =
        tick.clusters.iter().flat_map(|cluster| &cluster.endpoints).map(|endpoint| u64::from(endpoint.attempts));
    tick.attempts = attempts.sum();
    tick
}

fn endpoint_tick(old: Option<&EndpointMetrics>, new: &EndpointMetrics) -> EndpointTick {
    let none = EndpointMetrics::default();
    let old = old.unwrap_or(&none);
    let all = |metrics: &EndpointMetrics| metrics.answered.iter().chain(&metrics.failed).sum::<u64>();
    let failures = |metrics: &EndpointMetrics| metrics.answered[5] + metrics.failed.iter().sum::<u64>();
    EndpointTick {
        attempts: small(all(new) - all(old)),
        failures: small(failures(new) - failures(old)),
        latency: pairs(&new.latency.counts, &old.latency.counts),
    }
}

fn pairs(new: &[u64], old: &[u64]) -> Vec<(u8, u32)> {
    let counts = (0u8..).zip(new.iter().zip(old)).map(|(bucket, (new, old))| (bucket, small(new - old)));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Adds a later step to a stretch of time.
fn add(sum: &mut Tick, later: &Tick) {
    sum.at_ms = sum.at_ms.max(later.at_ms);
    sum.ms += later.ms;
    sum.requests += later.requests;
    sum.errors += later.errors;
    sum.retried += later.retried;
    sum.attempts += later.attempts;
    merge(&mut sum.latency, &later.latency);
    sum.clusters.resize_with(sum.clusters.len().max(later.clusters.len()), ClusterTick::default);
    for (sum, later) in sum.clusters.iter_mut().zip(&later.clusters) {
        sum.endpoints.resize_with(sum.endpoints.len().max(later.endpoints.len()), EndpointTick::default);
        for (sum, later) in sum.endpoints.iter_mut().zip(&later.endpoints) {
            sum.attempts += later.attempts;
            sum.failures += later.failures;
            merge(&mut sum.latency, &later.latency);
        }
    }
}

fn merge(sum: &mut Vec<(u8, u32)>, more: &[(u8, u32)]) {
    for (bucket, count) in more {
        match sum.binary_search_by_key(bucket, |(bucket, _)| *bucket) {
            Ok(found) => sum[found].1 += count,
            Err(place) => sum.insert(place, (*bucket, *count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_proxy::{ClusterMetrics, RouteMetrics};

    fn counted(requests: u64) -> Metrics {
        let mut route = RouteMetrics { requests: [0, 0, requests, 0, 0, requests], ..RouteMetrics::default() };
        route.latency.counts[7] = requests;
        let mut endpoint = EndpointMetrics { answered: [0, 0, requests, 0, 0, requests], ..EndpointMetrics::default() };
        endpoint.latency.counts[3] = requests;
        let clusters = vec![ClusterMetrics { endpoints: vec![endpoint], ..ClusterMetrics::default() }];
        Metrics { routes: vec![route.clone(), route], clusters, ..Metrics::default() }
    }

    #[test]
    fn a_step_tells_what_has_come_since_the_one_before_it_and_leaves_lbs_own_answers_out() {
        let mut history = History::new(Scope { routes: vec![true, false] });
        let at = |seconds| Timestamp::after_origin(Duration::from_secs(seconds));
        assert!(history.note(counted(10), 1000, at(1)).is_none());
        let tick = history.note(counted(12), 2000, at(2)).expect("a step has ended");
        assert_eq!((tick.ms, tick.requests, tick.errors, tick.attempts), (1000, 4, 2, 4));
        assert_eq!(tick.latency, [(7, 2)]);
        let endpoint = &tick.clusters[0].endpoints[0];
        assert_eq!((endpoint.attempts, endpoint.failures, &endpoint.latency[..]), (4, 2, &[(3, 2)][..]));
    }

    #[test]
    fn ten_fine_steps_make_a_coarse_one_and_old_ones_are_forgotten() {
        let mut history = History::new(Scope { routes: vec![true, false] });
        for second in 1..=4001 {
            history.note(counted(second), second * 1000, Timestamp::after_origin(Duration::from_secs(second)));
        }
        let (fine, coarse) = (history.window(Window::FiveMinutes), history.window(Window::Hour));
        assert_eq!((fine.step_ms, fine.ticks.len(), fine.ticks[299].at_ms), (1000, 300, 4_001_000));
        assert_eq!((coarse.step_ms, coarse.ticks.len(), coarse.ticks[359].at_ms), (10_000, 360, 4_001_000));
        let last = &coarse.ticks[359];
        assert_eq!((last.requests, last.ms, &last.latency[..]), (20, 10_000, &[(7, 10)][..]));
        assert!((history.rates()[0][0] - 2.0).abs() < 1e-9);
    }
}
