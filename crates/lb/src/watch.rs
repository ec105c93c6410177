//! Keeps what `lb` has seen of itself, and tells it on: traces, events, ticks. One task on the control runtime owns all of it;
//! workers hand their stories over by a bounded channel, and who wants to know something asks by another one.
//!
//! ```text
//!   workers ──stories──▶ ┌────────┐ ──said──▶ every stream of /lb/v1/events
//!   drivers ────news───▶ │ Keeper │
//!   tallies ◀──reads──── └────────┘ ◀──asks── GET /lb/v1/traces, history, timeline
//! ```
//!
//! It decides nothing, and nothing waits for it.

mod history;
mod log;
mod traces;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lb_common::api::{Event, Status, Timeline, What};
use lb_proxy::{Audience, Clock, News, Story, Tallies};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

pub(crate) use self::history::Window;
use self::history::{History, Scope};
use self::log::Log;
pub(crate) use self::log::{change_in_words, fault_says};
use self::traces::Traces;
pub(crate) use self::traces::{Filter, Outcome as TraceOutcome, StatusFilter};
use crate::names::Names;

/// So many stories may wait to be heard; what is more is counted and lost.
const STORIES: usize = 2048;

/// So many questions may wait.
const ASKS: usize = 64;

/// So much may be unread by a slow stream before it misses some.
const SAID: usize = 256;

/// How often ticks are made and, where somebody listens, the status is told.
const TICK: Duration = Duration::from_secs(1);

/// How long requests are gathered before they are told to those that watch.
const FLOW: Duration = Duration::from_millis(200);

/// Something that all streams are told. It is written once, however many they are.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// The event's name.
    pub(crate) name: &'static str,
    /// Its id, if it has one.
    pub(crate) id: Option<u64>,
    /// Its JSON.
    pub(crate) json: Arc<str>,
}

/// What is asked of the keeper. The answers are JSON.
enum Ask {
    Traces(Box<Filter>, oneshot::Sender<String>),
    History(Window, oneshot::Sender<String>),
    Timeline { since: u64, limit: usize, reply: oneshot::Sender<Timeline> },
    Happened(What, oneshot::Sender<()>),
    Rates(oneshot::Sender<Vec<Vec<f64>>>),
    Past(oneshot::Sender<Past>),
}

/// What was kept, for whoever takes this one's place.
pub(crate) struct Past {
    names: Arc<Names>,
    log: Log,
    traces: Traces,
    history: History,
}

/// The door to what is kept.
#[derive(Clone)]
pub(crate) struct Watch {
    asks: mpsc::Sender<Ask>,
    said: broadcast::Sender<Said>,
    lost: Arc<AtomicU64>,
}

/// Where stories go in, from the workers' threads.
#[derive(Clone)]
pub(crate) struct Ears {
    stories: mpsc::Sender<Arc<Story>>,
    lost: Arc<AtomicU64>,
}

/// What the keeper needs to know of the rest.
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    pub(crate) names: Arc<Names>,
    pub(crate) news: broadcast::Receiver<News>,
    pub(crate) tallies: Option<Arc<Tallies>>,
    /// So many traces are kept of each kind.
    pub(crate) keep: usize,
}

/// Takes the whole status; a door, since the admin API knows more than the keeper.
pub(crate) trait TakeStatus {
    /// `None` once the drivers have gone.
    fn take_status(&self) -> impl Future<Output = Option<Status>>;
}

/// Owns what is kept.
pub(crate) struct Keeper {
    clock: Clock,
    names: Arc<Names>,
    news: broadcast::Receiver<News>,
    tallies: Option<Arc<Tallies>>,
    stories: mpsc::Receiver<Arc<Story>>,
    asks: mpsc::Receiver<Ask>,
    said: broadcast::Sender<Said>,
    lost: Arc<AtomicU64>,
    traces: Traces,
    log: Log,
    history: History,
    keep: usize,
    flow: Vec<lb_common::api::Trace>,
    flow_due: Option<Instant>,
}

impl Watch {
    /// The door, the ears and the keeper, who is to be [run](Keeper::run).
    pub(crate) fn new(around: Surroundings) -> (Self, Ears, Keeper) {
        let (told, stories) = mpsc::channel(STORIES);
        let (asked, asks) = mpsc::channel(ASKS);
        let (said, _) = broadcast::channel(SAID);
        let lost = Arc::new(AtomicU64::new(0));
        let watch = Self { asks: asked, said: said.clone(), lost: Arc::clone(&lost) };
        let ears = Ears { stories: told, lost: Arc::clone(&lost) };
        let Surroundings { clock, names, news, tallies, keep } = around;
        let scope = Scope::new(&names);
        let keeper = Keeper {
            clock,
            names,
            news,
            tallies,
            stories,
            asks,
            said,
            lost,
            traces: Traces::new(keep),
            log: Log::default(),
            history: History::new(scope),
            keep,
            flow: Vec::new(),
            flow_due: None,
        };
        (watch, ears, keeper)
    }

