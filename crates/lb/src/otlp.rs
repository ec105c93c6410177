//! Sends the spans of recorded requests to a receiver of OTLP over HTTP, in protobuf.
//!
//! ```text
//!   workers ──stories──▶ ┌──────────┐ ──POST /v1/traces──▶ collector
//!            (bounded)   │ Exporter │    512 spans, or what a second brought
//!                        └──────────┘
//! ```
//!
//! It decides nothing about requests, and no request waits for it: what a receiver is too slow for is counted and lost. The
//! messages are those of `opentelemetry-proto`; they are made from stories that are over, with ids and times that are given, for
//! which the tracer of OpenTelemetry's SDK, made for code that is running, has no door.

mod receiver;
mod spans;
mod target;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lb_balance::Timestamp;
use lb_proxy::{Clock, Story};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

pub(crate) use self::receiver::BadAddress;
use self::receiver::{Receiver, Refused};
use self::spans::Attributes;
use crate::names::Names;

/// So many stories may wait to be sent: some megabytes, and a second of 4000 recorded requests while the receiver thinks.
const STORIES: usize = 4096;

/// So many spans are sent at once, as the SDKs of OpenTelemetry do it.
const BATCH: usize = 512;

/// A smaller batch is sent after so long: as long as somebody who looks for their trace may be asked to wait.
const BATCH_TIME: Duration = Duration::from_secs(1);

/// Waits before a batch is sent anew: a receiver that restarts is back within their sum. Stories gather meanwhile.
const RETRY_WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// A receiver may ask for a longer wait, but not for one without end.
const MOST_WAIT: Duration = Duration::from_secs(30);

/// That spans are lost is said so often at most.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Where stories go in, from the workers' threads.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    stories: mpsc::Sender<Arc<Story>>,
    counts: Arc<Counts>,
}

/// How many spans were sent, and how many were lost.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    sent: AtomicU64,
    // No place in the queue.
    overflow: AtomicU64,
    // The receiver did not take them.
    refused: AtomicU64,
}

/// The exporter's task.
#[derive(Debug)]
pub(crate) struct Exporting {
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Exporter {
    stories: mpsc::Receiver<Arc<Story>>,
    stop: watch::Receiver<bool>,
    receiver: Receiver,
    service: String,
    names: Arc<Names>,
    clock: Clock,
    losses: Losses,
}

/// What has been lost, and what of it has been said.
struct Losses {
    counts: Arc<Counts>,
    // Why the receiver did not take the last that it did not take.
    reason: String,
    said_at: Option<Timestamp>,
    said_overflow: u64,
    said_refused: u64,
    is_failing: bool,
}

impl Counts {
    /// Spans that the receiver has taken.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Spans that were lost, whyever.
    pub(crate) fn lost(&self) -> u64 {
        self.overflow.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed)
    }
}

impl Otlp {
    /// Starts to send to the receiver at that address, `http://host:port`. To be called on a runtime, which carries it from then on.
    pub(crate) fn start(
        address: &str,
        service: &str,
        names: Arc<Names>,
        clock: Clock,
    ) -> Result<(Self, Exporting), BadAddress> {
        let (told, stories) = mpsc::channel(STORIES);
        let (stopping, stop) = watch::channel(false);
        let counts = Arc::<Counts>::default();
        let losses = Losses::new(Arc::clone(&counts));
        let receiver = Receiver::new(address)?;
        let exporter = Exporter { stories, stop, receiver, service: service.to_owned(), names, clock, losses };
        let task = tokio::spawn(exporter.run());
        Ok((Self { stories: told, counts }, Exporting { stopping, task }))
    }

    /// Hands a story over, if its span is recorded; never waits.
    pub(crate) fn hear(&self, story: &Arc<Story>) {
        if story.span.is_some_and(|span| span.recorded) && self.stories.try_send(Arc::clone(story)).is_err() {
            let spans = 1 + story.tries.len() as u64;
            self.counts.overflow.fetch_add(spans, Ordering::Relaxed);
        }
    }

    /// How many spans were sent, and how many were lost.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

impl Exporting {
    /// Sends what has been heard, and ends. What is not sent within that time is lost, which is said.
    pub(crate) async fn stop(mut self, within: Duration) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(within, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("the last spans could not be sent in time");
        }
    }
}

