//! Takes answers apart by the letter of RFC 9112, as `strict` does requests, and shares nothing with `lb-http1` either.

use crate::strict::{fields, line, number, take};

/// Where an answer left its reader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Another one may follow.
    Next,
    /// It was the last one.
    Last,
}

/// Reads an answer to a request of that method, interim ones before it included. Only a client that `is_old`, one of HTTP/1.0,
/// can be told of an end by the connection's.
///
/// # Errors
///
/// What is not as it has to be, or that it is not all there.
pub(crate) fn read(bytes: &mut &[u8], method: &[u8], is_old: bool) -> Result<Then, String> {
    loop {
        let status = status(line(bytes)?)?;
        let fields = fields(bytes)?;
        let all = |name: &str| -> Vec<&[u8]> {
            let is = |field: &&(&[u8], &[u8])| field.0.eq_ignore_ascii_case(name.as_bytes());
            fields.iter().filter(is).map(|(_, value)| *value).collect()
        };
        let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
        match (status, &lengths[..], &codings[..]) {
            (101, ..) => return Err("nobody asked for another protocol".to_owned()),
            (100..=199, [], []) if is_old => return Err("HTTP/1.0 knows no interim answers".to_owned()),
            (100..=199, [], []) => continue,
            (100..=199, ..) => return Err("an interim answer has a body".to_owned()),
            (_, [_], []) if status == 204 => return Err("an answer without a body has a length".to_owned()),
            (_, [length], []) if method == b"HEAD" || status == 304 => _ = number(length, 10)?,
            (_, [], []) if method == b"HEAD" || matches!(status, 204 | 304) => {}
            (_, [length], []) => _ = take(bytes, number(length, 10)?)?,
            (_, [], [b"chunked"]) if !is_old && method == b"HEAD" => {}
            (_, [], [b"chunked"]) if !is_old => chunks(bytes)?,
            (_, [], []) if is_old => {
                *bytes = &[];
                return Ok(Then::Last);
            }
            _ => return Err("the body is not framed in exactly one way".to_owned()),
        }
        let closes = all("connection").iter().any(|option| *option == b"close");
        return Ok(if closes { Then::Last } else { Then::Next });
    }
}

fn chunks(bytes: &mut &[u8]) -> Result<(), String> {
    loop {
        let size = number(line(bytes)?, 16)?;
        if size == 0 {
            return fields(bytes).map(|_trailers| ());
        }
        take(bytes, size)?;
        if !line(bytes)?.is_empty() {
            return Err("a chunk is longer than it says".to_owned());
        }
    }
}

fn status(line: &[u8]) -> Result<u16, String> {
    let wrong = || format!("the first line is none of an answer: {}", line.escape_ascii());
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or_else(wrong)?;
    let (digits, words) = rest.split_at_checked(3).ok_or_else(wrong)?;
    let has_words =
        words.first() == Some(&b' ') && words.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    let status = number(digits, 10).ok().and_then(|status| u16::try_from(status).ok());
    status.filter(|status| has_words && (100..=599).contains(status)).ok_or_else(wrong)
}
