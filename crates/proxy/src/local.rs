//! What `lb` answers itself: files, the admin API. The proxy hands the request over and knows no more of it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use lb_http1::{Framing, Refusal, RequestHead};

use crate::downstream::{Downstream, Progress};
use crate::reject::{BadRequest, Reject};

/// Any error that a body may end with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request to, or an answer of, a [`Local`] service.
pub type LocalBody = UnsyncBoxBody<Bytes, BoxError>;

/// The answer to come. The error that cannot be is how tower writes "there is always an answer".
pub type LocalFuture = Pin<Box<dyn Future<Output = Result<Response<LocalBody>, Infallible>> + Send>>;

/// Answers requests inside this process.
pub trait Local: Send + Sync + 'static {
    /// Answers one request. What fails inside is an answer too: there is no error.
    fn call(&self, request: Request<LocalBody>) -> LocalFuture;
}

/// The most that a local service is given of a request's body: it gets it whole.
const MOST_BODY: usize = 64 * 1024;

/// A client's request as a local service reads it.
///
/// # Errors
///
/// What the client is told instead of an answer.
pub(crate) async fn request(head: &RequestHead, client: &dyn Downstream) -> Result<Request<LocalBody>, Reject> {
    let mut body = Vec::new();
    if head.framing() != Framing::Empty {
        while poll_fn(|cx| client.poll_body(cx, &mut body)).await.map_err(Reject::broken)? == Progress::Data {
            if body.len() > MOST_BODY {
                return Err(Reject::BodyTooLarge);
            }
        }
    }
    let mut request = Request::builder().method(head.method()).uri(head.path_and_query());
    for field in head.fields().iter() {
        request = request.header(field.name, field.value);
    }
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    // A path may be one that `http` does not know.
    request.body(LocalBody::new(body)).map_err(|_| Reject::BadRequest(BadRequest::Head(Refusal::Target)))
}
