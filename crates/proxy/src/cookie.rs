//! Reads cookies out of a request. Sets none: that is `session`.

use lb_http1::Fields;

/// The values of the cookies of that name, in the order in which they came (RFC 6265 §5.4): more than one if they were set
/// for several paths or domains.
pub(crate) fn values<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = fields.all("cookie").flat_map(|field| field.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_http1::Limits;

    #[test]
    fn cookies_are_found_by_their_whole_name_in_any_field() {
        let section = "Cookie: a=1; ab=2;a=3\r\ncookie: a=4=5; a\r\nCookie:  a = 6\r\nCookie: b=a=7\r\n\r\n";
        let fields = Fields::read(section.as_bytes(), &Limits::DEFAULT).expect("fields");
        assert_eq!(values(&fields, "a").collect::<Vec<_>>(), [&b"1"[..], b"3", b"4=5"]);
        assert_eq!(values(&fields, "c").count(), 0);
    }
}
