//! Finds where a head ends. Each byte is looked at once, however slowly they come.

use std::sync::LazyLock;

use memchr::memmem;

use crate::Flaw;

/// Where in the bytes of a head the search stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadEnd {
    searched: usize,
}

impl HeadEnd {
    /// The length of an empty line. A client may send one before a request, and it is to be ignored (RFC 9112 §2.2).
    pub const BLANK: usize = 2;

    /// Whether nothing was searched yet.
    pub fn is_at_start(&self) -> bool {
        self.searched == 0
    }

    /// The length of the head at the start of these bytes, its empty line included; `None` if it is not all there. To be called
    /// with the same bytes and more of them.
    ///
    /// # Errors
    ///
    /// [`Flaw::LineEnd`] if it is not all there and a line ended in a lone LF, which RFC 9112 §2.2 lets a recipient take for a
    /// line's end; since not all do, a message with one may be read in two ways. In a whole head those are found when it is
    /// read.
    pub fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, Flaw> {
        if bytes.len() == self.searched {
            return Ok(None);
        }
        if bytes.starts_with(b"\r\n") {
            return Ok(Some(Self::BLANK));
        }
        // The end may have begun in what was searched before.
        let from = self.searched.saturating_sub(END.needle().len() - 1);
        if let Some(at) = END.find(&bytes[from..]) {
            return Ok(Some(from + at + END.needle().len()));
        }
        // Whoever ends lines in another way may wait for an answer now.
        if has_lone_line_feed(bytes, self.searched) {
            return Err(Flaw::LineEnd);
        }
        self.searched = bytes.len();
        Ok(None)
    }
}

static END: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\r\n\r\n"));

/// Whether there is a line feed, from there on, that no carriage return comes before.
fn has_lone_line_feed(bytes: &[u8], from: usize) -> bool {
    memchr::memchr_iter(b'\n', &bytes[from..]).any(|at| !bytes[..from + at].ends_with(b"\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(HeadEnd::default().find(b"GET / HTTP/1.1\r\nA: b\r\n\r\nbody\n"), Ok(Some(24)));
    }

    #[test]
    fn it_is_found_in_whatever_pieces_it_comes() {
        let head = b"GET / HTTP/1.1\r\nA: b\r\n\r\n";
        let mut end = HeadEnd::default();
        for so_far in 0..head.len() {
            assert_eq!(end.find(&head[..so_far]), Ok(None));
        }
        assert_eq!(end.find(head), Ok(Some(head.len())));
    }

    #[test]
    fn a_lone_line_feed_ends_no_line() {
        for head in ["GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\nA: b\n\r\n", "GET / HTTP/1.1\r\n\n", "\n", "\nGET"] {
            assert_eq!(HeadEnd::default().find(head.as_bytes()), Err(Flaw::LineEnd), "{head:?}");
        }
    }

    #[test]
    fn an_empty_line_is_a_head_of_two_bytes() {
        assert_eq!(HeadEnd::default().find(b"\r\nGET /"), Ok(Some(HeadEnd::BLANK)));
        assert_eq!(HeadEnd::default().find(b"\r"), Ok(None));
    }
}
