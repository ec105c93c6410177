//! `lb`: nginx's conditions for a retry, no probes.

use super::{Files, Setup, each};

pub(super) fn files(setup: &Setup<'_>) -> Files {
    let endpoints =
        each(setup, |number, address| format!("  {{ name = \"web{number}\", address = \"{address}\" }},\n"));
    let text = format!(
        "workers = 1\n\n\
         [[listeners]]\nbind = \"{}\"\n\n\
         [[routes]]\npath = \"/\"\ncluster = \"web\"\n\n\
         [clusters.web]\npreset = \"nginx\"\nalgorithm = \"round-robin\"\nendpoints = [\n{endpoints}]\n",
        setup.listen
    );
    ("lb.toml", text, vec![])
}
