//! Where log lines go. What is logged, and when, is up to those who log.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Logs to standard error, by `LB_LOG` or else `default`.
pub(crate) fn start(default: &str) {
    let filter = EnvFilter::builder().with_env_var("LB_LOG").try_from_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A line that cannot be written, as on a full disk, is lost. Saying so where it could not be written would panic.
        .log_internal_errors(false)
        .init();
}
