//! Who may ask the admin API: no other site's page in the reader's browser, and on a loopback address nobody who
//! believes it to be a host of some name (DNS rebinding).

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower::ServiceExt as _;

use super::Admin;
use super::problem::Problem;
use crate::config::AdminConfig;

/// From where the API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On an address of its own, which is asked for by number or as `localhost`.
    OwnListener,
    /// Through a route of a public listener, under whatever name that has.
    Route,
}

pub(super) async fn check(State((admin, reach)): State<(Admin, Reach)>, request: Request, next: Next) -> Response {
    if let Some(why) = refusal(reach, request.uri(), request.headers()) {
        return Problem::forbidden(why).into_response();
    }
    let config = &admin.0.admin;
    if !knows(config, request.headers()) {
        let error = "the admin API asks for its token";
        return Problem::new(StatusCode::UNAUTHORIZED, error)
            .hint("send Authorization: Bearer and the token")
            .into_response();
    }
    if reach == Reach::Route && changes(request.method()) && config.token.is_none() && !config.open {
        let hint = "set token-file in [admin], or changes-without-token = true where everybody may change everything";
        return Problem::forbidden("changes through a listener need a token").hint(hint).into_response();
    }
    match admin.heir() {
        None => next.run(request).await,
        // On a connection from before a reload.
        Some(heir) => answer_by(&heir, reach, request).await,
    }
}

/// Has it answered by another admin API, by its own rules too, and ends the connection: the next one reaches that one directly.
async fn answer_by(heir: &Admin, reach: Reach, mut request: Request) -> Response {
    // What was found in its path here would be taken for found there.
    request.extensions_mut().clear();
    let mut answer = match heir.router(reach).oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Whether whoever asks knows the token, if there is one.
fn knows(config: &AdminConfig, headers: &HeaderMap) -> bool {
    let Some(token) = &config.token else { return true };
    let said = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let (scheme, rest) = said.split_at(said.len().min(7));
    scheme.eq_ignore_ascii_case(b"bearer ") && token.is(rest.trim_ascii())
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn refusal(reach: Reach, target: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let asked = target.authority().cloned().or(host);
    if reach == Reach::OwnListener && !asked.as_ref().is_some_and(is_local_name) {
        return Some("ask for this address by its number or as localhost");
    }
    let origin = headers.get(ORIGIN)?;
    let origin = Uri::try_from(origin.as_bytes()).ok().and_then(|origin| origin.authority().cloned());
    (origin.is_none() || origin != asked).then_some("pages of other origins may not ask")
}

fn is_local_name(authority: &Authority) -> bool {
    let host = authority.host();
    let number = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    number.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reach: Reach, fields: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().expect("a field value"));
        }
        refusal(reach, &Uri::from_static("/lb/v1/status"), &headers).is_some()
    }

    #[test]
    fn a_name_that_was_rebound_to_loopback_is_refused() {
        assert!(refused(Reach::OwnListener, &[("host", "evil.example:9900")]));
        assert!(refused(Reach::OwnListener, &[]));
        for host in ["127.0.0.1:9900", "localhost:9900", "[::1]:9900", "localhost"] {
            assert!(!refused(Reach::OwnListener, &[("host", host)]), "{host}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        for reach in [Reach::OwnListener, Reach::Route] {
            let host = ("host", "127.0.0.1:8080");
            assert!(refused(reach, &[host, ("origin", "http://evil.example")]));
            assert!(refused(reach, &[host, ("origin", "http://127.0.0.1:8081")]));
            assert!(refused(reach, &[host, ("origin", "null")]));
            assert!(!refused(reach, &[host, ("origin", "http://127.0.0.1:8080")]));
        }
    }
}
