//! A request on its way to one endpoint: its head, then its body as it comes. It goes on while the answer is read: an
//! endpoint may answer before it has heard all.

use std::task::{Context, Poll, ready};

use lb_balance::Timestamp;
use lb_http1::{Framing, push_chunk};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::downstream::Progress;
use crate::forward::Outgoing;
use crate::replay::{NoMore, Replay};
use crate::wire::{Wire, WriteClosed};

/// As much is collected of a body in chunks before it is written.
const COLLECT: usize = 16 * 1024;

/// One sending of a request.
pub(crate) struct Upload {
    body: Replay,
    reader: u32,
    position: u64,
    // The end of the request is written, or stands ready to be.
    is_complete: bool,
    awaits_continue: bool,
    unsent: Option<Unsent>,
}

/// Why the rest of a request is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// There is no more of it for this attempt.
    NoMore(NoMore),
    /// The endpoint takes no more. It may have answered.
    WriteClosed,
}

impl From<NoMore> for Unsent {
    fn from(no_more: NoMore) -> Self {
        Self::NoMore(no_more)
    }
}

impl From<WriteClosed> for Unsent {
    fn from(_: WriteClosed) -> Self {
        Self::WriteClosed
    }
}

impl Upload {
    /// Writes the head, for the first time or again, as the beginning of what the wire is to send.
    pub(crate) fn begin<S: AsyncRead + AsyncWrite + Unpin>(
        wire: &mut Wire<S>,
        head: &Outgoing,
        body: &Replay,
        span: Option<u64>,
    ) -> Self {
        // A body that the client has begun to send is there, and nobody need be asked for it.
        let awaits_continue = head.expects_continue() && body.is_untouched();
        head.write(awaits_continue, span, wire.begin());
        let reader = body.new_reader();
        Self { body: body.clone(), reader, position: 0, is_complete: body.is_empty(), awaits_continue, unsent: None }
    }

    /// Sends as much as goes without waiting; ready when all is sent, or no more of it ever will be.
    pub(crate) fn poll_send<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire<S>,
    ) -> Poll<Result<(), Unsent>> {
        if let Some(unsent) = self.unsent {
            return Poll::Ready(Err(unsent));
        }
        let polled = self.poll_on(cx, wire);
        if let Poll::Ready(Err(unsent)) = polled {
            self.unsent = Some(unsent);
        }
        polled
    }

    fn poll_on<S>(&mut self, cx: &mut Context<'_>, wire: &mut Wire<S>) -> Poll<Result<(), Unsent>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while !self.is_complete {
            if self.awaits_continue {
                ready!(wire.poll_write(cx, &[]))?;
                return Poll::Pending;
            }
            // Not more than this waits here, however quickly the client sends.
            if wire.out().left().len() >= COLLECT {
                ready!(wire.poll_write(cx, &[]))?;
            }
            let Poll::Ready(progress) = self.body.poll_at(cx, self.reader, self.position) else {
                ready!(wire.poll_write(cx, &[]))?;
                return Poll::Pending;
            };
            match (progress?, self.body.framing()) {
                (Progress::End, Framing::Chunked) => {
                    let out = wire.out().bytes();
                    out.extend_from_slice(b"0\r\n");
                    self.body.client().push_trailers(out);
                    out.extend_from_slice(b"\r\n");
                    self.is_complete = true;
                }
                (Progress::End, _) => self.is_complete = true,
                (Progress::Data, Framing::Chunked) => {
                    let pushed = self.body.with_data(self.position, |data| {
                        push_chunk(wire.out().bytes(), data);
                        data.len()
                    });
                    self.position += pushed as u64;
                }
                (Progress::Data, _) => {
                    let taken = ready!(self.body.with_data(self.position, |data| wire.poll_write(cx, data)))?;
                    self.position += taken as u64;
                }
            }
        }
        Poll::Ready(ready!(wire.poll_write(cx, &[])).map(|_all| ()).map_err(Unsent::from))
    }

    /// Whether the body is held back until the endpoint asks for it.
    pub(crate) fn awaits_continue(&self) -> bool {
        self.awaits_continue
    }

    /// The endpoint asks for the body, or was given the time to.
    pub(crate) fn go_on(&mut self) {
        self.awaits_continue = false;
    }

    /// Whether all of it was sent, or stands ready to be.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether more of it may still be sent.
    pub(crate) fn goes_on(&self) -> bool {
        !self.is_complete && self.unsent.is_none()
    }

    /// When the last piece of the body was taken from the client; `None` if there is none.
    pub(crate) fn last_taken(&self) -> Option<Timestamp> {
        self.body.last_taken()
    }

    /// Whether the client broke it off.
    pub(crate) fn is_broken_off(&self) -> bool {
        self.unsent == Some(Unsent::NoMore(NoMore::ClientBrokeOff))
    }

    /// Whether the next piece of it is the client's to send.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.body.waits_for_client()
    }
}
