//! `/health`: tells probes whether this server works, and people since when and how much.
//!
//! It only reports the flag; it tests nothing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use lb_common::backend::HEALTH_PATH;

use crate::Backend;
use crate::fault::{self, Line, Place};

/// The route to mount.
pub(crate) fn routes() -> Router<Backend> {
    Router::new().route(HEALTH_PATH, get(answer))
}

async fn answer(State(backend): State<Backend>, line: Line) -> Response {
    if let Some(instead) = fault::strike(&backend, Place::Health, &line).await {
        return instead;
    }
    let health = backend.health();
    let status = if health.active { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_TYPE;
    use lb_common::backend::Health;

    use super::*;
    use crate::ask::{Answer, get};

    fn health(answer: &Answer) -> Health {
        serde_json::from_str(&answer.body).expect("the answer is the JSON of a Health")
    }

    #[tokio::test]
    async fn an_active_server_is_healthy() {
        let answer = get(&Backend::new("web1"), "/health").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        assert_eq!(
            health(&answer),
            Health { name: "web1".to_owned(), active: true, requests: 0, uptime_s: 0, fault: None }
        );
    }

    #[tokio::test]
    async fn an_inactive_server_answers_503_and_still_says_who_it_is() {
        let backend = Backend::new("web1");
        backend.set_active(false);
        let answer = get(&backend, "/health").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            health(&answer),
            Health { name: "web1".to_owned(), active: false, requests: 0, uptime_s: 0, fault: None }
        );
    }

    #[tokio::test]
    async fn only_requests_to_api_are_counted_whatever_was_answered() {
        let backend = Backend::new("web1");
        get(&backend, "/api").await;
        get(&backend, "/health").await;
        get(&backend, "/control").await;
        get(&backend, "/nowhere").await;
        backend.set_active(false);
        get(&backend, "/api").await;
        assert_eq!(health(&get(&backend, "/health").await).requests, 2);
    }
}
