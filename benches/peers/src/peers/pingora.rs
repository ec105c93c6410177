//! A balancer of Pingora, built from its crates in this package (`pingora/main.rs`), one thread.

use super::{Files, Setup, each};

pub(super) fn files(setup: &Setup<'_>) -> Files {
    let file = setup.folder.join("endpoints").display().to_string();
    ("endpoints", each(setup, |_, address| format!("{address}\n")), vec![setup.listen.to_string(), file])
}
