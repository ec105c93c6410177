//! The parts of a target and of an address, as spans name them.

/// Values of these keys of a query are signatures that let whoever has them in; the semantic conventions name them.
const SECRETS: [&str; 4] = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"];

/// Path and query, the latter without its question mark.
pub(super) fn split(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// A host, without the brackets of IPv6, and a port if there is one.
pub(super) fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    let (host, port) = match authority.rsplit_once(':') {
        // Of an address in brackets without a port, the last colon is within.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    (host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host), port)
}

/// A query with known signatures struck out.
pub(super) fn without_secrets(query: &str) -> String {
    // Usually there is none, and nothing is to be taken apart.
    if !SECRETS.iter().any(|secret| query.contains(secret)) {
        return query.to_owned();
    }
    let strike = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if SECRETS.contains(&key) => format!("{key}=REDACTED"),
        _ => pair.to_owned(),
    };
    query.split('&').map(strike).collect::<Vec<_>>().join("&")
}

/// The URL that an endpoint was asked for, with known signatures struck out.
pub(super) fn url(address: &str, target: &str) -> String {
    match split(target) {
        (path, Some(query)) => format!("http://{address}{path}?{}", without_secrets(query)),
        (path, None) => format!("http://{address}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_path_and_perhaps_a_query() {
        assert_eq!(split("/a"), ("/a", None));
        assert_eq!(split("/a?"), ("/a", Some("")));
        assert_eq!(split("/a?b=?&c"), ("/a", Some("b=?&c")));
    }

    #[test]
    fn a_host_is_told_without_its_port_and_its_brackets() {
        assert_eq!(host_and_port("example.org"), ("example.org", None));
        assert_eq!(host_and_port("example.org:8080"), ("example.org", Some(8080)));
        assert_eq!(host_and_port("[::1]:80"), ("::1", Some(80)));
        assert_eq!(host_and_port("[::1]"), ("::1", None));
        assert_eq!(host_and_port(""), ("", None));
    }

    #[test]
    fn signatures_are_struck_out_and_nothing_else_is() {
        assert_eq!(without_secrets("a=1&sig=abc&b=2"), "a=1&sig=REDACTED&b=2");
        assert_eq!(without_secrets("design=1&signal=2"), "design=1&signal=2");
        assert_eq!(without_secrets("sig=a?b&X-Goog-Signature=a=b&sig"), "sig=REDACTED&X-Goog-Signature=REDACTED&sig");
        assert_eq!(url("h:1", "/sig=1/p"), "http://h:1/sig=1/p");
        assert_eq!(url("h:1", "/p?a=1&sig=2"), "http://h:1/p?a=1&sig=REDACTED");
    }
}
