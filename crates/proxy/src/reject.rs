//! The answers that `lb` gives itself. Only this file chooses a status.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use lb_balance::Failure;

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
    /// The client stopped sending in the middle of its request.
    ClientTimeout,
    /// Every endpoint is out.
    NoEndpoint {
        /// After so many seconds one may be back.
        retry_after: u64,
    },
    /// The last endpoint that was tried failed.
    Endpoint(Failure),
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRequest {
    /// The head is not HTTP.
    Syntax,
    /// HTTP/1.1 asks for exactly one Host field (RFC 9112 §3.2).
    NoHost,
    /// It came twice.
    SeveralHosts,
    /// It is not a host.
    BadHost,
    /// CONNECT is for proxies that clients choose.
    Connect,
    /// The path has a form that two servers may read differently.
    Path(BadPath),
    /// The body broke off, or is not framed as its head says.
    Body,
}

impl Reject {
    fn status(self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NoEndpoint { .. } | Self::Endpoint(Failure::Shortage) => StatusCode::SERVICE_UNAVAILABLE,
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
            Self::ClientTimeout => "client-timeout",
            Self::NoEndpoint { .. } => "no-endpoint",
            Self::Endpoint(failure) => failure.token(),
        }
    }

    /// The reason for people; no quotation mark in it, it is put into JSON as it is.
    fn sentence(self) -> &'static str {
        match self {
            Self::NoRoute => "no route leads anywhere from this host and path",
            Self::ClientTimeout => "the client stopped sending in the middle of the request",
            Self::NoEndpoint { .. } => "no endpoint can take requests at the moment",
            Self::HeadTooLarge => "the head of the request is too large",
            Self::BadRequest(BadRequest::Syntax) => "the head of the request is not HTTP",
            Self::BadRequest(BadRequest::NoHost) => "the Host field is missing",
            Self::BadRequest(BadRequest::SeveralHosts) => "there is more than one Host field",
            Self::BadRequest(BadRequest::BadHost) => "the Host field is not a host",
            Self::BadRequest(BadRequest::Connect) => "CONNECT is not offered here",
            Self::BadRequest(BadRequest::Path(BadPath::DotSegment)) => "the path has a segment of dots",
            Self::BadRequest(BadRequest::Path(BadPath::BadPercent)) => "the path has a broken percent-encoding",
            Self::BadRequest(BadRequest::Path(BadPath::Nul)) => "the path has a NUL in it",
            Self::BadRequest(BadRequest::Body) => "the request's body broke off or is not framed as its head says",
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
        }
    }

    /// The whole answer: JSON where the client asks for JSON, else plain text.
    pub(crate) fn answer(self, request: &HeaderMap) -> Response<Bytes> {
        let status = self.status();
        let wants_json = request.get_all(ACCEPT).iter().any(|accept| {
            accept.to_str().is_ok_and(|accept| accept.contains("application/json") || accept.contains("+json"))
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
        if let Self::NoEndpoint { retry_after } = self {
            headers.insert(RETRY_AFTER, retry_after.into());
        }
        answer
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
        let answer = Reject::NoRoute.answer(&HeaderMap::new());
        assert_eq!(text(&answer), "404 Not Found: no route leads anywhere from this host and path\n");
        assert_eq!(answer.headers()[header::REJECT], "no-route");
    }

    #[test]
    fn a_client_that_accepts_json_gets_json() {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html, application/json"))]);
        let answer = Reject::NoEndpoint { retry_after: 7 }.answer(&headers);
        assert_eq!(answer.headers()[RETRY_AFTER], "7");
        assert_eq!(
            text(&answer),
            "{\"status\":503,\"reason\":\"no-endpoint\",\"message\":\"no endpoint can take requests at the moment\"}\n"
        );
    }

    #[test]
    fn what_ran_out_of_time_is_504_and_what_broke_is_502() {
        for failure in Failure::ALL {
            let expected = match failure {
                Failure::Shortage => 503,
                failure if failure.is_timeout() => 504,
                _ => 502,
            };
            assert_eq!(Reject::Endpoint(failure).answer(&HeaderMap::new()).status(), expected, "{failure:?}");
        }
    }
}
