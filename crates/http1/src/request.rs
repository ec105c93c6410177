//! The head of a request.

use crate::fields::{Fields, Known, Span};
use crate::target::{self, Target};
use crate::{Flaw, Framing, Limits, Refusal, lines};

/// A version of HTTP that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

/// A request's head. It can be read into again and again, and keeps its memory.
#[derive(Debug, Clone, Default)]
pub struct RequestHead {
    version: Version,
    method: Span,
    target: Span,
    // What the target and the Host field come to.
    authority: Span,
    path: Span,
    path_and_query: Span,
    fields: Fields,
    framing: Framing,
    wants_close: bool,
    expects_continue: bool,
}

impl RequestHead {
    /// Reads a whole head: what [`HeadEnd`](crate::HeadEnd) found.
    ///
    /// # Errors
    ///
    /// Why it is refused; the head is of no use then.
    pub fn read(&mut self, text: &[u8], limits: &Limits) -> Result<(), Refusal> {
        match self.read_first(text, limits)? {
            Some(length) if length == text.len() => Ok(()),
            _ => Err(Flaw::LineEnd.into()),
        }
    }

    /// Reads the head at the start of these bytes; `None` if it is not all there. That is how nearly all come, and it saves
    /// looking for the end first; but whoever sends a head in pieces is to be waited for with [`HeadEnd`](crate::HeadEnd),
    /// since here each piece would be looked at from the start again.
    ///
    /// Returns how long it is.
    ///
    /// # Errors
    ///
    /// Why it is refused; the head is of no use then.
    pub fn read_first(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
        // An empty line before a request is not a part of it.
        if matches!(bytes.first(), Some(b'\r' | b'\n')) {
            return Ok(None);
        }
        let text = &bytes[..bytes.len().min(limits.head)];
        // What is one too long for the limit is an answer of its own (RFC 9110 §15.5.15), whatever it is made of.
        if text.len() > limits.target
            && line_of(text).split(|byte| *byte == b' ').any(|part| part.len() > limits.target)
        {
            return Err(Refusal::TargetTooLong);
        }
        let fields = self.read_first_line(text)?;
        let length = match fields {
            Some(fields) => self.fields.read_lines(text, fields, limits)?,
            None => None,
        };
        if length.is_none() && text.len() < bytes.len() {
            return Err(Flaw::TooLarge.into());
        }
        if length.is_some() {
            self.check()?;
        }
        Ok(length)
    }

    /// Method, target and version, each parted from the next by one space; gives where the fields begin.
    fn read_first_line(&mut self, text: &[u8]) -> Result<Option<usize>, Refusal> {
        let method = 0..lines::token_end(text, 0);
        match text.get(method.end) {
            None => return Ok(None),
            Some(b' ') if !method.is_empty() => {}
            Some(_) => return Err(Flaw::FirstLine.into()),
        }
        let target = method.end + 1..lines::target_end(text, method.end + 1);
        match text.get(target.end) {
            None => return Ok(None),
            Some(b' ') if !target.is_empty() => {}
            Some(_) => return Err(Flaw::FirstLine.into()),
        }
        let version = target.end + 1;
        self.version = match lines::version(text, version) {
            Ok(Some(version)) => version,
            Ok(None) => return Ok(None),
            Err(_) if speaks_another_version(line_of(text)) => return Err(Refusal::Version),
            Err(flaw) => return Err(flaw.into()),
        };
        (self.method, self.target) = (Span::of(method), Span::of(target));
        Ok(lines::next_line(text, version + "HTTP/1.1".len(), Flaw::LineEnd)?)
    }

