//! The lines of a head, each byte looked at once: what a name, a target and a text are made of, and where a line ends. What a line
//! says is for others to judge.
//!
//! All of these stop at the end of what has come and say so: a head may not be all there yet. What cannot become right by
//! anything that follows is a flaw at once.

use core::ops::Range;

use crate::Flaw;
use crate::request::Version;

/// What a byte may be in.
const TOKEN: u8 = 1;
const TARGET: u8 = 2;

static MAY_BE_IN: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    loop {
        kinds[byte as usize] = match byte {
            // RFC 9110 §5.6.2.
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~' => {
                TOKEN | TARGET
            }
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => TOKEN | TARGET,
            // Which of these a target may really have depends on where in it they are.
            b'!'..=b'~' | 0x80.. => TARGET,
            _ => 0,
        };
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

/// Where the token ends that begins there; there need be none.
pub(crate) fn token_end(text: &[u8], from: usize) -> usize {
    run_end(text, from, TOKEN)
}

/// Where that ends which begins there and may be a target.
pub(crate) fn target_end(text: &[u8], from: usize) -> usize {
    run_end(text, from, TARGET)
}

fn run_end(text: &[u8], from: usize, kind: u8) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| MAY_BE_IN[usize::from(*byte)] & kind == 0).unwrap_or(rest.len())
}

/// Where the text ends that begins there: at the first control character but for tabs (RFC 9110 §5.5).
pub(crate) fn text_end(text: &[u8], from: usize) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let mut at = from;
    // Eight bytes at a time: in each the highest bit is set if it is below 0x20, or 0x7f. A borrow may set one too many above one that
    // is rightly set, never below.
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let is_low = word.wrapping_sub(0x20 * EACH) & !word;
        let from_delete = word ^ (0x7f * EACH);
        let is_delete = from_delete.wrapping_sub(EACH) & !from_delete;
        let found = (is_low | is_delete) & HIGH;
        if found == 0 {
            at += 8;
            continue;
        }
        at += (found.trailing_zeros() / 8) as usize;
        if text[at] != b'\t' {
            return at;
        }
        at += 1;
    }
    let is_text = |byte: &u8| matches!(*byte, b'\t' | b' '..=b'~' | 0x80..);
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !is_text(byte)).unwrap_or(rest.len())
}

/// Where the next line begins if a line ends there, which it does with CRLF and nothing else; `None`: that has not come yet.
///
/// # Errors
///
/// [`Flaw::LineEnd`] if it ends otherwise, as with a lone LF: not all servers take that for a line's end, so the message
/// may be read in two ways. `other` if it does not end there.
pub(crate) fn next_line(text: &[u8], end: usize, other: Flaw) -> Result<Option<usize>, Flaw> {
    match text.get(end..).unwrap_or_default() {
        [] | [b'\r'] => Ok(None),
        [b'\r', b'\n', ..] => Ok(Some(end + 2)),
        [b'\n', ..] => Err(Flaw::LineEnd),
        _ => Err(other),
    }
}

/// The version that is said there in eight bytes; `None`: they have not all come yet.
///
/// # Errors
///
/// [`Flaw::FirstLine`] if it is none that this crate reads.
pub(crate) fn version(text: &[u8], from: usize) -> Result<Option<Version>, Flaw> {
    const FORM: &[u8; 8] = b"HTTP/0.0";
    let said = text.get(from..).unwrap_or_default();
    let fits = |(said, form): (&u8, &u8)| said == form || (*form == b'0' && said.is_ascii_digit());
    match said.get(..8) {
        Some(b"HTTP/1.1") => Ok(Some(Version::Http11)),
        Some(b"HTTP/1.0") => Ok(Some(Version::Http10)),
        // Which other version it is can be told when all of it is there.
        None if said.iter().zip(FORM).all(fits) => Ok(None),
        Some(_) | None => Err(Flaw::FirstLine),
    }
}

/// A field line, as ranges of the text.
pub(crate) struct FieldLine {
    pub(crate) name: Range<usize>,
    /// Without the space around it.
    pub(crate) value: Range<usize>,
    /// Where the next line begins.
    pub(crate) end: usize,
}

