//! What happened to one request, whole: what traces, access logs and spans are made of. Plain data; who is told it, and when,
//! is `telling`'s.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lb_balance::{EndpointId, Outcome, PassedOver, PassedOverCounts, Stop, Timestamp, Turn};

use crate::ClusterId;

/// One request, from its head to the last byte of its answer.
#[derive(Debug, Clone)]
pub struct Story {
    /// Why it is told.
    pub wanted: Wanted,
    /// The client's address.
    pub client: IpAddr,
    /// When the request's head was there.
    pub began: Timestamp,
    /// From then to the last byte of the answer.
    pub took: Duration,
    /// What was asked for.
    pub asked: Asked,
    /// Its place in the configuration's order of routes; `None` if no route is for it.
    pub route: Option<usize>,
    /// The route's cluster; `None` if `lb` answered itself.
    pub cluster: Option<ClusterId>,
    /// How long it waited for an endpoint that had room.
    pub queued: Duration,
    /// The tries, in the order in which they came to something.
    pub tries: Vec<Try>,
    /// Why it was not tried again; `None` if nobody was asked, or if the client left before something came of it.
    pub stopped: Option<Stop>,
    /// Who was passed over when there was no endpoint left to try; `None` if there always was one.
    pub unplaced: Option<Passed>,
    /// What the client was answered; `None` if it left before.
    pub status: Option<u16>,
    /// Why `lb` answered itself, for machines; `None` if the answer is an endpoint's or a local service's.
    pub reject: Option<&'static str>,
    /// How it ended.
    pub end: End,
    /// Bytes of the request's body that were read.
    pub bytes_in: u64,
    /// Bytes of the answer, head and body, that the client took.
    pub bytes_out: u64,
    /// Bytes of the answer's body that the client took.
    pub body_bytes_out: u64,
    /// The request's place in a trace over several services.
    pub span: Option<Span>,
}

/// What of a request's head is told. Bytes that are no text are replaced.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: Box<str>,
    /// Path and query as they came.
    pub target: Box<str>,
    /// `1.0` or `1.1`.
    pub version: &'static str,
    /// The host.
    pub host: Box<str>,
    /// The Referer field.
    pub referer: Option<Box<str>>,
    /// The User-Agent field.
    pub user_agent: Option<Box<str>>,
    /// The request id, as it was forwarded.
    pub request_id: Option<Box<str>>,
}

/// Why a story is told: to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "reasons that may hold together, each asked by itself")]
pub struct Wanted {
    /// It is one of the sample.
    pub sampled: bool,
    /// Somebody asked for the next ones.
    pub asked: bool,
    /// Somebody watches, and it was drawn to be shown.
    pub watched: bool,
    /// An access log wants each.
    pub logged: bool,
    /// An endpoint failed, it was retried, or it got no good answer.
    pub troubled: bool,
}

impl Wanted {
    /// Whether anybody wants it, whatever comes of it.
    pub fn is_any(self) -> bool {
        self.sampled || self.asked || self.watched || self.logged || self.troubled
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client has the whole answer.
    Delivered,
    /// The client left, or took nothing for too long.
    ClientLeft,
    /// The endpoint broke off its answer, and so did `lb`.
    BrokenOff,
}

/// One try at one endpoint.
#[derive(Debug, Clone)]
pub struct Try {
    /// Where.
    pub endpoint: EndpointId,
    /// By what right.
    pub turn: Turn,
    /// How long after the request's beginning it began.
    pub after: Duration,
    /// How long it took until its connection was there; `None` if one was there already, or if it never was.
    pub connect: Option<Duration>,
    /// Whether the connection had carried a request before.
    pub reused: bool,
    /// How long it took until something came of it: the answer's head, or the failure.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether that speaks against the endpoint.
    pub blamed: bool,
    /// Its number in the trace that the request is part of, as the endpoint was told it.
    pub span: Option<u64>,
    /// Whether `lb` played that on demand.
    pub played: bool,
    /// Who was passed over for it.
    pub passed: Passed,
}

/// Who was passed over in one choice, and why.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    /// Those that were out by what was believed when the picker was made; shared by all choices of that picker.
    pub out: Option<Arc<Listed>>,
    /// Those that this request could not have: tried already, or full. `None`: nobody; boxed, since that is usual.
    pub now: Option<Box<Listed>>,
}

/// Endpoints that were passed over: each where they are few, and the sum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The first [`Listed::MOST`] of them.
    pub each: Vec<(EndpointId, PassedOver)>,
    /// All of them, summed.
    pub sum: PassedOverCounts,
}

impl Listed {
    /// So many are listed; of more, only the sum tells.
    pub const MOST: usize = 16;
}

/// A request's place in a trace over several services (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The trace, not zero.
    pub trace: u128,
    /// The part of it that is this request's way through `lb`, not zero.
    pub span: u64,
    /// Whose part it is of; `None` if the trace begins here.
    pub parent: Option<u64>,
    /// Whether it is recorded.
    pub recorded: bool,
    /// Whether the trace's id was drawn at random.
    pub random: bool,
}
