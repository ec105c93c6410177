//! Files, from a folder or from inside the binary. How they are served (content types, conditional and range requests,
//! no way out of the folder) is tower-http's.

mod embedded;

use std::path::Path;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use lb_proxy::LocalBody;
use tower::{Layer as _, service_fn};
use tower_http::services::ServeDir;
use tower_http::services::fs::Backend;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::service::Tower;

/// Serves the files of a folder.
pub(crate) fn folder(path: &Path) -> Tower {
    serve(ServeDir::new(path))
}

/// Serves the page that is inside the binary.
pub(crate) fn embedded_page() -> Tower {
    serve(ServeDir::with_backend("", embedded::Page))
}

fn serve<B: Backend>(files: ServeDir<tower_http::services::fs::DefaultServeDirFallback, B>) -> Tower
where
    ServeDir<tower_http::services::fs::DefaultServeDirFallback, B>: Clone,
{
    let not_found = service_fn(|_: Request<LocalBody>| async {
        let mut answer = Response::new(axum::body::Body::from("404 Not Found: there is no such file\n"));
        *answer.status_mut() = StatusCode::NOT_FOUND;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Ok::<_, std::convert::Infallible>(answer)
    });
    let files = files.fallback(not_found);
    // Kept, but asked about each time: a page and its script are never of two versions.
    let fresh = SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Tower::new(fresh.layer(files))
}
