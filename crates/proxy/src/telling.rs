//! What is kept of a request while it is under way, so that it can be counted and told when it has ended. Decides nothing about
//! the request.

use std::net::IpAddr;
use std::time::Duration;

use lb_balance::{EndpointId, Outcome, Stop, Timestamp, Turn};
use lb_http1::{RequestHead, Version};

use crate::ClusterId;
use crate::marks::Marks;
use crate::story::{Asked, End, Listed, Passed, Span, Story, Try, Wanted};

/// One request's notes.
#[derive(Debug)]
pub(crate) struct Telling {
    pub(crate) began: Timestamp,
    pub(crate) wanted: Wanted,
    pub(crate) route: Option<usize>,
    pub(crate) cluster: Option<ClusterId>,
    pub(crate) queued: Duration,
    pub(crate) stopped: Option<Stop>,
    // Who was passed over when there was nobody left to try.
    pub(crate) unplaced: Option<Passed>,
    pub(crate) reject: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) head_bytes: u64,
    pub(crate) hedged: bool,
    // Its connection is to break: a fault is played.
    pub(crate) is_reset: bool,
    span: Option<Span>,
    request_id: Option<Box<str>>,
    // The first stands apart so that the usual request, which needs no second, allocates nothing.
    first: Option<Try>,
    more: Vec<Try>,
}

/// How an attempt got its connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connected {
    /// How long it took until it was there, if it was made for this attempt.
    pub(crate) took: Option<Duration>,
    /// Whether it had carried a request before.
    pub(crate) reused: bool,
    /// The attempt's number in a trace.
    pub(crate) span: Option<u64>,
}

impl Telling {
    pub(crate) fn new(began: Timestamp, wanted: Wanted) -> Self {
        Self {
            began,
            wanted,
            route: None,
            cluster: None,
            queued: Duration::ZERO,
            stopped: None,
            unplaced: None,
            reject: None,
            status: None,
            head_bytes: 0,
            hedged: false,
            is_reset: false,
            span: None,
            request_id: None,
            first: None,
            more: Vec::new(),
        }
    }

    /// It is marked so.
    pub(crate) fn note_marks(&mut self, marks: Marks<'_>) {
        self.span = marks.span;
        self.request_id = marks.request_id.map(|(_, value)| value);
    }

    /// Whether it is a part of a trace that is recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.span.is_some_and(|span| span.recorded)
    }

    /// The id that it is marked with.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    pub(crate) fn note_try(&mut self, one: Try) {
        if self.first.is_none() {
            self.first = Some(one);
        } else {
            self.more.push(one);
        }
    }

    /// An attempt was given up because the one that was noted last was quicker; it is told before that one.
    pub(crate) fn note_overtaken(&mut self, endpoint: EndpointId, turn: Turn, began: Timestamp, took: Duration) {
        let quicker = self.more.pop().or_else(|| self.first.take());
        self.note_try(Try {
            endpoint,
            turn,
            after: began.since(self.began),
            connect: None,
            reused: false,
            took,
            outcome: Outcome::Overtaken,
            blamed: false,
            played: false,
            span: None,
            passed: Passed::default(),
        });
        if let Some(quicker) = quicker {
            self.note_try(quicker);
        }
    }

    pub(crate) fn tries(&self) -> impl Iterator<Item = &Try> {
        self.first.iter().chain(&self.more)
    }

    pub(crate) fn is_retried(&self) -> bool {
        !self.more.is_empty()
    }

    /// Whether something went wrong that was not the client's leaving, or its own mistake.
    pub(crate) fn has_failed(&self, end: End) -> bool {
        end == End::BrokenOff || self.status.is_some_and(|status| status >= 500) || self.tries().any(|one| one.blamed)
    }

    /// The whole story. What it is made of is gone then.
    pub(crate) fn take_story(
        &mut self,
        head: Option<&RequestHead>,
        client: IpAddr,
        end: End,
        took: Duration,
        bytes: (u64, u64),
    ) -> Story {
        let (bytes_in, bytes_out) = bytes;
        Story {
            wanted: self.wanted,
            client,
            began: self.began,
            took,
            asked: asked(head, self.request_id.take()),
            route: self.route,
            cluster: self.cluster,
            queued: self.queued,
            tries: self.first.take().into_iter().chain(self.more.drain(..)).collect(),
            stopped: self.stopped,
            unplaced: self.unplaced.take(),
            status: self.status,
            reject: self.reject,
            end,
            bytes_in,
            bytes_out,
            body_bytes_out: bytes_out.saturating_sub(self.head_bytes),
            span: self.span,
        }
    }
}

fn asked(head: Option<&RequestHead>, request_id: Option<Box<str>>) -> Asked {
    let text = |bytes: &[u8]| -> Box<str> { String::from_utf8_lossy(bytes).into() };
    let field = |name| head.and_then(|head| head.fields().get(name)).map(text);
    Asked {
        method: head.map(|head| text(head.method())).unwrap_or_default(),
        target: head.map(|head| text(head.path_and_query())).unwrap_or_default(),
        version: match head.map(RequestHead::version) {
            Some(Version::Http10) => "1.0",
            Some(Version::Http11) | None => "1.1",
        },
        host: head.map(|head| text(head.authority())).unwrap_or_default(),
        referer: field("referer"),
        user_agent: field("user-agent"),
        request_id,
    }
}

/// Hears who is passed over in one choice, beside those that are out by what is believed.
#[derive(Debug, Default)]
pub(crate) struct Hearing(pub(crate) Option<Box<Listed>>);

impl lb_balance::Observer for Hearing {
    const LISTENS: bool = false;

    fn passed_over(&mut self, endpoint: EndpointId, why: lb_balance::PassedOver) {
        self.0.get_or_insert_default().note(endpoint, why);
    }
}

impl Listed {
    /// One more, unless it is listed already: choosing may look at an endpoint more than once.
    pub(crate) fn note(&mut self, endpoint: EndpointId, why: lb_balance::PassedOver) {
        if self.each.contains(&(endpoint, why)) {
            return;
        }
        if self.each.len() < Self::MOST {
            self.each.push((endpoint, why));
        }
        lb_balance::Observer::passed_over(&mut self.sum, endpoint, why);
    }
}
