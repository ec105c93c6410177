//! What ties a request to an endpoint where the cluster's algorithm hashes. Chooses none: the picker does.

use std::net::IpAddr;

use http::HeaderName;
use lb_balance::hash_key;
use lb_http1::Fields;

use crate::cookie;
use crate::forward::Place;
use crate::route::parameter;

/// What of a request is its key: requests of one key go to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The client's address.
    Client,
    /// The path, without the query.
    Path,
    /// The header field of this name, the first one if there are several.
    Header(HeaderName),
    /// The cookie of this name.
    Cookie(String),
    /// The query parameter of this name, decoded.
    Query(String),
}

impl Key {
    /// The key's hash; `None` if the request lacks what it is made of, or says nothing in it.
    pub(crate) fn hash_of(&self, place: &Place<'_>, fields: &Fields, client: IpAddr) -> Option<u64> {
        let hash = |bytes: &[u8]| (!bytes.is_empty()).then(|| hash_key(bytes));
        match self {
            Self::Client => match client.to_canonical() {
                IpAddr::V4(address) => hash(&address.octets()),
                IpAddr::V6(address) => hash(&address.octets()),
            },
            Self::Path => hash(place.path),
            Self::Header(name) => hash(fields.get(name.as_str())?),
            Self::Cookie(name) => hash(cookie::values(fields, name).next()?),
            Self::Query(name) => hash(&parameter(place.query?, name)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_http1::Limits;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn hash(key: &Key, target: &str, fields: &[(&str, &str)]) -> Option<u64> {
        let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let fields = Fields::read(format!("{}\r\n", lines.concat()).as_bytes(), &Limits::DEFAULT).expect("fields");
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.as_bytes())));
        key.hash_of(&Place { host: b"h", path: path.as_bytes(), query }, &fields, CLIENT)
    }

    #[test]
    fn each_kind_of_key_is_read_from_its_place() {
        let header = Key::Header(HeaderName::from_static("x-user"));
        let (cookie, query) = (Key::Cookie("user".to_owned()), Key::Query("user".to_owned()));
        let ann = Some(hash_key(b"ann"));
        assert_eq!(hash(&header, "/", &[("x-user", "ann"), ("x-user", "bob")]), ann);
        assert_eq!(hash(&cookie, "/", &[("cookie", "a=b; user=ann")]), ann);
        assert_eq!(hash(&query, "/?users=bob&user=a%6En&user=bob", &[]), ann);
        assert_eq!(hash(&Key::Path, "/ann?user=bob", &[]), Some(hash_key(b"/ann")));
        assert_eq!(hash(&Key::Client, "/", &[]), Some(hash_key(&[192, 0, 2, 7])));
    }

    #[test]
    fn a_request_that_lacks_it_has_no_key() {
        for key in [
            Key::Header(HeaderName::from_static("x-user")),
            Key::Cookie("user".to_owned()),
            Key::Query("user".to_owned()),
        ] {
            assert_eq!(hash(&key, "/", &[]), None, "{key:?}");
            assert_eq!(hash(&key, "/?user=", &[("x-user", ""), ("cookie", "user=")]), None, "{key:?}");
        }
    }

    #[test]
    fn a_client_has_one_key_by_either_kind_of_address() {
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().expect("an address");
        let place = Place { host: b"h", path: b"/", query: None };
        let hash = |client| Key::Client.hash_of(&place, &Fields::default(), client);
        assert_eq!(hash(mapped), hash(CLIENT));
    }
}
