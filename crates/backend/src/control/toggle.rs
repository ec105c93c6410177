//! `/control/toggle`: the target stops doing its work, or takes it up again.
//!
//! An inactive server is up: it accepts, answers 503 and obeys controls. Crashes and broken answers are not its matter.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use lb_common::backend::{STATUS_UPDATED, TOGGLE_PATH};

use super::{BadParameter, Parameters, not_for_me, only, target};
use crate::Backend;

/// The line of this control in the list.
pub(super) const USAGE: &str =
    "/control/toggle?target=NAME&active=true|false  makes the server NAME work (true) or answer 503 (false)";

/// The route to mount.
pub(super) fn routes() -> Router<Backend> {
    Router::new().route(TOGGLE_PATH, get(answer))
}

async fn answer(State(backend): State<Backend>, Query(parameters): Parameters) -> Result<String, BadParameter> {
    let target = target(&parameters)?;
    let active = active(&parameters)?;
    if target != backend.name() {
        return Ok(not_for_me(&backend, target));
    }
    backend.set_active(active);
    let now = if active { "ACTIVE" } else { "INACTIVE" };
    Ok(format!("{STATUS_UPDATED}: {target} is now {now}"))
}

/// Whether the target shall work.
fn active(parameters: &[(String, String)]) -> Result<bool, BadParameter> {
    let (name, expected) = ("active", "true or false, once");
    match only(parameters, name, expected)? {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(BadParameter::Unknown { name, value: other.to_owned(), expected }),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, StatusCode};

    use super::*;
    use crate::ask::{ask, get};

    #[tokio::test]
    async fn the_target_goes_out_and_comes_back() {
        let backend = Backend::new("web2");

        let answer = get(&backend, "/control/toggle?target=web2&active=false").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, "STATUS UPDATED: web2 is now INACTIVE");
        assert!(!backend.is_active());

        let answer = get(&backend, "/control/toggle?active=true&target=web2").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, "STATUS UPDATED: web2 is now ACTIVE");
        assert!(backend.is_active());
    }

    #[tokio::test]
    async fn saying_it_twice_changes_nothing_more() {
        let backend = Backend::new("web2");
        for _ in 0..2 {
            let answer = get(&backend, "/control/toggle?target=web2&active=false").await;
            assert_eq!(answer.body, "STATUS UPDATED: web2 is now INACTIVE");
        }
    }

    #[tokio::test]
    async fn every_other_server_changes_nothing() {
        let backend = Backend::new("web1");
        let answer = get(&backend, "/control/toggle?target=web2&active=false").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, "NOT FOR ME: this is web1, the target is web2");
        assert!(backend.is_active());
    }

    #[tokio::test]
    async fn a_name_that_only_looks_alike_is_another_server() {
        let backend = Backend::new("web1");
        for target in ["WEB1", "web", "web11", "web1%20"] {
            let answer = get(&backend, &format!("/control/toggle?target={target}&active=false")).await;
            assert!(answer.body.starts_with("NOT FOR ME"), "{target}: {}", answer.body);
        }
        assert!(backend.is_active());
    }

    #[tokio::test]
    async fn a_name_may_be_percent_encoded() {
        let backend = Backend::new("web 1");
        let answer = get(&backend, "/control/toggle?target=web%201&active=false").await;
        assert_eq!(answer.body, "STATUS UPDATED: web 1 is now INACTIVE");
    }

    #[tokio::test]
    async fn parameters_that_are_not_its_own_are_ignored() {
        let answer = get(&Backend::new("web1"), "/control/toggle?now=1&target=web1&active=true").await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_bad_parameter_is_named_by_every_server_and_changes_nothing() {
        let cases = [
            ("", "target is missing: expected the name of one server, once"),
            ("?active=false", "target is missing: expected the name of one server, once"),
            ("?target=&active=false", "target is empty: expected the name of one server, once"),
            (
                "?target=web2&target=web2&active=false",
                "target is given more than once: expected the name of one server, once",
            ),
            ("?target=web2", "active is missing: expected true or false, once"),
            ("?target=web2&active=", "active is empty: expected true or false, once"),
            ("?target=web2&active=no", "active is \"no\": expected true or false, once"),
            ("?target=web2&active=False", "active is \"False\": expected true or false, once"),
            ("?target=web2&active=false&active=false", "active is given more than once: expected true or false, once"),
        ];
        for name in ["web1", "web2"] {
            let backend = Backend::new(name);
            for (query, says) in cases {
                let answer = get(&backend, &format!("/control/toggle{query}")).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
                assert_eq!(answer.body, says, "{query}");
            }
            assert!(backend.is_active());
        }
    }

    #[tokio::test]
    async fn other_methods_than_get_are_refused() {
        let backend = Backend::new("web1");
        let answer = ask(&backend, Method::POST, "/control/toggle?target=web1&active=false", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(backend.is_active());
    }
}
