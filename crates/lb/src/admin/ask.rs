//! What can be asked: traces, ticks, events.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lb_common::api;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use super::Admin;
use super::problem::Problem;
use crate::watch::{Filter, StatusFilter, TraceOutcome, Window};

/// The most that is answered at once.
const MOST: usize = 1000;

/// The most of the next requests that can be asked for.
const MOST_NEXT: u32 = 10_000;

/// Which traces.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[into_params(parameter_in = Query, rename_all = "kebab-case")]
pub(super) struct TracesQuery {
    /// Only this one.
    #[serde(default, deserialize_with = "whole")]
    id: Option<u64>,
    /// Only requests of this cluster.
    cluster: Option<String>,
    /// Only requests of this route, as traces name it.
    route: Option<String>,
    /// Only requests that were tried at this endpoint.
    endpoint: Option<String>,
    /// Only this status, as in `503`, or this class of them, as in `5xx`.
    #[param(pattern = "^[1-5]([0-9][0-9]|xx)$")]
    status: Option<String>,
    /// Only those that came to this.
    #[param(inline)]
    outcome: Option<CameTo>,
    /// Only those that took at least so many milliseconds.
    #[param(minimum = 0)]
    min_ms: Option<f64>,
    /// Only those that ended then or later, in milliseconds since the Unix epoch.
    #[serde(default, deserialize_with = "whole")]
    since_ms: Option<u64>,
    /// Only those that began then or earlier.
    #[serde(default, deserialize_with = "whole")]
    until_ms: Option<u64>,
    /// So many at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CameTo {
    Failed,
    Retried,
    Ok,
}

/// The traces that are kept, the latest first.
#[utoipa::path(get, path = "/lb/v1/traces", operation_id = "traces", params(TracesQuery),
    responses((status = 200, body = api::Traces), (status = 400, body = api::Problem)))]
pub(super) async fn traces(
    State(admin): State<Admin>,
    query: Result<Query<TracesQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let filter = Filter {
        id: query.id,
        cluster: query.cluster,
        route: query.route,
        endpoint: query.endpoint,
        status: query.status.as_deref().map(status_filter).transpose()?,
        outcome: query.outcome.map(|outcome| match outcome {
            CameTo::Failed => TraceOutcome::Failed,
            CameTo::Retried => TraceOutcome::Retried,
            CameTo::Ok => TraceOutcome::Ok,
        }),
        min_us: query.min_ms.map(microseconds).transpose()?,
        since_ms: query.since_ms,
        until_ms: query.until_ms,
        limit: limit(query.limit, 100)?,
    };
    json(admin.0.watch.traces(filter).await)
}

/// Traces the next requests, all of them.
#[utoipa::path(post, path = "/lb/v1/traces/next", operation_id = "traceNext", request_body = api::TraceNext,
    responses((status = 204), (status = 400, body = api::Problem), (status = 413, body = api::Problem),
        (status = 415, body = api::Problem)))]
pub(super) async fn trace_next(
    State(admin): State<Admin>,
    body: Result<Json<api::TraceNext>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(api::TraceNext { count }) = body?;
    if count > MOST_NEXT {
        return Err(Problem::bad(format!("count is {count}, and {MOST_NEXT} is the most")));
    }
    admin.0.audience.ask_for_next(count);
    Ok(StatusCode::NO_CONTENT)
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Five minutes in steps of a second, or an hour in steps of ten.
    #[param(inline)]
    window: Option<Back>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
enum Back {
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "1h")]
    Hour,
}

/// What happened in the last minutes, in steps.
#[utoipa::path(get, path = "/lb/v1/history", operation_id = "history", params(HistoryQuery),
    responses((status = 200, body = api::History), (status = 400, body = api::Problem)))]
pub(super) async fn history(
    State(admin): State<Admin>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let window = match query.window {
        Some(Back::Hour) => Window::Hour,
        Some(Back::FiveMinutes) | None => Window::FiveMinutes,
    };
    json(admin.0.watch.history(window).await)
}

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TimelineQuery {
    /// Only events after the one of this number.
    #[serde(default, deserialize_with = "whole")]
    since: Option<u64>,
    /// So many at most, the latest of them.
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<usize>,
}

/// The events that are kept, the oldest first.
#[utoipa::path(get, path = "/lb/v1/timeline", operation_id = "timeline", params(TimelineQuery),
    responses((status = 200, body = api::Timeline), (status = 400, body = api::Problem)))]
pub(super) async fn timeline(
    State(admin): State<Admin>,
    query: Result<Query<TimelineQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let limit = limit(query.limit, 200)?;
    let timeline = admin.0.watch.timeline(query.since.unwrap_or(0), limit).await.ok_or_else(Problem::stopping)?;
    Ok(([("cache-control", "no-store")], Json(timeline)).into_response())
}

/// A number from 0 on that fits an `int64`, as the description says: other programs have no larger ones.
pub(super) fn whole<'de, D: Deserializer<'de>>(text: D) -> Result<Option<u64>, D::Error> {
    let number = i64::deserialize(text)?;
    u64::try_from(number).map(Some).map_err(|_| D::Error::custom(format!("{number} is less than 0")))
}

fn json(text: Option<String>) -> Result<Response, Problem> {
    let text = text.ok_or_else(Problem::stopping)?;
    Ok(([("content-type", "application/json"), ("cache-control", "no-store")], text).into_response())
}

fn limit(said: Option<usize>, default: usize) -> Result<usize, Problem> {
    let limit = said.unwrap_or(default);
    if (1..=MOST).contains(&limit) { Ok(limit) } else { Err(Problem::bad(format!("limit is not from 1 to {MOST}"))) }
}

fn status_filter(text: &str) -> Result<StatusFilter, Problem> {
    let problem = || Problem::bad(format!("{text:?} is no status")).hint("write it as 503, or a class as 5xx");
    if let Some(class) = text.strip_suffix("xx") {
        return match class.parse() {
            Ok(class @ 1..=5) if class.to_string().len() == text.len() - 2 => Ok(StatusFilter::Class(class)),
            _ => Err(problem()),
        };
    }
    match text.parse() {
        Ok(status @ 100..=599) if text.len() == 3 => Ok(StatusFilter::Exactly(status)),
        _ => Err(problem()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a finite number from 0 on")]
fn microseconds(ms: f64) -> Result<u64, Problem> {
    if ms.is_finite() && ms >= 0.0 {
        Ok((ms * 1000.0) as u64)
    } else {
        Err(Problem::bad("min-ms is not a number from 0 on"))
    }
}
