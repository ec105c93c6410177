//! The families of figures, each with its name, its labels and what it means. `docs/metrics.md` lists them.

use lb_balance::{Belief, Failure};
use lb_proxy::{ClusterMetrics, EndpointMetrics, EndpointSnapshot, STOPS};

use super::Snapshot;
use super::exposition::{Exposition, Kind};

/// The endpoint label of all that are beyond those that are told one by one.
const OTHERS: &str = "(others)";

const STATES: [&str; 5] = ["up", "ejected", "trial", "down", "draining"];

/// Requests, by route.
pub(super) fn push_requests(out: &mut Exposition, snapshot: &Snapshot) {
    let routes =
        || snapshot.metrics.routes.iter().enumerate().map(|(index, route)| (snapshot.names.route(index), route));
    out.family(
        "lb_requests",
        Kind::Counter,
        "Requests that ended, by route and class of their status; none: the client left first.",
    );
    for (name, route) in routes() {
        for (class, count) in ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(route.requests) {
            out.number(&[("route", name), ("status", class)], count);
        }
    }
    out.family("lb_request_duration_seconds", Kind::Histogram, "From a request's head to the last byte of its answer.");
    for (name, route) in routes() {
        out.histogram(&[("route", name)], &route.latency);
    }
    out.family("lb_requests_retried", Kind::Counter, "Requests that were tried more than once.");
    for (name, route) in routes() {
        out.number(&[("route", name)], route.retried);
    }
    out.family("lb_requests_broken_off", Kind::Counter, "Requests whose answer was broken off by its endpoint.");
    for (name, route) in routes() {
        out.number(&[("route", name)], route.broken_off);
    }
    out.family("lb_request_bytes", Kind::Counter, "Bytes of the requests' bodies.");
    for (name, route) in routes() {
        out.number(&[("route", name)], route.bytes_in);
    }
    out.family("lb_response_bytes", Kind::Counter, "Bytes of the answers, heads and bodies, that clients took.");
    for (name, route) in routes() {
        out.number(&[("route", name)], route.bytes_out);
    }
    out.family("lb_rejects", Kind::Counter, "Requests that lb answered itself with an error, by the reason.");
    for (reason, count) in &snapshot.metrics.rejects {
        out.number(&[("reason", reason)], *count);
    }
}

/// Attempts, by cluster and endpoint.
pub(super) fn push_attempts(out: &mut Exposition, snapshot: &Snapshot) {
    type Cell = (&'static str, &'static str, fn(&EndpointMetrics) -> u64);
    const COUNTERS: [Cell; 3] = [
        ("lb_upstream_connections_opened", "Connections that were opened to an endpoint.", |e| e.opened),
        ("lb_upstream_connections_reused", "Attempts for which a connection was there already.", |e| e.reused),
        ("lb_upstream_response_bytes", "Bytes of bodies that came from an endpoint.", |e| e.bytes_from),
    ];
    const GAUGES: [Cell; 2] = [
        ("lb_upstream_connections_idle", "Connections to an endpoint that wait for a request.", |e| e.idle),
        ("lb_upstream_connections_open", "Connections to an endpoint, the idle ones included.", |e| e.open),
    ];

    out.family(
        "lb_attempts",
        Kind::Counter,
        "Attempts that came to something, by what that was: a class of statuses, or why there was no answer.",
    );
    for (cluster, name, endpoint) in endpoints(snapshot) {
        let answered = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(&endpoint.answered);
        let failed = Failure::ALL.iter().map(|failure| failure.token()).zip(&endpoint.failed);
        let left = [("abandoned", &endpoint.abandoned), ("overtaken", &endpoint.overtaken)];
        for (outcome, count) in answered.chain(failed).chain(left) {
            out.number(&[("cluster", cluster), ("endpoint", name), ("outcome", outcome)], *count);
        }
    }
    out.family("lb_attempt_duration_seconds", Kind::Histogram, "From the choice of an endpoint to its answer's head.");
    for (cluster, name, endpoint) in endpoints(snapshot) {
        out.histogram(&[("cluster", cluster), ("endpoint", name)], &endpoint.latency);
    }
    for (family, help, count) in COUNTERS {
        out.family(family, Kind::Counter, help);
        for (cluster, name, endpoint) in endpoints(snapshot) {
            out.number(&[("cluster", cluster), ("endpoint", name)], count(endpoint));
        }
    }
    for (family, help, count) in GAUGES {
        out.family(family, Kind::Gauge, help);
        for (cluster, name, endpoint) in endpoints(snapshot) {
            out.number(&[("cluster", cluster), ("endpoint", name)], count(endpoint));
        }
    }
    push_clusters(out, snapshot);
}

