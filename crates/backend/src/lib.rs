//! The web server behind the load balancer in the demo and in the tests: it says which server answered, and it
//! fails when it is told to.
//!
//! It knows nothing of the load balancer, keeps nothing on disk and asks nobody who they are: whoever reaches it
//! may switch it off, so it belongs on loopback or in a private network. This library reads no environment and
//! handles no signal (the binary does), so several backends can live in one process, each with its own flag.
//!
//! ```text
//! server (accept, stop) ──▶ router (log, no-store) ──▶ api      who answered, or 503 ───────┐
//!                                                  ├─▶ health   the same as JSON, for probes ┴▶ fault
//!                                                  └─▶ control  lists the controls
//!                                                       ├─ toggle  works, or fails on purpose
//!                                                       └─ fault   late, broken or no answers, for a while
//! ```
//!
//! A backend without a socket is asked through its [router](Backend::router); with one it is [`serve`]d:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let web1 = lb_backend::Backend::new("web1");
//! lb_backend::serve(listener, web1, std::future::pending()).await
//! # }
//! ```

mod api;
#[cfg(test)]
mod ask;
mod backend;
mod control;
mod fault;
mod health;
mod router;
mod server;

pub use backend::Backend;
pub use server::{STOP_GRACE, serve};
