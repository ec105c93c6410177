//! The head of an answer.

use crate::fields::{Fields, Span};
use crate::request::Version;
use crate::{Flaw, Framing, Limits, lines};

/// An answer's head. It can be read into again and again, and keeps its memory.
#[derive(Debug, Clone, Default)]
pub struct ResponseHead {
    version: Version,
    status: u16,
    reason: Span,
    fields: Fields,
    declared: Option<Framing>,
}

impl ResponseHead {
    /// Reads a whole head: what [`HeadEnd`](crate::HeadEnd) found.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the head is of no use then.
    pub fn read(&mut self, text: &[u8], limits: &Limits) -> Result<(), Flaw> {
        match self.read_first(text, limits)? {
            Some(length) if length == text.len() => Ok(()),
            _ => Err(Flaw::LineEnd),
        }
    }

    /// Reads the head at the start of these bytes, as [`RequestHead::read_first`](crate::RequestHead::read_first) does.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the head is of no use then.
    pub fn read_first(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Flaw> {
        if matches!(bytes.first(), Some(b'\r' | b'\n')) {
            return Err(Flaw::FirstLine);
        }
        let text = &bytes[..bytes.len().min(limits.head)];
        let length = match self.read_first_line(text)? {
            Some(fields) => self.fields.read_lines(text, fields, limits)?,
            None => None,
        };
        if length.is_none() && text.len() < bytes.len() {
            return Err(Flaw::TooLarge);
        }
        if length.is_some() {
            self.declared = Framing::declared(&self.fields, self.version)?;
        }
        Ok(length)
    }

    /// Version, status and reason; gives where the fields begin.
    fn read_first_line(&mut self, text: &[u8]) -> Result<Option<usize>, Flaw> {
        const STATUS: usize = "HTTP/1.1 ".len();
        const REASON: usize = "HTTP/1.1 200 ".len();
        let Some(version) = lines::version(text, 0)? else { return Ok(None) };
        let code = match text.get(STATUS - 1..).unwrap_or_default() {
            [b' ', a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => [a, b, c],
            [b' ', rest @ ..] if rest.len() < 3 && rest.iter().all(u8::is_ascii_digit) => return Ok(None),
            [] => return Ok(None),
            _ => return Err(Flaw::FirstLine),
        };
        let status = code.into_iter().fold(0, |number, digit| 10 * number + u16::from(digit - b'0'));
        let end = match text.get(REASON - 1) {
            // Words may be left out, and the space before them with them.
            Some(b' ') => lines::text_end(text, REASON),
            Some(_) | None => REASON - 1,
        };
        let Some(next) = lines::next_line(text, end, Flaw::FirstLine)? else { return Ok(None) };
        // In what encoding others may be is unknown.
        let is_ascii = text.get(REASON..end).is_some_and(<[u8]>::is_ascii);
        self.reason = if is_ascii { Span::of(REASON..end) } else { Span::default() };
        (self.version, self.status) = (version, status);
        Ok(Some(next))
    }

    /// Its status code, 100 to 599.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The words after the status, which mean nothing.
    pub fn reason(&self) -> &[u8] {
        self.fields.text.get(self.reason.range()).unwrap_or_default()
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What it says of its body's length, whether it has a body or not: what an answer to HEAD says is that of GET.
    pub fn declared(&self) -> Option<Framing> {
        self.declared
    }

    /// How its body is framed, as an answer to that method (RFC 9112 §6.3).
    pub fn framing(&self, method: &[u8]) -> Framing {
        if method == b"HEAD" || matches!(self.status, 100..=199 | 204 | 304) {
            Framing::Empty
        } else {
            self.declared.unwrap_or(Framing::UntilClose)
        }
    }

    /// Whether its connection ends with it.
    pub fn wants_close(&self) -> bool {
        match self.version {
            Version::Http11 => self.fields.has_connection_option("close"),
            Version::Http10 => {
                self.fields.has_connection_option("close") || !self.fields.has_connection_option("keep-alive")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ResponseHead, Flaw> {
        let mut head = ResponseHead::default();
        head.read(text.as_bytes(), &Limits::DEFAULT).map(|()| head)
    }

    #[test]
    fn a_head_is_read() {
        let head = read("HTTP/1.1 404 Not Here\r\nA: b\r\nContent-Length: 3\r\n\r\n").expect("a head");
        assert_eq!((head.status(), head.reason(), head.fields().len()), (404, &b"Not Here"[..], 2));
        assert_eq!((head.framing(b"GET"), head.framing(b"HEAD")), (Framing::Length(3), Framing::Empty));
        for bare in ["HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"] {
            assert_eq!(read(bare).expect("no words, no harm").reason(), b"");
        }
    }

    #[test]
    fn a_head_is_read_from_what_has_come_when_it_is_all_there() {
        let bytes = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
        let mut head = ResponseHead::default();
        for end in 0..25 {
            assert_eq!(head.read_first(&bytes[..end], &Limits::DEFAULT), Ok(None), "{end}");
        }
        assert_eq!(head.read_first(bytes, &Limits::DEFAULT), Ok(Some(25)));
        assert_eq!(head.fields().get("a"), Some(&b"b"[..]));
        let limits = Limits { head: 24, ..Limits::DEFAULT };
        assert_eq!(head.read_first(bytes, &limits), Err(Flaw::TooLarge));
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        for status in ["204", "304", "100", "103"] {
            let head = read(&format!("HTTP/1.1 {status} x\r\nContent-Length: 3\r\n\r\n")).expect("a head");
            assert_eq!(head.framing(b"GET"), Framing::Empty, "{status}");
        }
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\n").expect("a head").framing(b"GET"), Framing::UntilClose);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (text, flaw) in [
            ("HTTP/1.1 20 OK\r\n\r\n", Flaw::FirstLine),
            ("HTTP/1.1 099 x\r\n\r\n", Flaw::FirstLine),
            ("HTTP/1.1 600 x\r\n\r\n", Flaw::FirstLine),
            ("HTTP/2.0 200 OK\r\n\r\n", Flaw::FirstLine),
            ("SSH-2.0-x\r\n\r\n", Flaw::FirstLine),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Flaw::FieldName),
            ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Flaw::FieldName),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Flaw::SeveralLengths),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Flaw::LengthAndEncoding),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Flaw::Encoding),
        ] {
            assert_eq!(read(text).expect_err("a flaw"), flaw, "{text:?}");
        }
    }

    #[test]
    fn whether_its_connection_ends_is_said_by_each_version_in_its_way() {
        for (version, connection, ends) in [
            ("1.1", "", false),
            ("1.1", "Connection: close\r\n", true),
            ("1.0", "", true),
            ("1.0", "Connection: keep-alive\r\n", false),
        ] {
            let head = read(&format!("HTTP/{version} 200 OK\r\n{connection}\r\n")).expect("a head");
            assert_eq!(head.wants_close(), ends, "{version} {connection:?}");
        }
    }
}
