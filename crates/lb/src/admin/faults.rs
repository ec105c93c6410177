//! Faults that `lb` plays on demand: which may be begun, and that each ends. They are played by `lb_proxy`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lb_balance::Timestamp;
use lb_common::api::{self, What};
use lb_proxy::{Clock, Fault, FaultKind, FaultPlace, Faults};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::problem::Problem;
use super::{Admin, change};
use crate::names::Names;
use crate::watch::{Watch, fault_says};

/// More at a time nobody could tell apart.
const MOST: usize = 16;

/// Longer, and it would be forgotten.
const LONGEST: Duration = Duration::from_hours(1);

/// A delay beyond this is longer than any client waits.
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// So many orders may wait.
const ORDERS: usize = 16;

/// The door to who begins and ends faults.
#[derive(Clone)]
pub(crate) struct Stage {
    orders: mpsc::Sender<Order>,
    faults: Arc<Faults>,
}

enum Order {
    /// With how many there may be at a time.
    Begin(New, usize, oneshot::Sender<Option<api::Fault>>),
    /// With whether its time is over.
    End(u64, bool, oneshot::Sender<bool>),
}

/// A fault to be played.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) place: FaultPlace,
    pub(crate) per_million: u32,
    pub(crate) kind: FaultKind,
    pub(crate) lasts: Duration,
}

/// Why a fault is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotPlayed {
    #[error("{0} faults are played already, which is the most at a time")]
    TooMany(usize),
    #[error("lb is stopping")]
    Stopping,
}

/// Begins and ends them; one task, so that nobody's change is lost.
pub(crate) struct Stagehand {
    orders: mpsc::Receiver<Order>,
    faults: Arc<Faults>,
    last_id: u64,
    clock: Clock,
    names: Arc<Names>,
    watch: Watch,
}

impl Stage {
    pub(crate) fn new(clock: Clock, names: Arc<Names>, watch: Watch) -> (Self, Stagehand) {
        let (told, orders) = mpsc::channel(ORDERS);
        let faults = Arc::<Faults>::default();
        let stagehand = Stagehand { orders, faults: Arc::clone(&faults), last_id: 0, clock, names, watch };
        (Self { orders: told, faults }, stagehand)
    }

    /// What workers look at.
    pub(crate) fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    /// Plays a fault where at most `most` are played at a time; gives its number.
    pub(crate) async fn play(&self, new: New, most: usize) -> Result<u64, NotPlayed> {
        self.begin(new, most).await.map(|fault| fault.id)
    }

    /// Ends a fault, whose time may be over; whether it was played. `None`: lb is stopping.
    pub(crate) async fn end(&self, id: u64, is_over: bool) -> Option<bool> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::End(id, is_over, reply)).await.ok()?;
        answer.await.ok()
    }

    /// Ends all that are played.
    pub(crate) async fn end_all(&self) {
        for fault in &self.faults.list() {
            self.end(fault.id, false).await;
        }
    }

    async fn begin(&self, new: New, most: usize) -> Result<api::Fault, NotPlayed> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::Begin(new, most, reply)).await.map_err(|_| NotPlayed::Stopping)?;
        answer.await.map_err(|_| NotPlayed::Stopping)?.ok_or(NotPlayed::TooMany(most))
    }

    /// Those that are played now, in the API's words.
    pub(super) fn told(&self, names: &Names, clock: Clock) -> Vec<api::Fault> {
        self.faults.list().iter().map(|fault| told(fault, names, clock)).collect()
    }
}

impl Stagehand {
    pub(crate) async fn run(mut self) {
        loop {
            let next = self.faults.list().iter().map(|fault| fault.until).min();
            let wait = next.map_or(Duration::ZERO, |until| until.since(self.clock.now()));
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Begin(new, most, reply)) => {
                        let begun = self.begin(new, most).await;
                        let _gone = reply.send(begun);
                    }
                    Some(Order::End(id, is_over, reply)) => {
                        let is_there = self.end(|fault, _| fault.id == id, is_over).await;
                        let _gone = reply.send(is_there);
                    }
                    None => return,
                },
                () = sleep(wait), if next.is_some() => {
                    self.end(|fault, now| fault.until <= now, true).await;
                }
            }
        }
    }

    async fn begin(&mut self, new: New, most: usize) -> Option<api::Fault> {
        let mut list = self.faults.list();
        if list.len() >= most {
            return None;
        }
        self.last_id += 1;
        let until = self.clock.now() + new.lasts;
        let fault = Arc::new(Fault::new(self.last_id, new.place, new.per_million, new.kind, until));
        let told = told(&fault, &self.names, self.clock);
        list.push(fault);
        self.faults.set(list);
        tracing::warn!("fault begun: {}", told.says);
        self.watch.happened(What::FaultBegan { fault: told.clone() }).await;
        Some(told)
    }

    /// Ends those; whether there is any.
    async fn end(&self, which: impl Fn(&Fault, Timestamp) -> bool, expired: bool) -> bool {
        let now = self.clock.now();
        let (ended, go_on): (Vec<_>, Vec<_>) = self.faults.list().into_iter().partition(|fault| which(fault, now));
        self.faults.set(go_on);
        for fault in &ended {
            let fault = told(fault, &self.names, self.clock);
            tracing::info!("fault ended: {}", fault.says);
            self.watch.happened(What::FaultEnded { fault, expired }).await;
        }
        !ended.is_empty()
    }
}

