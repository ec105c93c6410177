//! The access log: a line for each request, in one of two formats, to standard output or a file. Never on a request's way: the
//! workers hand stories to a bounded queue, and one thread writes them. What finds no place is counted and said.
//!
//! ```text
//!   workers ──try_send──▶ [ queue ] ──▶ writer ──▶ file, or standard output
//!              full? counted            │ reopened when told, and when the file was renamed or removed
//! ```

mod combined;
mod json;
mod sink;
#[cfg(test)]
mod tests;
mod time;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lb_proxy::{Clock, Story};

use self::sink::Sink;
use crate::config::{AccessLogConfig, LogFormat};
use crate::names::Names;

/// So many lines may wait to be written: a second or so of a busy `lb`, in a few megabytes.
const QUEUE: usize = 16 * 1024;

/// So long lines are gathered once one has come. Whoever waits for each line by itself is woken for each: that costs more than the
/// line, and with a CPU less than threads it costs the workers' time.
const GATHER: Duration = Duration::from_millis(5);

/// How often it is looked whether the file was renamed, and what was lost is said.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the end of the program waits for the last lines. A disk or a pipe that takes nothing must not keep it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it looks meanwhile whether they are written.
const STEP: Duration = Duration::from_millis(1);

/// The access log. Dropping it writes what waits, and ends the writer, unless that takes too long.
#[derive(Debug)]
pub(crate) struct AccessLog {
    // Gone when the log is being closed.
    queue: Option<SyncSender<Order>>,
    counts: Arc<Counts>,
    // The queue had no room for the order to reopen.
    reopen: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

enum Order {
    Line(Arc<Story>),
    Reopen,
}

/// How many lines were written, and how many were lost.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    written: AtomicU64,
    // No place in the queue.
    dropped: AtomicU64,
    // They could not be written.
    unwritten: AtomicU64,
}

impl Counts {
    /// Lines that were lost, whyever.
    pub(crate) fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.unwritten.load(Ordering::Relaxed)
    }

    /// Lines that were written.
    #[cfg(test)]
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

impl AccessLog {
    /// Opens it and starts its writer.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or the machine refuses a thread.
    pub(crate) fn open(config: &AccessLogConfig, names: Arc<Names>, clock: Clock) -> io::Result<Self> {
        let sink = Sink::open(config.path.as_deref())?;
        Self::start(sink, config.format, names, clock, QUEUE)
    }

    fn start(sink: Sink, format: LogFormat, names: Arc<Names>, clock: Clock, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let counts = Arc::<Counts>::default();
        let reopen = Arc::<AtomicBool>::default();
        let mut writer = Writer {
            sink,
            format,
            names,
            clock,
            counts: Arc::clone(&counts),
            reopen: Arc::clone(&reopen),
            said: 0,
            text: String::new(),
        };
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        let thread = thread.spawn(move || writer.run(&receiver))?;
        Ok(Self { queue: Some(sender), counts, reopen, writer: Some(thread) })
    }

    /// Hands a story over; never waits.
    pub(crate) fn hear(&self, story: &Arc<Story>) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send(Order::Line(Arc::clone(story))).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has the file opened anew, since it was renamed; what was handed over before goes to the old one, unless the queue is full.
    /// Never waits: whoever asks serves the admin API, probes and signals too, and a file that takes nothing may never take
    /// anything again.
    pub(crate) fn reopen(&self) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send(Order::Reopen).is_err() {
            // With a full queue the writer is not asleep: it looks before the next line.
            self.reopen.store(true, Ordering::SeqCst);
        }
    }

    /// How many lines were written, and how many were lost.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.queue = None;
        let Some(writer) = self.writer.take() else { return };
        let mut waited = Duration::ZERO;
        while !writer.is_finished() {
            if waited >= PATIENCE {
                tracing::warn!("the last lines of the access log are lost: they could not be written in time");
                return;
            }
            std::thread::sleep(STEP);
            waited += STEP;
        }
        if writer.join().is_err() {
            tracing::error!("the access log's writer panicked");
        }
    }
}

struct Writer {
    sink: Sink,
    format: LogFormat,
    names: Arc<Names>,
    clock: Clock,
    counts: Arc<Counts>,
    reopen: Arc<AtomicBool>,
    // How many lost lines were told of.
    said: u64,
    text: String,
}

impl Writer {
    fn run(&mut self, queue: &Receiver<Order>) {
        let mut looked_at = self.clock.now();
        loop {
            let order = match queue.try_recv() {
                Ok(order) => Some(order),
                Err(TryRecvError::Empty) => {
                    // Nothing waits: whoever reads the log sees all there is.
                    self.flush();
                    match queue.recv_timeout(LOOK_EVERY) {
                        Ok(order) => {
                            // Asleep, and not in the queue: nobody who has a line pays for waking it.
                            std::thread::sleep(GATHER);
                            Some(order)
                        }
                        Err(RecvTimeoutError::Timeout) => None,
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                Err(TryRecvError::Disconnected) => break,
            };
            let now = self.clock.now();
            if now.since(looked_at) >= LOOK_EVERY {
                looked_at = now;
                self.say_what_was_lost();
                if self.sink.is_elsewhere() {
                    self.reopen();
                }
            }
            if self.reopen.swap(false, Ordering::SeqCst) {
                self.reopen();
            }
            match order {
                Some(Order::Line(story)) => self.write(&story),
                Some(Order::Reopen) => self.reopen(),
                None => {}
            }
        }
        self.flush();
        self.say_what_was_lost();
    }

    fn write(&mut self, story: &Story) {
        self.text.clear();
        match self.format {
            LogFormat::Combined => combined::push(&mut self.text, story, self.clock),
            LogFormat::Json => json::push(&mut self.text, story, &self.names, self.clock),
        }
        self.note(|sink, text| sink.push(text.as_bytes()));
    }

    fn flush(&mut self) {
        self.note(|sink, _| sink.flush());
    }

    fn reopen(&mut self) {
        self.flush();
        if let Err(error) = self.sink.reopen() {
            tracing::warn!(%error, "the access log cannot be opened anew; the old file is written on");
        }
    }

    /// Does something with the sink, and counts what comes of it.
    fn note(&mut self, act: impl FnOnce(&mut Sink, &str)) {
        act(&mut self.sink, &self.text);
        let (written, lost) = self.sink.take_counts();
        self.counts.written.fetch_add(written, Ordering::Relaxed);
        self.counts.unwritten.fetch_add(lost, Ordering::Relaxed);
    }

    fn say_what_was_lost(&mut self) {
        let lost = self.counts.lost();
        let more = lost - self.said;
        if more > 0 {
            self.said = lost;
            let why = self
                .sink
                .take_error()
                .map_or_else(|| "they came faster than they are written".to_owned(), |error| error.to_string());
            tracing::warn!("{more} lines of the access log were lost: {why}");
        }
    }
}
