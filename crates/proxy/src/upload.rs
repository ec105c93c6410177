//! A request on its way to one endpoint: its head, then its body as it comes. It goes on while the answer is read: an
//! endpoint may answer before it has heard all.

use std::task::{Context, Poll, ready};

use lb_http1::{Framing, push_chunk};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::downstream::Progress;
use crate::forward::Outgoing;
use crate::replay::{NoMore, Replay};
use crate::wire::Wire;

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
}

impl Upload {
    /// Writes the head, for the first time or again, as the beginning of what the wire is to send.
    pub(crate) fn begin<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, head: &Outgoing, body: &Replay) -> Self {
        // A body that the client has begun to send is there, and nobody need be asked for it.
        let awaits_continue = head.expects_continue() && body.is_untouched();
        head.write(awaits_continue, wire.begin());
        let reader = body.new_reader();
        Self { body: body.clone(), reader, position: 0, is_complete: body.is_empty(), awaits_continue }
    }

    /// Sends as much as goes without waiting; ready when all is sent.
    pub(crate) fn poll_send<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire<S>,
    ) -> Poll<Result<(), NoMore>> {
        while !self.is_complete {
            if self.awaits_continue {
                let _sent = ready!(wire.poll_write(cx, &[]));
                return Poll::Pending;
            }
            let Poll::Ready(progress) = self.body.poll_at(cx, self.reader, self.position) else {
                let _sent = ready!(wire.poll_write(cx, &[]));
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
                    if wire.out().left().len() >= COLLECT {
                        let _sent = ready!(wire.poll_write(cx, &[]));
                    }
                }
                (Progress::Data, _) => {
                    let taken = ready!(self.body.with_data(self.position, |data| wire.poll_write(cx, data)));
                    self.position += taken as u64;
                }
            }
        }
        wire.poll_write(cx, &[]).map(|_all| Ok(()))
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

    /// Whether the next piece of it is the client's to send.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.body.waits_for_client()
    }
}
