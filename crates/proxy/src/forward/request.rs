//! A request's head on its way to an endpoint.

use lb_http1::{Field, Framing, Known, RequestHead, Version, push_decimal};

use super::{Filter, Peer, loosely, push_field};
use crate::marks::Marks;
use crate::reject::BadRequest;
use crate::{buffer, header, path};

/// Where a request is to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'r> {
    /// The host without its port; empty if the request names none.
    pub(crate) host: &'r [u8],
    /// The path, without the query.
    pub(crate) path: &'r [u8],
    /// The query, without its question mark.
    pub(crate) query: Option<&'r [u8]>,
}

/// A request's head as it leaves for an endpoint, kept until the request is answered: a retry sends it again.
#[derive(Debug)]
pub(crate) struct Outgoing {
    // All of it but the empty line.
    text: Vec<u8>,
    method_length: usize,
    expects_continue: bool,
    upgrade: Option<String>,
    // Where the number of our part of a trace stands, which is another one for each attempt.
    span_at: Option<usize>,
}

/// The length of that number: 64 bits in hexadecimal digits.
const SPAN_LENGTH: usize = 16;

/// A request's host and path, as routes look them up.
///
/// # Errors
///
/// What makes it a request that cannot be forwarded.
pub(crate) fn place(request: &RequestHead) -> Result<Place<'_>, BadRequest> {
    if request.method() == b"CONNECT" {
        return Err(BadRequest::Connect);
    }
    path::check(request.path()).map_err(BadRequest::Path)?;
    let authority = request.authority();
    let port = authority.iter().rposition(|byte| *byte == b':').filter(|at| !authority[*at..].contains(&b']'));
    // What is asked of the server as a whole (RFC 9110 §9.3.7) is asked of whoever has the root of its paths.
    let path = if request.path() == b"*" { b"/" } else { request.path() };
    let host = &authority[..port.unwrap_or(authority.len())];
    // A name that ends with a dot is the same, written out to its root (RFC 3986 §3.2.2).
    Ok(Place { host: host.strip_suffix(b".").unwrap_or(host), path, query: request.query() })
}

/// The head that goes to an endpoint.
pub(crate) fn outgoing(request: &RequestHead, client: &Peer, upgrades: &[String], marks: &Marks<'_>) -> Outgoing {
    let mut text = buffer::borrow_out();
    let (method, authority) = (request.method(), request.authority());
    for part in [method, b" ", request.path_and_query(), b" HTTP/1.1\r\n"] {
        text.extend_from_slice(part);
    }
    let filter = Filter::new(request.fields());
    if !request.fields().has(Known::Host) {
        push_field(&mut text, "Host", authority);
    }
    for field in request.fields().iter() {
        let passes = client.passes(&field);
        if passes.unwrap_or_else(|| filter.passes(field) && !is_ours(&field) && !marks.replace(&field)) {
            text.extend_from_slice(field.line);
        }
    }
    client.push(request.fields(), authority, &mut text);
    marks.push(|name, value| push_field(&mut text, name, value));
    // It is followed by a hyphen, two digits and the end of the line.
    let span_at = marks.span.map(|_| text.len() - SPAN_LENGTH - b"-01\r\n".len());
    // The version is that in which the request came (RFC 9110 §7.6.3).
    text.extend_from_slice(match request.version() {
        Version::Http10 => b"Via: 1.0 lb\r\n",
        Version::Http11 => b"Via: 1.1 lb\r\n",
    });
    match request.framing() {
        Framing::Empty | Framing::UntilClose => {}
        Framing::Length(length) => {
            text.extend_from_slice(b"Content-Length: ");
            push_decimal(&mut text, length);
            text.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => text.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    let upgrade = upgrade_of(request, upgrades);
    if let Some(protocol) = upgrade {
        text.extend_from_slice(b"Connection: Upgrade\r\n");
        push_field(&mut text, "Upgrade", protocol.as_bytes());
    }
    Outgoing {
        text,
        method_length: method.len(),
        expects_continue: request.expects_continue(),
        upgrade: upgrade.cloned(),
        span_at,
    }
}

/// The protocol that a request asks to switch to, if it is one of those. Only a request that does nothing else asks: a body
/// before the switch would be one more thing for two servers to read differently.
fn upgrade_of<'u>(request: &RequestHead, upgrades: &'u [String]) -> Option<&'u String> {
    let fields = request.fields();
    let mut asked = fields.known(Known::Upgrade);
    let protocol = asked.next().filter(|_| asked.next().is_none())?;
    let asks = request.method() == b"GET"
        && request.version() == Version::Http11
        && request.framing() == Framing::Empty
        && fields.has_connection_option("upgrade");
    upgrades.iter().find(|allowed| asks && allowed.as_bytes().eq_ignore_ascii_case(protocol))
}

