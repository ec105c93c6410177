//! What a client is answered, whoever answers, and its way out.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderName, HeaderValue};
use http_body::Body as _;
use lb_http1::{Framing, LAST_CHUNK, RequestHead, push_chunk, push_chunk_size};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::carried::Carried;
use crate::client::{Client, Stream};
use crate::clock::Clock;
use crate::forward::{self, Ending};
use crate::local::LocalBody;

/// Pieces up to this size are copied behind what waits to be written, and written with it.
const COPY_LIMIT: usize = 8 * 1024;

/// An answer. Heads of `lb`'s own are boxed, so that an endpoint's answer, which is the usual one, is not as large as they are.
pub(crate) enum Answer<S: AsyncRead + AsyncWrite + Unpin> {
    /// `lb`'s own few words.
    Own(Box<Parts>, Bytes),
    /// What a local service answers.
    Local(Box<Parts>, Local),
    /// What an endpoint answers.
    Carried(Box<Carried<S>>),
}

/// A local service's body, and the piece of it that stands ready.
pub(crate) struct Local {
    body: LocalBody,
    ready: Bytes,
}

impl Local {
    pub(crate) fn new(body: LocalBody) -> Self {
        Self { body, ready: Bytes::new() }
    }
}

/// An answer cannot be delivered whole.
pub(crate) enum Broken {
    /// The client has left, or takes nothing.
    Client,
    /// Whoever answers has broken off.
    Answer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Answer<S> {
    /// Appends its head.
    pub(crate) fn push_head(
        &self,
        into: &mut Vec<u8>,
        request: Option<&RequestHead>,
        closes: bool,
        clock: &Clock,
    ) -> Ending {
        match (self, request) {
            (Self::Own(head, words), _) => forward::own(into, head, Some(words.len() as u64), request, closes, clock),
            (Self::Local(head, local), _) => {
                forward::own(into, head, local.body.size_hint().exact(), request, closes, clock)
            }
            (Self::Carried(carried), request) => {
                let (head, request) =
                    carried.head().zip(request).expect("a request was asked, and nothing read but a head");
                forward::carried(into, head, &carried.additions, request, closes, clock)
            }
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Own(head, _) | Self::Local(head, _) => head.status.as_u16(),
            Self::Carried(carried) => carried.status(),
        }
    }

    /// Adds a field, unless the answer has one of that name already.
    pub(crate) fn add_missing_field(&mut self, name: &str, value: &str) {
        match self {
            Self::Carried(carried) => {
                if carried.head().is_none_or(|head| head.fields().get(name).is_none()) {
                    forward::push_field(&mut carried.additions, name, value.as_bytes());
                }
            }
            Self::Own(head, _) | Self::Local(head, _) => {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                    head.headers.entry(name).or_insert(value);
                }
            }
        }
    }

