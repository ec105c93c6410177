//! What happens to a message's head on its way through. Only this file touches header fields.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Uri, Version, request};

use crate::path;
use crate::reject::BadRequest;

/// A request's head as it leaves for an endpoint, kept until the request is answered: a retry sends it again.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    target: Uri,
    headers: HeaderMap,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Fields that belong to one connection and never pass (RFC 9110 §7.6.1). TE goes too: trailers are not promised.
const HOP_BY_HOP: [HeaderName; 6] =
    [header::CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, header::TE, header::TRANSFER_ENCODING, header::UPGRADE];

/// Fields that a `Connection` field cannot name away: losing them would change who is asked, or where a message ends.
const PROTECTED: [HeaderName; 3] = [header::HOST, header::CONTENT_LENGTH, header::AUTHORIZATION];

/// Stands for the host of a request that has none.
const NOWHERE: &str = "_";

/// A request's host (without its port) and path, as routes look them up.
///
/// # Errors
///
/// What makes it a request that cannot be forwarded.
pub(crate) fn place(request: &request::Parts) -> Result<(Authority, &str), BadRequest> {
    if request.method == Method::CONNECT {
        return Err(BadRequest::Connect);
    }
    let path = request.uri.path();
    path::check(path).map_err(BadRequest::Path)?;
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(BadRequest::SeveralHosts);
    }
    // The target's own authority goes before the Host field (RFC 9112 §3.2.2).
    let authority = match (request.uri.authority(), host) {
        (Some(authority), _) => authority.clone(),
        // An empty Host is that of a target without an authority (RFC 9112 §3.2).
        (None, Some(host)) if host.is_empty() => Authority::from_static(NOWHERE),
        (None, Some(host)) => Authority::try_from(host.as_bytes()).map_err(|_| BadRequest::BadHost)?,
        (None, None) if request.version >= Version::HTTP_11 => return Err(BadRequest::NoHost),
        // HTTP/1.0 knows no Host; the request belongs to the routes of any host.
        (None, None) => Authority::from_static(NOWHERE),
    };
    if authority.as_str().contains('@') {
        return Err(BadRequest::BadHost);
    }
    Ok((authority, path))
}

/// The head that goes to an endpoint.
pub(crate) fn outgoing(request: request::Parts, authority: &Authority, client: IpAddr) -> Head {
    let mut headers = request.headers;
    remove_hop_by_hop(&mut headers);
    // Answered by the server's side of this proxy already.
    headers.remove(header::EXPECT);
    headers.remove(crate::header::TRACE);
    let host = Some(authority.as_str()).filter(|host| *host != NOWHERE);
    let host = host.and_then(|host| HeaderValue::from_str(host).ok());
    headers.insert(header::HOST, host.clone().unwrap_or(HeaderValue::from_static("")));
    // Whatever a client claims of earlier hops is overwritten: nobody vouches for it.
    headers.remove(header::FORWARDED);
    if let Ok(client) = HeaderValue::from_str(&client.to_canonical().to_string()) {
        headers.insert(X_FORWARDED_FOR, client);
    }
    headers.remove(X_FORWARDED_HOST);
    if let Some(host) = host {
        headers.insert(X_FORWARDED_HOST, host);
    }
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    headers.append(header::VIA, HeaderValue::from_static("1.1 lb"));
    let path = request.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    Head { method: request.method, target: Uri::from(path), headers }
}

