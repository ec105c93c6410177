//! `/lb/v1/events`: a status at the start, what was missed since the last time, and then all that is said.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use lb_common::api;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::Admin;
use super::ask::whole;
use super::problem::Problem;
use crate::watch::{Said, said_of};

/// So many events may wait for a slow reader; then it misses some, and gets the whole picture instead.
const BACKLOG: usize = 64;

/// As many as are kept.
const MOST_MISSED: usize = 1000;

/// All that there is to be told.
const NAMES: [&str; 7] = ["status", "event", "belief", "probe", "tick", "flow", "drill"];

/// What is to be told.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// First the events that came after the one of this number; the field `Last-Event-ID` says the same.
    #[serde(default, deserialize_with = "whole")]
    since: Option<u64>,
    /// Only events of these names, with commas between them: `status,event`.
    #[param(
        pattern = "^(status|event|belief|probe|tick|flow|drill)(, *(status|event|belief|probe|tick|flow|drill))*$"
    )]
    only: Option<String>,
}

/// What happens, as it happens: Server-Sent Events.
#[utoipa::path(get, path = "/lb/v1/events", operation_id = "events", params(EventsQuery),
    responses((status = 200, description = "A stream that does not end", body = String, content_type = "text/event-stream"),
        (status = 400, body = api::Problem)))]
pub(super) async fn answer(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let since = last.or(query.since);
    let only = query.only.as_deref().map(names).transpose()?;
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(tell(admin, since, Wanted(only), sender));
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()).into_response())
}

/// The names between the commas.
fn names(only: &str) -> Result<Vec<&'static str>, Problem> {
    let find = |name: &str| {
        let known = NAMES.into_iter().find(|known| *known == name.trim());
        let hint = || format!("there are {}", NAMES.join(", "));
        known.ok_or_else(|| Problem::bad(format!("there are no events named {:?}", name.trim())).hint(hint()))
    };
    only.split(',').map(find).collect()
}

/// The names that a reader wants; `None`: all.
struct Wanted(Option<Vec<&'static str>>);

impl Wanted {
    fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(&name))
    }
}

/// Tells until the reader leaves or `lb` stops.
async fn tell(admin: Admin, since: Option<u64>, wanted: Wanted, reader: mpsc::Sender<Result<Event, Infallible>>) {
    // Listened to first: what happens while the missed ones are looked up is told twice rather than not at all, and left out
    // below.
    let mut news = admin.0.watch.listen();
    let mut stopping = admin.0.stopping.clone();
    let mut first = VecDeque::new();
    let mut told = 0;
    if wanted.has("status")
        && let Some(status) = admin.status().await
    {
        first.push_back(event("status", None, &serde_json::to_string(&status).unwrap_or_default()));
    }
    if let Some(since) = since.filter(|_| wanted.has("event")) {
        let missed = admin.0.watch.timeline(since, MOST_MISSED).await;
        for missed in missed.into_iter().flat_map(|timeline| timeline.events) {
            told = missed.id;
            let said = said_of(&missed);
            first.push_back(event(said.name, said.id, &said.json));
        }
    }
    loop {
        let next = if let Some(next) = first.pop_front() {
            Some(next)
        } else {
            tokio::select! {
                said = news.recv() => match said {
                    Ok(Said { name, id, json }) => {
                        if !wanted.has(name) || id.is_some_and(|id| id <= told) {
                            continue;
                        }
                        Some(event(name, id, &json))
                    }
                    // A reader that was too slow gets the whole picture instead of what it missed.
                    Err(RecvError::Lagged(_)) => {
                        let Some(status) = admin.status().await else { return };
                        Some(event("status", None, &serde_json::to_string(&status).unwrap_or_default()))
                    }
                    Err(RecvError::Closed) => None,
                },
                () = until_true(&mut stopping) => None,
                () = reader.closed() => None,
            }
        };
        let Some(next) = next else { return };
        if reader.send(Ok(next)).await.is_err() {
            return;
        }
    }
}

/// The sender is gone only when everything is.
async fn until_true(flag: &mut watch::Receiver<bool>) {
    let _gone = flag.wait_for(|flag| *flag).await.is_err();
}

fn event(name: &str, id: Option<u64>, json: &str) -> Event {
    let event = Event::default().event(name).data(json);
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
