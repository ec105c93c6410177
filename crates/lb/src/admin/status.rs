//! The whole status: what the drivers know, gathered.

use std::sync::Arc;

use lb_common::api::{Cluster, Drift, Status};
use lb_proxy::{ClusterHandle, ClusterSnapshot};

use super::{Facts, words};
use crate::watch::change_in_words;

/// The whole status; `None` when the drivers are gone.
pub(super) async fn take(facts: &Facts) -> Option<Status> {
    let mut clusters = Vec::with_capacity(facts.names.clusters().len());
    let mut drift = Vec::new();
    for cluster in facts.names.clusters() {
        let snapshot = cluster.snapshot().await?;
        let config = cluster.config();
        let endpoints = config.endpoints.iter().zip(&snapshot.endpoints);
        clusters.push(Cluster {
            name: config.name.clone(),
            algorithm: config.policy.algorithm.to_string(),
            probed: config.probe.is_some(),
            queued: cluster.queued(),
            endpoints: endpoints.map(|(config, snapshot)| words::endpoint(config, snapshot, facts.clock)).collect(),
        });
        drift.extend(drift_of(facts, cluster, &snapshot));
    }
    Some(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: facts.config.clone(),
        started_at_ms: facts.started_at_ms,
        now_ms: facts.clock.unix_ms(facts.clock.now()),
        workers: facts.workers,
        drift,
        faults: facts.stage.told(&facts.names, facts.clock),
        clusters,
    })
}

fn drift_of<'s>(
    facts: &'s Facts,
    cluster: &'s Arc<ClusterHandle>,
    snapshot: &'s ClusterSnapshot,
) -> impl Iterator<Item = Drift> + 's {
    snapshot.deviations.iter().map(|deviation| {
        let (key, now) = change_in_words(deviation.now);
        Drift {
            cluster: cluster.config().name.clone(),
            endpoint: cluster.name_of(deviation.endpoint).to_owned(),
            key: key.to_owned(),
            file: change_in_words(deviation.configured).1,
            now,
            until_ms: deviation.until.map(|until| facts.clock.unix_ms(until)),
        }
    })
}
