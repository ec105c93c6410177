//! What happens to a message's head on its way through. Only this module touches header fields.
//!
//! Fields pass line by line, as they came: in their order, their case, their spacing. What does not pass is left out, and
//! what is added comes after.

mod answer;
mod hops;
mod request;

use lb_http1::{Field, Fields, Known, ResponseHead};

pub(crate) use self::answer::{Ending, carried, interim, own};
pub(crate) use self::hops::Peer;
use self::hops::is_claim;
use self::request::is_ours;
pub(crate) use self::request::{Outgoing, Place, outgoing, place};

/// Fields that a `Connection` field cannot name away: losing them would change who is asked, or where a message ends.
const PROTECTED: [&str; 3] = ["host", "content-length", "authorization"];

/// Which of a message's fields pass.
struct Filter<'f> {
    fields: &'f Fields,
    // Whether a Connection field names anything.
    names_any: bool,
}

impl<'f> Filter<'f> {
    fn new(fields: &'f Fields) -> Self {
        Self { fields, names_any: fields.has(Known::Connection) }
    }

    /// Whether a field may go on to the next hop: it belongs to the message, not to one connection (RFC 9110 §7.6.1), and
    /// does not frame it. TE goes too: it is about the next hop.
    fn passes(&self, field: Field<'_>) -> bool {
        match field.known {
            Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::Te
            | Known::TransferEncoding
            | Known::ContentLength
            | Known::Upgrade => false,
            Known::Host => true,
            Known::Other | Known::Date | Known::Expect | Known::Forwarded | Known::Trailer | Known::Via => {
                !self.names_any || !self.is_named(field.name)
            }
        }
    }

    fn is_named(&self, name: &[u8]) -> bool {
        let is = |other: &[u8]| other.eq_ignore_ascii_case(name);
        !PROTECTED.iter().any(|protected| is(protected.as_bytes())) && self.fields.connection_options().any(is)
    }
}

/// Whether an answer that switches protocols switches to the one that was asked for (RFC 9110 §7.8).
pub(crate) fn agrees(answer: &ResponseHead, asked: Option<&str>) -> bool {
    let mut protocols = answer.fields().known(Known::Upgrade);
    let is_asked = |protocol: &[u8]| asked.is_some_and(|asked| asked.as_bytes().eq_ignore_ascii_case(protocol));
    protocols.next().is_some_and(is_asked) && protocols.next().is_none()
}

/// A letter of a field's name as the loosest of servers reads it: without case, and an underscore as a hyphen, as CGI does.
fn loosely(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

/// Appends one line.
pub(crate) fn push_field(into: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        into.extend_from_slice(part);
    }
}

/// Appends the trailer fields that may pass: none that frames a message, routes it, or says who sends it (RFC 9110 §6.5.1).
pub(crate) fn push_trailers(into: &mut Vec<u8>, trailers: &Fields) {
    for field in trailers.iter() {
        let own = [
            "authorization",
            "proxy-authorization",
            "proxy-authenticate",
            "cookie",
            "set-cookie",
            "content-encoding",
            "content-type",
            "content-range",
            "trailer",
        ];
        if field.known == Known::Other
            && !is_ours(&field)
            && !is_claim(&field)
            && !own.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(field.name))
        {
            into.extend_from_slice(field.line);
        }
    }
}
