//! Looks for a text in the body of an answer, in as much of it as a probe is worth.

use std::future::poll_fn;
use std::task::{Poll, ready};

use lb_balance::Failure;
use lb_http1::BodyReader;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::wire::Wire;

/// So much of a body is looked into: what tells a server's health stands at its beginning.
const LIMIT: usize = 64 * 1024;

/// Whether the text is in the body. Reads no further than to its end.
pub(super) async fn finds<S>(wire: &mut Wire<S>, body: &mut BodyReader, text: &[u8]) -> Result<bool, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut search = Search::default();
    poll_fn(|cx| {
        loop {
            let length = ready!(wire.poll_data(cx, body)).map_err(|_cut| Failure::Truncated)?;
            if length == 0 {
                return Poll::Ready(Ok(false));
            }
            let found = search.go_on(&wire.data()[..length], text);
            wire.consume(length);
            if let Some(found) = found {
                return Poll::Ready(Ok(found));
            }
        }
    })
    .await
}

/// What was looked into so far.
#[derive(Default)]
struct Search {
    seen: Vec<u8>,
}

impl Search {
    /// Looks into the next piece; `None` while only more can tell.
    fn go_on(&mut self, piece: &[u8], text: &[u8]) -> Option<bool> {
        // It may have begun in the piece before; what lies further back was looked into, however small the pieces are.
        let from = (self.seen.len() + 1).saturating_sub(text.len());
        self.seen.extend_from_slice(&piece[..piece.len().min(LIMIT - self.seen.len())]);
        if self.seen[from.min(self.seen.len())..].windows(text.len().max(1)).any(|window| window == text) {
            return Some(true);
        }
        (self.seen.len() == LIMIT).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]], text: &[u8]) -> Option<bool> {
        let mut search = Search::default();
        pieces.iter().find_map(|piece| search.go_on(piece, text))
    }

    #[test]
    fn a_text_is_found_also_where_pieces_meet() {
        assert_eq!(found(&[b"all is well"], b"is"), Some(true));
        assert_eq!(found(&[b"a", b"l", b"l ", b"we", b"", b"ll"], b"well"), Some(true));
        assert_eq!(found(&[b"we", b"al", b"l"], b"well"), None, "more may come");
    }

    #[test]
    fn only_the_beginning_of_a_body_is_looked_into() {
        let long = vec![b'x'; LIMIT - 3];
        assert_eq!(found(&[&long, b"well"], b"well"), Some(false));
        assert_eq!(found(&[&long[1..], b"well"], b"well"), Some(true));
    }
}
