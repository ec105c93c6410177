//! The fields of a head, as ranges of its text, in the order and the case in which they came.

use core::mem::MaybeUninit;
use core::ops::Range;

use crate::{Flaw, Limits, text};

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
        fields.begin(section);
        let mut room = [httparse::EMPTY_HEADER; Limits::MOST_FIELDS];
        let room = &mut room[..limits.fields.min(Limits::MOST_FIELDS)];
        match httparse::parse_headers(section, room) {
            Ok(httparse::Status::Complete((length, found))) if length == section.len() => {
                fields.take(section, found)?;
                Ok(fields)
            }
            Ok(_) => Err(Flaw::LineEnd),
            Err(error) => Err(flaw_of(error)),
        }
    }

    /// Takes over a head's text; its lines follow.
    pub(crate) fn begin(&mut self, text: &[u8]) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.lines.clear();
        self.seen = 0;
    }

    /// Takes over the lines that were found in the text.
    ///
    /// # Errors
    ///
    /// [`Flaw::LineEnd`] if one of them, or the line before them, ends in a lone LF: httparse takes that for a line's end.
    pub(crate) fn take(&mut self, text: &[u8], found: &[httparse::Header<'_>]) -> Result<(), Flaw> {
        // httparse gives slices of the text; where they lie is where they begin.
        let within = |part: &[u8]| (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        // Each line ends where the next one begins; the last one before the empty line.
        let ends = found.iter().skip(1).map(|next| within(next.name.as_bytes())).chain([text.len().saturating_sub(2)]);
        let ends_well = |end: usize| text[..end].ends_with(b"\r\n");
        let begin = found.first().map_or(text.len().saturating_sub(2), |first| within(first.name.as_bytes()));
        let mut all_end_well = text.ends_with(b"\r\n") && (begin == 0 || ends_well(begin));
        self.lines.extend(found.iter().zip(ends).map(|(header, end)| {
            all_end_well &= ends_well(end);
            let known = Known::of(header.name.as_bytes());
            self.seen |= known.bit();
            let name = within(header.name.as_bytes());
            let value = text::trim(header.value);
            // An empty value is a slice of nothing in particular.
            let value_at = if value.is_empty() { name + header.name.len() + 1 } else { within(value) };
            Line {
                known,
                name: Span::of(name..name + header.name.len()),
                value: Span::of(value_at..value_at + value.len()),
                end: u32::try_from(end).unwrap_or(u32::MAX),
            }
        }));
        if all_end_well { Ok(()) } else { Err(Flaw::LineEnd) }
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

/// Room for the lines of a head, on the stack.
pub(crate) type Room<'t> = [MaybeUninit<httparse::Header<'t>>; Limits::MOST_FIELDS];

pub(crate) fn room<'t>() -> Room<'t> {
    [const { MaybeUninit::uninit() }; Limits::MOST_FIELDS]
}

pub(crate) fn flaw_of(error: httparse::Error) -> Flaw {
    use httparse::Error;
    match error {
        Error::HeaderName => Flaw::FieldName,
        Error::HeaderValue => Flaw::FieldValue,
        Error::TooManyHeaders => Flaw::TooManyFields,
        Error::NewLine => Flaw::LineEnd,
        Error::Status | Error::Token | Error::Version => Flaw::FirstLine,
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
