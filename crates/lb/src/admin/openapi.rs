//! The description of the admin API, as `OpenAPI` 3.1.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use lb_common::api;
use utoipa::OpenApi;

/// Where it is.
pub(super) const PATH: &str = "/lb/v1/openapi.json";

/// The whole of it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "lb",
        description = "What lb knows of itself, and what it can be told.",
        license(name = "MIT", identifier = "MIT")
    ),
    paths(
        super::answer_status,
        super::metrics,
        super::events::answer,
        super::ask::timeline,
        super::ask::history,
        super::ask::traces,
        super::ask::trace_next,
        super::change::endpoint,
        super::change::what_if,
        super::faults::list,
        super::faults::begin,
        super::faults::end,
        super::drills::list,
        super::drills::begin,
        super::drills::stop,
    ),
    components(schemas(api::Event, api::Tick, api::Trace, api::ProbeChange, api::DrillRun, api::Problem))
)]
struct Description;

pub(super) async fn answer() -> Response {
    Json(Description::openapi()).into_response()
}