fn push_clusters(out: &mut Exposition, snapshot: &Snapshot) {
    type Cell = (&'static str, &'static str, fn(&ClusterMetrics) -> u64);
    const COUNTERS: [Cell; 3] = [
        ("lb_retries", "Attempts that were a further one of their request.", |cluster| cluster.retries),
        ("lb_hedges", "Attempts that began beside another one of their request.", |cluster| cluster.hedges),
        ("lb_queue_entered", "Requests that waited for an endpoint that had room.", |cluster| cluster.queued),
    ];

    let clusters = || snapshot.names.clusters().iter().zip(&snapshot.metrics.clusters);
    for (family, help, count) in COUNTERS {
        out.family(family, Kind::Counter, help);
        for (cluster, metrics) in clusters() {
            out.number(&[("cluster", &cluster.config().name)], count(metrics));
        }
    }
    out.family(
        "lb_retries_refused",
        Kind::Counter,
        "How often what is worth a retry was not tried again, by the reason.",
    );
    for (cluster, metrics) in clusters() {
        for ((_, reason), count) in STOPS.iter().zip(metrics.stopped) {
            out.number(&[("cluster", &cluster.config().name), ("reason", reason)], count);
        }
    }
    out.family(
        "lb_queue_wait_seconds",
        Kind::Counter,
        "How long requests waited for an endpoint that had room, together.",
    );
    for (cluster, metrics) in clusters() {
        out.number(&[("cluster", &cluster.config().name)], metrics.queue_time.as_secs_f64());
    }
    out.family("lb_queue_waiting", Kind::Gauge, "Requests that wait for an endpoint that has room.");
    for cluster in snapshot.names.clusters() {
        out.number(&[("cluster", &cluster.config().name)], cluster.queued().unwrap_or(0));
    }
}

/// What is believed of endpoints, and what is known of them beside.
pub(super) fn push_endpoints(out: &mut Exposition, snapshot: &Snapshot) {
    type Cell = (&'static str, Kind, &'static str, fn(&EndpointSnapshot) -> u64);
    const FIGURES: [Cell; 5] = [
        ("lb_endpoint_in_flight", Kind::Gauge, "Requests that an endpoint is answering.", |e| {
            e.counters.in_flight.into()
        }),
        ("lb_endpoint_weight", Kind::Gauge, "An endpoint's weight.", |e| e.weight.into()),
        ("lb_endpoint_ejections", Kind::Counter, "How often an endpoint was ejected.", |e| e.ejections),
        ("lb_probes", Kind::Counter, "Probes that came to something.", |e| e.probes.0),
        ("lb_probes_failed", Kind::Counter, "Probes that failed.", |e| e.probes.0 - e.probes.1),
    ];

    let clusters = || snapshot.names.clusters().iter().zip(&snapshot.clusters);
    out.family(
        "lb_endpoint_state",
        Kind::Gauge,
        "Whether that is believed of the endpoint: 1 for one of the states, 0 for the others.",
    );
    for (cluster, known) in clusters() {
        let told = told(known.endpoints.len());
        for (index, endpoint) in known.endpoints[..told].iter().enumerate() {
            for state in STATES {
                let labels =
                    [("cluster", cluster.config().name.as_str()), ("endpoint", name(cluster, index)), ("state", state)];
                out.number(&labels, usize::from(state_of(endpoint.belief) == state));
            }
        }
        if told < known.endpoints.len() {
            for state in STATES {
                let count =
                    known.endpoints[told..].iter().filter(|endpoint| state_of(endpoint.belief) == state).count();
                out.number(&[("cluster", &cluster.config().name), ("endpoint", OTHERS), ("state", state)], count);
            }
        }
    }
    for (family, kind, help, figure) in FIGURES {
        out.family(family, kind, help);
        for (cluster, known) in clusters() {
            let told = told(known.endpoints.len());
            for (index, endpoint) in known.endpoints[..told].iter().enumerate() {
                out.number(
                    &[("cluster", &cluster.config().name), ("endpoint", name(cluster, index))],
                    figure(endpoint),
                );
            }
            if told < known.endpoints.len() {
                let sum: u64 = known.endpoints[told..].iter().map(figure).sum();
                out.number(&[("cluster", &cluster.config().name), ("endpoint", OTHERS)], sum);
            }
        }
    }
}

/// What the endpoints' last probes found. An endpoint that no probe has come to yet is left out: nothing is known of it.
pub(super) fn push_last_probes(out: &mut Exposition, snapshot: &Snapshot) {
    out.family(
        "lb_endpoint_probe_ok",
        Kind::Gauge,
        "Whether an endpoint's last probe succeeded, 1 or 0; there is none before its first one.",
    );
    for (cluster, known) in snapshot.names.clusters().iter().zip(&snapshot.clusters) {
        let (told, beyond) = known.endpoints.split_at(told(known.endpoints.len()));
        let is_ok = |endpoint: &EndpointSnapshot| endpoint.probe.map(|probe| u64::from(probe.ok));
        for (index, endpoint) in told.iter().enumerate() {
            if let Some(ok) = is_ok(endpoint) {
                out.number(&[("cluster", &cluster.config().name), ("endpoint", name(cluster, index))], ok);
            }
        }
        if beyond.iter().any(|endpoint| endpoint.probe.is_some()) {
            let sum: u64 = beyond.iter().filter_map(is_ok).sum();
            out.number(&[("cluster", &cluster.config().name), ("endpoint", OTHERS)], sum);
        }
    }
}

