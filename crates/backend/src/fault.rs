//! Faults to practise on: for a while, answers come late, wrong, broken or not at all, because somebody asked for it.
//!
//! Here is only what a fault is and how it is told. Which one stands, and whose turn it is to be hit, is kept in `slot`;
//! what it makes of a request is in `strike`; `wire` breaks connections, which takes more than HTTP can say. An inactive
//! server (`/control/toggle`) is no fault: it is whole, refuses work politely, and stays so until it is told otherwise.
//!
//! ```text
//! control/fault ──set──▶ slot ◀──whose turn── strike ──end──▶ line ┄┄┄▶ wire ──▶ socket
//!                                               ▲                        ▲
//!                                          api, health                 hyper
//! ```

mod slot;
mod strike;
mod wire;

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;

pub(crate) use slot::Slot;
pub(crate) use strike::strike;
pub(crate) use wire::{Line, Wires};

/// How a server misbehaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// Of a hundred requests, so many are hit: from 1 to 100.
    pub(crate) percent: u8,
    /// Whether `/health` is hit as well as `/api`.
    pub(crate) on_health: bool,
    /// How long it stands.
    pub(crate) lasts: Duration,
}

/// What becomes of a request that is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its answer comes later by `delay`, and by anything up to `jitter` more.
    Latency { delay: Duration, jitter: Duration },
    /// It is answered with this status.
    Errors { status: StatusCode },
    /// It is answered once the fault has ended.
    Hang,
    /// Its connection is reset before the first byte of an answer.
    Reset,
    /// Its answer ends in the middle of the body.
    Truncate,
    /// Its answer is not HTTP.
    Garbage,
}

/// What a fault can hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `/api`.
    Api,
    /// `/health`.
    Health,
}

/// In words that can follow the server's name.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, percent, on_health, lasts: _ } = self;
        write!(f, "{kind} on /api")?;
        if *on_health {
            f.write_str(" and /health")?;
        }
        if *percent < 100 {
            write!(f, ", at {percent}% of the requests")?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { delay, jitter: Duration::ZERO } => write!(f, "answers {delay:?} late"),
            Self::Latency { delay, jitter } => write!(f, "answers {delay:?} to {:?} late", *delay + *jitter),
            Self::Errors { status } => write!(f, "answers {}", status.as_u16()),
            Self::Hang => f.write_str("hangs"),
            Self::Reset => f.write_str("resets the connection"),
            Self::Truncate => f.write_str("cuts its answers short"),
            Self::Garbage => f.write_str("answers garbage"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_in_words_that_can_follow_a_name() {
        let (delay, jitter) = (Duration::from_millis(200), Duration::from_millis(50));
        let cases = [
            (Kind::Latency { delay, jitter: Duration::ZERO }, 100, false, "answers 200ms late on /api"),
            (Kind::Latency { delay, jitter }, 100, false, "answers 200ms to 250ms late on /api"),
            (Kind::Errors { status: StatusCode::BAD_GATEWAY }, 100, true, "answers 502 on /api and /health"),
            (Kind::Hang, 5, false, "hangs on /api, at 5% of the requests"),
            (Kind::Reset, 99, true, "resets the connection on /api and /health, at 99% of the requests"),
            (Kind::Truncate, 100, false, "cuts its answers short on /api"),
            (Kind::Garbage, 100, false, "answers garbage on /api"),
        ];
        for (kind, percent, on_health, says) in cases {
            let fault = Fault { kind, percent, on_health, lasts: Duration::from_secs(1) };
            assert_eq!(fault.to_string(), says);
        }
    }
}
