//! `/control`: lists what this server can be told to do; each control is a module of its own below.
//!
//! What the controls share stands here: their parameters. A control reaches every server that shares a route, so each
//! names its `target`, and the others say that they are not meant. Parameters are judged before the target is, so a
//! mistake is told by whichever server is asked.

mod fault;
mod toggle;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lb_common::backend::{CONTROL_PATH, NOT_FOR_ME};

use crate::Backend;

/// The routes to mount: the list, and every control that it lists.
pub(crate) fn routes() -> Router<Backend> {
    Router::new().route(CONTROL_PATH, get(list)).merge(toggle::routes()).merge(fault::routes())
}

async fn list() -> String {
    let usages = [toggle::USAGE, fault::USAGE];
    usages.map(|usage| format!("{usage}\n")).concat()
}

/// The parameters of a control, decoded, in the order in which they were given.
///
/// Pairs instead of a struct, so that an answer can tell a missing parameter from an empty and from a repeated one.
type Parameters = Query<Vec<(String, String)>>;

/// The only value of that parameter, which may not be empty; `expected` says in an error what it should be.
fn only<'a>(
    parameters: &'a [(String, String)],
    name: &'static str,
    expected: &'static str,
) -> Result<&'a str, BadParameter> {
    let mut values = parameters.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (None, _) => Err(BadParameter::Missing { name, expected }),
        (Some(_), Some(_)) => Err(BadParameter::Repeated { name, expected }),
        (Some(""), None) => Err(BadParameter::Empty { name, expected }),
        (Some(value), None) => Ok(value),
    }
}

/// The server that is meant.
fn target(parameters: &[(String, String)]) -> Result<&str, BadParameter> {
    only(parameters, "target", "the name of one server, once")
}

/// The answer of a server that is not meant. It is a success: nothing went wrong, and nothing was changed.
fn not_for_me(backend: &Backend, target: &str) -> String {
    format!("{NOT_FOR_ME}: this is {}, the target is {target}", backend.name())
}

/// Why a control was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum BadParameter {
    #[error("{name} is missing: expected {expected}")]
    Missing { name: &'static str, expected: &'static str },
    #[error("{name} is empty: expected {expected}")]
    Empty { name: &'static str, expected: &'static str },
    #[error("{name} is given more than once: expected {expected}")]
    Repeated { name: &'static str, expected: &'static str },
    #[error("{name} is {value:?}: expected {expected}")]
    Unknown { name: &'static str, value: String, expected: &'static str },
    #[error("{name:?} is no parameter of {of}: expected {expected}")]
    Stranger { name: String, of: String, expected: String },
}

impl IntoResponse for BadParameter {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use axum::http::header::CONTENT_TYPE;

    use super::*;
    use crate::ask::{ask, get};

    #[tokio::test]
    async fn the_list_has_a_line_for_each_control() {
        let answer = get(&Backend::new("web1"), "/control").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
        let lines: Vec<_> = answer.body.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("/control/toggle?target=NAME&active=true|false"), "{lines:?}");
        assert!(lines[1].starts_with("/control/fault?target=NAME&kind="), "{lines:?}");
    }

    #[tokio::test]
    async fn an_inactive_server_still_lists_its_controls() {
        let backend = Backend::new("web1");
        backend.set_active(false);
        assert_eq!(get(&backend, "/control").await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_list_can_only_be_read() {
        let answer = ask(&Backend::new("web1"), Method::POST, "/control", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}