impl Head {
    /// Its fields, as they go out.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A request with this head.
    pub(crate) fn request<B>(&self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Whether it only asks (RFC 9110 §9.2.1), so that sending it twice at once costs work and nothing else.
    pub(crate) fn only_asks(&self) -> bool {
        // TRACE is safe, too, but nobody waits for it.
        [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method)
    }

    /// Whether it may be sent twice without doing twice what it does (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        // LOCK is a method of WebDAV that nginx does not retry either; an unknown method may do anything.
        let webdav = ["PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "UNLOCK", "SEARCH", "REPORT"];
        self.method.is_idempotent() || webdav.contains(&self.method.as_str())
    }
}

/// Prepares the head of an endpoint's answer for the client, with a cookie that binds its session if there is one.
pub(crate) fn incoming(headers: &mut HeaderMap, binding: Option<&HeaderValue>) {
    remove_hop_by_hop(headers);
    if let Some(binding) = binding {
        headers.append(header::SET_COOKIE, binding.clone());
    }
    headers.remove(crate::header::TRACE);
    headers.remove(crate::header::REJECT);
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::try_from(name.trim()).ok())
            .filter(|name| !PROTECTED.contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn parts(request: http::request::Builder) -> request::Parts {
        request.body(()).expect("a valid request").into_parts().0
    }

    fn forwarded(request: http::request::Builder) -> Head {
        let parts = parts(request);
        let (authority, _) = place(&parts).expect("a request that can be forwarded");
        outgoing(parts, &authority, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)))
    }

    #[test]
    fn what_a_client_claims_of_earlier_hops_is_overwritten() {
        let head = forwarded(
            Request::get("/a?b")
                .header("host", "example.com:8080")
                .header("x-forwarded-for", "10.0.0.1")
                .header("x-forwarded-proto", "https")
                .header("forwarded", "for=10.0.0.1"),
        );
        assert_eq!(head.headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(head.headers["x-forwarded-proto"], "http");
        assert_eq!(head.headers["x-forwarded-host"], "example.com:8080");
        assert_eq!(head.headers["host"], "example.com:8080");
        assert_eq!(head.headers["via"], "1.1 lb");
        assert!(!head.headers.contains_key("forwarded"));
        assert_eq!(head.target, "/a?b");
    }

    #[test]
    fn fields_of_one_connection_do_not_pass() {
        let head = forwarded(
            Request::get("/")
                .header("host", "h")
                .header("connection", "close, X-Mine")
                .header("connection", "keep-alive")
                .header("keep-alive", "timeout=5")
                .header("proxy-connection", "close")
                .header("te", "trailers")
                .header("upgrade", "h2c")
                .header("x-mine", "1")
                .header("x-yours", "2"),
        );
        for name in ["connection", "keep-alive", "proxy-connection", "te", "upgrade", "x-mine"] {
            assert!(!head.headers.contains_key(name), "{name}");
        }
        assert_eq!(head.headers["x-yours"], "2");
    }

    #[test]
    fn a_connection_field_cannot_name_away_what_others_rely_on() {
        let head = forwarded(
            Request::post("/")
                .header("host", "h")
                .header("content-length", "3")
                .header("connection", "host, content-length, x-forwarded-for, x-forwarded-host, via"),
        );
        for name in ["host", "content-length", "x-forwarded-for", "x-forwarded-host", "via"] {
            assert!(head.headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_request_needs_exactly_one_host() {
        let none = parts(Request::get("/"));
        assert_eq!(place(&none).expect_err("no host"), BadRequest::NoHost);
        let two = parts(Request::get("/").header("host", "a").header("host", "b"));
        assert_eq!(place(&two).expect_err("two hosts"), BadRequest::SeveralHosts);
        for bad in ["a b", "user@host"] {
            let bad = parts(Request::get("/").header("host", bad));
            assert_eq!(place(&bad).expect_err("a bad host"), BadRequest::BadHost);
        }
        let old = parts(Request::get("/").version(Version::HTTP_10));
        assert!(place(&old).is_ok());
    }

    #[test]
    fn an_absolute_target_goes_before_the_host_field() {
        let head = forwarded(Request::get("http://a.example/x?y").header("host", "b.example"));
        assert_eq!(head.headers["host"], "a.example");
        assert_eq!(head.target, "/x?y");
    }

    #[test]
    fn connect_is_off() {
        let connect = parts(Request::connect("a.example:443").header("host", "a.example:443"));
        assert_eq!(place(&connect).expect_err("connect"), BadRequest::Connect);
    }

    #[test]
    fn methods_that_may_do_twice_what_they_do_are_not_idempotent() {
        let idempotent = |method: &str| forwarded(Request::builder().method(method).uri("/").header("host", "h"));
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
            assert!(idempotent(method).is_idempotent(), "{method}");
        }
        for method in ["POST", "PATCH", "LOCK", "BREW"] {
            assert!(!idempotent(method).is_idempotent(), "{method}");
        }
    }
}
