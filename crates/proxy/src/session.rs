//! Sessions that stay at their endpoint: the cookie that tells which one it is. Whether it may be chosen is `lb-balance`'s to
//! say.
//!
//! The cookie's value is a keyed hash of the endpoint's name, so a client can neither read it nor choose an endpoint. There
//! are only as many values as endpoints: all are made at the start, and a request costs one look-up.

use std::collections::HashMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderValue;
use lb_balance::EndpointId;
use lb_http1::Fields;
use sha2::Sha256;

use crate::config::StickyConfig;
use crate::{Secret, cookie};

/// So many bytes of a hash are in a cookie: 2^128 values are more than anybody can try.
const TOKEN_BYTES: usize = 16;

/// The sessions of one cluster. Keeps nothing of any single one.
#[derive(Debug)]
pub(crate) struct Sessions {
    cookie: String,
    endpoints: HashMap<Vec<u8>, EndpointId>,
    // By endpoint, the whole Set-Cookie field.
    bindings: Box<[HeaderValue]>,
}

impl Sessions {
    pub(crate) fn new<'a>(sticky: &StickyConfig, cluster: &str, endpoints: impl Iterator<Item = &'a str>) -> Self {
        let secret = sticky.secret.clone().unwrap_or_else(Secret::draw);
        let tokens: Vec<_> = endpoints.map(|endpoint| token(&secret, cluster, endpoint)).collect();
        let binding = |token: &String| {
            let mut field = format!("{}={token}; Path=/; HttpOnly; SameSite=Lax", sticky.cookie);
            if let Some(max_age) = sticky.max_age {
                write!(field, "; Max-Age={}", max_age.as_secs()).expect("a string takes all that is written");
            }
            HeaderValue::try_from(field).expect("names of cookies are tokens, all else is ours")
        };
        Self {
            cookie: sticky.cookie.clone(),
            bindings: tokens.iter().map(binding).collect(),
            endpoints: tokens.into_iter().map(String::into_bytes).zip((0..).map(EndpointId)).collect(),
        }
    }

    /// The endpoint that the request's session is bound to; `None` if it has no session, or claims one that there is not.
    pub(crate) fn endpoint_of(&self, request: &Fields) -> Option<EndpointId> {
        cookie::values(request, &self.cookie).find_map(|token| self.endpoints.get(token).copied())
    }

    /// The Set-Cookie field that binds a session to the endpoint.
    pub(crate) fn binding(&self, endpoint: EndpointId) -> &HeaderValue {
        &self.bindings[endpoint.index()]
    }
}

/// What stands for an endpoint in cookies. No endpoint's name has a NUL in it, so no two endpoints share one.
fn token(secret: &Secret, cluster: &str, endpoint: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("a key may have any length");
    for part in [cluster.as_bytes(), b"\0", endpoint.as_bytes()] {
        mac.update(part);
    }
    let hash = mac.finalize().into_bytes();
    hash.iter().take(TOKEN_BYTES).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes all that is written");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_http1::Limits;
    use std::time::Duration;

    fn sticky(secret: Option<&str>) -> StickyConfig {
        let secret = secret.map(|text| Secret::new(text.as_bytes().to_vec()));
        StickyConfig { cookie: "lb-session".to_owned(), secret, max_age: None }
    }

    fn sessions(secret: Option<&str>) -> Sessions {
        Sessions::new(&sticky(secret), "web", ["e1", "e2"].into_iter())
    }

    fn bound(sessions: &Sessions, endpoint: u32) -> String {
        sessions.binding(EndpointId(endpoint)).to_str().expect("it is text").to_owned()
    }

    fn endpoint_of(sessions: &Sessions, cookie: &str) -> Option<u32> {
        let section = format!("Cookie: {cookie}\r\n\r\n");
        let request = Fields::read(section.as_bytes(), &Limits::DEFAULT).expect("a field");
        sessions.endpoint_of(&request).map(|endpoint| endpoint.0)
    }

    /// Or sessions would end with an update.
    #[test]
    fn a_token_is_the_same_for_ever() {
        let set = bound(&sessions(Some("a secret of enough bytes")), 1);
        // As Python's `hmac` makes it of "web\0e2".
        assert!(set.starts_with("lb-session=fa28f75a7fa89f78c90107a2ef1ebe64;"), "{set}");
    }

    #[test]
    fn a_session_leads_back_to_its_endpoint() {
        let sessions = sessions(Some("a secret of enough bytes"));
        for endpoint in [0, 1] {
            let set = bound(&sessions, endpoint);
            let (cookie, attributes) = set.split_once(';').expect("it has attributes");
            assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Lax");
            assert_eq!(endpoint_of(&sessions, &format!("x=y; {cookie}")), Some(endpoint));
            assert_eq!(endpoint_of(&sessions, &format!("lb-session=stale; {cookie}")), Some(endpoint));
        }
    }

    #[test]
    fn what_another_secret_or_a_client_made_leads_nowhere() {
        let (ours, drawn) = (sessions(Some("a secret of enough bytes")), sessions(None));
        let theirs = bound(&sessions(Some("another one of enough bytes")), 0);
        for cookie in [theirs.as_str(), &bound(&sessions(None), 0), "lb-session=e1", "lb-session=", "lb-session=0"] {
            let cookie = cookie.split(';').next().expect("a part");
            assert_eq!((endpoint_of(&ours, cookie), endpoint_of(&drawn, cookie)), (None, None), "{cookie}");
        }
    }

    #[test]
    fn a_session_may_have_an_end() {
        let sticky = StickyConfig { max_age: Some(Duration::from_hours(1)), ..sticky(None) };
        let sessions = Sessions::new(&sticky, "web", ["e1"].into_iter());
        assert!(bound(&sessions, 0).ends_with("; SameSite=Lax; Max-Age=3600"));
    }

    #[test]
    fn a_secret_is_not_told_by_accident() {
        let debug = format!("{:?}", sticky(Some("a secret of enough bytes")));
        assert!(!debug.contains("enough"), "{debug}");
    }
}
