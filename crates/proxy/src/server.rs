//! All of it together: binds, starts the workers and the drivers, and stops them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{broadcast, oneshot, watch};

use crate::clock::Clock;
use crate::cluster::ClusterHandle;
use crate::config::{ClusterConfig, Config};
use crate::dial::Tcp;
use crate::driver::{Driver, News};
use crate::limits::Crowd;
use crate::listener;
use crate::proxy::Shared;
use crate::route::Routes;

/// So many news may be unread by one that watches before it misses some.
const NEWS: usize = 1024;

/// The clusters, running, before there is a server: what `lb` answers itself may want to tell of them.
#[derive(Debug)]
pub struct Clusters {
    handles: Vec<Arc<ClusterHandle>>,
    news: broadcast::Sender<News>,
    clock: Clock,
}

/// A proxy that serves.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    workers: Vec<(JoinHandle<()>, oneshot::Receiver<bool>)>,
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    /// Which one.
    pub address: SocketAddr,
    /// Why not.
    #[source]
    pub error: std::io::Error,
}

impl Clusters {
    /// Starts a driver for each cluster on the current local runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio `LocalRuntime` or `LocalSet`.
    pub fn start(configs: Vec<ClusterConfig>) -> Self {
        let clock = Clock::start();
        let (news, _) = broadcast::channel(NEWS);
        let start = |config| {
            let driver = Driver::new(config, news.clone(), clock, Tcp);
            let handle = driver.handle();
            tokio::task::spawn_local(driver.run());
            handle
        };
        let handles = configs.into_iter().map(start).collect();
        Self { handles, news, clock }
    }

    /// The clusters, in the order of the configuration.
    pub fn handles(&self) -> &[Arc<ClusterHandle>] {
        &self.handles
    }

    /// The clock that all timestamps are by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What happens from now on.
    pub fn news(&self) -> broadcast::Sender<News> {
        self.news.clone()
    }
}

impl Server {
    /// Binds the listeners and starts the workers.
    ///
    /// # Errors
    ///
    /// [`BindError`] if an address cannot be listened on; nothing has been started then.
    ///
    /// # Panics
    ///
    /// If the machine refuses a thread.
    pub fn start(config: Config, routes: Routes, clusters: &Clusters) -> Result<Self, BindError> {
        let workers = config.workers.get();
        let mut addresses = Vec::new();
        let mut sockets: Vec<Vec<std::net::TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
        for address in config.listeners {
            let bound = listener::bind(address, workers).map_err(|error| BindError { address, error })?;
            addresses.push(bound[0].local_addr().map_err(|error| BindError { address, error })?);
            for (sockets, socket) in sockets.iter_mut().zip(bound) {
                sockets.push(socket);
            }
        }
        let shared = Arc::new(Shared {
            limits: config.limits,
            routes,
            clusters: clusters.handles.clone(),
            clock: clusters.clock,
            audience: config.audience,
            faults: config.faults,
            trace_token: config.trace_token,
            marking: config.marking,
        });
        let crowd = Arc::new(Crowd::new(&config.limits));
        let (stop, stopping) = watch::channel(false);
        let start = |(index, sockets)| {
            let (shared, crowd, stopping) = (Arc::clone(&shared), Arc::clone(&crowd), stopping.clone());
            let tally = config.tallies.as_ref().and_then(|tallies| tallies.of_worker(index));
            let (done, finished) = oneshot::channel();
            let run = move || {
                let all_ended = crate::worker::run(sockets, shared, crowd, tally, &stopping, config.stop_timeout);
                // The server may have been dropped.
                let _gone = done.send(all_ended);
            };
            let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(run);
            (thread.expect("a thread a CPU is not too much to ask for"), finished)
        };
        let workers = sockets.into_iter().enumerate().map(start).collect();
        Ok(Self { addresses, stop, workers })
    }

    /// The addresses that it listens on, in the order of the configuration, with real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts no more connections, lets the requests under way finish, and returns when they have, or when the time
    /// for it is over. Says whether all of them had.
    pub async fn stop(self) -> bool {
        self.stop.send_replace(true);
        let mut all_ended = true;
        for (thread, finished) in self.workers {
            all_ended &= finished.await.unwrap_or(false);
            if thread.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
        all_ended
    }
}