    /// What is said from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Said> {
        self.said.subscribe()
    }

    /// The traces that pass the filter, as JSON; `None` once the keeper has gone.
    pub(crate) async fn traces(&self, filter: Filter) -> Option<String> {
        self.ask(|reply| Ask::Traces(Box::new(filter), reply)).await
    }

    /// The ticks of the window, as JSON.
    pub(crate) async fn history(&self, window: Window) -> Option<String> {
        self.ask(|reply| Ask::History(window, reply)).await
    }

    /// At most so many of the events that came after that one, the latest of them.
    pub(crate) async fn timeline(&self, since: u64, limit: usize) -> Option<Timeline> {
        self.ask(|reply| Ask::Timeline { since, limit, reply }).await
    }

    /// Attempts a second of each endpoint, by cluster, in the mean of the last ten seconds.
    pub(crate) async fn rates(&self) -> Option<Vec<Vec<f64>>> {
        self.ask(Ask::Rates).await
    }

    /// All that is kept, for whoever takes this one's place; `None` once the keeper has gone.
    pub(crate) async fn past(&self) -> Option<Past> {
        self.ask(Ask::Past).await
    }

    /// Something happened that nobody else tells; returns when it is known.
    pub(crate) async fn happened(&self, what: What) {
        let _gone = self.ask(|reply| Ask::Happened(what, reply)).await;
    }

    /// Tells all streams something that is in no timeline; waits for nobody.
    pub(crate) fn say(&self, name: &'static str, what: &impl Serialize) {
        say(&self.said, name, what);
    }

    /// How many stories were lost since too many came at once.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl Ears {
    /// Hands a story over; never waits.
    pub(crate) fn hear(&self, story: Arc<Story>) {
        if self.stories.try_send(story).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Keeper {
    /// Goes on where another one was.
    pub(crate) fn go_on_from(&mut self, past: Past) {
        let Past { names, log, traces, history } = past;
        (self.log, self.traces) = (log, traces);
        self.traces.keep(self.keep);
        self.history = history.go_on(Scope::new(&self.names), &names, &self.names);
    }

    /// Keeps and tells until it is dropped. `audience` hears whether somebody watches, `status` is told every second to those
    /// that do.
    pub(crate) async fn run(mut self, audience: Arc<Audience>, status: impl TakeStatus) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_watched = false;
        loop {
            let flow_due = self.flow_due;
            tokio::select! {
                Some(story) = self.stories.recv() => self.hear(&story, is_watched),
                Some(ask) = self.asks.recv() => self.answer(ask, &audience),
                news = self.news.recv() => match news {
                    Ok(news) => self.hear_news(&news),
                    Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events came faster than they can be kept"),
                    Err(RecvError::Closed) => return,
                },
                _ = ticks.tick() => {
                    self.tick();
                    let listens = self.said.receiver_count() > 0;
                    if listens != is_watched {
                        is_watched = listens;
                        if listens { audience.begin_watching() } else { audience.end_watching() }
                    }
                    if listens && let Some(status) = status.take_status().await {
                        self.say("status", &status);
                    }
                }
                () = sleep_until(flow_due.unwrap_or_else(Instant::now)), if flow_due.is_some() => {
                    let flow = std::mem::take(&mut self.flow);
                    self.flow_due = None;
                    self.say("flow", &flow);
                }
            }
        }
    }

    fn hear(&mut self, story: &Story, is_watched: bool) {
        let trace = self.traces.hear(story, &self.names, self.clock);
        if is_watched {
            #[allow(clippy::disallowed_methods, reason = "a timer of its own, no time that anything is told by")]
            self.flow_due.get_or_insert_with(|| Instant::now() + FLOW);
            self.flow.push(trace);
        }
    }

    fn hear_news(&mut self, news: &News) {
        match log::event_of(news, self.clock) {
            log::Told::Event(what, at_ms) => self.note(what, at_ms),
            log::Told::Probe(probe, what) => {
                self.say("probe", &probe);
                if let Some((what, at_ms)) = what {
                    self.note(what, at_ms);
                }
            }
        }
    }

    fn note(&mut self, what: What, at_ms: u64) {
        let event = self.log.note(what, at_ms);
        let (id, said) = (event.id, json(event));
        let _listeners = self.said.send(Said { name: "event", id: Some(id), json: said.into() });
    }

    fn tick(&mut self) {
        let Some(tallies) = &self.tallies else { return };
        let now = self.clock.now();
        let Some(tick) = self.history.note(tallies.read(), self.clock.unix_ms(now), now) else { return };
        if self.said.receiver_count() > 0 {
            let said = json(tick).into();
            let _listeners = self.said.send(Said { name: "tick", id: None, json: said });
        }
    }

    fn answer(&mut self, ask: Ask, audience: &Audience) {
        // Whoever asked may have left.
        match ask {
            Ask::Traces(filter, reply) => {
                let dropped = audience.dropped() + self.lost.load(Ordering::Relaxed);
                let _gone = reply.send(json(&self.traces.find(&filter, dropped, audience)));
            }
            Ask::History(window, reply) => {
                let _gone = reply.send(json(&self.history.window(window)));
            }
            Ask::Timeline { since, limit, reply } => {
                let _gone = reply.send(Timeline { events: self.log.since(since, limit) });
            }
            Ask::Happened(what, reply) => {
                let at_ms = self.clock.unix_ms(self.clock.now());
                self.note(what, at_ms);
                let _gone = reply.send(());
            }
            Ask::Rates(reply) => {
                let _gone = reply.send(self.history.rates());
            }
            Ask::Past(reply) => {
                let (log, traces, history) = (self.log.clone(), self.traces.clone(), self.history.clone());
                let _gone = reply.send(Past { names: Arc::clone(&self.names), log, traces, history });
            }
        }
    }

    fn say(&self, name: &'static str, what: &impl Serialize) {
        say(&self.said, name, what);
    }
}

fn say(said: &broadcast::Sender<Said>, name: &'static str, what: &impl Serialize) {
    // Nobody need be listening.
    let _listeners = said.send(Said { name, id: None, json: json(what).into() });
}

/// An event as a stream is told it.
pub(crate) fn said_of(event: &Event) -> Said {
    Said { name: "event", id: Some(event.id), json: json(event).into() }
}

fn json(what: &impl Serialize) -> String {
    serde_json::to_string(what).expect("plain data, whose maps have keys that are strings")
}
