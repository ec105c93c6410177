//! What an endpoint is told of the hops before it: who asked, under which name, and how. A client may claim what it likes of earlier
//! ones; only of a proxy that is trusted is it believed.

use std::net::IpAddr;

use ipnet::IpNet;
use lb_http1::{Field, Fields, Known};

use super::{loosely, push_field};

/// Who a request comes from.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    // Written once a connection, not once a request.
    text: Box<str>,
    // What it says of earlier hops is believed.
    is_trusted: bool,
}

/// What a field says of earlier hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    For,
    Host,
    Proto,
    /// `Forwarded` (RFC 7239), and whatever else begins as these do.
    Other,
    /// As one of these may be read: a server behind may take an underscore for a hyphen, as CGI does.
    Disguised,
}

const PREFIX: &[u8] = b"x-forwarded-";

impl Peer {
    /// Whoever has this address, which is trusted if it lies in one of these networks.
    pub(crate) fn new(address: IpAddr, trusted: &[IpNet]) -> Self {
        let canonical = address.to_canonical();
        let is_trusted = trusted.iter().any(|network| network.contains(&canonical));
        Self { address, text: canonical.to_string().into(), is_trusted }
    }

    /// Whether that field passes as it came, although it speaks of earlier hops; `None` if it does not speak of them.
    pub(super) fn passes(&self, field: &Field<'_>) -> Option<bool> {
        let claim = claim(field)?;
        // Their list goes on with this hop, so it is written anew.
        Some(self.is_trusted && !matches!(claim, Claim::For | Claim::Disguised))
    }

    /// Appends what is said of this hop, and of those before it if that is believed.
    pub(super) fn push(&self, fields: &Fields, authority: &[u8], into: &mut Vec<u8>) {
        // Without a look at the fields where none of them counts.
        let fields = self.is_trusted.then_some(fields);
        let claims =
            |wanted| fields.into_iter().flat_map(Fields::iter).filter(move |field| claim(field) == Some(wanted));
        into.extend_from_slice(b"X-Forwarded-For: ");
        for field in claims(Claim::For).filter(|field| !field.value.is_empty()) {
            into.extend_from_slice(field.value);
            into.extend_from_slice(b", ");
        }
        into.extend_from_slice(self.text.as_bytes());
        into.extend_from_slice(b"\r\n");
        if !authority.is_empty() && claims(Claim::Host).next().is_none() {
            push_field(into, "X-Forwarded-Host", authority);
        }
        if claims(Claim::Proto).next().is_none() {
            into.extend_from_slice(b"X-Forwarded-Proto: http\r\n");
        }
    }
}

/// Whether a field speaks of earlier hops.
pub(super) fn is_claim(field: &Field<'_>) -> bool {
    claim(field).is_some()
}

fn claim(field: &Field<'_>) -> Option<Claim> {
    match field.known {
        Known::Forwarded => return Some(Claim::Other),
        // Most names begin with another letter.
        Known::Other if matches!(field.name.first(), Some(b'x' | b'X')) && field.name.len() > PREFIX.len() => {}
        _ => return None,
    }
    let (begin, rest) = field.name.split_at(PREFIX.len());
    if !begin.iter().copied().map(loosely).eq(PREFIX.iter().copied()) {
        return None;
    }
    if field.name.contains(&b'_') {
        return Some(Claim::Disguised);
    }
    Some(match rest.to_ascii_lowercase().as_slice() {
        b"for" => Claim::For,
        b"host" => Claim::Host,
        b"proto" => Claim::Proto,
        _ => Claim::Other,
    })
}

#[cfg(test)]
mod tests {
    use lb_http1::{Limits, RequestHead};

    use super::*;
    use crate::forward::outgoing;
    use crate::marks::Marks;

    const CLAIMS: &str = "X-Forwarded-For: 203.0.113.9\r\nx-forwarded-FOR: 10.0.0.1, 10.0.0.2\r\nX-FORWARDED-PROTO: https\r\n\
        X-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 443\r\nForwarded: for=203.0.113.9\r\n\
        x_forwarded_for: 198.51.100.1\r\nX-Forwarded_Proto: ftp\r\n";

    fn from(address: &str, trusted: &[&str], claims: &str) -> String {
        let mut head = RequestHead::default();
        let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{claims}\r\n");
        head.read(text.as_bytes(), &Limits::DEFAULT).expect("a head");
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        let peer = Peer::new(address.parse().expect("an address"), &trusted);
        let mut bytes = Vec::new();
        outgoing(&head, &peer, &[], &Marks::default()).write(false, None, &mut bytes);
        String::from_utf8(bytes).expect("it was text").split_once("Host: h\r\n").expect("it is there").1.to_owned()
    }

    #[test]
    fn what_a_client_claims_of_earlier_hops_is_overwritten() {
        let ours =
            "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: h\r\nX-Forwarded-Proto: http\r\nVia: 1.1 lb\r\n\r\n";
        for trusted in [&[][..], &["10.0.0.0/8"], &["192.0.2.8/32", "2001:db8::/32"]] {
            assert_eq!(from("192.0.2.7", trusted, CLAIMS), ours);
        }
    }

    #[test]
    fn what_a_trusted_proxy_says_of_earlier_hops_passes_and_its_own_address_is_added() {
        let expected = "X-FORWARDED-PROTO: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 443\r\n\
            Forwarded: for=203.0.113.9\r\nX-Forwarded-For: 203.0.113.9, 10.0.0.1, 10.0.0.2, 192.0.2.7\r\nVia: 1.1 lb\r\n\r\n";
        for address in ["192.0.2.7", "::ffff:192.0.2.7"] {
            assert_eq!(from(address, &["192.0.2.0/24"], CLAIMS), expected);
        }
    }

    #[test]
    fn what_a_trusted_proxy_does_not_say_is_said() {
        let said = from("2001:db8::1", &["2001:db8::/32"], "X-Forwarded-For:\r\n");
        let expected =
            "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Host: h\r\nX-Forwarded-Proto: http\r\nVia: 1.1 lb\r\n\r\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn a_connection_field_names_no_trusted_claim_away() {
        let said = from("10.0.0.1", &["10.0.0.1/32"], "Connection: x-forwarded-proto\r\nX-Forwarded-Proto: https\r\n");
        assert!(said.contains("X-Forwarded-Proto: https\r\n") && !said.contains("Proto: http\r\n"), "{said}");
    }
}
