//! Many clients at once that have much to send or to get, and take their time over it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::exchange::{Ask, Connection, Outcome, ask};
use super::load::{Load, Sent};

/// The wait after each 64 KiB: 2.5 MiB a second.
const PACE: Duration = Duration::from_millis(25);

/// As many uploads and as many downloads as the load has connections, each of its size, all at once.
pub(crate) fn run(address: SocketAddr, load: Load) -> Vec<Sent> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let start = Instant::now();
        let tasks = (0..load.connections).flat_map(|number| {
            let transfer = |method| tokio::spawn(transfer(address, load, method, number, start));
            [transfer("GET"), transfer("POST")]
        });
        let mut sent = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            sent.push(task.await.expect("a client does not panic"));
        }
        sent
    })
}

async fn transfer(address: SocketAddr, load: Load, method: &'static str, number: usize, start: Instant) -> Sent {
    let id = format!("{method}{number:06}");
    let (upload, size) = if method == "POST" { (load.size, 1000) } else { (0, load.size) };
    let what = Ask { method, id: &id, upload, size, pace: Some(PACE) };
    let exchange = async {
        match Connection::open(address).await {
            Ok(mut connection) => ask(&mut connection, &what).await,
            Err(error) => Outcome::Failed(format!("no connection: {error}")),
        }
    };
    let outcome = tokio::time::timeout_at((start + load.patience).into(), exchange).await;
    let outcome = outcome.unwrap_or_else(|_elapsed| Outcome::Failed("no answer in time".to_owned()));
    Sent { due: Duration::ZERO, took: start.elapsed(), outcome }
}
