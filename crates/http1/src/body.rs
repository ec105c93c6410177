//! Takes the bytes of a body out of the bytes of a connection.

use crate::chunked::Chunked;
use crate::{BodyFlaw, Fields, Framing};

/// Reads one body. It is given what has come and is not consumed yet, and says what that is.
#[derive(Debug)]
pub struct BodyReader(State);

#[derive(Debug)]
enum State {
    Length(u64),
    Chunked(Box<Chunked>),
    UntilClose,
    Ended(Option<Fields>),
    // What comes after a flaw is nobody's: it is never read again, not even from another place.
    Flawed(BodyFlaw),
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// From `start` to `end` they are the body's; what is before is its framing. `end` bytes are consumed.
    Data {
        /// Where the data begins.
        start: usize,
        /// Where it ends.
        end: usize,
    },
    /// So many are framing and consumed; for more, more has to come.
    More {
        /// How many.
        consumed: usize,
    },
    /// So many are framing and consumed, and the body is whole. What follows is not the body's.
    End {
        /// How many.
        consumed: usize,
    },
}

impl BodyReader {
    /// A reader of a body framed so.
    pub fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Empty | Framing::Length(0) => State::Ended(None),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Box::default()),
            Framing::UntilClose => State::UntilClose,
        })
    }

    /// What the next bytes are.
    ///
    /// # Errors
    ///
    /// What is wrong with the body; nothing more can be read of it, or of its connection.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, BodyFlaw> {
        match &mut self.0 {
            State::Ended(_) => Ok(Piece::End { consumed: 0 }),
            State::Flawed(flaw) => Err(*flaw),
            State::UntilClose | State::Length(_) if bytes.is_empty() => Ok(Piece::More { consumed: 0 }),
            State::UntilClose => Ok(Piece::Data { start: 0, end: bytes.len() }),
            State::Length(left) => {
                let end = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= end as u64;
                if *left == 0 {
                    self.0 = State::Ended(None);
                }
                Ok(Piece::Data { start: 0, end })
            }
            State::Chunked(chunked) => {
                let piece = chunked.next(bytes);
                match piece {
                    Ok(Piece::End { .. }) => self.0 = State::Ended(chunked.take_trailers()),
                    Ok(Piece::Data { .. } | Piece::More { .. }) => {}
                    Err(flaw) => self.0 = State::Flawed(flaw),
                }
                piece
            }
        }
    }

    /// Whether it is whole.
    pub fn is_ended(&self) -> bool {
        matches!(self.0, State::Ended(_))
    }

    /// The connection has ended: whether that is the body's end, too.
    pub fn may_end_here(&self) -> bool {
        matches!(self.0, State::Ended(_) | State::UntilClose)
    }

    /// How many bytes are left of it, if that is known.
    pub fn left(&self) -> Option<u64> {
        match self.0 {
            State::Length(left) => Some(left),
            State::Ended(_) => Some(0),
            State::Chunked(_) | State::UntilClose | State::Flawed(_) => None,
        }
    }

    /// So many bytes of a body of known length were taken by somebody else, without passing here.
    ///
    /// # Panics
    ///
    /// If it has not so many left, or no length.
    pub fn skip(&mut self, bytes: u64) {
        let State::Length(left) = &mut self.0 else { panic!("only what has a length can be skipped") };
        *left = left.checked_sub(bytes).expect("no more is taken than there is");
        if *left == 0 {
            self.0 = State::Ended(None);
        }
    }

    /// What came after the last chunk, once it is whole.
    pub fn trailers(&self) -> Option<&Fields> {
        match &self.0 {
            State::Ended(trailers) => trailers.as_ref(),
            State::Length(_) | State::Chunked(_) | State::UntilClose | State::Flawed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_known_length_ends_after_it() {
        let mut reader = BodyReader::new(Framing::Length(5));
        assert_eq!(reader.next(b""), Ok(Piece::More { consumed: 0 }));
        assert_eq!(reader.next(b"abc"), Ok(Piece::Data { start: 0, end: 3 }));
        assert_eq!((reader.left(), reader.may_end_here()), (Some(2), false));
        assert_eq!(reader.next(b"deGET /"), Ok(Piece::Data { start: 0, end: 2 }));
        assert_eq!(reader.next(b"GET /"), Ok(Piece::End { consumed: 0 }));
        assert!(reader.is_ended());
    }

    #[test]
    fn a_body_without_a_length_may_end_anywhere() {
        let mut reader = BodyReader::new(Framing::UntilClose);
        assert_eq!(reader.next(b"abc"), Ok(Piece::Data { start: 0, end: 3 }));
        assert!(reader.may_end_here() && !reader.is_ended());
    }

    #[test]
    fn no_body_has_ended_before_it_begins() {
        for framing in [Framing::Empty, Framing::Length(0)] {
            assert_eq!(BodyReader::new(framing).next(b"GET"), Ok(Piece::End { consumed: 0 }));
        }
    }

    #[test]
    fn after_a_flaw_there_is_nothing_more_to_read() {
        let mut reader = BodyReader::new(Framing::Chunked);
        let flaw = reader.next(b"x\r\n0\r\n\r\n").expect_err("it is no size");
        assert_eq!(reader.next(b"0\r\n\r\n"), Err(flaw));
        assert!(!reader.is_ended() && !reader.may_end_here());
    }

    #[test]
    fn what_is_taken_elsewhere_is_counted() {
        let mut reader = BodyReader::new(Framing::Length(5));
        reader.skip(4);
        assert_eq!(reader.left(), Some(1));
        reader.skip(1);
        assert!(reader.is_ended());
    }
}
