//! An answer's head on its way to the client.

use http::response::Parts;
use lb_http1::{Framing, Known, RequestHead, ResponseHead, Version, push_decimal};

use super::{Filter, push_field};
use crate::clock::Clock;
use crate::{buffer, header};

/// How an answer ends for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// How its body is framed.
    pub(crate) framing: Framing,
    /// Whether its connection ends with it.
    pub(crate) closes: bool,
}

/// Appends the head of an endpoint's answer, with those lines added.
pub(crate) fn carried(
    into: &mut Vec<u8>,
    head: &ResponseHead,
    additions: &[u8],
    request: &RequestHead,
    closes: bool,
    clock: &Clock,
) -> Ending {
    status_line(into, head.status(), head.reason());
    let filter = Filter::new(head.fields());
    // The attempt has seen to it that it is the protocol that was asked for.
    if head.status() == 101 {
        into.extend_from_slice(b"Connection: Upgrade\r\n");
        head.fields().known(Known::Upgrade).for_each(|protocol| push_field(into, "Upgrade", protocol));
    }
    for field in head.fields().iter().filter(|field| filter.passes(*field)) {
        let is_ours = field.name.len() <= MOST_OURS && OURS.iter().any(|ours| ours.eq_ignore_ascii_case(field.name));
        if !is_ours {
            into.extend_from_slice(field.line);
        }
    }
    into.extend_from_slice(additions);
    if head.status() == 101 {
        into.extend_from_slice(b"\r\n");
        return Ending { framing: Framing::Empty, closes: true };
    }
    // RFC 9110 §6.6.1: whoever has a clock adds it for an origin that has none.
    if !head.fields().has(Known::Date) {
        clock.push_date(into);
    }
    let framing = head.framing(request.method());
    // What an answer to HEAD or a 304 says of a length is that of the answer that it stands for.
    let stands_for_one = framing == Framing::Empty && (request.method() == b"HEAD" || head.status() == 304);
    match (framing, head.declared()) {
        (Framing::Empty, Some(Framing::Length(length))) if stands_for_one => push_length(into, length),
        _ => {}
    }
    end(into, framing, request, closes)
}

/// Fields of an answer that are only `lb`'s to write.
const OURS: [&[u8]; 2] = [header::TRACE_NAME.as_bytes(), header::REJECT_NAME.as_bytes()];
const MOST_OURS: usize = 9;

/// Appends the head of an answer of this process: a rejection, a file, the admin API. `length` is that of its body, if it is
/// known.
pub(crate) fn own(
    into: &mut Vec<u8>,
    head: &Parts,
    length: Option<u64>,
    request: Option<&RequestHead>,
    closes: bool,
    clock: &Clock,
) -> Ending {
    static NONE: std::sync::LazyLock<RequestHead> = std::sync::LazyLock::new(RequestHead::default);
    let request = request.unwrap_or(&NONE);
    status_line(into, head.status.as_u16(), head.status.canonical_reason().unwrap_or_default().as_bytes());
    let mut declared = None;
    for (name, value) in &head.headers {
        match name {
            &http::header::CONTENT_LENGTH => declared = value.to_str().ok().and_then(|length| length.parse().ok()),
            &http::header::CONNECTION | &http::header::TRANSFER_ENCODING | &http::header::DATE => {}
            name => push_field(into, name.as_str(), value.as_bytes()),
        }
    }
    clock.push_date(into);
    let is_empty = request.method() == b"HEAD" || matches!(head.status.as_u16(), 100..=199 | 204 | 304);
    let framing = match length {
        _ if is_empty => Framing::Empty,
        Some(length) => Framing::Length(length),
        None => Framing::Chunked,
    };
    if is_empty && let Some(length) = declared.or(length.filter(|_| request.method() == b"HEAD")) {
        push_length(into, length);
    }
    end(into, framing, request, closes)
}

/// The head of an interim answer, whole.
pub(crate) fn interim(head: &ResponseHead) -> Vec<u8> {
    let mut text = buffer::borrow_out();
    status_line(&mut text, head.status(), head.reason());
    let filter = Filter::new(head.fields());
    for field in head.fields().iter().filter(|field| filter.passes(*field)) {
        text.extend_from_slice(field.line);
    }
    text.extend_from_slice(b"\r\n");
    text
}

fn status_line(into: &mut Vec<u8>, status: u16, reason: &[u8]) {
    into.extend_from_slice(b"HTTP/1.1 ");
    push_decimal(into, status.into());
    into.push(b' ');
    into.extend_from_slice(reason);
    into.extend_from_slice(b"\r\n");
}

fn push_length(into: &mut Vec<u8>, length: u64) {
    into.extend_from_slice(b"Content-Length: ");
    push_decimal(into, length);
    into.extend_from_slice(b"\r\n");
}

