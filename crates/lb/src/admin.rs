//! The admin API: what `lb` knows of itself, as JSON and as a stream of events. It reads; it changes nothing.

mod events;
mod guard;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::get;
use lb_common::api::{EVENTS_PATH, STATUS_PATH, Status};
use lb_proxy::{Clock, ClusterHandle, News};
use tokio::sync::{broadcast, watch};

pub(crate) use guard::Reach;

/// What the admin API tells of.
#[derive(Clone)]
pub(crate) struct Admin(Arc<Facts>);

struct Facts {
    config: String,
    workers: usize,
    clock: Clock,
    started_at_ms: u64,
    clusters: Vec<Arc<ClusterHandle>>,
    news: broadcast::Sender<News>,
    stopping: watch::Receiver<bool>,
}

impl Admin {
    /// `stopping` turns true when streams are to end.
    pub(crate) fn new(
        config: String,
        workers: usize,
        clusters: &lb_proxy::Clusters,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let clock = clusters.clock();
        let started_at_ms = clock.unix_ms(clock.now());
        let (news, clusters) = (clusters.news(), clusters.handles().to_vec());
        Self(Arc::new(Facts { config, workers, clock, started_at_ms, clusters, news, stopping }))
    }

    /// The API under its full paths, for those that `reach` lets in.
    pub(crate) fn router(&self, reach: Reach) -> Router {
        Router::new()
            .route(STATUS_PATH, get(answer_status))
            .route(EVENTS_PATH, get(events::answer))
            .fallback(|| async { (StatusCode::NOT_FOUND, "404 Not Found: the admin API has nothing here\n") })
            .layer(middleware::from_fn_with_state(reach, guard::check))
            .with_state(self.clone())
    }

    async fn status(&self) -> Option<Status> {
        status::take(&self.0).await
    }
}

async fn answer_status(State(admin): State<Admin>) -> Response {
    match admin.status().await {
        Some(status) => ([("cache-control", "no-store")], Json(status)).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable: lb is stopping\n").into_response(),
    }
}
