//! Who may ask the admin API: no other site's page in the reader's browser, and on a loopback address nobody who
//! believes it to be a host of some name (DNS rebinding).

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// From where the API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On an address of its own, which is asked for by number or as `localhost`.
    OwnListener,
    /// Through a route of a public listener, under whatever name that has.
    Route,
}

pub(super) async fn check(State(reach): State<Reach>, request: Request, next: Next) -> Response {
    match refusal(reach, request.uri(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, format!("403 Forbidden: {why}\n")).into_response(),
        None => next.run(request).await,
    }
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
