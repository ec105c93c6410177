//! Endpoints by hand: drained, enabled, weighed; and what would become of the others.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use lb_balance::{Change, EndpointId};
use lb_common::api;
use lb_proxy::{ClusterHandle, ClusterId, Order};
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use super::{Admin, words};
use crate::config::parse_time;

/// The highest weight, as in the configuration.
const MOST_WEIGHT: u32 = 1000;

/// Drains an endpoint, enables it again, or gives it another weight; for a while, or until it is told otherwise.
#[utoipa::path(patch, path = "/lb/v1/clusters/{cluster}/endpoints/{endpoint}", operation_id = "changeEndpoint",
    params(("cluster" = String, Path, description = "Its cluster"), ("endpoint" = String, Path, description = "Its name")),
    request_body = api::EndpointChange,
    responses((status = 200, body = api::Endpoint), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 413, body = api::Problem), (status = 415, body = api::Problem)))]
pub(super) async fn endpoint(
    State(admin): State<Admin>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Json<api::EndpointChange>, JsonRejection>,
) -> Result<Response, Problem> {
    let Path((cluster, endpoint)) = path?;
    let (_, cluster, endpoint) = find(&admin, &cluster, &endpoint)?;
    let Json(api::EndpointChange { draining, weight, for_ }) = body?;
    let lasts = for_.as_deref().map(lasting).transpose()?;
    if let Some(weight) = weight.filter(|weight| !(1..=MOST_WEIGHT).contains(weight)) {
        return Err(Problem::bad(format!("weight is {weight}, and weights are from 1 to {MOST_WEIGHT}")));
    }
    let changes: Vec<_> = draining.map(Change::Draining).into_iter().chain(weight.map(Change::Weight)).collect();
    if changes.is_empty() {
        return Err(Problem::bad("there is nothing to change").hint("say draining, or weight, or both"));
    }
    for change in changes {
        if !cluster.order(Order { endpoint, change, lasts }).await {
            return Err(Problem::stopping());
        }
    }
    // The driver answers in turn: what was ordered is carried out by then.
    let snapshot = cluster.snapshot().await.ok_or_else(Problem::stopping)?;
    let (config, snapshot) = (&cluster.config().endpoints[endpoint.index()], &snapshot.endpoints[endpoint.index()]);
    Ok(Json(words::endpoint(config, snapshot, admin.0.clock)).into_response())
}

/// What is thought of.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhatIfQuery {
    /// That it drains, or does not.
    draining: Option<bool>,
    /// That it has this weight.
    #[param(minimum = 1, maximum = 1000)]
    weight: Option<u32>,
}

/// What would become of a cluster's endpoints if one of them were changed.
#[utoipa::path(get, path = "/lb/v1/clusters/{cluster}/endpoints/{endpoint}/what-if", operation_id = "whatIf",
    params(("cluster" = String, Path, description = "Its cluster"), ("endpoint" = String, Path, description = "Its name"),
        WhatIfQuery),
    responses((status = 200, body = api::WhatIf), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem)))]
pub(super) async fn what_if(
    State(admin): State<Admin>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<WhatIfQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path((cluster, endpoint)) = path?;
    let (cluster_id, cluster, endpoint) = find(&admin, &cluster, &endpoint)?;
    let Query(query) = query?;
    let change = match (query.draining, query.weight) {
        (None, None) => Change::Draining(true),
        (Some(draining), None) => Change::Draining(draining),
        (None, Some(weight)) if (1..=MOST_WEIGHT).contains(&weight) => Change::Weight(weight),
        (None, Some(weight)) => {
            return Err(Problem::bad(format!("weight is {weight}, and weights are from 1 to {MOST_WEIGHT}")));
        }
        (Some(_), Some(_)) => return Err(Problem::bad("one change at a time: draining or weight")),
    };
    let shares = cluster.project(endpoint, change).await.ok_or_else(Problem::stopping)?;
    let rates = admin.0.watch.rates().await.ok_or_else(Problem::stopping)?;
    let rates = rates.get(cluster_id.0).map_or(&[][..], |rates| rates);
    let rate: f64 = rates.iter().sum();
    let mut notes = Vec::new();
    if shares.iter().all(|share| *share == 0.0) {
        notes.push("nobody would be left to answer".to_owned());
    }
    let project = |(index, then): (usize, &f64)| {
        let rate_now = rates.get(index).copied().unwrap_or(0.0);
        let name = cluster.config().endpoints[index].name();
        let (share_now, rate_then) = (if rate > 0.0 { rate_now / rate } else { 0.0 }, rate * then);
        if rate_now > 0.0 && rate_then > rate_now * 1.5 {
            notes.push(format!("{name} would get {:.1} times its load", rate_then / rate_now));
        }
        api::Projection { endpoint: name.to_owned(), share_now, share_then: *then, rate_now, rate_then }
    };
    let endpoints = shares.iter().enumerate().map(project).collect();
    if rate == 0.0 {
        notes.push("no requests came in the last ten seconds, so that only shares are known".to_owned());
    }
    Ok(Json(api::WhatIf { endpoints, rate, notes }).into_response())
}

/// The endpoint of that name.
pub(super) fn find<'a>(
    admin: &'a Admin,
    cluster: &str,
    endpoint: &str,
) -> Result<(ClusterId, &'a Arc<ClusterHandle>, EndpointId), Problem> {
    let found = admin.0.names.find_cluster(cluster);
    let (id, handle) = found.ok_or_else(|| Problem::not_found(format!("there is no cluster {cluster:?}")))?;
    let missing = || Problem::not_found(format!("cluster {cluster:?} has no endpoint {endpoint:?}"));
    Ok((id, handle, handle.find(endpoint).ok_or_else(missing)?))
}

/// How long something is to last.
pub(super) fn lasting(text: &str) -> Result<Duration, Problem> {
    parse_time(text).ok_or_else(|| {
        Problem::bad(format!("{text:?} is not a time up to a day"))
            .hint("write a number with a unit, as in \"90s\" or \"10m\"")
    })
}