/// Reads the field lines that begin there, up to the empty line, and gives each to `take`; returns where the empty line ends, or
/// `None` if that has not come yet.
///
/// # Errors
///
/// What is wrong with a line, or [`Flaw::TooManyFields`] if there are more than `most`.
pub(crate) fn fields(
    text: &[u8],
    from: usize,
    most: usize,
    mut take: impl FnMut(FieldLine),
) -> Result<Option<usize>, Flaw> {
    let mut at = from;
    for count in 0.. {
        match text.get(at) {
            None => return Ok(None),
            Some(b'\r' | b'\n') => return next_line(text, at, Flaw::LineEnd),
            Some(_) if count >= most => return Err(Flaw::TooManyFields),
            Some(_) => {}
        }
        let name = at..token_end(text, at);
        match text.get(name.end) {
            None => return Ok(None),
            // Space before the colon, and a line that goes on with the value before it, have been read in two ways (RFC 9112 §5).
            Some(b':') if !name.is_empty() => {}
            Some(_) => return Err(Flaw::FieldName),
        }
        let is_space = |byte: &u8| matches!(*byte, b' ' | b'\t');
        let after_colon = &text[name.end + 1..];
        let start = name.end + 1 + after_colon.iter().position(|byte| !is_space(byte)).unwrap_or(after_colon.len());
        let end = text_end(text, start);
        let Some(next) = next_line(text, end, Flaw::FieldValue)? else { return Ok(None) };
        let length = text[start..end].iter().rposition(|byte| !is_space(byte)).map_or(0, |last| last + 1);
        take(FieldLine { name, value: start..start + length, end: next });
        at = next;
    }
    unreachable!("a head has an end, and fewer lines than can be counted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Found = Vec<(String, Vec<u8>)>;

    /// What is found, and where the section ends.
    fn ours(section: &[u8], most: usize) -> Result<Option<(usize, Found)>, Flaw> {
        let mut found = Vec::new();
        let end = fields(section, 0, most, |line| {
            let name = String::from_utf8(section[line.name].to_vec()).expect("a token is ASCII");
            found.push((name, section[line.value].to_vec()));
        })?;
        Ok(end.map(|end| (end, found)))
    }

    /// The same by a parser that is none of ours.
    fn theirs(section: &[u8], most: usize) -> Result<Option<(usize, Found)>, httparse::Error> {
        let mut room = vec![httparse::EMPTY_HEADER; most];
        match httparse::parse_headers(section, &mut room)? {
            httparse::Status::Partial => Ok(None),
            httparse::Status::Complete((end, found)) => {
                let one =
                    |field: &httparse::Header<'_>| (field.name.to_owned(), crate::text::trim(field.value).to_vec());
                Ok(Some((end, found.iter().map(one).collect())))
            }
        }
    }

    /// Sections made of what matters: names, colons, space, ends of lines, and bytes that belong nowhere.
    fn sections() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            8 => Just(&b"\r\n"[..]),
            4 => Just(&b": "[..]),
            4 => Just(&b"a"[..]),
            3 => Just(&b"Content-Length"[..]),
            3 => Just(&b"a value of more than eight bytes"[..]),
            2 => Just(&b":"[..]),
            2 => Just(&b" "[..]),
            2 => Just(&b"\t"[..]),
            1 => Just(&b"\r"[..]),
            1 => Just(&b"\n"[..]),
            1 => Just(&b"\0"[..]),
            1 => Just(&b"\x7f"[..]),
            1 => Just(&b"\x1f"[..]),
            1 => Just(&b"\x80\xff"[..]),
            1 => Just(&b"(@)"[..]),
            3 => Just(&b"\r\n\r\n"[..]),
            4 => Just(&b"x: y\r\n"[..]),
        ];
        proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
    }

    fn has_lone_line_feed(text: &[u8]) -> bool {
        (0..text.len()).any(|at| text[at] == b'\n' && (at == 0 || text[at - 1] != b'\r'))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn fields_are_read_as_another_parser_reads_them_but_for_lone_line_feeds(section in sections(), most in 1_usize..6) {
            match (ours(&section, most), theirs(&section, most)) {
                (Ok(ours), Ok(theirs)) => {
                    if let (Some((end, _)), true) = (&ours, ours == theirs) {
                        prop_assert!(!has_lone_line_feed(&section[..*end]));
                    }
                    prop_assert_eq!(ours, theirs);
                }
                // Whatever else is wrong comes after it.
                (Err(Flaw::LineEnd), _) => prop_assert!(has_lone_line_feed(&section) || section.contains(&b'\r')),
                // Of one line too many the other one waits for the end.
                (Err(_), Err(_)) | (Err(Flaw::TooManyFields), Ok(None)) => {}
                (ours, theirs) => prop_assert!(false, "{ours:?}, and {theirs:?}"),
            }
        }

        #[test]
        fn a_text_ends_at_its_first_control_character_wherever_it_is(
            mut text in proptest::collection::vec(prop_oneof![b' '..=b'~', Just(b'\t'), 0x80..=0xff_u8], 0..40),
            control in prop_oneof![0..=8_u8, 10..=31_u8, Just(0x7f)],
            at in 0..40_usize,
            from in 0..8_usize,
        ) {
            let from = from.min(text.len());
            prop_assert_eq!(text_end(&text, from), text.len());
            let at = at.min(text.len());
            text.insert(at, control);
            if at >= from {
                prop_assert_eq!(text_end(&text, from), at);
            }
        }
    }

    #[test]
    fn tokens_and_targets_are_made_of_what_the_standard_says() {
        for byte in 0..=255_u8 {
            let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(token_end(&[byte], 0) == 1, is_token, "{byte:#x}");
            assert_eq!(target_end(&[byte], 0) == 1, byte > b' ' && byte != 0x7f, "{byte:#x}");
        }
    }

    #[test]
    fn whatever_is_cut_off_is_waited_for() {
        let section = b"Host: a.example\r\nX:\t y \r\n\r\n";
        for end in 0..section.len() {
            assert_eq!(ours(&section[..end], 9), Ok(None), "{end}");
        }
        assert!(ours(section, 9).is_ok_and(|found| found.is_some_and(|(end, _)| end == section.len())));
        for end in 0..8 {
            assert_eq!(version(&b"HTTP/1.1"[..end], 0), Ok(None), "{end}");
        }
        assert_eq!(version(b"HTTP/2.0", 0), Err(Flaw::FirstLine));
        assert_eq!(version(b"HTTP/2.", 0), Ok(None), "which it is can be told when all of it is there");
        for nonsense in ["HTTQ", "HTTP/x", "HTTP/1,", "http"] {
            assert_eq!(version(nonsense.as_bytes(), 0), Err(Flaw::FirstLine), "{nonsense}");
        }
    }
}
