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
    told["components"]["securitySchemes"]["token"] =
        json!({ "type": "http", "scheme": "bearer", "description": "Where the configuration has a token." });
    // Either there is no token, or it is asked for everywhere.
    told["security"] = json!([{}, { "token": [] }]);
    add_refusals(&mut told["paths"]);
    told
}

/// What each operation may come to before it is looked at.
fn add_refusals(paths: &mut Value) {
    let operations = paths.as_object_mut().into_iter().flatten();
    let operations = operations.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        for (status, description) in [
            ("401", "The token is missing, or is another one"),
            ("403", "The request is another site's, or what it asks for is not allowed here"),
            ("503", "lb is stopping"),
        ] {
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            operation["responses"][status] =
                json!({ "description": description, "content": { "application/json": { "schema": schema } } });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_how_it_may_be_refused_and_every_reference_leads_somewhere() {
        let told = description();
        let paths = told["paths"].as_object().expect("paths");
        let operations: Vec<_> =
            paths.values().flat_map(|path| path.as_object().expect("operations").values()).collect();
        assert_eq!(operations.len(), 15);
        for operation in operations {
            for status in ["401", "403", "503"] {
                assert!(operation["responses"][status]["content"]["application/json"].is_object(), "{operation}");
            }
        }
        let text = told.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(told["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
