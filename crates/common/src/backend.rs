//! What the demo's backend says, for those that ask it: the page, the probes and the tests.

use serde::{Deserialize, Serialize};

/// Where a backend answers with its name.
pub const API_PATH: &str = "/api";

/// Where a backend tells its health.
pub const HEALTH_PATH: &str = "/health";

/// Under this path a backend lists the controls that it offers; the page shows its buttons where this answers 200.
pub const CONTROL_PATH: &str = "/control";

/// Where a backend is told to fail or to work again: `?target=NAME&active=true|false`.
pub const TOGGLE_PATH: &str = "/control/toggle";

/// Where a backend is told how to misbehave, and for how long: `?target=NAME&kind=KIND&for=30s`, and more by kind.
pub const FAULT_PATH: &str = "/control/fault";

/// First words of a backend's answer once it has done what a control asks for.
pub const STATUS_UPDATED: &str = "STATUS UPDATED";

/// First words of a backend's answer to a control that names another one.
pub const NOT_FOR_ME: &str = "NOT FOR ME";

/// The JSON that a backend answers to `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The backend's name, as in `lb.toml`.
    pub name: String,
    /// Whether it does its work; `false` while it simulates a failure.
    pub active: bool,
    /// Requests to [`API_PATH`] since it started, whatever it answered.
    pub requests: u64,
    /// Whole seconds since it started.
    pub uptime_s: u64,
    /// How it misbehaves because it was told to, in a few words; absent while it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
