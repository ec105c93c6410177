//! Puts the routes together, and does what is done to every request: a line in the log, an answer that nobody caches.
//!
//! It knows no socket, so tests ask it directly.

use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::Response;
use tracing::info;

use crate::{Backend, api, control, health};

impl Backend {
    /// Answers requests to this backend; every router of a backend shares its flag, its fault and its counts.
    ///
    /// A fault that breaks the connection needs one: without a socket it is a 500 that says what would have happened.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(api::routes())
            .merge(control::routes())
            .merge(health::routes())
            .fallback(not_found)
            // After the fallback: a layer covers only what was there before it.
            .layer(map_response(no_store))
            .layer(from_fn_with_state(self.clone(), log))
            .with_state(self.clone())
    }
}

async fn not_found(uri: Uri) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("Nothing here: {}", uri.path()))
}

/// The next answer may come from another server or say the opposite, so none may be kept (RFC 9111 §5.2.2.5).
async fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One line a request, once its answer's head is ready. A request whose client leaves before that has no line.
#[allow(clippy::disallowed_methods, reason = "the log is for people; no decision hangs on it")]
async fn log(State(backend): State<Backend>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    info!(
        server = backend.name(),
        %method,
        path = uri.path_and_query().map_or("", |path| path.as_str()),
        status = response.status().as_u16(),
        us = started.elapsed().as_micros(),
        "answered"
    );
    response
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::ask::{ask, get};

    #[tokio::test]
    async fn an_unknown_path_is_named_in_a_404() {
        let answer = get(&Backend::new("web1"), "/nowhere/%C3%A4?q=1").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.body, "Nothing here: /nowhere/%C3%A4");
    }

    #[tokio::test]
    async fn paths_are_taken_literally() {
        for path in ["/", "/api/", "/API", "/api/x", "/control/", "/control/toggle/x", "/%61pi"] {
            assert_eq!(get(&Backend::new("web1"), path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn no_answer_may_be_cached() {
        let backend = Backend::new("web1");
        let paths =
            ["/api", "/control", "/control/toggle", "/control/toggle?target=x&active=true", "/health", "/nowhere"];
        for active in [true, false] {
            backend.set_active(active);
            for method in [Method::GET, Method::HEAD, Method::DELETE] {
                for path in paths {
                    let answer = ask(&backend, method.clone(), path, "").await;
                    assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{method} {path}");
                }
            }
        }
    }
}
