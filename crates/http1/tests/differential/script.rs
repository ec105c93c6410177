//! A stream that says what it was told to, and an executor that stops where nothing moves: hyper needs no more, and a run takes
//! microseconds and always goes the same way.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use hyper::rt::{Read, ReadBufCursor, Write};

/// One end of a connection whose other end is written in advance.
#[derive(Clone, Default)]
pub(crate) struct Script(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    pieces: VecDeque<Vec<u8>>,
    // The other end speaks only after it was spoken to.
    waits: bool,
    has_ended: bool,
    written: Vec<u8>,
    reader: Option<Waker>,
}

impl Script {
    /// One that says these pieces, each in a read of its own, and then nothing, until it ends.
    pub(crate) fn new(pieces: &[Vec<u8>], waits: bool) -> Self {
        Self(Rc::new(RefCell::new(Inner { pieces: pieces.iter().cloned().collect(), waits, ..Inner::default() })))
    }

    /// The other end says no more.
    pub(crate) fn end(&self) {
        let mut inner = self.0.borrow_mut();
        inner.has_ended = true;
        inner.wake();
    }

    /// What was written so far.
    pub(crate) fn written(&self) -> Vec<u8> {
        self.0.borrow().written.clone()
    }

    /// How many bytes were not read.
    pub(crate) fn left(&self) -> usize {
        self.0.borrow().pieces.iter().map(Vec::len).sum()
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }
}

impl Read for Script {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut room: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        if inner.waits && inner.written.is_empty() {
            inner.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let Some(mut piece) = inner.pieces.pop_front() else {
            if inner.has_ended {
                return Poll::Ready(Ok(()));
            }
            inner.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let rest = piece.split_off(piece.len().min(room.remaining()));
        room.put_slice(&piece);
        if !rest.is_empty() {
            inner.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Script {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.0.borrow_mut();
        inner.written.extend_from_slice(bytes);
        inner.wake();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls until it is ready, or until nothing woke it.
pub(crate) fn run<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    loop {
        let polled = poll(&mut Context::from_waker(&waker));
        if polled.is_ready() || !woken.0.swap(false, Ordering::Relaxed) {
            return polled;
        }
    }
}