/// The faults that are played.
#[utoipa::path(get, path = "/lb/v1/faults", operation_id = "faults", responses((status = 200, body = api::Faults)))]
pub(super) async fn list(State(admin): State<Admin>) -> Response {
    let facts = &admin.0;
    let faults = facts.stage.told(&facts.names, facts.clock);
    let told = api::Faults { allowed: facts.admin.faults, most: MOST, longest_s: LONGEST.as_secs(), faults };
    ([("cache-control", "no-store")], Json(told)).into_response()
}

/// Plays a fault at a route or an endpoint, for a while.
#[utoipa::path(post, path = "/lb/v1/faults", operation_id = "beginFault", request_body = api::NewFault,
    responses((status = 201, body = api::Fault), (status = 400, body = api::Problem), (status = 403, body = api::Problem),
        (status = 404, body = api::Problem), (status = 409, body = api::Problem), (status = 413, body = api::Problem),
        (status = 415, body = api::Problem)))]
pub(super) async fn begin(
    State(admin): State<Admin>,
    body: Result<Json<api::NewFault>, JsonRejection>,
) -> Result<Response, Problem> {
    if !admin.0.admin.faults {
        let error = "the configuration does not allow faults";
        return Err(Problem::forbidden(error).hint("set faults = true in [admin] to play them"));
    }
    let Json(new) = body?;
    let new = check(&admin, &new)?;
    let fault = admin.0.stage.begin(new, MOST).await.map_err(|why| match why {
        NotPlayed::TooMany(_) => Problem::new(StatusCode::CONFLICT, why.to_string()).hint("end one of them"),
        NotPlayed::Stopping => Problem::stopping(),
    })?;
    Ok((StatusCode::CREATED, Json(fault)).into_response())
}

/// Ends a fault.
#[utoipa::path(delete, path = "/lb/v1/faults/{id}", operation_id = "endFault",
    params(("id" = u64, Path, description = "Its number")),
    responses((status = 204), (status = 404, body = api::Problem)))]
pub(super) async fn end(
    State(admin): State<Admin>,
    path: Result<Path<u64>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = path?;
    if admin.0.stage.end(id, false).await.ok_or_else(Problem::stopping)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(format!("no fault {id} is played")))
    }
}

fn check(admin: &Admin, new: &api::NewFault) -> Result<New, Problem> {
    let place = match (&new.cluster, &new.endpoint, &new.route) {
        (Some(cluster), Some(endpoint), None) => {
            let (cluster, _, endpoint) = change::find(admin, cluster, endpoint)?;
            FaultPlace::Endpoint(cluster, endpoint)
        }
        (None, None, Some(route)) => {
            let found = admin.0.names.find_route(route);
            FaultPlace::Route(found.ok_or_else(|| Problem::not_found(format!("there is no route {route:?}")))?)
        }
        _ => return Err(Problem::bad("where it is played is not clear").hint("say cluster and endpoint, or route")),
    };
    if !(new.percent > 0.0 && new.percent <= 100.0) {
        return Err(Problem::bad("percent is more than 0 and at most 100"));
    }
    let kind = match new.kind {
        api::FaultKind::Delay { min_ms, max_ms } => {
            let (least, most) = (Duration::from_millis(min_ms), Duration::from_millis(max_ms));
            if least > most || most > LONGEST_DELAY {
                let error = "a delay is from min_ms to max_ms, at most 60000";
                return Err(Problem::bad(error).hint("make min_ms the smaller one"));
            }
            FaultKind::Delay(least, most)
        }
        api::FaultKind::Abort { status: status @ 400..=599 } => FaultKind::Abort(status),
        api::FaultKind::Abort { .. } => return Err(Problem::bad("status is from 400 to 599")),
        api::FaultKind::Reset {} => FaultKind::Reset,
    };
    let lasts = change::lasting(&new.for_)?;
    if lasts > LONGEST {
        return Err(Problem::bad("no fault is played for longer than an hour"));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a million")]
    let per_million = (new.percent * 10_000.0).ceil() as u32;
    Ok(New { place, per_million, kind, lasts })
}

fn told(fault: &Fault, names: &Names, clock: Clock) -> api::Fault {
    let (cluster, endpoint, route) = match fault.place {
        FaultPlace::Endpoint(cluster, endpoint) => {
            (Some(names.cluster(cluster).to_owned()), Some(names.endpoint(cluster, endpoint).to_owned()), None)
        }
        FaultPlace::Route(route) => (None, None, Some(names.route(route).to_owned())),
    };
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let kind = match fault.kind {
        FaultKind::Delay(least, most) => api::FaultKind::Delay { min_ms: ms(least), max_ms: ms(most) },
        FaultKind::Abort(status) => api::FaultKind::Abort { status },
        FaultKind::Reset => api::FaultKind::Reset {},
    };
    let percent = f64::from(fault.per_million) / 10_000.0;
    let says = fault_says(endpoint.as_deref().or(route.as_deref()).unwrap_or_default(), route.is_some(), percent, kind);
    api::Fault {
        id: fault.id,
        cluster,
        endpoint,
        route,
        percent,
        kind,
        until_ms: clock.unix_ms(fault.until),
        played: fault.played(),
        says,
    }
}
