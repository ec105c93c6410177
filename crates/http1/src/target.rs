//! The target of a request: which form it has, and what is in it (RFC 9112 §3.2).

use crate::Refusal;

/// A request's target, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'t> {
    /// The host and port of a target in absolute form, or of CONNECT.
    pub(crate) authority: Option<&'t [u8]>,
    /// Path and query as they are forwarded: begins with `/`, or is `*` (OPTIONS only), or empty for CONNECT.
    pub(crate) path_and_query: &'t [u8],
    /// Whether the target says a path; else it is one that stands for none.
    pub(crate) says_path: bool,
}

impl<'t> Target<'t> {
    /// # Errors
    ///
    /// [`Refusal::Target`] if it has none of the four forms, or a character that no target has.
    pub(crate) fn of(method: &[u8], target: &'t [u8]) -> Result<Self, Refusal> {
        if method == b"CONNECT" {
            return is_authority(target)
                .then_some(Self { authority: Some(target), path_and_query: b"", says_path: true })
                .ok_or(Refusal::Target);
        }
        let found = match target {
            [b'/', ..] => Self { authority: None, path_and_query: target, says_path: true },
            b"*" if method == b"OPTIONS" => Self { authority: None, path_and_query: target, says_path: true },
            _ => split_absolute(method, target).ok_or(Refusal::Target)?,
        };
        is_path_and_query(found.path_and_query).then_some(found).ok_or(Refusal::Target)
    }
}

fn split_absolute<'t>(method: &[u8], target: &'t [u8]) -> Option<Target<'t>> {
    let begins = |scheme: &str| target.get(..scheme.len()).is_some_and(|t| t.eq_ignore_ascii_case(scheme.as_bytes()));
    let scheme = ["http://", "https://"].into_iter().find(|scheme| begins(scheme))?;
    let rest = &target[scheme.len()..];
    let (authority, path) = rest.split_at(rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len()));
    let path_and_query = match path {
        // RFC 9112 §3.2.4: a target without a path stands for all of the server, if it is OPTIONS.
        [] if method == b"OPTIONS" => b"*",
        [] => b"/",
        // A query without a path would have to be given one; nobody sends it.
        [b'?', ..] => return None,
        path => path,
    };
    let is_good = !authority.is_empty() && is_authority(authority);
    is_good.then_some(Target { authority: Some(authority), path_and_query, says_path: !path.is_empty() })
}

/// Whether it is a host with or without a port, and no user before it (RFC 3986 §3.2). An empty one is.
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    let (host, port) = match authority {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let address = core::str::from_utf8(&rest[..end]).ok();
            if address.and_then(|address| address.parse::<core::net::Ipv6Addr>().ok()).is_none() {
                return false;
            }
            (&b""[..], &rest[end + 1..])
        }
        _ => authority.split_at(authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len())),
    };
    let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte);
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_port && host.iter().all(is_of_host)
}

/// Characters of RFC 3986, and those which browsers or other clients send as they are although it does not know them: brackets and
/// `|` anywhere, in a query braces, `^`, `` ` `` and a backslash (what the WHATWG's URLs leave as they are, §1.3), in a path braces and `^`
/// (what browsers left as they were until 2024). A `#` never belongs here: what follows it might be taken off.
fn is_path_and_query(bytes: &[u8]) -> bool {
    let end_of_path = memchr::memchr(b'?', bytes).unwrap_or(bytes.len());
    let (path, query) = bytes.split_at(end_of_path);
    path.iter().all(|byte| ALLOWED[usize::from(*byte)] & IN_PATH != 0)
        && query.iter().all(|byte| ALLOWED[usize::from(*byte)] & IN_QUERY != 0)
}

const IN_PATH: u8 = 1;
const IN_QUERY: u8 = 2;

static ALLOWED: [u8; 256] = {
    let mut allowed = [0; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        allowed[byte as usize] = match byte {
            b'#' | b'<' | b'>' | b'"' => 0,
            b'`' | b'\\' | b'?' => IN_QUERY,
            _ => IN_PATH | IN_QUERY,
        };
        byte += 1;
    }
    allowed
};

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'t>(method: &str, target: &'t str) -> Result<(Option<&'t str>, &'t str), Refusal> {
        let text = |bytes: &'t [u8]| core::str::from_utf8(bytes).expect("it was text");
        let target = Target::of(method.as_bytes(), target.as_bytes())?;
        Ok((target.authority.map(text), text(target.path_and_query)))
    }

    #[test]
    fn each_form_is_taken_apart() {
        assert_eq!(of("GET", "/a?b"), Ok((None, "/a?b")));
        assert_eq!(of("GET", "//a"), Ok((None, "//a")));
        assert_eq!(of("GET", "HTTP://h:80/a?b"), Ok((Some("h:80"), "/a?b")));
        assert_eq!(of("GET", "https://[::1]"), Ok((Some("[::1]"), "/")));
        assert_eq!(of("OPTIONS", "*"), Ok((None, "*")));
        assert_eq!(of("OPTIONS", "http://h"), Ok((Some("h"), "*")));
        assert_eq!(of("CONNECT", "h:443"), Ok((Some("h:443"), "")));
        assert_eq!(of("GET", "/a[0]|{}^?q=`[]\\{}"), Ok((None, "/a[0]|{}^?q=`[]\\{}")));
    }

    #[test]
    fn what_has_none_is_refused() {
        for (method, target) in [
            ("GET", "*"),
            ("GET", "a"),
            ("GET", "a:80"),
            ("GET", "ftp://h/"),
            ("GET", "http:///"),
            ("GET", "http://u@h/"),
            ("GET", "http://h?q"),
            ("GET", "http://h:port/"),
            ("GET", "/a#b"),
            ("GET", "/a\u{e4}"),
            ("GET", "/a\\b"),
            ("GET", "/a\u{7f}"),
            ("GET", "/a<b>"),
            ("GET", "/a`"),
            ("GET", "/a?\""),
            ("OPTIONS", "*a"),
            ("CONNECT", "/a"),
        ] {
            assert_eq!(of(method, target), Err(Refusal::Target), "{method} {target:?}");
        }
    }

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for good in ["", "h", "h:", "h:80", "127.0.0.1:80", "[::1]", "[::1]:80", "a-b.example", "a_b"] {
            assert!(is_authority(good.as_bytes()), "{good:?}");
        }
        for bad in ["a b", "u@h", "h:p", "h:123456", "[::1", "[x]", "[::1]a", "a/b", "a\\b", "::1", "h:80:80", "a%41"] {
            assert!(!is_authority(bad.as_bytes()), "{bad:?}");
        }
    }
}
