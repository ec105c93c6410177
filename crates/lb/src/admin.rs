//! The admin API: what `lb` knows of itself, as JSON and as a stream of events, and what it can be told. `openapi` describes it.

mod ask;
mod change;
mod drills;
mod events;
mod faults;
mod guard;
mod openapi;
mod problem;
mod status;
pub(crate) mod words;

use std::sync::{Arc, Weak};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::middleware;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{delete, get, patch, post};
use lb_common::api::{
    DRILLS_PATH, ENDPOINT_PATH, EVENTS_PATH, FAULT_PATH, FAULTS_PATH, HISTORY_PATH, METRICS_PATH, STATUS_PATH, Status,
    TIMELINE_PATH, TRACES_NEXT_PATH, TRACES_PATH, WHAT_IF_PATH,
};
use lb_proxy::{Audience, Clock};
use tokio::sync::watch;

pub(crate) use faults::{New as NewFault, Stage};
pub(crate) use guard::Reach;
use problem::Problem;

use crate::config::AdminConfig;
use crate::drilling::Drills;
use crate::metrics::{Format, Sources};
use crate::names::Names;
use crate::watch::{TakeStatus, Watch};

/// The most that is read of a body.
const MOST_BODY: usize = 64 * 1024;

/// What the admin API tells of, and what it can change.
#[derive(Clone)]
pub(crate) struct Admin(Arc<Facts>, watch::Receiver<Weak<Facts>>);

/// Which of several admin APIs answers: after a reload whoever still asks an old one gets the answers of the new one, since a change
/// that was made in the old one would be lost.
pub(crate) type Current = watch::Sender<Weak<Facts>>;

/// All that it needs to know.
pub(crate) struct Facts {
    /// Where the configuration came from.
    pub(crate) config: String,
    pub(crate) workers: usize,
    pub(crate) clock: Clock,
    pub(crate) started_at_ms: u64,
    pub(crate) names: Arc<Names>,
    pub(crate) admin: AdminConfig,
    pub(crate) watch: Watch,
    pub(crate) audience: Arc<Audience>,
    pub(crate) stage: Stage,
    pub(crate) drills: Drills,
    pub(crate) sources: Sources,
    /// Turns true when streams are to end.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Admin {
    pub(crate) fn new(facts: Facts, current: watch::Receiver<Weak<Facts>>) -> Self {
        Self(Arc::new(facts), current)
    }

    /// From now on this one answers, whoever is asked.
    pub(crate) fn become_current(&self, current: &Current) {
        current.send_replace(Arc::downgrade(&self.0));
    }

    /// The one that answers in this one's place, if there is one.
    fn heir(&self) -> Option<Self> {
        let current = self.1.borrow().upgrade()?;
        (!Arc::ptr_eq(&current, &self.0)).then(|| Self(current, self.1.clone()))
    }

    /// The API under its full paths, for those that `reach` lets in.
    pub(crate) fn router(&self, reach: Reach) -> Router {
        let router = Router::new();
        // Where scrapers look for them; through a listener the path is somebody else's.
        let router = if reach == Reach::OwnListener { router.route("/metrics", get(metrics)) } else { router };
        router
            .route(METRICS_PATH, get(metrics))
            .route(STATUS_PATH, get(answer_status))
            .route(EVENTS_PATH, get(events::answer))
            .route(TIMELINE_PATH, get(ask::timeline))
            .route(HISTORY_PATH, get(ask::history))
            .route(TRACES_PATH, get(ask::traces))
            .route(TRACES_NEXT_PATH, post(ask::trace_next))
            .route(ENDPOINT_PATH, patch(change::endpoint))
            .route(WHAT_IF_PATH, get(change::what_if))
            .route(FAULTS_PATH, get(faults::list).post(faults::begin))
            .route(FAULT_PATH, delete(faults::end))
            .route(DRILLS_PATH, get(drills::list).post(drills::begin).delete(drills::stop))
            .route(openapi::PATH, get(openapi::answer))
            .fallback(|| async { Problem::not_found("the admin API has nothing here") })
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .layer(middleware::from_fn_with_state((self.clone(), reach), guard::check))
            .with_state(self.clone())
    }

    async fn status(&self) -> Option<Status> {
        status::take(&self.0).await
    }
}

impl TakeStatus for Admin {
    async fn take_status(&self) -> Option<Status> {
        self.status().await
    }
}

/// What was counted, for Prometheus.
#[utoipa::path(get, path = "/lb/metrics", operation_id = "metrics",
    responses((status = 200, description = "Prometheus' text format, or OpenMetrics if that is preferred",
        body = String, content_type = "text/plain"), (status = 503, body = lb_common::api::Problem)))]
async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let format = Format::accepted(headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok()));
    let facts = &admin.0;
    let dropped = facts.audience.dropped() + facts.watch.lost();
    let Some(snapshot) = facts.sources.take(&facts.names, facts.started_at_ms, dropped).await else {
        return Problem::stopping().into_response();
    };
    // Asked through a route, this is a worker's event loop, and others wait for it.
    match tokio::task::spawn_blocking(move || crate::metrics::render(snapshot, format)).await {
        Ok(text) => {
            let fields = [("content-type", format.content_type()), ("cache-control", "no-store"), ("vary", "accept")];
            (fields, text).into_response()
        }
        Err(_) => Problem::stopping().into_response(),
    }
}

/// Everything that lb can say of itself at one moment.
#[utoipa::path(get, path = "/lb/v1/status", operation_id = "status",
    responses((status = 200, body = Status), (status = 503, body = lb_common::api::Problem)))]
async fn answer_status(State(admin): State<Admin>) -> Response {
    match admin.status().await {
        Some(status) => ([("cache-control", "no-store")], Json(status)).into_response(),
        None => Problem::stopping().into_response(),
    }
}