/// Fields that `lb` writes itself, or that are for it. A server behind may take an underscore for a hyphen, as CGI does, so
/// those spellings go, too.
pub(super) fn is_ours(field: &Field<'_>) -> bool {
    const OURS: [&[u8]; 4] =
        [b"content-length", b"transfer-encoding", header::TRACE_NAME.as_bytes(), header::REJECT_NAME.as_bytes()];
    let is = |ours: &[u8]| {
        ours.len() == field.name.len() && field.name.iter().copied().map(loosely).eq(ours.iter().copied())
    };
    match field.known {
        // Written anew for each attempt, if it is expected at all.
        Known::Expect => true,
        // Most names begin with another letter than all of these.
        Known::Other if !matches!(field.name.first(), Some(b'c' | b'C' | b't' | b'T' | b'l' | b'L')) => false,
        Known::Other => OURS.into_iter().any(is),
        _ => false,
    }
}

impl Outgoing {
    pub(crate) fn method(&self) -> &[u8] {
        &self.text[..self.method_length]
    }

    /// The number of one more attempt, where the request is part of a trace.
    pub(crate) fn draw_span(&self) -> Option<u64> {
        self.span_at.map(|_| fastrand::u64(1..))
    }

    /// Appends all of it as that attempt, with a question first whether the body is wanted if it is to be asked.
    pub(crate) fn write(&self, asks_first: bool, span: Option<u64>, into: &mut Vec<u8>) {
        let begin = into.len();
        into.extend_from_slice(&self.text);
        if let (Some(at), Some(span)) = (self.span_at, span) {
            let digits = format!("{span:016x}");
            into[begin + at..begin + at + SPAN_LENGTH].copy_from_slice(digits.as_bytes());
        }
        if asks_first {
            into.extend_from_slice(b"Expect: 100-continue\r\n");
        }
        into.extend_from_slice(b"\r\n");
    }

    /// Whether the client waits to be asked for the body.
    pub(crate) fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// The protocol that it asks to switch to.
    pub(crate) fn upgrade(&self) -> Option<&str> {
        self.upgrade.as_deref()
    }

    /// Whether it only asks (RFC 9110 §9.2.1), so that sending it twice at once costs work and nothing else.
    pub(crate) fn only_asks(&self) -> bool {
        // TRACE is safe, too, but nobody waits for it.
        matches!(self.method(), b"GET" | b"HEAD" | b"OPTIONS")
    }

    /// Whether it may be sent twice without doing twice what it does (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        match self.method() {
            // LOCK is a method of WebDAV that nginx does not retry either; an unknown method may do anything.
            b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE" | b"PROPFIND" | b"PROPPATCH" | b"MKCOL"
            | b"COPY" | b"MOVE" | b"UNLOCK" | b"SEARCH" | b"REPORT" => true,
            _ => false,
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        buffer::give_back_out(std::mem::take(&mut self.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_http1::Limits;
    use std::net::{IpAddr, Ipv4Addr};

    fn read(text: &str) -> RequestHead {
        let mut head = RequestHead::default();
        head.read(text.as_bytes(), &Limits::DEFAULT).expect("a head");
        head
    }

    fn forwarded(text: &str) -> String {
        let mut bytes = Vec::new();
        outgoing(
            &read(text),
            &Peer::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), &[]),
            &["websocket".to_owned()],
            &Marks::default(),
        )
        .write(false, None, &mut bytes);
        String::from_utf8(bytes).expect("it was text")
    }

    #[test]
    fn fields_pass_as_they_came_and_ours_come_after_them() {
        let text =
            "GET /a?b HTTP/1.1\r\nhOST: example.com:8080\r\nX-OddCase:  a  \r\nx-oddcase: b\r\nVia: 1.0 c\r\n\r\n";
        let expected = "GET /a?b HTTP/1.1\r\nhOST: example.com:8080\r\nX-OddCase:  a  \r\nx-oddcase: b\r\nVia: 1.0 c\r\n\
            X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: example.com:8080\r\nX-Forwarded-Proto: http\r\nVia: 1.1 lb\r\n\r\n";
        assert_eq!(forwarded(text), expected);
    }

