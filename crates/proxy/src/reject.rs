//! The answers that `lb` gives itself. Only this file chooses a status.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use lb_balance::Failure;
use lb_http1::{Fields, Flaw, Refusal};

use crate::downstream::BodyBroken;
use crate::header;
use crate::path::BadPath;

/// Why a request is not answered by an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reject {
    /// No route leads anywhere from there.
    NoRoute,
    /// The request cannot be forwarded as it is.
    BadRequest(BadRequest),
    /// The head is larger than any that is read.
    HeadTooLarge,
    /// The target is longer than any that is read.
    TargetTooLong,
    /// The body is larger than is taken here.
    BodyTooLarge,
    /// The request took longer than it may.
    RequestTimeout,
    /// Its client has as many connections as it may.
    TooManyConnections,
    /// All memory that may be lent to requests is.
    NoMemory,
    /// Its body is coded in a way that is not known here.
    Coding,
    /// It speaks a version of HTTP that is not spoken here.
    Version,
    /// It expects what cannot be promised.
    Expectation,
    /// The client stopped sending in the middle of its request.
    ClientTimeout,
    /// Every endpoint is out.
    NoEndpoint {
        /// After so many seconds one may be back.
        retry_after: u64,
    },
    /// Every endpoint that works has as many requests in flight as it may.
    AtCapacity,
    /// And as many wait for one as may.
    QueueFull,
    /// It waited for one as long as it may.
    QueueTimeout,
    /// The last endpoint that was tried failed.
    Endpoint(Failure),
    /// A fault is played on demand.
    Played {
        /// Its status.
        status: u16,
    },
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRequest {
    /// The head is none that HTTP/1.1 allows, or may be read in two ways.
    Head(Refusal),
    /// CONNECT is for proxies that clients choose.
    Connect,
    /// The path has a form that two servers may read differently.
    Path(BadPath),
    /// The body broke off, or is not framed as its head says.
    Body,
}

