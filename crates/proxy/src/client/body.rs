//! The body of a client's request, and how long it is waited for.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use lb_http1::Piece;

use super::{Client, Inner, Stream};
use crate::alarm::Alarm;
use crate::buffer;
use crate::clock::Clock;
use crate::downstream::{BodyBroken, Downstream, Progress};
use crate::forward;
use crate::limits::Limits;

/// So much of interim answers may wait to be written; what is more is not told.
const MOST_INTERIM: usize = 16 * 1024;

impl<S: Stream> Downstream for Client<S> {
    fn poll_body(&self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Result<Progress, BodyBroken>> {
        let inner = &mut *self.inner.borrow_mut();
        loop {
            match inner.body.next(inner.input.filled()).map_err(|_flaw| BodyBroken::Off)? {
                Piece::Data { start, end } => {
                    into.extend_from_slice(&inner.input.filled()[start..end]);
                    inner.input.consume(end);
                    inner.awaits_continue = false;
                    inner.note_arrival(self.clock);
                    inner.body_bytes += (end - start) as u64;
                    if self.limits.body.is_some_and(|most| inner.body_bytes > u64::from(most)) {
                        return Poll::Ready(Err(BodyBroken::TooLarge));
                    }
                    return Poll::Ready(Ok(Progress::Data));
                }
                Piece::End { consumed } => {
                    inner.input.consume(consumed);
                    inner.body_alarm = Alarm::default();
                    return Poll::Ready(Ok(Progress::End));
                }
                Piece::More { consumed } => inner.input.consume(consumed),
            }
            if inner.awaits_continue {
                inner.ask_for_body(cx);
            }
            match inner.input.poll_fill(cx, &mut inner.stream) {
                Poll::Ready(Ok(1..)) => inner.note_arrival(self.clock),
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(BodyBroken::Off)),
                Poll::Pending => {
                    let since = *inner.waits_since.get_or_insert_with(|| self.clock.now());
                    let limit = self.limits.body_timeout.min(inner.time_at_rate(self.limits.body_rate));
                    ready!(inner.body_alarm.poll(cx, self.clock.deadline(since + limit)));
                    return Poll::Ready(Err(BodyBroken::TooSlow));
                }
            }
        }
    }

    fn push_trailers(&self, into: &mut Vec<u8>) {
        if let Some(trailers) = self.inner.borrow().body.trailers() {
            forward::push_trailers(into, trailers);
        }
    }

    fn tell(&self, head: &[u8]) {
        let inner = &mut *self.inner.borrow_mut();
        if inner.knows_interim && inner.out.left().len() + head.len() <= MOST_INTERIM {
            inner.out.bytes().extend_from_slice(head);
        }
    }
}

impl<S: Stream> Inner<S> {
    /// More of the body has come, if it was waited for.
    fn note_arrival(&mut self, clock: Clock) {
        if let Some(since) = self.waits_since.take() {
            self.body_waited += clock.now().since(since);
        }
    }

    /// How much longer a body that has to come at that rate may be waited for.
    fn time_at_rate(&self, rate: u32) -> Duration {
        if rate == 0 {
            return Duration::MAX;
        }
        let earned = Duration::from_millis(self.body_bytes.saturating_mul(1000) / u64::from(rate));
        (Limits::BODY_GRACE + earned).saturating_sub(self.body_waited)
    }

    /// Asks the client for the body that it holds back.
    fn ask_for_body(&mut self, cx: &mut Context<'_>) {
        self.awaits_continue = false;
        self.out.bytes().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        // If it cannot be written now it is with whatever is written next.
        let _later = buffer::poll_write(cx, &mut self.stream, &mut self.out, &[]);
    }
}
