//! Writes a request that `lb-http1` accepted as the proxy would send it on, and lets a strict reader say whether that is one
//! request, and the same one.

use lb_http1::{Field, Fields, Framing, Known, LAST_CHUNK, RequestHead, push_chunk, push_decimal};

use super::reading::{Message, escaped};
use super::strict::Request;

/// # Errors
///
/// What the strict reader has against the request as it is sent on, and the bytes of that.
pub(crate) fn judge(head: &RequestHead, message: &Message, trailers: Option<&Fields>) -> Result<(), String> {
    // The proxy never sends CONNECT on.
    if head.method() == b"CONNECT" {
        return Ok(());
    }
    let bytes = rewritten(head, message, trailers);
    let failed = |why: &str| format!("{why}\n  sent on: b\"{}\"", escaped(&bytes));
    let mut left = &bytes[..];
    let read = match (Request::read(&mut left), message.is_whole) {
        (Ok(read), true) => read,
        // What was cut is read up to the cut. A head says no less for that.
        (Err(why), false) if ["the body is not all there", "a line has no end"].contains(&&why[..]) => return Ok(()),
        (Ok(_), false) => return Err(failed("the cut was not seen")),
        (Err(why), _) => return Err(failed(&why)),
    };
    let pass = |field: &Field<'_>| passes(head, field);
    let fields = head.fields().iter().filter(pass).map(|field| (field.name, field.value));
    // What is added is first or last.
    let (added_first, passed) = (usize::from(!head.fields().has(Known::Host)), fields.clone().count());
    let trailing = trailers.into_iter().flat_map(|fields| fields.iter().filter(is_trailer));
    let rules = [
        (left.is_empty(), "something follows the request"),
        (read.method == head.method(), "the method is another"),
        (read.target == head.path_and_query(), "the target is another"),
        (read.fields.iter().skip(added_first).take(passed).copied().eq(fields), "the fields are others"),
        (read.fields.len() <= added_first + passed + 1, "there are more fields than were sent"),
        (read.body == message.data, "the body is another"),
        (read.trailers.iter().copied().eq(trailing.map(|field| (field.name, field.value))), "the trailers are others"),
        (names_one_host(head), "the target and the Host field name different hosts"),
    ];
    rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(failed(why)))
}

fn rewritten(head: &RequestHead, message: &Message, trailers: Option<&Fields>) -> Vec<u8> {
    let mut bytes = [head.method(), b" ", head.path_and_query(), b" HTTP/1.1\r\n"].concat();
    if !head.fields().has(Known::Host) {
        bytes.extend([b"Host: ", head.authority(), b"\r\n"].concat());
    }
    head.fields().iter().filter(|field| passes(head, field)).for_each(|field| bytes.extend_from_slice(field.line));
    match head.framing() {
        Framing::Empty | Framing::UntilClose => bytes.extend_from_slice(b"\r\n"),
        Framing::Length(length) => {
            bytes.extend_from_slice(b"Content-Length: ");
            push_decimal(&mut bytes, length);
            bytes.extend_from_slice(b"\r\n\r\n");
            bytes.extend_from_slice(&message.data);
        }
        Framing::Chunked => {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            message.data.chunks(17).for_each(|chunk| push_chunk(&mut bytes, chunk));
            match (trailers, message.is_whole) {
                (_, false) => {}
                (None, true) => bytes.extend_from_slice(LAST_CHUNK),
                (Some(trailers), true) => {
                    bytes.extend_from_slice(b"0\r\n");
                    trailers.iter().filter(is_trailer).for_each(|field| bytes.extend_from_slice(field.line));
                    bytes.extend_from_slice(b"\r\n");
                }
            }
        }
    }
    bytes
}

/// Whether a field goes on to the next hop, as it does in the proxy (RFC 9110 §7.6.1).
fn passes(head: &RequestHead, field: &Field<'_>) -> bool {
    match field.known {
        Known::Connection
        | Known::ContentLength
        | Known::Expect
        | Known::KeepAlive
        | Known::ProxyConnection
        | Known::Te
        | Known::TransferEncoding
        | Known::Upgrade => false,
        Known::Host => true,
        Known::Other | Known::Date | Known::Forwarded | Known::Trailer | Known::Via => {
            !head.fields().connection_options().any(|option| option.eq_ignore_ascii_case(field.name))
        }
    }
}

fn is_trailer(field: &Field<'_>) -> bool {
    field.known == Known::Other
}

/// Whether the Host field, which goes on as it came, says what the target said. A port may be left out where it is the usual one.
fn names_one_host(head: &RequestHead) -> bool {
    let Some(host) = head.fields().known(Known::Host).next() else { return true };
    let (host, authority) = (host.to_ascii_lowercase(), head.authority().to_ascii_lowercase());
    let with = |name: &[u8], port: &str| [name, port.as_bytes()].concat();
    let usual = |port: &str| host == with(&authority, port) || authority == with(&host, port);
    host == authority || usual(":80") || usual(":443")
}
