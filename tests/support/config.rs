//! Configurations for tests: one cluster before scripted endpoints, and what the test wants to say about it.

use std::fmt::Display;

/// A listener on a free port, the admin API, and everything else to one cluster of these endpoints, named e1, e2, …;
/// `more` are further lines of the cluster.
pub(crate) fn cluster<A: Display>(endpoints: &[A], more: &str) -> String {
    let endpoints = (1..).zip(endpoints).map(|(n, address)| format!("{{ name = \"e{n}\", address = \"{address}\" }}"));
    let endpoints = endpoints.collect::<Vec<_>>().join(", ");
    format!(
        "workers = 2\n[[listeners]]\nbind = \"127.0.0.1:0\"\n\
         [[routes]]\npath = \"/lb\"\nadmin = true\n\
         [[routes]]\npath = \"/\"\ncluster = \"web\"\ntrace = true\n\
         [clusters.web]\nendpoints = [{endpoints}]\n{more}\n"
    )
}
