//! Looks for a text in the body of an answer, in as much of it as a probe is worth.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use lb_balance::Failure;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::wire::Wire;

/// So much of a body is looked into: what tells a server's health stands at its beginning.
const LIMIT: usize = 64 * 1024;

/// Whether the text is in the body. Reads no further than to its end.
pub(super) async fn finds<S>(wire: &mut Wire<S>, mut body: Incoming, text: &[u8]) -> Result<bool, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut search = Search::default();
    poll_fn(|cx| {
        loop {
            wire.poll_drive(cx);
            match ready!(Pin::new(&mut body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(false)),
                Some(Err(_)) => return Poll::Ready(Err(Failure::Truncated)),
                Some(Ok(frame)) => {
                    if let Some(found) = search.go_on(frame.data_ref().unwrap_or(&Bytes::new()), text) {
                        return Poll::Ready(Ok(found));
                    }
                }
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
