//! `lb`: nginx's conditions for a retry, no probes.

use super::{Files, Setup, each};

/// How much `lb` looks at itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looking {
    /// As it does if nothing is said of it: it counts, and keeps what failed.
    Usual,
    /// It counts nothing.
    Not,
    /// As usual, and somebody has its page open.
    Watched,
    /// The same, and one request in a hundred is traced.
    Sampled,
}

pub(super) fn files(setup: &Setup<'_>, looking: Looking) -> Files {
    let top = if looking == Looking::Not { "metrics = false\n" } else { "" };
    let log = if setup.logs { "[access-log]\npath = \"access.log\"\nformat = \"combined\"\n" } else { "" };
    let traces = if looking == Looking::Sampled { "[traces]\nsample = \"1%\"\n" } else { "" };
    let cluster = "preset = \"nginx\"\nalgorithm = \"round-robin\"";
    (FILE, text(setup, top, &format!("{log}{traces}"), cluster), vec![])
}

/// Where `lb` looks for its configuration.
pub(crate) const FILE: &str = "lb.toml";

/// A configuration with one worker, the admin API, and one cluster for everything else.
pub(crate) fn text(setup: &Setup<'_>, top: &str, tables: &str, cluster: &str) -> String {
    let endpoints =
        each(setup, |number, address| format!("  {{ name = \"web{number}\", address = \"{address}\" }},\n"));
    format!(
        "workers = 1\n{top}\n\
         [[listeners]]\nbind = \"{}\"\n\n\
         [[routes]]\npath = \"/\"\ncluster = \"web\"\n\n\
         [[routes]]\npath = \"/lb\"\nadmin = true\n\n\
         {tables}\
         [clusters.web]\n{cluster}\nendpoints = [\n{endpoints}]\n",
        setup.listen
    )
}
