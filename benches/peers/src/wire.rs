//! What goes over the wire: requests, answers, and the bytes in them that can be told from any others.

use std::rc::Rc;

use anyhow::{Context as _, Result, bail, ensure};

use crate::case::{Case, MIB_1};

/// The host that clients ask for, and that endpoints must be told.
pub(crate) const HOST: &str = "shop.example";

/// Header fields that a message may have here at most.
const FIELDS: usize = 32;

/// The bytes of every body: a body of n bytes is the first n of them. They do not repeat, so a piece that is lost, doubled
/// or out of place is noticed by a comparison, which costs less than a sum.
pub(crate) fn pattern() -> Rc<[u8]> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(MIB_1);
    while bytes.len() < MIB_1 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.into()
}

/// What a client sends in a case, head and body.
pub(crate) fn request(case: &Case, pattern: &[u8]) -> Vec<u8> {
    let method = if case.upload > 0 { "POST" } else { "GET" };
    let body = match case.upload {
        0 => String::new(),
        length => format!("Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n"),
    };
    let end = if case.fresh { "Connection: close\r\n\r\n" } else { "\r\n" };
    let head = format!(
        "{method} /bytes/{} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: peers/1.0\r\nAccept: */*\r\n\
         Accept-Language: en-GB,en;q=0.8\r\nCookie: session=5f0c6a1e9d3b4872\r\n{body}{end}",
        case.answer
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&pattern[..case.upload]);
    bytes
}

/// What an endpoint answers, head and body.
pub(crate) fn answer(length: usize, pattern: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\nServer: peers\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         Content-Type: application/octet-stream\r\nCache-Control: no-store\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(&pattern[..length]);
    bytes
}

/// What an endpoint answers that fails.
pub(crate) fn flaw() -> Vec<u8> {
    b"HTTP/1.1 503 Service Unavailable\r\nServer: peers\r\nContent-Length: 0\r\n\r\n".to_vec()
}

/// What an endpoint needs to know of a request's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The length of the head itself.
    pub(crate) head: usize,
    /// The length of the body that follows.
    pub(crate) body: usize,
    /// The length of the body that is asked for.
    pub(crate) answer: usize,
}

/// Reads a request's head as an endpoint gets it, if all of it is there; an error if it is not what a proxy was to make
/// of it, since a peer that does less work than the others cannot be compared with them.
pub(crate) fn asked(bytes: &[u8]) -> Result<Option<Asked>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(head) = request.parse(bytes).context("an endpoint got what is not HTTP")? else {
        return Ok(None);
    };
    let answer = request.path.and_then(|path| path.strip_prefix("/bytes/")?.parse().ok());
    let mut body = 0;
    let (mut host, mut forwarded_for, mut forwarded_host, mut forwarded_proto, mut via) = Default::default();
    for field in request.headers.iter() {
        match field.name.len() {
            4 if is(field, "host") => host = field.value == HOST.as_bytes(),
            3 if is(field, "via") => via = true,
            14 if is(field, "content-length") => body = number(field.value)?,
            15 if is(field, "x-forwarded-for") => forwarded_for = field.value == b"127.0.0.1",
            16 if is(field, "x-forwarded-host") => forwarded_host = field.value == HOST.as_bytes(),
            17 if is(field, "x-forwarded-proto") => forwarded_proto = field.value == b"http",
            17 if is(field, "transfer-encoding") => bail!("an endpoint was sent a body in chunks"),
            _ => {}
        }
    }
    ensure!(
        host && forwarded_for && forwarded_host && forwarded_proto && via,
        "an endpoint was not told all of Host, X-Forwarded-For, -Host, -Proto and Via: {}",
        String::from_utf8_lossy(&bytes[..head])
    );
    Ok(Some(Asked { head, body, answer: answer.context("an endpoint was asked for an unknown path")? }))
}

/// Reads an answer's head as a client gets it: its length, once all of it is there. An error if it is not a 200 with a
/// body of that length.
pub(crate) fn answered(bytes: &[u8], length: usize) -> Result<Option<usize>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = answer.parse(bytes).context("a client got what is not HTTP")? else {
        return Ok(None);
    };
    let told = answer.headers.iter().find(|field| is(field, "content-length"));
    let told = told.map(|field| number(field.value)).transpose()?;
    ensure!(
        answer.code == Some(200) && told == Some(length),
        "a client did not get a 200 with {length} bytes: {}",
        String::from_utf8_lossy(&bytes[..head])
    );
    Ok(Some(head))
}

fn is(field: &httparse::Header<'_>, name: &str) -> bool {
    field.name.eq_ignore_ascii_case(name)
}

fn number(value: &[u8]) -> Result<usize> {
    let text = str::from_utf8(value).context("a length is not text")?;
    text.parse().with_context(|| format!("{text} is no length"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CASES;

    const FORWARDED: &str = "GET /bytes/128 HTTP/1.1\r\nhost: shop.example\r\nx-forwarded-for: 127.0.0.1\r\n\
                             x-forwarded-host: shop.example\r\nx-forwarded-proto: http\r\nvia: 1.1 lb\r\n\r\n";

    #[test]
    fn a_forwarded_request_is_read() {
        let read = asked(FORWARDED.as_bytes()).expect("it is as it should be");
        assert_eq!(read, Some(Asked { head: FORWARDED.len(), body: 0, answer: 128 }));
        assert_eq!(asked(&FORWARDED.as_bytes()[..40]).expect("a part of it is no mistake"), None);
    }

    #[test]
    fn a_proxy_that_leaves_a_field_out_is_noticed() {
        for name in ["host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via"] {
            let without = FORWARDED.replace(&format!("\r\n{name}:"), "\r\nother:");
            assert!(asked(without.as_bytes()).is_err(), "{name}");
        }
    }

    #[test]
    fn only_a_200_of_the_right_length_is_an_answer() {
        let bytes = answer(128, &pattern());
        assert_eq!(answered(&bytes, 128).expect("it is right"), Some(bytes.len() - 128));
        assert!(answered(&bytes, 129).is_err());
        assert!(answered(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 128\r\n\r\n", 128).is_err());
    }

    #[test]
    fn what_a_client_sends_is_not_what_an_endpoint_expects_before_a_proxy_saw_it() {
        for case in CASES {
            assert!(asked(&request(&case, &pattern())).is_err(), "{}", case.name);
        }
    }
}