    fn check(&mut self) -> Result<(), Refusal> {
        self.framing = Framing::declared(&self.fields, self.version)?.unwrap_or(Framing::Empty);
        let own = self.place()?;
        let mut hosts = self.fields.known_spans(Known::Host);
        let (first, has_more) = (hosts.next(), hosts.next().is_some());
        let text = |span: Span| &self.fields.text[span.range()];
        match (first, own) {
            (Some(_), _) if has_more => return Err(Refusal::SeveralHosts),
            (Some(host), _) if !target::is_authority(text(host)) => return Err(Refusal::BadHost),
            // RFC 9112 §3.2: a client that sends both sends the same; §3.2.2 lets a proxy take the target's. But who routes by one
            // and who by the other is two hosts.
            (Some(host), Some(own)) if !is_same_host(text(host), text(own)) => return Err(Refusal::HostsDiffer),
            (None, _) if self.version >= Version::Http11 => return Err(Refusal::NoHost),
            (Some(_) | None, _) => {}
        }
        self.authority = own.or(first).unwrap_or_default();
        let mut expectations = self.fields.known(Known::Expect);
        self.expects_continue = match (expectations.next(), expectations.next()) {
            (None, _) => false,
            (Some(one), None) if one.eq_ignore_ascii_case(b"100-continue") => self.version >= Version::Http11,
            (Some(_), _) => return Err(Refusal::Expectation),
        };
        self.wants_close = match self.version {
            Version::Http11 => self.fields.has_connection_option("close"),
            Version::Http10 => {
                self.fields.has_connection_option("close") || !self.fields.has_connection_option("keep-alive")
            }
        };
        Ok(())
    }

    /// Finds path and query in the target; gives its authority, if it has one.
    fn place(&mut self) -> Result<Option<Span>, Refusal> {
        let target = Target::of(&self.fields.text[self.method.range()], &self.fields.text[self.target.range()])?;
        let (length, authority_length) = (target.path_and_query.len(), target.authority.map(<[u8]>::len));
        let unsaid = (!target.says_path).then(|| target.path_and_query.to_vec());
        let raw = self.target.range();
        // The path is at the target's end. One that it does not say is appended to the text.
        let end = raw.end - if unsaid.is_some() { 0 } else { length };
        let start = if let Some(path) = unsaid {
            self.fields.text.extend_from_slice(&path);
            self.fields.text.len() - length
        } else {
            end
        };
        let path_and_query = start..start + length;
        let query = memchr::memchr(b'?', &self.fields.text[path_and_query.clone()]);
        self.path = Span::of(start..query.map_or(path_and_query.end, |at| start + at));
        self.path_and_query = Span::of(path_and_query);
        Ok(authority_length.map(|length| Span::of(end - length..end)))
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its method, a token; methods are told apart by case (RFC 9110 §9.1).
    pub fn method(&self) -> &[u8] {
        &self.fields.text[self.method.range()]
    }

    /// Its path as it is forwarded: begins with `/`, or is `*` (OPTIONS only), or empty (CONNECT).
    pub fn path(&self) -> &[u8] {
        &self.fields.text[self.path.range()]
    }

    /// What comes after the path's question mark, if there is one.
    pub fn query(&self) -> Option<&[u8]> {
        self.path_and_query()[self.path.range().len()..].strip_prefix(b"?")
    }

    /// Path and query as they are forwarded.
    pub fn path_and_query(&self) -> &[u8] {
        &self.fields.text[self.path_and_query.range()]
    }

    /// The host and port that it is for: the target's own, or else the Host field's; empty if it names none.
    pub fn authority(&self) -> &[u8] {
        &self.fields.text[self.authority.range()]
    }

    /// Its fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// How its body is framed; never until close.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether its connection ends with it.
    pub fn wants_close(&self) -> bool {
        self.wants_close
    }

    /// Whether the client waits for a 100 before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }
}

/// The first line, as much of it as there is.
fn line_of(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())]
}

