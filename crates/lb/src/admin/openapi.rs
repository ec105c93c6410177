//! The description of the admin API, as `OpenAPI` 3.1.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use lb_common::api;
use serde_json::{Value, json};
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
    Json(description()).into_response()
}

/// The description, with what the types cannot say of themselves: which keys go together.
fn description() -> Value {
    let mut told =
        serde_json::to_value(Description::openapi()).expect("plain data, whose maps have keys that are strings");
    let (text, nothing) = (|| json!({ "type": "string" }), || json!({ "type": "null" }));
    let schemas = &mut told["components"]["schemas"];
    schemas["NewFault"]["oneOf"] = json!([
        {
            "title": "at an endpoint",
            "required": ["cluster", "endpoint"],
            "properties": { "cluster": text(), "endpoint": text(), "route": nothing() },
        },
        {
            "title": "at a route",
            "required": ["route"],
            "properties": { "route": text(), "cluster": nothing(), "endpoint": nothing() },
        },
    ]);
    schemas["EndpointChange"]["anyOf"] = json!([
        { "title": "draining", "required": ["draining"], "properties": { "draining": { "type": "boolean" } } },
        { "title": "weight", "required": ["weight"], "properties": { "weight": { "type": "integer" } } },
    ]);
    told
}
