//! Takes chunks apart (RFC 9112 §7.1). Extensions are read over, and never passed on.

use crate::{BodyFlaw, Fields, Flaw, Limits, Piece};

/// How long a line with a chunk's size may be, extensions included.
const MOST_LINE: usize = 1024;

/// So many bytes of extensions a body may have in all, or somebody could send a gigabyte of them for a few bytes of body.
const MOST_EXTENSIONS: usize = 16 * 1024;

/// How large a trailer section may be.
const MOST_TRAILERS: usize = 8 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Chunked {
    at: At,
    // Bytes of the line so far.
    line: usize,
    extensions: usize,
    size: u64,
    // The trailer section so far.
    section: Vec<u8>,
    trailers: Option<Fields>,
}

/// Which byte comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    /// The first digit of a chunk's size.
    #[default]
    FirstDigit,
    /// Another one, or what follows them.
    Size,
    /// Space before an extension.
    Space,
    Extension,
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    Trailers,
}

impl Chunked {
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Piece, BodyFlaw> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            match self.at {
                At::Data => {
                    let there = bytes.len() - at;
                    let length = usize::try_from(self.size).map_or(there, |size| size.min(there));
                    self.size -= length as u64;
                    if self.size == 0 {
                        self.at = At::DataReturn;
                    }
                    return Ok(Piece::Data { start: at, end: at + length });
                }
                At::Trailers => match self.take_trailer_bytes(&bytes[at..])? {
                    Some(taken) => return Ok(Piece::End { consumed: at + taken }),
                    None => return Ok(Piece::More { consumed: bytes.len() }),
                },
                At::FirstDigit | At::Size | At::Space | At::Extension | At::SizeEnd | At::DataReturn | At::DataEnd => {
                    self.at = self.after(byte)?;
                    at += 1;
                }
            }
        }
        Ok(Piece::More { consumed: bytes.len() })
    }

    /// Where a byte of framing leads.
    fn after(&mut self, byte: u8) -> Result<At, BodyFlaw> {
        self.line += 1;
        if self.line > MOST_LINE {
            return Err(BodyFlaw::ChunkExtension);
        }
        match (self.at, byte) {
            (At::FirstDigit | At::Size, byte) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                self.size = self.size.checked_mul(16).ok_or(BodyFlaw::ChunkSize)? | digit;
                Ok(At::Size)
            }
            (At::Size | At::Extension, b'\r') => Ok(At::SizeEnd),
            (At::Size | At::Space, b' ' | b'\t') => Ok(At::Space),
            (At::Size | At::Space, b';') => Ok(At::Extension),
            (At::Extension, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extensions += 1;
                if self.extensions > MOST_EXTENSIONS {
                    return Err(BodyFlaw::ChunkExtension);
                }
                Ok(At::Extension)
            }
            (At::SizeEnd, b'\n') => {
                self.line = 0;
                Ok(if self.size == 0 { At::Trailers } else { At::Data })
            }
            (At::DataReturn, b'\r') => Ok(At::DataEnd),
            (At::DataEnd, b'\n') => {
                self.line = 0;
                Ok(At::FirstDigit)
            }
            (At::FirstDigit | At::Size | At::Space, _) => Err(BodyFlaw::ChunkSize),
            (At::Extension, _) => Err(BodyFlaw::ChunkExtension),
            (At::SizeEnd | At::DataReturn | At::DataEnd, _) => Err(BodyFlaw::ChunkEnd),
            (At::Data | At::Trailers, _) => unreachable!("these are no framing"),
        }
    }

    /// Takes bytes of the trailer section; how many, if it ends in them.
    fn take_trailer_bytes(&mut self, bytes: &[u8]) -> Result<Option<usize>, BodyFlaw> {
        for (at, byte) in bytes.iter().copied().enumerate() {
            self.section.push(byte);
            if self.section.len() > MOST_TRAILERS {
                return Err(BodyFlaw::Trailers(Flaw::TooLarge));
            }
            if byte != b'\n' {
                continue;
            }
            match self.section[..] {
                [b'\r', b'\n'] => return Ok(Some(at + 1)),
                [.., b'\r', b'\n', b'\r', b'\n'] => {
                    let fields = Fields::read(&self.section, &Limits::DEFAULT).map_err(BodyFlaw::Trailers)?;
                    self.trailers = Some(fields);
                    return Ok(Some(at + 1));
                }
                [.., b'\r', b'\n'] => {}
                _ => return Err(BodyFlaw::Trailers(Flaw::LineEnd)),
            }
        }
        Ok(None)
    }

    pub(crate) fn take_trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BodyReader, Framing};
    use proptest::prelude::*;

    /// A body's data, how many bytes follow it, and the names of its trailers.
    type Body = (Vec<u8>, usize, Vec<Vec<u8>>);

    /// Reads a body that comes in pieces of that size; `None` if it has no end.
    fn read(bytes: &[u8], step: usize) -> Result<Option<Body>, BodyFlaw> {
        let mut reader = BodyReader::new(Framing::Chunked);
        let (mut data, mut from, mut to) = (Vec::new(), 0, 0);
        while to < bytes.len() {
            to = (to + step).min(bytes.len());
            loop {
                match reader.next(&bytes[from..to])? {
                    Piece::Data { start, end } => {
                        data.extend_from_slice(&bytes[from + start..from + end]);
                        from += end;
                    }
                    Piece::More { consumed } => {
                        from += consumed;
                        break;
                    }
                    Piece::End { consumed } => {
                        from += consumed;
                        let names = reader
                            .trailers()
                            .map_or(Vec::new(), |trailers| trailers.iter().map(|field| field.name.to_vec()).collect());
                        return Ok(Some((data, bytes.len() - from, names)));
                    }
                }
            }
        }
        Ok(None)
    }

    #[test]
    fn chunks_are_joined_however_they_come() {
        let bytes = b"5\r\nhello\r\n00006 ;a=\"b\";c\r\n world\r\n000\r\nX-Sum: 1\r\nY:\r\n\r\nGET /";
        for step in 1..=bytes.len() {
            let (data, left, trailers) = read(bytes, step).expect("a body").expect("all of it");
            assert_eq!((&data[..], left), (&b"hello world"[..], 5), "{step}");
            assert_eq!(trailers, [b"X-Sum".to_vec(), b"Y".to_vec()]);
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for (bytes, flaw) in [
            ("\r\n", BodyFlaw::ChunkSize),
            ("g\r\n", BodyFlaw::ChunkSize),
            ("+5\r\nhello\r\n", BodyFlaw::ChunkSize),
            ("0x5\r\nhello\r\n", BodyFlaw::ChunkSize),
            ("-5\r\nhello\r\n", BodyFlaw::ChunkSize),
            (" 5\r\nhello\r\n", BodyFlaw::ChunkSize),
            ("5 \r\nhello\r\n", BodyFlaw::ChunkSize),
            ("5\nhello\r\n", BodyFlaw::ChunkSize),
            ("5;\nhello\r\n", BodyFlaw::ChunkExtension),
            ("5\r\rhello\r\n", BodyFlaw::ChunkEnd),
            ("5\r\nhelloX\r\n", BodyFlaw::ChunkEnd),
            ("5\r\nhello\n0\r\n", BodyFlaw::ChunkEnd),
            ("5\r\nhello\rX", BodyFlaw::ChunkEnd),
            ("5\r\nhello0\r\n\r\n", BodyFlaw::ChunkEnd),
            ("11111111111111111\r\n", BodyFlaw::ChunkSize),
            ("5;\0\r\n", BodyFlaw::ChunkExtension),
            ("0\r\nX: y\n\r\n", BodyFlaw::Trailers(Flaw::LineEnd)),
            ("0\r\nX : y\r\n\r\n", BodyFlaw::Trailers(Flaw::FieldName)),
            ("0\r\n\n", BodyFlaw::Trailers(Flaw::LineEnd)),
        ] {
            assert_eq!(read(bytes.as_bytes(), 1), Err(flaw), "{bytes:?}");
            assert_eq!(read(bytes.as_bytes(), bytes.len()), Err(flaw), "{bytes:?}");
        }
    }

    #[test]
    fn a_body_that_breaks_off_has_no_end() {
        for bytes in ["", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\nX: y\r\n"] {
            assert_eq!(read(bytes.as_bytes(), 1), Ok(None), "{bytes:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_have_their_limits() {
        let extension = format!("1;{}\r\na\r\n", "x".repeat(MOST_LINE));
        assert_eq!(read(extension.as_bytes(), 100), Err(BodyFlaw::ChunkExtension));
        let many = format!("1;{}\r\na\r\n", "x".repeat(1000)).repeat(17);
        assert_eq!(read(many.as_bytes(), 100), Err(BodyFlaw::ChunkExtension));
        let trailers = format!("0\r\nX: {}\r\n\r\n", "y".repeat(MOST_TRAILERS));
        assert_eq!(read(trailers.as_bytes(), 100), Err(BodyFlaw::Trailers(Flaw::TooLarge)));
    }

    proptest! {
        #[test]
        fn what_is_written_in_chunks_is_read_as_it_was(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..5), step in 1usize..64) {
            let mut bytes = Vec::new();
            for piece in &pieces {
                crate::push_chunk(&mut bytes, piece);
            }
            bytes.extend_from_slice(crate::LAST_CHUNK);
            let (data, left, _) = read(&bytes, step).expect("a body").expect("all of it");
            prop_assert_eq!((data, left), (pieces.concat(), 0));
        }

        #[test]
        fn whatever_comes_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), step in 1usize..64) {
            let _any = read(&bytes, step);
        }
    }
}