/// Whether it is a request line but for its version, which is one of HTTP, and none of ours.
fn speaks_another_version(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut parts = line.split(|byte| *byte == b' ').skip(2);
    let version = parts.next().and_then(|version| version.strip_prefix(b"HTTP/"));
    let is_version = matches!(version, Some([major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit());
    is_version && parts.next().is_none()
}

/// Whether both name the same host and port, one of them perhaps without a port that its scheme has anyway.
fn is_same_host(one: &[u8], other: &[u8]) -> bool {
    let without =
        |authority: &[u8], port: &[u8]| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
    one.eq_ignore_ascii_case(other)
        || [&b":80"[..], b":443"].into_iter().any(|port| without(one, port) == without(other, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RequestHead, Refusal> {
        let mut head = RequestHead::default();
        head.read(text.as_bytes(), &Limits::DEFAULT).map(|()| head)
    }

    #[test]
    fn a_head_is_read() {
        let head = read("GET /a?b HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 3\r\n\r\n").expect("a head");
        assert_eq!((head.method(), head.version()), (&b"GET"[..], Version::Http11));
        assert_eq!(head.path_and_query(), b"/a?b");
        assert_eq!(head.authority(), b"h");
        assert_eq!(head.fields().get("x"), Some(&b"y"[..]));
        assert_eq!(head.framing(), Framing::Length(3));
        assert!(!head.wants_close() && !head.expects_continue());
    }

    #[test]
    fn a_head_is_read_from_what_has_come_when_it_is_all_there() {
        let bytes = b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /";
        let mut head = RequestHead::default();
        for end in 0..27 {
            assert_eq!(head.read_first(&bytes[..end], &Limits::DEFAULT), Ok(None), "{end}");
        }
        assert_eq!(head.read_first(bytes, &Limits::DEFAULT), Ok(Some(27)));
        assert_eq!(head.authority(), b"h");
        for flawed in ["GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\n\r\n"] {
            assert_eq!(head.read_first(flawed.as_bytes(), &Limits::DEFAULT), Err(Flaw::LineEnd.into()), "{flawed:?}");
        }
        assert_eq!(
            head.read_first(b"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", &Limits::DEFAULT),
            Ok(None),
            "HeadEnd tells"
        );
    }

    #[test]
    fn the_target_is_taken_apart_whatever_its_form() {
        for (target, host, authority, path, query) in [
            ("GET /", "h", "h", "/", None),
            ("GET /a?b?c", "h:80", "h:80", "/a", Some("b?c")),
            ("GET /?", "h", "h", "/", Some("")),
            ("GET //a", "h", "h", "//a", None),
            ("GET http://h:80/", "h", "h:80", "/", None),
            ("GET http://h", "h", "h", "/", None),
            ("GET http://h/a/?b", "h", "h", "/a/", Some("b")),
            ("OPTIONS *", "h", "h", "*", None),
            ("OPTIONS http://h", "h", "h", "*", None),
            ("CONNECT h:443", "h:443", "h:443", "", None),
        ] {
            let head = read(&format!("{target} HTTP/1.1\r\nHost: {host}\r\nX: y\r\n\r\n")).expect("a head");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(
                (text(head.authority()), text(head.path()), head.query().map(text)),
                (authority.to_owned(), path.to_owned(), query.map(str::to_owned)),
                "{target}"
            );
            assert_eq!(head.fields().get("x"), Some(&b"y"[..]), "{target}");
        }
    }

    #[test]
    fn a_head_can_be_read_into_again() {
        let mut head =
            read("GET /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n").expect("a head");
        head.read(b"PUT /b HTTP/1.1\r\nHost: i\r\n\r\n", &Limits::DEFAULT).expect("a head");
        assert_eq!((head.method(), head.authority(), head.fields().len()), (&b"PUT"[..], &b"i"[..], 1));
        assert!(!head.wants_close() && !head.expects_continue());
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (text, flaw) in [
            ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", Flaw::FirstLine),
            ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", Flaw::LineEnd),
            ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", Flaw::FirstLine),
            ("GET /\r\nHost: h\r\n\r\n", Flaw::FirstLine),
            ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", Flaw::FirstLine),
            (" GET / HTTP/1.1\r\nHost: h\r\n\r\n", Flaw::FirstLine),
            ("GET / http/1.1\r\nHost: h\r\n\r\n", Flaw::FirstLine),
            ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", Flaw::FieldName),
            ("GET / HTTP/1.1\nHost: h\r\n\r\n", Flaw::LineEnd),
            ("GET / HTTP/1.1\r\nHost: h\n\r\n", Flaw::LineEnd),
            ("GET / HTTP/1.1\nHost: h\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Flaw::LineEnd),
            ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", Flaw::FieldName),
        ] {
            assert_eq!(read(text).expect_err("a flaw"), Refusal::Flaw(flaw), "{text:?}");
        }
    }

    #[test]
    fn other_versions_are_refused_as_such() {
        for version in ["2.0", "1.2", "0.9", "3.0"] {
            let text = format!("GET / HTTP/{version}\r\nHost: h\r\n\r\n");
            assert_eq!(read(&text).expect_err("another version"), Refusal::Version, "{version}");
        }
    }

    #[test]
    fn a_request_has_exactly_one_host() {
        for (fields, refusal) in [
            ("", Refusal::NoHost),
            ("Host: a\r\nHost: a\r\n", Refusal::SeveralHosts),
            ("Host: a b\r\n", Refusal::BadHost),
            ("Host: u@h\r\n", Refusal::BadHost),
            ("Host: a, b\r\n", Refusal::BadHost),
        ] {
            let text = format!("GET / HTTP/1.1\r\n{fields}\r\n");
            assert_eq!(read(&text).expect_err("no host"), refusal, "{fields:?}");
        }
        assert_eq!(read("GET / HTTP/1.0\r\n\r\n").expect("HTTP/1.0 knows no Host").authority(), b"");
        assert_eq!(read("GET / HTTP/1.1\r\nHost:\r\n\r\n").expect("an empty one").authority(), b"");
    }

    #[test]
    fn the_target_and_the_host_field_name_the_same_host() {
        let read_head = read;
        let read = |host| read(&format!("GET http://a.example/x HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        for same in ["a.example", "A.example:80"] {
            assert_eq!(read(same).expect("the same host").authority(), b"a.example");
        }
        assert_eq!(read("b.example").expect_err("another"), Refusal::HostsDiffer);
        assert_eq!(read("a.example:81").expect_err("another"), Refusal::HostsDiffer);
        let ports = read_head("GET http://a.example:443/x HTTP/1.1\r\nHost: a.example:80\r\n\r\n");
        assert_eq!(ports.expect_err("two ports"), Refusal::HostsDiffer);
    }

    #[test]
    fn whether_a_connection_ends_is_said_by_each_version_in_its_way() {
        for (version, connection, ends) in [
            ("1.1", "", false),
            ("1.1", "Connection: keep-alive\r\n", false),
            ("1.1", "Connection: x, Close\r\n", true),
            ("1.0", "", true),
            ("1.0", "Connection: Keep-Alive\r\n", false),
            ("1.0", "Connection: keep-alive, close\r\n", true),
        ] {
            let head = read(&format!("GET / HTTP/{version}\r\nHost: h\r\n{connection}\r\n")).expect("a head");
            assert_eq!(head.wants_close(), ends, "{version} {connection:?}");
        }
    }

    #[test]
    fn only_a_continue_can_be_expected() {
        let read = |version, expect| read(&format!("PUT / HTTP/{version}\r\nHost: h\r\nExpect: {expect}\r\n\r\n"));
        assert!(read("1.1", "100-Continue").expect("a head").expects_continue());
        assert!(!read("1.0", "100-continue").expect("HTTP/1.0 cannot wait").expects_continue());
        assert_eq!(read("1.1", "tea").expect_err("no"), Refusal::Expectation);
        assert_eq!(read("1.1", "100-continue, tea").expect_err("no"), Refusal::Expectation);
    }

    #[test]
    fn what_is_too_large_is_said_to_be_so() {
        let limits = Limits { head: 100, target: 20, fields: 2 };
        let read = |text: &str| RequestHead::default().read(text.as_bytes(), &limits);
        let long = "a".repeat(20);
        let target = format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(read(&target), Err(Refusal::TargetTooLong));
        assert_eq!(read("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n"), Err(Flaw::TooManyFields.into()));
        assert_eq!(
            read(&format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n", "b".repeat(70))),
            Err(Flaw::TooLarge.into())
        );
    }
}