/// `lb` itself: its clients, its workers, its process.
pub(super) fn push_self(out: &mut Exposition, snapshot: &Snapshot) {
    type Cell = (&'static str, Kind, &'static str, fn(&lb_proxy::WorkerMetrics) -> super::exposition::Number);
    const FIGURES: [Cell; 5] = [
        ("lb_connections_accepted", Kind::Counter, "Connections of clients that were accepted.", |w| w.accepted.into()),
        (
            "lb_connections_turned_away",
            Kind::Counter,
            "Connections that were turned away, since their address had too many.",
            |w| w.turned_away.into(),
        ),
        ("lb_connections_open", Kind::Gauge, "Connections of clients that are open.", |w| w.open.into()),
        (
            "lb_event_loop_lag_seconds",
            Kind::Gauge,
            "How much later than planned a worker's event loop woke up, the last time that was looked at.",
            |w| w.lag.as_secs_f64().into(),
        ),
        ("lb_event_loop_worst_lag_seconds", Kind::Gauge, "The most of that in the last five to ten seconds.", |w| {
            w.worst_lag.as_secs_f64().into()
        }),
    ];

    let workers = || snapshot.metrics.workers.iter().enumerate().map(|(index, worker)| (index.to_string(), worker));
    for (family, kind, help, figure) in FIGURES {
        out.family(family, kind, help);
        for (index, worker) in workers() {
            out.number(&[("worker", &index)], figure(worker));
        }
    }
    out.family(
        "lb_traces_dropped",
        Kind::Counter,
        "Failed or retried requests that were not traced, since too many came at once.",
    );
    out.number(&[], snapshot.traces_dropped);
    if let Some(dropped) = snapshot.log_lines_dropped {
        out.family("lb_access_log_lines_dropped", Kind::Counter, "Lines of the access log that were lost.");
        out.number(&[], dropped);
    }
    if let Some((sent, lost)) = snapshot.spans {
        out.family("lb_spans_sent", Kind::Counter, "Spans that the receiver has taken.");
        out.number(&[], sent);
        out.family("lb_spans_lost", Kind::Counter, "Spans that the receiver was too slow for, or did not take.");
        out.number(&[], lost);
    }
    out.family("lb_build_info", Kind::Gauge, "Always 1; the label tells the version.");
    out.number(&[("version", env!("CARGO_PKG_VERSION"))], 1u64);
    let process = &snapshot.process;
    out.family("process_start_time_seconds", Kind::Gauge, "When lb started, in seconds since the Unix epoch.");
    out.number(&[], snapshot.started_at_ms as f64 / 1000.0);
    if let Some(seconds) = process.cpu_seconds {
        out.family("process_cpu_seconds", Kind::Counter, "CPU time that lb has used.");
        out.number(&[], seconds);
    }
    for (family, help, figure) in [
        ("process_resident_memory_bytes", "Memory that lb has.", process.resident_bytes),
        ("process_open_fds", "Descriptors that lb has open.", process.open_descriptors),
        ("process_max_fds", "Descriptors that lb may have open.", process.most_descriptors),
    ] {
        if let Some(figure) = figure {
            out.family(family, Kind::Gauge, help);
            out.number(&[], figure);
        }
    }
}

/// Every endpoint that is told: its cluster, its name, and its counts.
fn endpoints(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &str, &EndpointMetrics)> {
    let clusters = snapshot.names.clusters().iter().zip(&snapshot.metrics.clusters);
    clusters.flat_map(|(cluster, metrics)| {
        let told = told(cluster.config().endpoints.len());
        let named = move |(index, endpoint)| {
            let name = if index < told { name(cluster, index) } else { OTHERS };
            (cluster.config().name.as_str(), name, endpoint)
        };
        metrics.endpoints.iter().enumerate().map(named)
    })
}

/// How many of so many endpoints are told one by one.
fn told(endpoints: usize) -> usize {
    if endpoints > ClusterMetrics::MOST { ClusterMetrics::MOST - 1 } else { endpoints }
}

fn name(cluster: &lb_proxy::ClusterHandle, index: usize) -> &str {
    cluster.config().endpoints[index].name()
}

fn state_of(belief: Belief) -> &'static str {
    match belief {
        Belief::Up => "up",
        Belief::Ejected { .. } => "ejected",
        Belief::Trial => "trial",
        Belief::Down => "down",
        Belief::Draining => "draining",
    }
}
