//! `/lb/v1/events`: a status at the start and every second, and each change as it happens.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use lb_proxy::News;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::{Admin, status};

/// What counts change often and matter little each: once a second is enough.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// So many events may wait for a slow reader; then it waits for them.
const BACKLOG: usize = 64;

pub(super) async fn answer(State(admin): State<Admin>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(tell(admin, sender));
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}

/// Tells until the reader leaves or `lb` stops.
async fn tell(admin: Admin, reader: mpsc::Sender<Result<Event, Infallible>>) {
    let mut news = admin.0.news.subscribe();
    let mut stopping = admin.0.stopping.clone();
    let mut ticks = interval(STATUS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            // Its first tick is at once.
            _ = ticks.tick() => status_event(&admin).await,
            news = news.recv() => match news {
                Ok(news) => Some(event(&admin, &news)),
                // A reader that was too slow gets the whole picture instead of what it missed.
                Err(RecvError::Lagged(_)) => status_event(&admin).await,
                Err(RecvError::Closed) => None,
            },
            () = until_true(&mut stopping) => None,
            () = reader.closed() => None,
        };
        let Some(event) = event else { return };
        if reader.send(Ok(event)).await.is_err() {
            return;
        }
    }
}

/// The sender is gone only when everything is.
async fn until_true(flag: &mut watch::Receiver<bool>) {
    let _gone = flag.wait_for(|flag| *flag).await.is_err();
}

async fn status_event(admin: &Admin) -> Option<Event> {
    let status = admin.status().await?;
    Some(Event::default().event("status").data(json!(status).to_string()))
}

fn event(admin: &Admin, news: &News) -> Event {
    let clock = admin.0.clock;
    let (name, data) = match news {
        News::Belief(change) => ("belief", json!(status::belief_change(change, clock))),
        News::Probe(change) => ("probe", json!(status::probe_change(change, clock))),
    };
    Event::default().event(name).data(data.to_string())
}
