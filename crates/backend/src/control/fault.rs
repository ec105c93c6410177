//! `/control/fault`: for a while, the target answers late, wrong, broken or not at all.
//!
//! It only says what is to happen; what happens then is in the crate's `fault`. Unlike `/control/toggle` it minds
//! every parameter: a fault that differs from the one that was meant would mislead whoever studies what it does.

mod parameters;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use lb_common::backend::{FAULT_PATH, STATUS_UPDATED};

use super::{BadParameter, Parameters, not_for_me, target};
use crate::Backend;

/// The line of this control in the list.
pub(super) const USAGE: &str = "/control/fault?target=NAME&kind=latency|errors|hang|reset|truncate|garbage|none&for=30s  \
     makes the server NAME misbehave on /api for so long; latency takes delay=200ms&jitter=50ms, errors status=503, \
     all take percent=1..100 and health=true, none takes nothing and ends it";

/// The route to mount.
pub(super) fn routes() -> Router<Backend> {
    Router::new().route(FAULT_PATH, get(answer))
}

async fn answer(State(backend): State<Backend>, Query(parameters): Parameters) -> Result<String, BadParameter> {
    let target = target(&parameters)?;
    let fault = parameters::fault(&parameters)?;
    if target != backend.name() {
        return Ok(not_for_me(&backend, target));
    }
    let Some(fault) = fault else {
        backend.fault().clear();
        return Ok(format!("{STATUS_UPDATED}: {target} has no fault now"));
    };
    let says = format!("{STATUS_UPDATED}: for {:?} {target} {fault}", fault.lasts);
    backend.fault().set(fault);
    Ok(says)
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, StatusCode};

    use super::*;
    use crate::ask::{ask, get};

    async fn told(backend: &Backend, parameters: &str) -> String {
        let answer = get(backend, &format!("/control/fault?{parameters}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{parameters}: {}", answer.body);
        answer.body
    }

    #[tokio::test]
    async fn the_answer_and_the_health_tell_what_happens() {
        let backend = Backend::new("web2");
        let cases = [
            ("kind=latency&delay=200ms&for=30s", "for 30s", "answers 200ms late on /api"),
            ("kind=latency&delay=1s&jitter=500ms&for=1500ms", "for 1.5s", "answers 1s to 1.5s late on /api"),
            ("kind=errors&for=10m", "for 600s", "answers 500 on /api"),
            ("kind=errors&status=503&health=true&for=1ms", "for 1ms", "answers 503 on /api and /health"),
            ("kind=hang&for=30s&health=false&percent=100", "for 30s", "hangs on /api"),
            ("percent=5&for=30s&kind=reset", "for 30s", "resets the connection on /api, at 5% of the requests"),
            ("kind=truncate&for=30s", "for 30s", "cuts its answers short on /api"),
            ("kind=garbage&for=30s", "for 30s", "answers garbage on /api"),
        ];
        for (parameters, time, says) in cases {
            let answer = told(&backend, &format!("target=web2&{parameters}")).await;
            assert_eq!(answer, format!("STATUS UPDATED: {time} web2 {says}"));
        }
        assert_eq!(backend.health().fault.as_deref(), Some("answers garbage on /api"));
        let json = get(&backend, "/health").await.body;
        assert!(json.ends_with(r#","fault":"answers garbage on /api"}"#), "{json}");
    }

    #[tokio::test]
    async fn none_ends_it_and_may_be_said_again() {
        let backend = Backend::new("web2");
        told(&backend, "target=web2&kind=hang&for=30s").await;
        for _ in 0..2 {
            let answer = told(&backend, "target=web2&kind=none").await;
            assert_eq!(answer, "STATUS UPDATED: web2 has no fault now");
            assert_eq!(backend.health().fault, None);
        }
        let json = get(&backend, "/health").await.body;
        assert!(!json.contains("fault"), "{json}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_ends_by_itself_and_a_new_one_has_all_of_its_time() {
        let backend = Backend::new("web2");
        told(&backend, "target=web2&kind=hang&for=2s").await;
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        told(&backend, "target=web2&kind=reset&for=2s").await;
        tokio::time::advance(std::time::Duration::from_millis(1999)).await;
        assert_eq!(backend.health().fault.as_deref(), Some("resets the connection on /api"));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert_eq!(backend.health().fault, None);
    }

    #[tokio::test]
    async fn every_other_server_changes_nothing() {
        let backend = Backend::new("web1");
        told(&backend, "target=web1&kind=errors&for=10m").await;
        for parameters in ["kind=hang&for=30s", "kind=none"] {
            let answer = told(&backend, &format!("target=web2&{parameters}")).await;
            assert_eq!(answer, "NOT FOR ME: this is web1, the target is web2");
        }
        assert_eq!(backend.health().fault.as_deref(), Some("answers 500 on /api"));
    }

    #[tokio::test]
    async fn a_fault_leaves_the_flag_alone() {
        let backend = Backend::new("web2");
        told(&backend, "target=web2&kind=errors&for=10m").await;
        assert!(backend.is_active());
        backend.set_active(false);
        told(&backend, "target=web2&kind=none").await;
        assert!(!backend.is_active());
    }

    #[tokio::test]
    async fn other_methods_than_get_are_refused() {
        let backend = Backend::new("web1");
        let answer = ask(&backend, Method::POST, "/control/fault?target=web1&kind=hang&for=30s", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(backend.health().fault, None);
    }
}
