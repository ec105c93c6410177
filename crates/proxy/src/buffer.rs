//! The memory that bytes pass through. It is lent by the worker's thread and held only while bytes are in it, so that a
//! connection on which nothing happens holds none.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::lent;

/// What a connection reads into at first: most heads, and most small bodies, are smaller.
const SMALL: usize = 8 * 1024;

/// What it reads into when that was filled by one read, or does not hold a head: fewer system calls for large bodies.
/// It must hold any head ([`lb_http1::Limits::head`]).
pub(crate) const LARGE: usize = 64 * 1024;

/// So many of each size a thread keeps; more would only be there after a burst.
const MOST_SPARE: usize = 64;

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { small: Vec::new(), large: Vec::new(), out: Vec::new() }) };
}

struct Spare {
    small: Vec<Box<[u8]>>,
    large: Vec<Box<[u8]>>,
    out: Vec<Vec<u8>>,
}

fn borrow(large: bool) -> Box<[u8]> {
    let size = if large { LARGE } else { SMALL };
    lent::lend(size);
    let spare = SPARE.with_borrow_mut(|spare| if large { spare.large.pop() } else { spare.small.pop() });
    spare.unwrap_or_else(|| vec![0; size].into())
}

fn give_back(memory: Box<[u8]>) {
    lent::give_back(memory.len());
    SPARE.with_borrow_mut(|spare| {
        let kept = if memory.len() == LARGE { &mut spare.large } else { &mut spare.small };
        if !memory.is_empty() && kept.len() < MOST_SPARE {
            kept.push(memory);
        }
    });
}

/// Bytes that were read and are not consumed yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    memory: Box<[u8]>,
    start: usize,
    end: usize,
    // The last read filled all there was: more is coming than this holds.
    wants_more: bool,
}

impl Buffer {
    pub(crate) fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        debug_assert!(self.start <= self.end, "no more is consumed than there is");
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads more; how much, or 0 at the stream's end.
    ///
    /// # Errors
    ///
    /// What the stream says; or that there is no room: [`LARGE`] bytes are in it already, or no more may be lent.
    pub(crate) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<usize>> {
        self.make_room()?;
        let mut room = ReadBuf::new(&mut self.memory[self.end..]);
        let polled = Pin::new(stream).poll_read(cx, &mut room);
        let (read, is_full) = (room.filled().len(), room.remaining() == 0);
        self.end += read;
        if self.is_empty() {
            self.rest();
        }
        ready!(polled)?;
        self.wants_more = is_full;
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.is_empty() {
            let large = self.wants_more && !lent::is_exhausted();
            let has_as_much = self.memory.len() == LARGE || (self.memory.len() == SMALL && !large);
            if !has_as_much {
                give_back(std::mem::replace(&mut self.memory, borrow(large)));
            }
        } else if self.end == self.memory.len() {
            if self.start > 0 {
                self.memory.copy_within(self.start..self.end, 0);
            } else if self.memory.len() < LARGE && !lent::is_exhausted() {
                let mut larger = borrow(true);
                larger[..self.end].copy_from_slice(&self.memory);
                give_back(std::mem::replace(&mut self.memory, larger));
            } else {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            (self.start, self.end) = (0, self.end - self.start);
        }
        Ok(())
    }

    /// Whether another read has room.
    pub(crate) fn has_room(&self) -> bool {
        let most = if lent::is_exhausted() { self.memory.len().max(SMALL) } else { LARGE };
        self.end - self.start < most
    }

    /// Gives the memory back if nothing is in it.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() && !self.memory.is_empty() {
            give_back(std::mem::take(&mut self.memory));
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.memory));
    }
}

/// Bytes that are to be written.
#[derive(Debug, Default)]
pub(crate) struct Out {
    bytes: Vec<u8>,
    written: usize,
}

impl Out {
    /// Where to append what is to be written.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = borrow_out();
        }
        &mut self.bytes
    }

    /// What is not written yet.
    pub(crate) fn left(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// So many bytes of it are written. Gives its memory back when all are.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets what is not written.
    pub(crate) fn clear(&mut self) {
        give_back_out(std::mem::take(&mut self.bytes));
        self.written = 0;
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.clear();
    }
}

/// An empty vector, perhaps with memory.
pub(crate) fn borrow_out() -> Vec<u8> {
    SPARE.with_borrow_mut(|spare| spare.out.pop()).unwrap_or_else(|| Vec::with_capacity(1024))
}

/// Takes a vector's memory back.
pub(crate) fn give_back_out(mut bytes: Vec<u8>) {
    bytes.clear();
    if (1..=LARGE).contains(&bytes.capacity()) {
        SPARE.with_borrow_mut(|spare| {
            if spare.out.len() < MOST_SPARE {
                spare.out.push(bytes);
            }
        });
    }
}

/// Writes what is to be written, and after it `data`, as far as it goes without waiting; how much of `data` was taken.
/// Ready when something of `data` was, or all of it if there is none.
pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    stream: &mut S,
    out: &mut Out,
    data: &[u8],
) -> Poll<io::Result<usize>> {
    loop {
        let before = out.left().len();
        let written = match (before, data) {
            (0, []) => return Poll::Ready(Ok(0)),
            (0, data) => ready!(Pin::new(&mut *stream).poll_write(cx, data))?,
            (_, []) => ready!(Pin::new(&mut *stream).poll_write(cx, out.left()))?,
            (_, data) => {
                let both = [io::IoSlice::new(out.left()), io::IoSlice::new(data)];
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &both))?
            }
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        out.wrote(written.min(before));
        if written > before {
            return Poll::Ready(Ok(written - before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn fill(buffer: &mut Buffer, mut bytes: &[u8]) -> Poll<io::Result<usize>> {
        buffer.poll_fill(&mut Context::from_waker(Waker::noop()), &mut bytes)
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut buffer = Buffer::default();
        assert!(matches!(fill(&mut buffer, b"hello"), Poll::Ready(Ok(5))));
        buffer.consume(2);
        assert!(matches!(fill(&mut buffer, b" you"), Poll::Ready(Ok(4))));
        assert_eq!(buffer.filled(), b"llo you");
    }

    #[test]
    fn it_grows_with_what_comes_and_has_an_end() {
        let mut buffer = Buffer::default();
        let bytes = vec![7; LARGE + 1];
        assert!(matches!(fill(&mut buffer, &bytes), Poll::Ready(Ok(SMALL))));
        assert!(matches!(fill(&mut buffer, &bytes), Poll::Ready(Ok(more)) if more == LARGE - SMALL));
        assert!(!buffer.has_room());
        assert!(matches!(fill(&mut buffer, &bytes), Poll::Ready(Err(_))));
        buffer.consume(LARGE);
        assert!(matches!(fill(&mut buffer, &bytes), Poll::Ready(Ok(LARGE))), "a flow is read in large pieces");
    }

    #[test]
    fn an_empty_one_holds_no_memory() {
        let mut buffer = Buffer::default();
        assert!(matches!(fill(&mut buffer, b"a"), Poll::Ready(Ok(1))));
        buffer.consume(1);
        buffer.rest();
        assert!(buffer.memory.is_empty());
        assert!(matches!(fill(&mut buffer, b""), Poll::Ready(Ok(0))));
        assert!(buffer.memory.is_empty(), "at a stream's end nothing was read");
    }
}
