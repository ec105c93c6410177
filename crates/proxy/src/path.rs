//! Which paths may pass, and what routes take them for. A path is forwarded as it came, so a form that leads out of where it
//! seems to be is refused rather than rewritten; and of all the forms in which one path may be written, routes know but one.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Why a path may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadPath {
    /// `.` or `..` is one of its segments, plain or percent-encoded.
    DotSegment,
    /// A `%` is not followed by two hexadecimal digits.
    BadPercent,
    /// It holds a NUL, plain or percent-encoded.
    Nul,
}

/// Checks the path of a request in origin form, without its query.
pub(crate) fn check(path: &[u8]) -> Result<(), BadPath> {
    // The usual path has no percent sign, no backslash and no segment that begins with a dot.
    let is_odd = |(before, byte): (&u8, &u8)| matches!((before, byte), (_, b'%' | b'\\') | (b'/', b'.'));
    if !path.iter().zip(path.iter().skip(1)).any(is_odd) {
        return Ok(());
    }
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        if !path.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(BadPath::BadPercent);
        }
    }
    let decoded: Vec<u8> = percent_decode(path).collect();
    if decoded.contains(&0) {
        return Err(BadPath::Nul);
    }
    // A backslash is a slash to some servers.
    // And some cut a segment's parameters off before they read it (RFC 3986 §3.3).
    let name = |segment: &[u8]| segment.iter().position(|byte| *byte == b';').unwrap_or(segment.len());
    let is_dots = |segment: &[u8]| matches!(&segment[..name(segment)], b"." | b"..");
    if decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots) {
        return Err(BadPath::DotSegment);
    }
    Ok(())
}

/// The form of a path by which routes are found: decoded, with a slash for a backslash, without the parameters of its segments
/// (RFC 3986 §3.3), and with one slash where several stand together. Each of these is what some servers read, so none of them is to
/// be a way around a route.
#[must_use]
pub fn routed(path: &[u8]) -> Cow<'_, [u8]> {
    let is_odd = |(at, byte): (usize, &u8)| match byte {
        b'%' | b'\\' | b';' => true,
        b'/' => path.get(at + 1) == Some(&b'/'),
        _ => false,
    };
    if !path.iter().enumerate().any(is_odd) {
        return Cow::Borrowed(path);
    }
    let mut routed = Vec::with_capacity(path.len());
    let mut is_parameter = false;
    for byte in percent_decode(path) {
        match byte {
            b'/' | b'\\' => {
                is_parameter = false;
                if routed.last() != Some(&b'/') {
                    routed.push(b'/');
                }
            }
            b';' => is_parameter = true,
            _ if is_parameter => {}
            byte => routed.push(byte),
        }
    }
    Cow::Owned(routed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_know_one_form_of_a_path() {
        assert!(matches!(routed(b"/admin/x"), Cow::Borrowed(b"/admin/x")));
        for path in [
            "//admin/x",
            "/%61dmin/x",
            "/admin//x",
            "/admin%2Fx",
            "/admin%2f/x",
            "///%61dmin%2F%2f/x",
            "/admin\\x",
            "/%5Cadmin%5cx",
            "/admin;a=b/x",
            "/;/admin;/x;c",
            "/%3Ba/admin/x",
        ] {
            assert_eq!(*routed(path.as_bytes()), *b"/admin/x", "{path}");
        }
        assert_eq!(*routed(b"/admin/"), *b"/admin/");
        assert_eq!(*routed(b"/a%20b"), *b"/a b");
    }

    #[test]
    fn ordinary_paths_pass() {
        for path in ["/", "/api", "/a.b/.well-known/c", "/a%20b", "//a", "/...", "/%E2%82%AC", "*"] {
            assert_eq!(check(path.as_bytes()), Ok(()), "{path}");
        }
    }

    #[test]
    fn dot_segments_do_not_pass_in_any_disguise() {
        for path in [
            "/..",
            "/../etc",
            "/a/./b",
            "/%2e%2E/etc",
            "/.%2e/",
            "/a%2f..%2fb",
            "/a/..%5cb",
            "/a%5C..%5C",
            "/a\\..\\..\\x",
            "/a/..;/admin",
            "/a/.;x=y",
            "/a/%2e.;",
        ] {
            assert_eq!(check(path.as_bytes()), Err(BadPath::DotSegment), "{path}");
        }
    }

    #[test]
    fn broken_percent_encodings_and_nul_do_not_pass() {
        for path in ["/%", "/%2", "/%zz", "/a%"] {
            assert_eq!(check(path.as_bytes()), Err(BadPath::BadPercent), "{path}");
        }
        assert_eq!(check(b"/a%00b"), Err(BadPath::Nul));
    }
}
