//! The load and the endpoints, in one thread: whatever is ready next is done next, so nothing here waits for a switch
//! between threads, and the proxy on the other core is what is measured.
//!
//! Sockets are watched by edges: a read that fills less than the buffer has emptied the socket, and so has the last byte of
//! a message, which saves the read that would only be told that nothing is there.

pub(crate) mod client;
mod endpoint;

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use mio::{Events, Poll, Token};

use self::client::{Client, Job};
use self::endpoint::Endpoints;

/// Tokens from here on are clients.
const CLIENTS: usize = 1 << 24;

/// How many clients connect at once, so that no listener's queue overflows.
const TOGETHER: usize = 100;

/// How long nothing at all may happen before a run has failed. A proxy that a tool watches is slow, not silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);

/// How many endpoints there are.
pub(crate) const ENDPOINTS: usize = 4;

/// When a closed loop ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Requests(usize),
    Passed(Duration),
}

/// The endpoints, and the clients of the moment.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    scratch: Vec<u8>,
    pattern: Rc<[u8]>,
    endpoints: Endpoints,
    clients: Vec<Client>,
    /// Those whose answers have come in the latest turn.
    done: Vec<usize>,
    interrupted: Arc<AtomicBool>,
}

impl Load {
    /// Endpoints that listen on free ports, and no client yet.
    pub(crate) fn new(interrupted: Arc<AtomicBool>) -> Result<Self> {
        let poll = Poll::new()?;
        let pattern = crate::wire::pattern();
        Ok(Self {
            endpoints: Endpoints::listen(poll.registry(), &pattern)?,
            poll,
            events: Events::with_capacity(1024),
            scratch: vec![0; 256 * 1024],
            pattern,
            clients: Vec::new(),
            done: Vec::new(),
            interrupted,
        })
    }

    pub(crate) fn endpoints(&self) -> [SocketAddr; ENDPOINTS] {
        self.endpoints.addresses()
    }

    /// How many requests each endpoint has had so far.
    pub(crate) fn shares(&self) -> [u64; ENDPOINTS] {
        self.endpoints.answered()
    }

    /// Some endpoints fail now and then, or no longer: two of four answer each tenth request with a 503 and close the connection.
    pub(crate) fn flaw(&mut self, is_flawed: bool) {
        self.endpoints.flaw(is_flawed);
    }

    pub(crate) fn job(&self, case: &crate::case::Case, address: SocketAddr) -> Job {
        Job::new(case, address, &self.pattern)
    }

    /// Opens so many connections, each of which sends one request and gets its answer.
    pub(crate) fn open(&mut self, job: &Job, connections: usize) -> Result<()> {
        let before = self.clients.len();
        while self.clients.len() < before + connections {
            let first = self.clients.len();
            for index in first..(first + TOGETHER).min(before + connections) {
                self.clients.push(Client::connect(job, self.poll.registry(), Token(CLIENTS + index))?);
            }
            let mut missing = self.clients.len() - first;
            while missing > 0 {
                self.turn(job, None)?;
                missing -= self.done.len();
            }
        }
        Ok(())
    }

    /// Closes all clients.
    pub(crate) fn close(&mut self) {
        self.clients.clear();
    }

    /// Closes everything, whatever it was at: a measurement has failed, and the next one is to begin from nothing.
    pub(crate) fn abandon(&mut self) {
        self.close();
        self.endpoints.close();
    }

    /// Whether somebody wants this program to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Each of these clients sends its next request as soon as it has its answer; the number of answers, all of which
    /// have come when this returns.
    pub(crate) fn closed_loop(&mut self, job: &Job, clients: Range<usize>, until: Until) -> Result<usize> {
        let began = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        let most = if let Until::Requests(requests) = until { requests } else { usize::MAX };
        for index in clients.take(most) {
            self.ask(job, index, began)?;
            sent += 1;
        }
        while answered < sent {
            self.turn(job, None)?;
            answered += self.done.len();
            let over = match until {
                Until::Requests(requests) => sent >= requests,
                Until::Passed(time) => began.elapsed() >= time,
            };
            if over {
                continue;
            }
            let done = std::mem::take(&mut self.done);
            for &index in done.iter().take(most - sent) {
                self.ask(job, index, began)?;
            }
            sent += done.len().min(most - sent);
            self.done = done;
        }
        Ok(answered)
    }

    /// Requests that are due at fixed times, whether or not earlier ones have been answered: how long each took from
    /// when it was due to the last byte of its answer, in nanoseconds. One that finds all clients busy waits, and its
    /// wait counts.
    pub(crate) fn open_loop(&mut self, job: &Job, a_second: u32, time: Duration) -> Result<Vec<u64>> {
        let gap = Duration::from_secs(1) / a_second;
        let began = Instant::now();
        let requests = usize::try_from(time.as_nanos() / gap.as_nanos())?;
        let mut latencies = Vec::with_capacity(requests);
        let mut idle: Vec<usize> = (0..self.clients.len()).rev().collect();
        let mut due = Duration::ZERO;
        let mut sent = 0;
        while latencies.len() < requests {
            while sent < requests && began.elapsed() >= due {
                let Some(index) = idle.pop() else { break };
                self.ask(job, index, began + due)?;
                sent += 1;
                due += gap;
            }
            // It spins: a timer of the kernel would be late by more than what is measured.
            self.turn(job, Some(Duration::ZERO))?;
            let now = Instant::now();
            for &index in &self.done {
                let taken = now.saturating_duration_since(self.clients[index].due);
                latencies.push(u64::try_from(taken.as_nanos())?);
                idle.push(index);
            }
            ensure!(
                began.elapsed() < time + SILENCE,
                "requests of a fixed rate pile up: {} of {sent}",
                latencies.len()
            );
        }
        Ok(latencies)
    }

    fn ask(&mut self, job: &Job, index: usize, due: Instant) -> Result<()> {
        if job.fresh {
            self.clients[index] = Client::connect(job, self.poll.registry(), Token(CLIENTS + index))?;
        } else {
            self.clients[index].ask(job)?;
        }
        self.clients[index].due = due;
        Ok(())
    }

    /// Waits for whatever is ready and does it; `done` holds the clients whose answers are there.
    fn turn(&mut self, job: &Job, wait: Option<Duration>) -> Result<()> {
        self.done.clear();
        if self.is_interrupted() {
            bail!("interrupted");
        }
        match self.poll.poll(&mut self.events, Some(wait.unwrap_or(SILENCE))) {
            // A signal, which the next turn sees.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        ensure!(wait.is_some() || !self.events.is_empty(), "nothing has come for {} s", SILENCE.as_secs());
        for event in &self.events {
            let Token(token) = event.token();
            if token < CLIENTS {
                self.endpoints.handle(event, self.poll.registry(), &mut self.scratch)?;
                continue;
            }
            // A client that was closed may have left an event behind.
            let Some(client) = self.clients.get_mut(token - CLIENTS) else { continue };
            if client.handle(event, job, &mut self.scratch, &self.pattern).context("a client failed")? {
                self.done.push(token - CLIENTS);
            }
        }
        Ok(())
    }
}
