//! How a message's body is framed. Exactly one way is ever accepted (RFC 9112 §6).

use crate::fields::{Fields, Known};
use crate::request::Version;
use crate::{Flaw, text};

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// There is none.
    #[default]
    Empty,
    /// After so many bytes.
    Length(u64),
    /// After its last chunk.
    Chunked,
    /// With the connection; answers only.
    UntilClose,
}

impl Framing {
    /// What the fields say; `None` if they say nothing.
    ///
    /// RFC 9112 §6.3 would let a recipient take Transfer-Encoding before Content-Length, and one of several equal lengths.
    /// Both are how requests are smuggled, and no client needs them.
    pub(crate) fn declared(fields: &Fields, version: Version) -> Result<Option<Self>, Flaw> {
        if !fields.has(Known::ContentLength) && !fields.has(Known::TransferEncoding) {
            return Ok(None);
        }
        let mut lengths = fields.known(Known::ContentLength);
        let mut encodings = fields.known(Known::TransferEncoding);
        match (lengths.next(), encodings.next()) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Flaw::LengthAndEncoding),
            (Some(length), None) => match (text::decimal(length), lengths.next()) {
                (_, Some(_)) => Err(Flaw::SeveralLengths),
                (None, None) => Err(Flaw::Length),
                (Some(length), None) => Ok(Some(Self::Length(length))),
            },
            (None, Some(_)) if version == Version::Http10 => Err(Flaw::EncodingInOld),
            (None, Some(encoding)) if encoding.eq_ignore_ascii_case(b"chunked") && encodings.next().is_none() => {
                Ok(Some(Self::Chunked))
            }
            (None, Some(_)) if is_known_elsewhere(fields) => Err(Flaw::Coding),
            (None, Some(_)) => Err(Flaw::Encoding),
        }
    }
}

/// Whether the codings are such as RFC 9112 §6.1 allows, had we known them: others first, and `chunked` last and once.
fn is_known_elsewhere(fields: &Fields) -> bool {
    let mut others = 0;
    let mut chunked = 0;
    for coding in fields.known(Known::TransferEncoding).flat_map(text::members) {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        let is_registered = ["gzip", "x-gzip", "deflate", "compress", "x-compress"]
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(coding));
        if chunked > 0 || !(is_chunked || is_registered) {
            return false;
        }
        (others, chunked) = (others + usize::from(!is_chunked), chunked + usize::from(is_chunked));
    }
    others > 0 && chunked == 1
}

/// Why a body cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFlaw {
    /// A chunk does not begin with its size (RFC 9112 §7.1).
    #[error("a chunk's size is not a hexadecimal number")]
    ChunkSize,
    /// Extensions of chunks are longer than anybody needs.
    #[error("a chunk's extensions are too long")]
    ChunkExtension,
    /// A chunk's data is not followed by a line's end, or its size is not.
    #[error("a chunk does not end where it should")]
    ChunkEnd,
    /// What follows the last chunk is not a trailer section.
    #[error("the trailer section is not one: {0}")]
    Trailers(Flaw),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn declared(section: &str, version: Version) -> Result<Option<Framing>, Flaw> {
        let fields = Fields::read(format!("{section}\r\n").as_bytes(), &Limits::DEFAULT).expect("fields");
        Framing::declared(&fields, version)
    }

    #[test]
    fn one_framing_is_accepted() {
        for (section, framing) in [
            ("", None),
            ("Content-Length: 0\r\n", Some(Framing::Length(0))),
            ("content-length:  0017 \r\n", Some(Framing::Length(17))),
            ("Transfer-Encoding: Chunked\r\n", Some(Framing::Chunked)),
        ] {
            assert_eq!(declared(section, Version::Http11), Ok(framing), "{section:?}");
        }
    }

    #[test]
    fn whatever_two_servers_may_read_differently_is_refused() {
        for (section, flaw) in [
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Flaw::SeveralLengths),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Flaw::SeveralLengths),
            ("Content-Length: 5, 5\r\n", Flaw::Length),
            ("Content-Length: +5\r\n", Flaw::Length),
            ("Content-Length: -5\r\n", Flaw::Length),
            ("Content-Length: 0x5\r\n", Flaw::Length),
            ("Content-Length: 5 5\r\n", Flaw::Length),
            ("Content-Length:\r\n", Flaw::Length),
            ("Content-Length: 18446744073709551616\r\n", Flaw::Length),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Flaw::LengthAndEncoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", Flaw::LengthAndEncoding),
            ("Transfer-Encoding: gzip, chunked\r\n", Flaw::Coding),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Flaw::Coding),
            ("Transfer-Encoding: chunked, gzip\r\n", Flaw::Encoding),
            ("Transfer-Encoding: gzip\r\n", Flaw::Encoding),
            ("Transfer-Encoding: gzip, identity, chunked\r\n", Flaw::Encoding),
            ("Transfer-Encoding: chunked, chunked\r\n", Flaw::Encoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Flaw::Encoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Flaw::Encoding),
            ("Transfer-Encoding: identity\r\n", Flaw::Encoding),
            ("Transfer-Encoding:\r\n", Flaw::Encoding),
            ("Transfer-Encoding: xchunked\r\n", Flaw::Encoding),
            ("Transfer-Encoding: \"chunked\"\r\n", Flaw::Encoding),
            ("Transfer-Encoding: chunked;q=1\r\n", Flaw::Encoding),
        ] {
            assert_eq!(declared(section, Version::Http11), Err(flaw), "{section:?}");
        }
        assert_eq!(declared("Transfer-Encoding: chunked\r\n", Version::Http10), Err(Flaw::EncodingInOld));
    }
}
