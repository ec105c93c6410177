//! Reads cookies out of a request. Sets none: that is `session`.

use http::HeaderMap;
use http::header::COOKIE;

/// The values of the cookies of that name, in the order in which they came (RFC 6265 §5.4): more than one if they were set
/// for several paths or domains.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn cookies_are_found_by_their_whole_name_in_any_field() {
        let fields = ["a=1; ab=2;a=3", "a=4=5; a", " a = 6", "b=a=7"];
        let headers = HeaderMap::from_iter(fields.map(|field| (COOKIE, HeaderValue::from_static(field))));
        assert_eq!(values(&headers, "a").collect::<Vec<_>>(), [&b"1"[..], b"3", b"4=5"]);
        assert_eq!(values(&headers, "c").count(), 0);
    }
}
