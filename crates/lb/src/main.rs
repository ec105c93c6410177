//! `lb`, the program: command line, configuration file, signals, admin API, files and the demo.
//!
//! It carries no request and chooses no endpoint: that is `lb-proxy` and `lb-balance`. What stands here is what only
//! a program needs.
//!
//! ```text
//! cli ──▶ config (lb.toml → checked) ──▶ run ──▶ lb_proxy::Server
//!   ├───▶ simulate, drill ──▶ lb_sim     ▲ │
//!   └───▶ demo (four backends) ──────────┘ │
//!                                          └──▶ admin, files: what lb answers itself
//! ```

mod access_log;
mod admin;
mod cli;
mod config;
mod demo;
mod drill;
mod drilling;
mod files;
mod logging;
mod metrics;
mod names;
mod otlp;
mod run;
mod service;
mod simulate;
mod simulation;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
