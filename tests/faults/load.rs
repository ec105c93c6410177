//! Open-loop load: each request has its moment, fixed beforehand, and is sent then, whatever became of those before it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::exchange::{Ask, Connection, Outcome, ask};

/// Requests at a steady rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) method: &'static str,
    /// Requests a second.
    pub(crate) rate: u32,
    pub(crate) time: Duration,
    /// So many connections are there before the first request. One more is made whenever none of them is free.
    pub(crate) connections: usize,
    /// Bytes of each answer's body.
    pub(crate) size: usize,
    /// After this long a request has failed.
    pub(crate) patience: Duration,
}

/// What became of one request.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// When it was to be sent, since the start.
    pub(crate) due: Duration,
    /// From then to the end of its answer.
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

/// Connections on which nothing is under way; those that waited longest come first, so that all are used.
type Idle = Arc<Mutex<VecDeque<Connection>>>;

/// Sends them all and waits for the last. `begun` is called once the connections are there, at the start of time.
pub(crate) fn run(address: SocketAddr, load: Load, begun: impl FnOnce(Instant)) -> Vec<Sent> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let idle = Idle::default();
        for _ in 0..load.connections {
            // Where none can be had, the requests will fail to make theirs, and that is counted.
            if let Ok(connection) = Connection::open(address).await {
                put(&idle, connection);
            }
        }
        let start = Instant::now();
        begun(start);
        let interval = Duration::from_secs(1) / load.rate;
        let mut tasks = Vec::new();
        let mut due = Duration::ZERO;
        while due < load.time {
            tokio::time::sleep_until((start + due).into()).await;
            let number = tasks.len();
            tasks.push(tokio::spawn(one(address, load, Arc::clone(&idle), number, start, due)));
            due += interval;
        }
        let mut sent = Vec::new();
        for task in tasks {
            sent.push(task.await.expect("a client does not panic"));
        }
        sent
    })
}

async fn one(address: SocketAddr, load: Load, idle: Idle, number: usize, start: Instant, due: Duration) -> Sent {
    let id = format!("{}{number:06}", if load.method == "POST" { "p" } else { "g" });
    // Some POSTs are longer than what comes with their heads.
    let upload = if load.method == "POST" { 64 + 5000 * (number % 3) } else { 0 };
    let what = Ask { method: load.method, id: &id, upload, size: load.size, pace: None };
    let exchange = async {
        let mut connection = match take(&idle) {
            Ok(Some(connection)) => connection,
            Ok(None) => match Connection::open(address).await {
                Ok(connection) => connection,
                Err(error) => return Outcome::Failed(format!("no connection: {error}")),
            },
            Err(garbage) => return garbage,
        };
        let outcome = ask(&mut connection, &what).await;
        if connection.is_reusable() {
            put(&idle, connection);
        }
        outcome
    };
    let outcome = tokio::time::timeout_at((start + due + load.patience).into(), exchange).await;
    let outcome = outcome.unwrap_or_else(|_elapsed| Outcome::Failed("no answer in time".to_owned()));
    Sent { due, took: start.elapsed().saturating_sub(due), outcome }
}

/// An idle connection that still stands, if there is one. One on which bytes came that nobody asked for is a finding.
fn take(idle: &Idle) -> Result<Option<Connection>, Outcome> {
    let mut idle = idle.lock().expect("no client panics");
    while let Some(connection) = idle.pop_front() {
        match connection.is_quiet() {
            Ok(true) => return Ok(Some(connection)),
            Ok(false) => {}
            Err(garbage) => return Err(garbage),
        }
    }
    Ok(None)
}

fn put(idle: &Idle, connection: Connection) {
    idle.lock().expect("no client panics").push_back(connection);
}
