//! Requests at a steady rate, whatever becomes of them, and who answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::SERVERS;
use crate::support::{Client, wait_until};

/// 100 requests a second.
const EVERY: Duration = Duration::from_millis(10);

/// Enough that all the others are in time while some wait for a server that has just died.
const THREADS: u32 = 20;

/// Requests that are being sent until it is stopped or dropped.
pub(super) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    began: Instant,
    stop: AtomicBool,
    /// By server.
    answers: [AtomicU64; SERVERS.len()],
    first_failure: OnceLock<String>,
}

impl Load {
    /// Starts sending. Half of the threads keep their connection, the others open one for each request.
    pub(super) fn on(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            began: Instant::now(),
            stop: AtomicBool::new(false),
            answers: Default::default(),
            first_failure: OnceLock::new(),
        });
        let thread = |index| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.send(address, index))
        };
        Self { threads: (0..THREADS).map(thread).collect(), shared }
    }

    /// Waits for so many more answers and says how many of a hundred were that server's.
    pub(super) fn share_of_next(&self, answers: u64, server: &str) -> u64 {
        let before = self.answers();
        let mut more = [0; SERVERS.len()];
        wait_until("more answers have come", || {
            self.assert_no_failure();
            let now = self.answers();
            more = std::array::from_fn(|server| now[server] - before[server]);
            more.iter().sum::<u64>() >= answers
        });
        let server = SERVERS.iter().position(|name| *name == server).expect("one of the four");
        // Rounded up: a single answer of a server that is to have none shows.
        (100 * more[server]).div_ceil(more.iter().sum())
    }

    pub(super) fn assert_no_failure(&self) {
        if let Some(failure) = self.shared.first_failure.get() {
            panic!("{failure}");
        }
    }

    /// Stops; every request must have been answered well.
    pub(super) fn stop(mut self) {
        self.shared.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a sender does not panic");
        }
        self.assert_no_failure();
    }

    fn answers(&self) -> [u64; SERVERS.len()] {
        std::array::from_fn(|server| self.shared.answers[server].load(Relaxed))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
    }
}

impl Shared {
    fn send(&self, address: SocketAddr, thread: u32) {
        let mut kept = None;
        for round in 0.. {
            // An open loop: a request is due whether or not the others are answered.
            let due = EVERY * (round * THREADS + thread);
            while let Some(wait) = due.checked_sub(self.began.elapsed()).filter(|wait| !wait.is_zero()) {
                std::thread::park_timeout(wait);
            }
            if self.stop.load(Relaxed) {
                return;
            }
            let mut client = kept.take().unwrap_or_else(|| Client::connect(address));
            client.send(b"GET /api HTTP/1.1\r\nHost: test\r\n\r\n");
            let failure = match client.answer() {
                Ok(answer) if answer.status == 200 => {
                    match SERVERS.iter().position(|name| answer.text().ends_with(name)) {
                        Some(server) => {
                            self.answers[server].fetch_add(1, Relaxed);
                            kept = thread.is_multiple_of(2).then_some(client);
                            continue;
                        }
                        None => format!("nobody's answer: {answer:?}"),
                    }
                }
                Ok(answer) => format!("{answer:?}"),
                Err(error) => error.to_string(),
            };
            // Later ones would say the same.
            let _told = self.first_failure.set(format!("the request of {due:?} after the start: {failure}"));
            return;
        }
    }
}