    #[test]
    fn each_attempt_has_a_number_of_its_own_in_the_trace() {
        let marking = crate::Marking { propagate: true, ..crate::Marking::default() };
        let request = read("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        let marks = marking.mark(request.fields());
        let head = outgoing(&request, &Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), &[]), &[], &marks);
        let trace = marks.span.expect("a part of a trace").trace;
        for span in [1, u64::MAX] {
            let mut bytes = b"before".to_vec();
            head.write(false, Some(span), &mut bytes);
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.contains(&format!("\r\ntraceparent: 00-{trace:032x}-{span:016x}-02\r\n")), "{text}");
        }
    }

    #[test]
    fn a_host_is_looked_up_without_its_port_and_the_dot_at_its_end() {
        for host in ["a.example", "a.example:80", "a.example.", "a.example.:80"] {
            let head = read(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert_eq!(place(&head).expect("a place").host, b"a.example", "{host}");
        }
        let head = read("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
        assert_eq!(place(&head).expect("a place").host, b"[::1]");
    }

    #[test]
    fn fields_of_one_connection_do_not_pass() {
        let head = forwarded(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\
             Proxy-Connection: close\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Mine: 1\r\nX-Yours: 2\r\n\r\n",
        );
        for gone in ["onnection", "Alive", "TE:", "Upgrade", "X-Mine"] {
            assert!(!head.contains(gone), "{gone}: {head}");
        }
        assert!(head.contains("\r\nX-Yours: 2\r\n"), "{head}");
    }

    #[test]
    fn a_connection_field_cannot_name_away_what_others_rely_on() {
        let head = forwarded(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nAuthorization: x\r\n\
             Connection: host, content-length, authorization, x-forwarded-for, via\r\n\r\n",
        );
        for there in
            ["\r\nHost: h", "Content-Length: 3", "Authorization: x", "X-Forwarded-For: 192.0.2.7", "Via: 1.1 lb"]
        {
            assert_eq!(head.matches(there).count(), 1, "{there}: {head}");
        }
    }

    #[test]
    fn a_switch_of_protocols_passes_where_it_is_allowed() {
        let upgrade = |lines: &str| forwarded(&format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")).contains("Upgrade");
        assert!(upgrade("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n"));
        for lines in [
            "Connection: Upgrade\r\nUpgrade: h2c\r\n",
            "Upgrade: websocket\r\n",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
            "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
        ] {
            assert!(!upgrade(lines), "{lines:?}");
        }
    }

    #[test]
    fn exactly_one_framing_goes_out() {
        let head = forwarded("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 003\r\nContent_Length: 9\r\n\r\n");
        assert!(head.contains("\r\nContent-Length: 3\r\n") && !head.contains('_'), "{head}");
        let head = forwarded("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n");
        assert!(head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{head}");
    }

    #[test]
    fn a_request_without_a_host_is_given_one() {
        assert!(forwarded("GET / HTTP/1.0\r\n\r\n").starts_with("GET / HTTP/1.1\r\nHost: \r\n"));
        let absolute = forwarded("GET http://h:80/a HTTP/1.0\r\n\r\n");
        assert!(absolute.starts_with("GET /a HTTP/1.1\r\nHost: h:80\r\n"), "{absolute}");
        assert!(absolute.contains("Via: 1.0 lb"), "{absolute}");
    }

    #[test]
    fn a_request_is_placed_by_its_host_without_the_port_and_its_path_without_the_query() {
        let placed = |text: &str| {
            let head = read(text);
            let place = place(&head).expect("it can be forwarded");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(place.host), text(place.path), place.query.map(text))
        };
        let (host, path, query) = placed("GET /a?b?c HTTP/1.1\r\nHost: h:80\r\n\r\n");
        assert_eq!((&host[..], &path[..], query.as_deref()), ("h", "/a", Some("b?c")));
        assert_eq!(placed("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").0, "[::1]");
        assert_eq!(placed("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n").0, "[::1]");
        assert_eq!(placed("GET / HTTP/1.0\r\n\r\n").0, "");
        assert_eq!(placed("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").1, "/");
    }

    #[test]
    fn connect_is_off() {
        let head = read("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
        assert_eq!(place(&head).expect_err("connect"), BadRequest::Connect);
    }

    #[test]
    fn a_client_that_waits_to_be_asked_is_waited_for_once() {
        let head = read("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
        let head = outgoing(&head, &Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), &[]), &[], &Marks::default());
        for asks in [true, false] {
            let mut bytes = Vec::new();
            head.write(asks, None, &mut bytes);
            let text = String::from_utf8(bytes).expect("it was text");
            assert_eq!(text.ends_with("\r\nExpect: 100-continue\r\n\r\n"), asks, "{text}");
            assert_eq!(text.matches("Expect").count(), usize::from(asks), "{text}");
        }
    }

    #[test]
    fn methods_that_may_do_twice_what_they_do_are_not_idempotent() {
        let head = |method: &str| {
            outgoing(
                &read(&format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n")),
                &Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), &[]),
                &[],
                &Marks::default(),
            )
        };
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
            assert!(head(method).is_idempotent(), "{method}");
        }
        for method in ["POST", "PATCH", "LOCK", "BREW", "get"] {
            assert!(!head(method).is_idempotent(), "{method}");
        }
    }
}
