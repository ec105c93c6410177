//! The words that two crates must agree on: the JSON of the admin API, and the sentences that the
//! page and the backends exchange.
//!
//! This crate holds nouns, never verbs: it opens no socket, takes no decision and formats no message.
//! A type that only one crate uses lives in that crate.
//!
//! ```text
//! lb (admin API) ──▶ api ◀── the page, the tests
//! backend ─────────▶ backend ◀── lb (demo), the page, the tests
//! ```

pub mod api;
pub mod backend;
