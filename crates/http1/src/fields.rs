//! The fields of a head, as ranges of its text, in the order and the case in which they came.

use core::ops::Range;

use crate::{Flaw, Limits, lines, text};

/// Fields that the protocol itself gives a meaning; all others are [`Known::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are named like the fields")]
pub enum Known {
    Other,
    Connection,
    ContentLength,
    Date,
    Expect,
    Forwarded,
    Host,
    KeepAlive,
    ProxyConnection,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
}

impl Known {
    fn bit(self) -> u32 {
        1 << self as u32
    }

    fn of(name: &[u8]) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            2 if is("te") => Self::Te,
            3 if is("via") => Self::Via,
            4 if is("host") => Self::Host,
            4 if is("date") => Self::Date,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            7 if is("trailer") => Self::Trailer,
            9 if is("forwarded") => Self::Forwarded,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::KeepAlive,
            14 if is("content-length") => Self::ContentLength,
            16 if is("proxy-connection") => Self::ProxyConnection,
            17 if is("transfer-encoding") => Self::TransferEncoding,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Line {
    known: Known,
    name: Span,
    value: Span,
    // Where the next line begins.
    end: u32,
}

/// A range of a head's text. Heads are far smaller than 4 GiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn of(range: Range<usize>) -> Self {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: small(range.start), end: small(range.end) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct Field<'f> {
    /// Which it is, if the protocol knows it.
    pub known: Known,
    /// Its name, in the case in which it came; a token.
    pub name: &'f [u8],
    /// Its value, without space around it.
    pub value: &'f [u8],
    /// The whole line, its end included.
    pub line: &'f [u8],
}

/// The fields of a head or of a trailer section.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    pub(crate) text: Vec<u8>,
    lines: Vec<Line>,
    // Which kinds there are, a bit for each: most that are asked for are not there.
    seen: u32,
}

impl Fields {
    /// Reads a section of field lines that ends with an empty line, as trailers are.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn read(section: &[u8], limits: &Limits) -> Result<Self, Flaw> {
        let mut fields = Self::default();
        match fields.read_lines(section, 0, limits)? {
            Some(length) if length == section.len() => Ok(fields),
            Some(_) | None => Err(Flaw::LineEnd),
        }
    }

    /// Reads the field lines that begin there, and takes over the text up to their end, which it gives; `None` if that has not
    /// come yet.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn read_lines(&mut self, text: &[u8], from: usize, limits: &Limits) -> Result<Option<usize>, Flaw> {
        self.lines.clear();
        self.seen = 0;
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let end = lines::fields(text, from, limits.fields.min(Limits::MOST_FIELDS), |line| {
            let known = Known::of(&text[line.name.clone()]);
            self.seen |= known.bit();
            let (name, value) = (Span::of(line.name), Span::of(line.value));
            self.lines.push(Line { known, name, value, end: small(line.end) });
        })?;
        let Some(end) = end else { return Ok(None) };
        self.text.clear();
        self.text.extend_from_slice(&text[..end]);
        Ok(Some(end))
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> + Clone {
        self.lines.iter().map(|line| Field {
            known: line.known,
            name: &self.text[line.name.range()],
            value: &self.text[line.value.range()],
            line: &self.text[line.name.start as usize..line.end as usize],
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The values of all fields of that name, compared without case.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f [u8]> + Clone {
        self.iter().filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.value)
    }

    /// The value of the first field of that name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The values of all fields of that kind.
    pub fn known(&self, known: Known) -> impl Iterator<Item = &[u8]> + Clone {
        self.known_spans(known).map(|span| &self.text[span.range()])
    }

    pub(crate) fn known_spans(&self, known: Known) -> impl Iterator<Item = Span> + Clone {
        let lines = if self.has(known) { &self.lines[..] } else { &[] };
        lines.iter().filter(move |line| line.known == known).map(|line| line.value)
    }

    /// Whether there is one of that kind.
    pub fn has(&self, known: Known) -> bool {
        self.seen & known.bit() != 0
    }

    /// What the Connection fields name: options of this connection, and fields that are only for it (RFC 9110 §7.6.1).
    pub fn connection_options(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.known(Known::Connection).flat_map(text::members)
    }

    /// Whether the Connection fields name that option.
    pub fn has_connection_option(&self, option: &str) -> bool {
        self.connection_options().any(|named| named.eq_ignore_ascii_case(option.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(section: &str) -> Result<Fields, Flaw> {
        Fields::read(section.as_bytes(), &Limits::DEFAULT)
    }

    #[test]
    fn fields_are_found_by_name_in_any_case_and_given_as_they_came() {
        let fields = read("X-One:  1 \r\nhOST: h\r\nx-one:2\r\nEmpty:\r\n\r\n").expect("fields");
        assert_eq!(fields.all("x-ONE").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(fields.get("empty"), Some(&b""[..]));
        assert_eq!(fields.get("none"), None);
        assert_eq!(fields.known(Known::Host).collect::<Vec<_>>(), [b"h"]);
        let lines: Vec<_> = fields.iter().map(|field| field.line).collect();
        assert_eq!(lines, [&b"X-One:  1 \r\n"[..], b"hOST: h\r\n", b"x-one:2\r\n", b"Empty:\r\n"]);
    }

    #[test]
    fn a_connection_names_options_in_one_field_or_several() {
        let fields = read("Connection: close, X-Mine\r\nconnection: ,Upgrade\r\n\r\n").expect("fields");
        assert_eq!(fields.connection_options().collect::<Vec<_>>(), [&b"close"[..], b"X-Mine", b"Upgrade"]);
        assert!(fields.has_connection_option("upgrade") && !fields.has_connection_option("keep-alive"));
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for (section, flaw) in [
            ("A : b\r\n\r\n", Flaw::FieldName),
            (" A: b\r\n\r\n", Flaw::FieldName),
            (": b\r\n\r\n", Flaw::FieldName),
            ("A\r\n\r\n", Flaw::FieldName),
            ("A: b\r\n c\r\n\r\n", Flaw::FieldName),
            ("A: \0\r\n\r\n", Flaw::FieldValue),
            ("A: \u{7f}\r\n\r\n", Flaw::FieldValue),
            ("A: b\rc\r\n\r\n", Flaw::FieldValue),
            ("A: b\nB: c\r\n\r\n", Flaw::LineEnd),
            ("A: b\r\nB: c\n\r\n", Flaw::LineEnd),
            ("A: b\r\n\n", Flaw::LineEnd),
        ] {
            assert_eq!(read(section).expect_err("a flaw"), flaw, "{section:?}");
        }
    }

    #[test]
    fn there_is_a_limit_to_how_many_there_are() {
        let section = format!("{}\r\n", "A: b\r\n".repeat(3));
        let limits = |fields| Limits { fields, ..Limits::DEFAULT };
        assert!(Fields::read(section.as_bytes(), &limits(3)).is_ok());
        assert_eq!(Fields::read(section.as_bytes(), &limits(2)).expect_err("too many"), Flaw::TooManyFields);
    }
}
