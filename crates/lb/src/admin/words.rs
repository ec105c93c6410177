//! Puts what the drivers know, and what happened to requests, into the words of the admin API.

mod traced;

use std::num::NonZeroU32;

use lb_balance::{EndpointId, Event, Outcome};
use lb_common::api::{Belief, Endpoint, Probe, ProbeChange, What};
use lb_proxy::{BeliefChanged, Clock, ClusterHandle, EndpointSnapshot, ProbeChanged, ProbeSnapshot};

pub(crate) use self::traced::trace;

/// A change of belief in the API's words.
pub(crate) fn belief_change(change: &BeliefChanged, clock: Clock) -> What {
    let Event { endpoint, from, to, cause, .. } = change.event;
    What::Belief {
        cluster: change.cluster.config().name.clone(),
        endpoint: name_of(&change.cluster, endpoint),
        from: belief(from),
        to: belief(to),
        reason: cause.to_string(),
        until_ms: until_ms(to, clock),
    }
}

/// A probe's news in the API's words.
pub(crate) fn probe_change(change: &ProbeChanged, clock: Clock) -> ProbeChange {
    ProbeChange {
        cluster: change.cluster.config().name.clone(),
        endpoint: name_of(&change.cluster, change.endpoint),
        probe: probe(change.probe, clock),
    }
}

fn name_of(cluster: &ClusterHandle, endpoint: EndpointId) -> String {
    cluster.config().endpoints[endpoint.index()].name().to_owned()
}

pub(super) fn endpoint(config: &lb_proxy::EndpointConfig, snapshot: &EndpointSnapshot, clock: Clock) -> Endpoint {
    let latency = snapshot.counters.latency;
    Endpoint {
        name: config.name().to_owned(),
        address: config.address.to_string(),
        weight: snapshot.weight,
        priority: config.endpoint.priority,
        max_in_flight: config.endpoint.max_in_flight.map(NonZeroU32::get),
        belief: belief(snapshot.belief),
        reason: snapshot.reason.clone(),
        since_ms: clock.unix_ms(snapshot.since),
        until_ms: until_ms(snapshot.belief, clock),
        probe: snapshot.probe.map(|snapshot| probe(snapshot, clock)),
        attempts: snapshot.counters.attempts,
        failures: snapshot.counters.failures,
        ejections: snapshot.ejections,
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