/// Says where the body ends and whether the connection does, as the client's version lets it be said.
fn end(into: &mut Vec<u8>, framing: Framing, request: &RequestHead, closes: bool) -> Ending {
    let is_old = request.version() == Version::Http10;
    let framing = match framing {
        Framing::Empty => Framing::Empty,
        Framing::Length(length) => {
            push_length(into, length);
            Framing::Length(length)
        }
        // HTTP/1.0 knows no chunks: the answer ends with the connection.
        Framing::Chunked | Framing::UntilClose if is_old => Framing::UntilClose,
        Framing::Chunked | Framing::UntilClose => {
            into.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            Framing::Chunked
        }
    };
    let closes = closes || framing == Framing::UntilClose;
    match (closes, is_old) {
        (true, _) => into.extend_from_slice(b"Connection: close\r\n"),
        (false, true) => into.extend_from_slice(b"Connection: keep-alive\r\n"),
        (false, false) => {}
    }
    into.extend_from_slice(b"\r\n");
    Ending { framing, closes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_http1::Limits;

    fn answered(request: &str, answer: &str) -> (String, Ending) {
        let (mut request_head, mut head, mut bytes) = (RequestHead::default(), ResponseHead::default(), Vec::new());
        let request = format!("{request}\r\nHost: h\r\n\r\n");
        request_head.read(request.as_bytes(), &Limits::DEFAULT).expect("a request");
        head.read(answer.as_bytes(), &Limits::DEFAULT).expect("an answer");
        let closes = request_head.wants_close();
        let ending = carried(&mut bytes, &head, b"", &request_head, closes, &Clock::start());
        (String::from_utf8(bytes).expect("it was text"), ending)
    }

    #[test]
    fn fields_pass_as_they_came() {
        let answer =
            "HTTP/1.1 299 Odd Words\r\nX-OddCase:  a \r\nDate: d\r\nset-COOKIE: c\r\nContent-Length: 3\r\n\r\n";
        let (text, ending) = answered("GET / HTTP/1.1", answer);
        assert_eq!(text, answer);
        assert_eq!(ending, Ending { framing: Framing::Length(3), closes: false });
    }

    #[test]
    fn fields_of_one_connection_and_of_ours_do_not_pass() {
        let (text, _) = answered(
            "GET / HTTP/1.1",
            "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n\
             LB-Reject: no-route\r\nlb-trace: x\r\nDate: d\r\nX: y\r\nContent-Length: 0\r\n\r\n",
        );
        assert_eq!(text, "HTTP/1.1 200 OK\r\nDate: d\r\nX: y\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn an_answer_without_a_date_gets_one() {
        let (text, _) = answered("GET / HTTP/1.1", "HTTP/1.1 204 No\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 204 No\r\nDate: ") && text.contains(" GMT\r\n"), "{text}");
    }

    #[test]
    fn where_an_answer_ends_is_said_as_the_client_understands_it() {
        for (request, answer, framing, closes, said) in [
            (
                "GET / HTTP/1.1",
                "Transfer-Encoding: chunked\r\n",
                Framing::Chunked,
                false,
                "Transfer-Encoding: chunked\r\n",
            ),
            ("GET / HTTP/1.1", "", Framing::Chunked, false, "Transfer-Encoding: chunked\r\n"),
            ("GET / HTTP/1.0", "Transfer-Encoding: chunked\r\n", Framing::UntilClose, true, "Connection: close\r\n"),
            ("GET / HTTP/1.0\r\nConnection: keep-alive", "", Framing::UntilClose, true, "Connection: close\r\n"),
            (
                "GET / HTTP/1.0\r\nConnection: keep-alive",
                "Content-Length: 3\r\n",
                Framing::Length(3),
                false,
                "Content-Length: 3\r\nConnection: keep-alive\r\n",
            ),
            ("HEAD / HTTP/1.1", "Content-Length: 3\r\n", Framing::Empty, false, "Content-Length: 3\r\n"),
            ("HEAD / HTTP/1.1", "Transfer-Encoding: chunked\r\n", Framing::Empty, false, "Date: d\r\n"),
            (
                "GET / HTTP/1.1\r\nConnection: close",
                "Content-Length: 3\r\n",
                Framing::Length(3),
                true,
                "Connection: close\r\n",
            ),
        ] {
            let (text, ending) = answered(request, &format!("HTTP/1.1 200 OK\r\nDate: d\r\n{answer}\r\n"));
            assert_eq!(ending, Ending { framing, closes }, "{request} {answer}");
            assert!(text.ends_with(&format!("{said}\r\n")), "{request} {answer}: {text}");
        }
    }

    #[test]
    fn an_answer_without_a_body_says_nothing_of_a_length_but_what_it_stands_for() {
        let (text, _) = answered("GET / HTTP/1.1", "HTTP/1.1 304 No\r\nDate: d\r\nContent-Length: 3\r\n\r\n");
        assert_eq!(text, "HTTP/1.1 304 No\r\nDate: d\r\nContent-Length: 3\r\n\r\n");
        let (text, _) = answered("GET / HTTP/1.1", "HTTP/1.1 204 No\r\nDate: d\r\nContent-Length: 3\r\n\r\n");
        assert_eq!(text, "HTTP/1.1 204 No\r\nDate: d\r\n\r\n");
    }
}
