//! What routes, clusters and endpoints are called, for all that tells of requests: traces, the access log, spans.

use std::collections::HashMap;
use std::sync::Arc;

use lb_balance::EndpointId;
use lb_proxy::{ClusterHandle, ClusterId};

use crate::config::{Destination, Route};

/// The names of one configuration.
#[derive(Debug)]
pub(crate) struct Names {
    // In the configuration's order; with whether a cluster answers there.
    routes: Vec<(String, bool)>,
    clusters: Vec<Arc<ClusterHandle>>,
}

impl Names {
    pub(crate) fn new(routes: &[Route], clusters: &[Arc<ClusterHandle>]) -> Self {
        let name = |route: &Route| format!("{}{}", route.host.as_deref().unwrap_or_default(), route.path);
        let to_cluster = |route: &Route| matches!(route.to, Destination::Cluster { .. });
        Self {
            routes: routes.iter().map(|route| (name(route), to_cluster(route))).collect(),
            clusters: clusters.to_vec(),
        }
    }

    /// The route at that place of the configuration: host and path.
    pub(crate) fn route(&self, index: usize) -> &str {
        self.routes.get(index).map_or("", |(name, _)| name)
    }

    /// The place of the route of that name.
    pub(crate) fn find_route(&self, name: &str) -> Option<usize> {
        self.routes.iter().position(|(other, _)| other == name)
    }

    /// By route: whether a cluster answers there.
    pub(crate) fn routes_to_clusters(&self) -> Vec<bool> {
        self.routes.iter().map(|(_, to_cluster)| *to_cluster).collect()
    }

    pub(crate) fn clusters(&self) -> &[Arc<ClusterHandle>] {
        &self.clusters
    }

    pub(crate) fn cluster(&self, cluster: ClusterId) -> &str {
        &self.clusters[cluster.0].config().name
    }

    /// The place of the cluster of that name, and the cluster.
    pub(crate) fn find_cluster(&self, name: &str) -> Option<(ClusterId, &Arc<ClusterHandle>)> {
        let index = self.clusters.iter().position(|cluster| cluster.config().name == name)?;
        Some((ClusterId(index), &self.clusters[index]))
    }

    /// By cluster and endpoint: where the one of the same names is among the others; `None`: nowhere.
    pub(crate) fn places_in(&self, others: &Self) -> Vec<Vec<Option<(usize, usize)>>> {
        let places = |handle: &Arc<ClusterHandle>| {
            let other = others.find_cluster(&handle.config().name);
            let there: HashMap<_, _> = other
                .into_iter()
                .flat_map(|(cluster, other)| {
                    let endpoints = other.config().endpoints.iter().enumerate();
                    endpoints.map(move |(place, endpoint)| (endpoint.name(), (cluster.0, place)))
                })
                .collect();
            handle.config().endpoints.iter().map(|endpoint| there.get(endpoint.name()).copied()).collect()
        };
        self.clusters.iter().map(places).collect()
    }

    /// Where the endpoint listens: `host:port`.
    pub(crate) fn address(&self, cluster: ClusterId, endpoint: EndpointId) -> String {
        self.clusters[cluster.0].config().endpoints[endpoint.index()].address.to_string()
    }

    pub(crate) fn endpoint(&self, cluster: ClusterId, endpoint: EndpointId) -> &str {
        self.clusters[cluster.0].config().endpoints[endpoint.index()].name()
    }
}
