//! What `lb` answers itself: files, the admin API. The proxy hands the request over and knows no more of it.

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;

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
