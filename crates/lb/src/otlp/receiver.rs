//! The receiver of spans at the other end of HTTP. Knows no spans: it takes bytes and tells what became of them.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::uri::InvalidUri;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

/// Where spans are taken, at every receiver's (OTLP §3.2.1).
const PATH: &str = "/v1/traces";

/// A receiver that has not answered by then is treated as one that never will: what waits for it grows.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An answer says what was rejected; of one that says more, nothing is read.
const MOST_ANSWER: usize = 64 * 1024;

/// The receiver.
pub(super) struct Receiver {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
}

/// It took the spans, though perhaps not all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Partly {
    pub(super) rejected: u64,
    pub(super) reason: String,
}

/// It did not take the spans.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// There was no connection, or it broke.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("it did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// It answered something else than that all is well.
    #[error("it answered {status}")]
    Answered {
        /// Its status.
        status: StatusCode,
        /// After so long one may ask again.
        retry_after: Option<Duration>,
    },
}

/// A receiver's address is none.
#[derive(Debug, thiserror::Error)]
#[error("{address:?} is not the address of a receiver of spans: {error}")]
pub(crate) struct BadAddress {
    address: String,
    error: InvalidUri,
}

impl Receiver {
    /// One at that address, `http://host:port`.
    pub(super) fn new(address: &str) -> Result<Self, BadAddress> {
        let url = format!("{}{PATH}", address.trim_end_matches('/')).parse();
        let url = url.map_err(|error| BadAddress { address: address.to_owned(), error })?;
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build_http();
        Ok(Self { client, url })
    }

    /// Sends it a message.
    pub(super) async fn post(&self, message: Bytes) -> Result<Partly, Refused> {
        tokio::time::timeout(TIMEOUT, self.exchange(message)).await.unwrap_or(Err(Refused::TimedOut))
    }

    async fn exchange(&self, message: Bytes) -> Result<Partly, Refused> {
        let agent = HeaderValue::from_static(concat!("lb/", env!("CARGO_PKG_VERSION")));
        let mut request = Request::new(Full::new(message));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        request.headers_mut().insert(USER_AGENT, agent);
        let answer = self.client.request(request).await.map_err(|error| Refused::Unreachable(root_of(&error)))?;
        let status = answer.status();
        if !status.is_success() {
            let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            return Err(Refused::Answered { status, retry_after: seconds.map(Duration::from_secs) });
        }
        // The spans are there; an answer that cannot be read changes nothing about it.
        let body =
            Limited::new(answer.into_body(), MOST_ANSWER).collect().await.map(http_body_util::Collected::to_bytes);
        let said = body.ok().and_then(|body| ExportTraceServiceResponse::decode(body).ok());
        let partly = said.and_then(|said| said.partial_success).unwrap_or_default();
        let reason = format!("it rejected them: {:?}", partly.error_message);
        Ok(Partly { rejected: u64::try_from(partly.rejected_spans).unwrap_or(0), reason })
    }
}

impl Refused {
    /// Whether another try may go better (OTLP §3.2.3): what is wrong with the message stays wrong.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut => true,
            Self::Answered { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }

    /// After how long it wants to be asked again.
    pub(super) fn wants_wait(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::TimedOut => None,
        }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// The last of the causes: the others say little more than that there is one.
fn root_of(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
