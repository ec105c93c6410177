//! `/api`: says which server answered, or that it simulates a failure.
//!
//! Any method will do, since the load balancer has to carry them all; what a request brings is read and thrown away.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::BodyExt;
use lb_common::backend::API_PATH;

use crate::Backend;
use crate::fault::{self, Line, Place};

/// The route to mount.
pub(crate) fn routes() -> Router<Backend> {
    Router::new().route(API_PATH, any(answer))
}

async fn answer(State(backend): State<Backend>, line: Line, body: Body) -> Response {
    backend.count_request();
    // First all of the body, then the answer: an early answer would make hyper close the connection under a client
    // that is still sending, which the load balancer's tests would see as a failure that nobody asked for.
    if let Err(error) = discard(body).await {
        return (StatusCode::BAD_REQUEST, format!("The request's body cannot be read: {error}")).into_response();
    }
    if let Some(instead) = fault::strike(&backend, Place::Api, &line).await {
        return instead;
    }
    let name = backend.name();
    if backend.is_active() {
        format!("Response from server: {name}").into_response()
    } else {
        let says = format!("Server {name} is inactive (simulated failure)");
        (StatusCode::SERVICE_UNAVAILABLE, says).into_response()
    }
}

/// Reads a body of any length without keeping it.
async fn discard(mut body: Body) -> Result<(), axum::Error> {
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
    use http_body_util::Limited;

    use super::*;
    use crate::ask::{ask, get};

    #[tokio::test]
    async fn an_active_server_says_its_name() {
        let answer = get(&Backend::new("web1"), "/api").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(answer.body, "Response from server: web1");
    }

    #[tokio::test]
    async fn an_inactive_server_answers_503_on_api() {
        let backend = Backend::new("web1");
        backend.set_active(false);
        let answer = get(&backend, "/api").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.body, "Server web1 is inactive (simulated failure)");
    }

    #[tokio::test]
    async fn a_query_changes_nothing() {
        let answer = get(&Backend::new("web1"), "/api?n=1").await;
        assert_eq!(answer.body, "Response from server: web1");
    }

    #[tokio::test]
    async fn every_method_gets_the_same_answer() {
        let backend = Backend::new("web1");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let answer = ask(&backend, method.clone(), "/api", "a body").await;
            assert_eq!(answer.status, StatusCode::OK, "{method}");
            assert_eq!(answer.body, "Response from server: web1", "{method}");
        }
    }

    #[tokio::test]
    async fn head_gets_the_head_of_the_answer() {
        let answer = ask(&Backend::new("web1"), Method::HEAD, "/api", "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[CONTENT_LENGTH], "26");
        assert_eq!(answer.body, "");
    }

    #[tokio::test]
    async fn a_body_beyond_every_usual_limit_is_read() {
        let answer = ask(&Backend::new("web1"), Method::POST, "/api", vec![b'x'; 8 << 20]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_read_is_a_bad_request_and_counts() {
        let backend = Backend::new("web1");
        // A body that ends in an error, as one with broken chunks does.
        let body = Body::new(Limited::new(Body::from("abcd"), 3));
        let answer = ask(&backend, Method::POST, "/api", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.starts_with("The request's body cannot be read: "), "{}", answer.body);
        assert_eq!(backend.health().requests, 1);
    }
}
