//! Puts what the drivers know into the words of the admin API.

use std::num::NonZeroU32;

use lb_balance::{EndpointId, Event, Outcome};
use lb_common::api::{Belief, BeliefChange, Cluster, Endpoint, Probe, ProbeChange, Status};
use lb_proxy::{BeliefChanged, Clock, ClusterHandle, EndpointSnapshot, ProbeChanged, ProbeSnapshot};

use super::Facts;

/// The whole status; `None` when the drivers are gone.
pub(super) async fn take(facts: &Facts) -> Option<Status> {
    let mut clusters = Vec::with_capacity(facts.clusters.len());
    for cluster in &facts.clusters {
        let snapshot = cluster.snapshot().await?;
        let config = cluster.config();
        let endpoints = config.endpoints.iter().zip(&snapshot.endpoints);
        clusters.push(Cluster {
            name: config.name.clone(),
            algorithm: config.policy.algorithm.to_string(),
            probed: config.probe.is_some(),
            queued: cluster.queued(),
            endpoints: endpoints.map(|(config, snapshot)| endpoint(config, snapshot, facts.clock)).collect(),
        });
    }
    Some(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: facts.config.clone(),
        started_at_ms: facts.started_at_ms,
        now_ms: facts.clock.unix_ms(facts.clock.now()),
        workers: facts.workers,
        drift: Vec::new(),
        faults: Vec::new(),
        clusters,
    })
}

/// A change of belief in the API's words.
pub(super) fn belief_change(change: &BeliefChanged, clock: Clock) -> BeliefChange {
    let Event { at, endpoint, from, to, cause } = change.event;
    BeliefChange {
        at_ms: clock.unix_ms(at),
        cluster: change.cluster.config().name.clone(),
        endpoint: name_of(&change.cluster, endpoint),
        from: belief(from),
        to: belief(to),
        reason: cause.to_string(),
        until_ms: until_ms(to, clock),
    }
}

/// A probe's news in the API's words.
pub(super) fn probe_change(change: &ProbeChanged, clock: Clock) -> ProbeChange {
    ProbeChange {
        cluster: change.cluster.config().name.clone(),
        endpoint: name_of(&change.cluster, change.endpoint),
        probe: probe(change.probe, clock),
    }
}

fn name_of(cluster: &ClusterHandle, endpoint: EndpointId) -> String {
    cluster.config().endpoints[endpoint.index()].name().to_owned()
}

fn endpoint(config: &lb_proxy::EndpointConfig, snapshot: &EndpointSnapshot, clock: Clock) -> Endpoint {
    let latency = snapshot.counters.latency;
    Endpoint {
        name: config.name().to_owned(),
        address: config.address.to_string(),
        weight: config.endpoint.weight,
        priority: config.endpoint.priority,
        max_in_flight: config.endpoint.max_in_flight.map(NonZeroU32::get),
        belief: belief(snapshot.belief),
        reason: snapshot.reason.clone(),
        since_ms: clock.unix_ms(snapshot.since),
        until_ms: until_ms(snapshot.belief, clock),
        probe: snapshot.probe.map(|snapshot| probe(snapshot, clock)),
        attempts: snapshot.counters.attempts,
        failures: snapshot.counters.failures,
        ejections: 0,
        in_flight: snapshot.counters.in_flight,
        latency_us: latency.map(|latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)),
    }
}

fn probe(snapshot: ProbeSnapshot, clock: Clock) -> Probe {
    Probe {
        at_ms: clock.unix_ms(snapshot.at),
        ok: snapshot.ok,
        status: match snapshot.outcome {
            Outcome::Answered { status } => Some(status),
            Outcome::Failed(_) | Outcome::Connected | Outcome::Abandoned | Outcome::Overtaken => None,
        },
        says: snapshot.outcome.to_string(),
    }
}

fn belief(belief: lb_balance::Belief) -> Belief {
    match belief {
        lb_balance::Belief::Up => Belief::Up,
        lb_balance::Belief::Ejected { .. } => Belief::Ejected,
        lb_balance::Belief::Trial => Belief::Trial,
        lb_balance::Belief::Down => Belief::Down,
        lb_balance::Belief::Draining => Belief::Draining,
    }
}

fn until_ms(belief: lb_balance::Belief, clock: Clock) -> Option<u64> {
    match belief {
        lb_balance::Belief::Ejected { until } => Some(clock.unix_ms(until)),
        lb_balance::Belief::Up
        | lb_balance::Belief::Trial
        | lb_balance::Belief::Down
        | lb_balance::Belief::Draining => None,
    }
}
