//! Adds up what the workers counted.

use std::array;
use std::sync::Arc;
use std::time::Duration;

use super::{ClusterTally, Count, EndpointTally, RouteTally, Tally, Times};
use crate::metrics::{ClusterMetrics, EndpointMetrics, Histogram, Metrics, RouteMetrics, WorkerMetrics};
use crate::reject::Reject;

pub(super) fn all(tallies: &[Arc<Tally>]) -> Metrics {
    let Some(first) = tallies.first() else { return Metrics::default() };
    let route = |index| {
        let cells: Vec<_> = tallies.iter().map(|tally| &tally.routes[index]).collect();
        route(&cells)
    };
    let cluster = |index| {
        let cells: Vec<_> = tallies.iter().map(|tally| &tally.clusters[index]).collect();
        cluster(&cells)
    };
    let reject = |(index, token): (usize, &&'static str)| (*token, sum(tallies, |tally| &tally.rejects[index]));
    Metrics {
        routes: (0..first.routes.len()).map(route).collect(),
        clusters: (0..first.clusters.len()).map(cluster).collect(),
        workers: tallies.iter().map(|tally| worker(tally)).collect(),
        rejects: Reject::TOKENS.iter().enumerate().map(reject).collect(),
    }
}

fn route(cells: &[&RouteTally]) -> RouteMetrics {
    RouteMetrics {
        requests: array::from_fn(|class| sum(cells, |route| &route.requests[class])),
        retried: sum(cells, |route| &route.retried),
        broken_off: sum(cells, |route| &route.broken_off),
        latency: times(cells, |route| &route.latency),
        bytes_in: sum(cells, |route| &route.bytes_in),
        bytes_out: sum(cells, |route| &route.bytes_out),
    }
}

fn cluster(cells: &[&ClusterTally]) -> ClusterMetrics {
    let endpoint = |index: usize| {
        let cells: Vec<_> = cells.iter().map(|cluster| &*cluster.endpoints[index]).collect();
        endpoint(&cells)
    };
    ClusterMetrics {
        endpoints: (0..cells[0].endpoints.len()).map(endpoint).collect(),
        retries: sum(cells, |cluster| &cluster.retries),
        hedges: sum(cells, |cluster| &cluster.hedges),
        stopped: array::from_fn(|stop| sum(cells, |cluster| &cluster.stopped[stop])),
        queued: sum(cells, |cluster| &cluster.queued),
        queue_time: Duration::from_micros(sum(cells, |cluster| &cluster.queue_us)),
    }
}

fn endpoint(cells: &[&EndpointTally]) -> EndpointMetrics {
    let opened = sum(cells, |endpoint| &endpoint.opened);
    EndpointMetrics {
        answered: array::from_fn(|class| sum(cells, |endpoint| &endpoint.answered[class])),
        failed: array::from_fn(|failure| sum(cells, |endpoint| &endpoint.failed[failure])),
        abandoned: sum(cells, |endpoint| &endpoint.abandoned),
        overtaken: sum(cells, |endpoint| &endpoint.overtaken),
        latency: times(cells, |endpoint| &endpoint.latency),
        opened,
        reused: sum(cells, |endpoint| &endpoint.reused),
        idle: sum(cells, |endpoint| &endpoint.idle),
        open: opened.saturating_sub(sum(cells, |endpoint| &endpoint.closed)),
        bytes_from: sum(cells, |endpoint| &endpoint.bytes_from),
    }
}

fn worker(tally: &Tally) -> WorkerMetrics {
    WorkerMetrics {
        accepted: tally.accepted.get(),
        open: tally.open.get(),
        turned_away: tally.turned_away.get(),
        lag: Duration::from_micros(tally.lag_us.get()),
        worst_lag: Duration::from_micros(tally.worst_lag_us.get()),
    }
}

fn sum<T>(cells: &[T], of: impl Fn(&T) -> &Count) -> u64 {
    cells.iter().map(|cells| of(cells).get()).fold(0, u64::wrapping_add)
}

fn times<T>(cells: &[T], of: impl Fn(&T) -> &Times) -> Histogram {
    Histogram {
        counts: array::from_fn(|bucket| sum(cells, |cells| &of(cells).counts[bucket])),
        sum_us: sum(cells, |cells| &of(cells).sum_us),
    }
}
