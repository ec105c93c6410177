//! The client's side of a request, as the rest of the proxy sees it, however the client speaks.

use std::task::{Context, Poll};

/// What a client sends after its head, and what it is told before its answer.
pub(crate) trait Downstream {
    /// Appends the next piece of the request's body.
    fn poll_body(&self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Result<Progress, BodyBroken>>;

    /// Appends the trailer fields that came after the body, as they may be passed on.
    fn push_trailers(&self, into: &mut Vec<u8>);

    /// Tells the client the head of an interim answer (RFC 9110 §15.2), if it understands such and there is room.
    fn tell(&self, head: &[u8]);
}

/// What has come of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A piece of it.
    Data,
    /// Its end.
    End,
}

/// Why nothing more comes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyBroken {
    /// The client broke it off, or framed it in another way than its head says.
    Off,
    /// It is larger than it may be.
    TooLarge,
    /// It comes more slowly than it may.
    TooSlow,
}