impl Reject {
    /// What a head that is refused is answered.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Flaw(Flaw::TooLarge | Flaw::TooManyFields) => Self::HeadTooLarge,
            Refusal::Flaw(Flaw::Coding) => Self::Coding,
            Refusal::TargetTooLong => Self::TargetTooLong,
            Refusal::Version => Self::Version,
            Refusal::Expectation => Self::Expectation,
            refusal => Self::BadRequest(BadRequest::Head(refusal)),
        }
    }

    /// What a request whose body did not come whole is answered.
    pub(crate) fn broken(broken: BodyBroken) -> Self {
        match broken {
            BodyBroken::Off => Self::BadRequest(BadRequest::Body),
            BodyBroken::TooLarge => Self::BodyTooLarge,
            BodyBroken::TooSlow => Self::ClientTimeout,
        }
    }

    /// All reasons for machines that there are.
    pub(crate) const TOKENS: [&'static str; 28] = [
        "fault",
        "no-route",
        "bad-request",
        "head-too-large",
        "target-too-long",
        "body-too-large",
        "request-timeout",
        "too-many-connections",
        "no-memory",
        "coding",
        "version",
        "expectation",
        "client-timeout",
        "no-endpoint",
        "at-capacity",
        "queue-full",
        "queue-timeout",
        // Those of failures, in the order of `Failure::ALL`.
        "refused",
        "unreachable",
        "shortage",
        "connect-timeout",
        "closed",
        "idle-race",
        "response-timeout",
        "invalid-header",
        "wrong-body",
        "truncated",
        "stalled",
    ];

    fn status(self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NoEndpoint { .. }
            | Self::AtCapacity
            | Self::NoMemory
            | Self::QueueFull
            | Self::QueueTimeout
            | Self::Endpoint(Failure::Shortage) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Played { status } => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Endpoint(failure) if failure.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::Endpoint(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The reason for machines.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::NoRoute => "no-route",
            Self::BadRequest(_) => "bad-request",
            Self::HeadTooLarge => "head-too-large",
            Self::TargetTooLong => "target-too-long",
            Self::BodyTooLarge => "body-too-large",
            Self::RequestTimeout => "request-timeout",
            Self::TooManyConnections => "too-many-connections",
            Self::NoMemory => "no-memory",
            Self::Coding => "coding",
            Self::Version => "version",
            Self::Expectation => "expectation",
            Self::ClientTimeout => "client-timeout",
            Self::NoEndpoint { .. } => "no-endpoint",
            Self::AtCapacity => "at-capacity",
            Self::QueueFull => "queue-full",
            Self::QueueTimeout => "queue-timeout",
            Self::Played { .. } => "fault",
            Self::Endpoint(failure) => failure.token(),
        }
    }

    /// The reason for people; no quotation mark in it, it is put into JSON as it is.
    fn sentence(self) -> Cow<'static, str> {
        let sentence = match self {
            Self::NoRoute => "no route leads anywhere from this host and path",
            Self::ClientTimeout => "the client stopped sending in the middle of the request",
            Self::NoEndpoint { .. } => "no endpoint can take requests at the moment",
            Self::AtCapacity => "every endpoint has as many requests as it may",
            Self::QueueFull => "every endpoint has as many requests as it may, and as many wait as may",
            Self::QueueTimeout => "the request has waited for an endpoint as long as it may",
            Self::HeadTooLarge => "the head of the request is too large",
            Self::TargetTooLong => "the target of the request is too long",
            Self::BodyTooLarge => "the body of the request is too large",
            Self::RequestTimeout => "the request took longer than it may",
            Self::TooManyConnections => "there are as many connections from this address as there may be",
            Self::NoMemory => "there is no memory left for another request",
            Self::Coding => "the body of the request has a transfer coding that is not known here",
            Self::Version => "the request speaks neither HTTP/1.0 nor HTTP/1.1",
            Self::Expectation => "the request expects something else than 100-continue",
            Self::BadRequest(BadRequest::Head(refusal)) => return refusal.to_string().into(),
            Self::BadRequest(BadRequest::Connect) => "CONNECT is not offered here",
            Self::BadRequest(BadRequest::Path(BadPath::DotSegment)) => "the path has a segment of dots",
            Self::BadRequest(BadRequest::Path(BadPath::BadPercent)) => "the path has a broken percent-encoding",
            Self::BadRequest(BadRequest::Path(BadPath::Nul)) => "the path has a NUL in it",
            Self::BadRequest(BadRequest::Body) => "the request's body broke off or is not framed as its head says",
            Self::Played { .. } => "lb plays a fault here, since somebody asked it to",
            Self::Endpoint(failure) => match failure {
                Failure::Refused => "the endpoint refused the connection",
                Failure::Unreachable => "the endpoint could not be reached",
                Failure::Shortage => "lb has run out of descriptors, memory or ports",
                Failure::ConnectTimeout => "the endpoint did not accept the connection in time",
                Failure::Closed | Failure::IdleRace => "the endpoint closed the connection without an answer",
                Failure::ResponseTimeout => "the endpoint did not answer in time",
                Failure::InvalidHeader | Failure::WrongBody => "the endpoint answered something that is not HTTP",
                Failure::Truncated | Failure::Stalled => "the endpoint broke off its answer",
            },
        };
        sentence.into()
    }

    /// The whole answer: JSON where the client asks for JSON, else plain text.
    pub(crate) fn answer(self, request: &Fields) -> Response<Bytes> {
        let status = self.status();
        let wants_json = request.all("accept").any(|accept| {
            std::str::from_utf8(accept)
                .is_ok_and(|accept| accept.contains("application/json") || accept.contains("+json"))
        });
        let (content_type, body) = if wants_json {
            let (token, sentence, code) = (self.token(), self.sentence(), status.as_u16());
            let body = format!("{{\"status\":{code},\"reason\":\"{token}\",\"message\":\"{sentence}\"}}\n");
            ("application/json", body)
        } else {
            ("text/plain; charset=utf-8", format!("{status}: {}\n", self.sentence()))
        };
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REJECT, HeaderValue::from_static(self.token()));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        answer
    }

    /// After how many seconds it may be worth to ask again.
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::NoEndpoint { retry_after } => Some(retry_after),
            // A request ends at any moment; this is the shortest time that can be said.
            Self::AtCapacity | Self::NoMemory | Self::QueueFull | Self::QueueTimeout | Self::TooManyConnections => {
                Some(1)
            }
            Self::NoRoute
            | Self::BadRequest(_)
            | Self::HeadTooLarge
            | Self::TargetTooLong
            | Self::BodyTooLarge
            | Self::RequestTimeout
            | Self::Coding
            | Self::Version
            | Self::Expectation
            | Self::ClientTimeout
            | Self::Played { .. }
            | Self::Endpoint(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &Response<Bytes>) -> &str {
        std::str::from_utf8(answer.body()).expect("it is text")
    }

    #[test]
    fn a_reject_is_plain_text_that_names_its_reason() {
        let answer = Reject::NoRoute.answer(&Fields::default());
        assert_eq!(text(&answer), "404 Not Found: no route leads anywhere from this host and path\n");
        assert_eq!(answer.headers()[header::REJECT], "no-route");
    }

    #[test]
    fn a_client_that_accepts_json_gets_json() {
        let fields = Fields::read(b"Accept: text/html, application/json\r\n\r\n", &lb_http1::Limits::DEFAULT);
        let answer = Reject::NoEndpoint { retry_after: 7 }.answer(&fields.expect("fields"));
        assert_eq!(answer.headers()[RETRY_AFTER], "7");
        assert_eq!(
            text(&answer),
            "{\"status\":503,\"reason\":\"no-endpoint\",\"message\":\"no endpoint can take requests at the moment\"}\n"
        );
    }

    #[test]
    fn who_finds_everything_full_is_told_to_come_back() {
        for (reject, token) in [
            (Reject::AtCapacity, "at-capacity"),
            (Reject::NoMemory, "no-memory"),
            (Reject::QueueFull, "queue-full"),
            (Reject::QueueTimeout, "queue-timeout"),
        ] {
            let answer = reject.answer(&Fields::default());
            assert_eq!((answer.status(), token), (StatusCode::SERVICE_UNAVAILABLE, reject.token()));
            assert_eq!(answer.headers()[RETRY_AFTER], "1");
        }
    }

    #[test]
    fn the_reasons_for_machines_are_all_listed() {
        let failures = Failure::ALL.map(Failure::token);
        assert_eq!(Reject::TOKENS[Reject::TOKENS.len() - failures.len()..], failures);
        for reject in [
            Reject::NoRoute,
            Reject::NoMemory,
            Reject::AtCapacity,
            Reject::ClientTimeout,
            Reject::NoEndpoint { retry_after: 1 },
        ] {
            assert!(Reject::TOKENS.contains(&reject.token()), "{reject:?}");
        }
    }

    #[test]
    fn what_ran_out_of_time_is_504_and_what_broke_is_502() {
        for failure in Failure::ALL {
            let expected = match failure {
                Failure::Shortage => 503,
                failure if failure.is_timeout() => 504,
                _ => 502,
            };
            assert_eq!(Reject::Endpoint(failure).answer(&Fields::default()).status(), expected, "{failure:?}");
        }
    }
}