    /// Whether more of the request is still to be sent to whoever answers.
    pub(crate) fn takes_more(&self) -> bool {
        match self {
            Self::Own(..) | Self::Local(..) => false,
            Self::Carried(carried) => carried.is_still_sent(),
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Broken>> {
        match self {
            Self::Own(_, words) => Poll::Ready(Ok(words.len())),
            Self::Carried(carried) => carried.poll_data(cx).map_err(|error| {
                tracing::debug!(%error, "an answer was broken off");
                Broken::Answer
            }),
            Self::Local(_, local) => {
                while local.ready.is_empty() {
                    match ready!(Pin::new(&mut local.body).poll_frame(cx)) {
                        None => break,
                        Some(Ok(frame)) => local.ready = frame.into_data().unwrap_or_default(),
                        Some(Err(error)) => {
                            tracing::debug!(%error, "a local answer was broken off");
                            return Poll::Ready(Err(Broken::Answer));
                        }
                    }
                }
                Poll::Ready(Ok(local.ready.len()))
            }
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Self::Own(_, words) => words,
            Self::Local(_, local) => &local.ready,
            Self::Carried(carried) => carried.data(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        match self {
            Self::Own(_, words) => drop(words.split_to(bytes)),
            Self::Local(_, local) => drop(local.ready.split_to(bytes)),
            Self::Carried(carried) => carried.consume(bytes),
        }
    }

    /// Appends what ends a body in chunks.
    fn push_end(&self, into: &mut Vec<u8>) {
        match self {
            Self::Carried(carried) if carried.trailers().is_some() => {
                into.extend_from_slice(b"0\r\n");
                carried.trailers().into_iter().for_each(|trailers| forward::push_trailers(into, trailers));
                into.extend_from_slice(b"\r\n");
            }
            Self::Own(..) | Self::Local(..) | Self::Carried(_) => into.extend_from_slice(LAST_CHUNK),
        }
    }
}

/// Writes the body of an answer whose head is written, or stands ready to be.
pub(crate) async fn deliver<C, S>(client: &Client<C>, answer: &mut Answer<S>, framing: Framing) -> Result<(), Broken>
where
    C: Stream,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut way = Way { framing, ready: 0, has_ended: framing == Framing::Empty, has_failed: false };
    poll_fn(|cx| match way.poll(cx, client, answer) {
        // Nobody else would notice that the client leaves while whoever answers is silent.
        Poll::Pending => client.poll_gone(cx).map(|()| Err(Broken::Client)),
        ended @ Poll::Ready(_) => ended,
    })
    .await
}

/// How far an answer is on its way.
struct Way {
    framing: Framing,
    // So many bytes of the answer's data are to be written as they are, after what waits.
    ready: usize,
    has_ended: bool,
    // It was broken off; the client gets what came before.
    has_failed: bool,
}

impl Way {
    fn poll<C, S>(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<C>,
        answer: &mut Answer<S>,
    ) -> Poll<Result<(), Broken>>
    where
        C: Stream,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.framing == Framing::Empty {
            // Whoever answers may have to be heard to its end, which is now.
            let _end = answer.poll_data(cx);
        }
        loop {
            // While the client takes what there is, the request goes on.
            let polled = if self.has_ended { Poll::Pending } else { answer.poll_data(cx) };
            match polled {
                Poll::Pending => {}
                Poll::Ready(Err(Broken::Client)) => return Poll::Ready(Err(Broken::Client)),
                Poll::Ready(Err(Broken::Answer)) => (self.has_ended, self.has_failed) = (true, true),
                Poll::Ready(Ok(_)) if self.ready > 0 => {}
                Poll::Ready(Ok(0)) => {
                    self.has_ended = true;
                    if self.framing == Framing::Chunked {
                        client.push(|out| answer.push_end(out));
                    }
                }
                // The client takes less than comes: what waits goes first.
                Poll::Ready(Ok(_)) if client.waiting() >= COPY_LIMIT => {}
                Poll::Ready(Ok(length)) => {
                    self.take(client, answer, length);
                    // More may stand ready, and go out in the same write.
                    if self.ready == 0 && client.waiting() < COPY_LIMIT {
                        continue;
                    }
                }
            }
            if ready!(self.poll_write(cx, client, answer)).is_err() {
                return Poll::Ready(Err(Broken::Client));
            }
            match (self.has_ended, self.has_failed) {
                (true, false) => return Poll::Ready(Ok(())),
                (true, true) => return Poll::Ready(Err(Broken::Answer)),
                (false, _) if polled.is_pending() => return Poll::Pending,
                (false, _) => {}
            }
        }
    }

    /// Writes all that stands ready.
    fn poll_write<C, S>(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<C>,
        answer: &mut Answer<S>,
    ) -> Poll<io::Result<()>>
    where
        C: Stream,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while self.ready > 0 || client.waiting() > 0 {
            let data = if self.ready > 0 { &answer.data()[..self.ready] } else { &[] };
            let taken = ready!(client.poll_write(cx, data))?;
            answer.consume(taken);
            self.ready -= taken;
            if taken > 0 && self.ready == 0 && self.framing == Framing::Chunked {
                client.push(|out| out.extend_from_slice(b"\r\n"));
                if !self.has_ended {
                    // It goes with the next chunk, or after it was found that there is none yet.
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes so many bytes of data that stand ready: small ones are copied, large ones are written from where they are.
    fn take<C, S>(&mut self, client: &Client<C>, answer: &mut Answer<S>, length: usize)
    where
        C: Stream,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let is_chunked = self.framing == Framing::Chunked;
        if length <= COPY_LIMIT {
            let data = &answer.data()[..length];
            client.push(|out| if is_chunked { push_chunk(out, data) } else { out.extend_from_slice(data) });
            answer.consume(length);
            return;
        }
        self.ready = length;
        if is_chunked {
            client.push(|out| push_chunk_size(out, length));
        }
    }
}