impl Exporter {
    async fn run(mut self) {
        let mut ticks = interval(BATCH_TIME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                Some(story) = self.stories.recv() => {
                    batch.append(&mut spans::spans(&story, &self.names, self.clock));
                    if batch.len() >= BATCH {
                        self.send(mem::take(&mut batch)).await;
                    }
                }
                _ = ticks.tick() => {
                    self.send(mem::take(&mut batch)).await;
                    self.losses.say(&self.receiver, self.clock.now(), SAY_EVERY);
                }
                () = asked(&mut self.stop) => break,
            }
        }
        while let Ok(story) = self.stories.try_recv() {
            batch.append(&mut spans::spans(&story, &self.names, self.clock));
            if batch.len() >= BATCH {
                self.send(mem::take(&mut batch)).await;
            }
        }
        self.send(batch).await;
        self.losses.say(&self.receiver, self.clock.now(), Duration::ZERO);
    }

    /// Sends a batch; more than once if it is refused in a way that may pass.
    async fn send(&mut self, batch: Vec<Span>) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        let message = Bytes::from(self.message(batch).encode_to_vec());
        let mut waits = RETRY_WAITS.iter();
        loop {
            let refused = match self.receiver.post(message.clone()).await {
                Err(refused) => refused,
                Ok(partly) => {
                    let rejected = partly.rejected.min(count);
                    self.losses.note_success(count - rejected, &self.receiver);
                    if rejected > 0 {
                        self.losses.note(rejected, partly.reason);
                    }
                    return;
                }
            };
            let Some(wait) = waits.next().filter(|_| refused.may_pass() && !*self.stop.borrow()) else {
                self.losses.is_failing = true;
                self.losses.note(count, refused.to_string());
                self.losses.say(&self.receiver, self.clock.now(), SAY_EVERY);
                return;
            };
            self.wait(&refused, *wait).await;
        }
    }

    /// Waits before the next try; whoever wants `lb` to stop does not wait.
    async fn wait(&mut self, refused: &Refused, wait: Duration) {
        let wait = refused.wants_wait().map_or(wait, |wanted| wanted.clamp(wait, MOST_WAIT));
        tokio::select! {
            () = sleep(wait) => {}
            () = asked(&mut self.stop) => {}
        }
    }

    fn message(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let version = env!("CARGO_PKG_VERSION");
        let mut attributes = Attributes::default();
        attributes.text("service.name", &self.service[..]);
        attributes.text("service.version", version);
        let resource = Resource { attributes: attributes.into_vec(), ..Resource::default() };
        let scope = InstrumentationScope {
            name: "lb".to_owned(),
            version: version.to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, schema_url: String::new() }];
        let resource_spans = vec![ResourceSpans { resource: Some(resource), scope_spans, schema_url: String::new() }];
        ExportTraceServiceRequest { resource_spans }
    }
}

/// Waits until it is asked to stop. If whoever could ask has gone, nobody waits for the last spans either.
async fn asked(stop: &mut watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stop| *stop).await;
}

impl Losses {
    fn new(counts: Arc<Counts>) -> Self {
        Self { counts, reason: String::new(), said_at: None, said_overflow: 0, said_refused: 0, is_failing: false }
    }

    fn note(&mut self, spans: u64, reason: String) {
        self.counts.refused.fetch_add(spans, Ordering::Relaxed);
        self.reason = reason;
    }

    fn note_success(&mut self, spans: u64, receiver: &Receiver) {
        self.counts.sent.fetch_add(spans, Ordering::Relaxed);
        if mem::take(&mut self.is_failing) {
            tracing::info!("spans reach {receiver} again");
        }
    }

    /// Says what was lost, unless it was said less than `every` ago.
    fn say(&mut self, receiver: &Receiver, now: Timestamp, every: Duration) {
        if self.said_at.is_some_and(|said_at| now.since(said_at) < every) {
            return;
        }
        let refused = self.counts.refused.load(Ordering::Relaxed);
        let overflow = self.counts.overflow.load(Ordering::Relaxed);
        let new = (refused - self.said_refused, overflow - self.said_overflow);
        (self.said_refused, self.said_overflow) = (refused, overflow);
        if new.0 > 0 {
            tracing::warn!("spans are lost, {} of them: {receiver}: {}", new.0, self.reason);
        }
        if new.1 > 0 {
            tracing::warn!("spans are lost, {} of them: more came than {receiver} takes", new.1);
        }
        if new != (0, 0) {
            self.said_at = Some(now);
        }
    }
}

#[cfg(test)]
mod stories;

#[cfg(test)]
mod tests;
