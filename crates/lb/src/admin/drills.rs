//! Drills: listed, begun, stopped. `drilling` runs them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lb_common::api;

use super::Admin;
use super::problem::Problem;
use crate::config;
use crate::drilling::{NotBegun, shipped_names, shipped_text};

/// The drills that `lb` brings along, and the one that runs, or ran last.
#[utoipa::path(get, path = "/lb/v1/drills", operation_id = "drills", responses((status = 200, body = api::Drills)))]
pub(super) async fn list(State(admin): State<Admin>) -> Response {
    let facts = &admin.0;
    let told = api::Drills { allowed: facts.admin.drills, shipped: shipped_names(), run: facts.drills.latest() };
    ([("cache-control", "no-store")], Json(told)).into_response()
}

/// Runs a drill against the endpoints as they are.
#[utoipa::path(post, path = "/lb/v1/drills", operation_id = "beginDrill", request_body = api::NewDrill,
    responses((status = 201, body = api::DrillRun), (status = 400, body = api::Problem), (status = 403, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem), (status = 413, body = api::Problem),
        (status = 415, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn begin(
    State(admin): State<Admin>,
    body: Result<Json<api::NewDrill>, JsonRejection>,
) -> Result<Response, Problem> {
    if !admin.0.admin.drills {
        let error = "the configuration does not allow drills";
        return Err(Problem::forbidden(error).hint("set drills = true in [admin] to run them"));
    }
    let Json(new) = body?;
    let (name, text) = match (new.name, new.text.as_deref()) {
        (Some(name), None) => {
            let text = shipped_text(&name).ok_or_else(|| {
                let hint = format!("there are {}", shipped_names().join(", "));
                Problem::not_found(format!("lb brings no drill {name:?} along")).hint(hint)
            })?;
            (Some(name), text)
        }
        (None, Some(text)) => (None, text),
        _ => return Err(Problem::bad("which drill is not clear").hint("say name, or text")),
    };
    let drill = config::parse_drill("drill", text).map_err(|problems| {
        let hint = "docs/balancing.md tells how a drill is written";
        Problem::bad(format!("the drill's file is wrong:\n{}", problems.to_string().trim_end())).hint(hint)
    })?;
    let name = name.unwrap_or_else(|| drill.title.clone());
    let begun = admin.0.drills.begin(name, drill).await.map_err(|why| match why {
        NotBegun::Unfit(_) => Problem::bad(why.to_string()),
        NotBegun::Busy(_) => Problem::new(StatusCode::CONFLICT, why.to_string())
            .hint("wait for its end, or stop it: DELETE /lb/v1/drills"),
        NotBegun::Stopping => Problem::stopping(),
    })?;
    Ok((StatusCode::CREATED, Json(begun)).into_response())
}

/// Stops the drill that runs; nothing of it is played any more when this is answered.
#[utoipa::path(delete, path = "/lb/v1/drills", operation_id = "stopDrill",
    responses((status = 200, body = api::DrillRun), (status = 404, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn stop(State(admin): State<Admin>) -> Result<Response, Problem> {
    let stopped = admin.0.drills.stop().await.map_err(|_| Problem::stopping())?;
    let stopped = stopped.ok_or_else(|| Problem::not_found("no drill runs"))?;
    Ok(([("cache-control", "no-store")], Json(stopped)).into_response())
}
