//! Lets a tower service answer a route: the border between the proxy, which knows no tower, and axum, which is all of it.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use lb_proxy::{BoxError, Local, LocalBody, LocalFuture};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

/// A tower service as the proxy wants it.
pub(crate) struct Tower(BoxCloneSyncService<Request<LocalBody>, Response<LocalBody>, Infallible>);

impl Tower {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<LocalBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let erase = |answer: Response<B>| answer.map(|body| LocalBody::new(body.map_err(Into::into)));
        Self(BoxCloneSyncService::new(service.map_response(erase)))
    }
}

impl Local for Tower {
    fn call(&self, request: Request<LocalBody>) -> LocalFuture {
        Box::pin(self.0.clone().oneshot(request))
    }
}
