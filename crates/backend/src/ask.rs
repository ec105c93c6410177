//! Asks a backend's router without a socket, for the tests of this crate.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use tower::ServiceExt;

use crate::Backend;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Sends `GET path`.
pub(crate) async fn get(backend: &Backend, path: &str) -> Answer {
    ask(backend, Method::GET, path, "").await
}

/// Sends any request.
pub(crate) async fn ask(backend: &Backend, method: Method, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder().method(method).uri(path).body(body.into()).expect("the test's request is valid");
    let response = backend.router().oneshot(request).await.expect("a router is infallible");
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("the backend's bodies are in memory");
    let body = String::from_utf8(body.into()).expect("the backend speaks UTF-8");
    Answer { status: head.status, headers: head.headers, body }
}
