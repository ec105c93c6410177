//! All of it together: binds, starts the workers and the drivers, and stops them.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::cluster::ClusterHandle;
use crate::complaint::Complaint;
use crate::config::{ClusterConfig, Config};
use crate::dial::Tcp;
use crate::driver::{Driver, Estate, News};
use crate::lent::Stock;
use crate::limits::Crowd;
use crate::listener::{BindError, Sockets};
use crate::proxy::Shared;
use crate::route::Routes;
use crate::secret::Secret;
use crate::worker::{Phase, Plan};

/// So many news may be unread by one that watches before it misses some.
const NEWS: usize = 1024;

/// The clusters, running, before there is a server: what `lb` answers itself may want to tell of them. Dropping it ends their
/// drivers; what the workers have of them still chooses, but learns nothing more.
#[derive(Debug)]
pub struct Clusters {
    handles: Vec<Arc<ClusterHandle>>,
    news: broadcast::Sender<News>,
    clock: Clock,
    drivers: JoinSet<()>,
}

/// A proxy that serves.
#[derive(Debug)]
pub struct Server {
    sockets: Sockets,
    addresses: Vec<SocketAddr>,
    phase: watch::Sender<Phase>,
    workers: Workers,
}

/// The workers' threads.
#[derive(Debug)]
struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    thread: JoinHandle<()>,
    // It accepts no more connections.
    quiet: Option<oneshot::Receiver<()>>,
    // Whether all of its connections had ended.
    finished: oneshot::Receiver<bool>,
}

/// A server does not start. Nothing of it runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The machine refuses a thread, or what an event loop needs.
    #[error("cannot start a worker: {0}")]
    Worker(#[source] std::io::Error),
}

impl Clusters {
    /// Starts a driver for each cluster on the current local runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio `LocalRuntime` or `LocalSet`.
    pub fn start(configs: Vec<ClusterConfig>) -> Self {
        Self::run(configs.into_iter().map(|config| (config, None)), Clock::start())
    }

    /// Starts clusters in the place of others, which serve to its end what they have. What is known of an endpoint that has the
    /// same name, address and cluster as before stays known: what is believed of it, its counts, and what was changed by hand.
    /// Sessions stay where they are.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn start_after(configs: Vec<ClusterConfig>, before: &Self) -> Self {
        let mut planned = Vec::new();
        for mut config in configs {
            let old = before.handles.iter().find(|handle| handle.config().name == config.name);
            if let (Some(sticky), Some(old)) = (&mut config.sticky, old.and_then(|old| old.config().sticky.as_ref()))
                && sticky.secret.is_none()
            {
                sticky.secret.clone_from(&old.secret);
            }
            let estate = match old {
                Some(old) => old.estate().await,
                None => None,
            };
            planned.push((config, estate));
        }
        Self::run(planned, before.clock)
    }

    fn run(clusters: impl IntoIterator<Item = (ClusterConfig, Option<Estate>)>, clock: Clock) -> Self {
        let (news, _) = broadcast::channel(NEWS);
        let mut drivers = JoinSet::new();
        let start = |(mut config, estate): (ClusterConfig, _)| {
            // Known to whoever takes the cluster's place.
            if let Some(sticky) = &mut config.sticky {
                sticky.secret.get_or_insert_with(Secret::draw);
            }
            let driver = Driver::new(config, news.clone(), clock, Tcp, estate);
            let handle = driver.handle();
            drivers.spawn_local(driver.run());
            handle
        };
        let handles = clusters.into_iter().map(start).collect();
        Self { handles, news, clock, drivers }
    }

    /// Others have taken their place: these learn nothing more, send no probes and change nothing in what both know of an
    /// endpoint. Requests that are left to them go on with what is known now.
    pub async fn retire(&mut self, heirs: &Self) {
        self.drivers.shutdown().await;
        for handle in &self.handles {
            let heir = heirs.handles.iter().find(|heir| heir.config().name == handle.config().name);
            heir.inspect(|heir| handle.give_way_to(heir));
        }
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
    /// Starts the workers on these sockets, which were bound for as many. They wait until they are to [serve](Self::serve).
    ///
    /// # Errors
    ///
    /// If the machine refuses what it needs. Nothing of it runs then, and the sockets of whoever was there before are as they were.
    pub fn start(
        config: Config,
        mut sockets: Sockets,
        routes: Routes,
        clusters: &Clusters,
    ) -> Result<Self, StartError> {
        // Before an event loop watches them: of a socket that is not listened on it would hear that it has ended.
        sockets.listen()?;
        let shared = Arc::new(Shared {
            limits: config.limits,
            routes,
            clusters: clusters.handles.clone(),
            clock: clusters.clock,
            audience: config.audience,
            faults: config.faults,
            trace_token: config.trace_token,
            marking: config.marking,
            trusted: config.trusted,
            no_memory: Complaint::default(),
        });
        let crowd = Arc::new(Crowd::new(&config.limits));
        let complaints = Arc::default();
        let (phase, phases) = watch::channel(Phase::Starting);
        let (ready, all_ready) = std::sync::mpsc::channel();
        let each = sockets.take_for_workers();
        let count = each.len();
        let stock = Stock::new(config.limits.memory, count);
        let start = |(index, sockets)| {
            let plan = Plan {
                shared: Arc::clone(&shared),
                crowd: Arc::clone(&crowd),
                complaints: Arc::clone(&complaints),
                stock: Arc::clone(&stock),
                tally: config.tallies.as_ref().and_then(|tallies| tallies.of_worker(index)),
                stop_timeout: config.stop_timeout,
            };
            let (phases, ready) = (phases.clone(), ready.clone());
            let ((done, finished), (hush, quiet)) = (oneshot::channel(), oneshot::channel());
            let run = move || {
                let all_ended = crate::worker::run(sockets, plan, phases, ready, hush);
                // The server may have been dropped.
                let _gone = done.send(all_ended);
            };
            let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(run);
            thread.map(|thread| Worker { thread, quiet: Some(quiet), finished })
        };
        // Dropped where one fails: then the others, who wait for their first phase, end.
        let workers = each.into_iter().enumerate().map(start).collect::<Result<_, _>>().map_err(StartError::Worker)?;
        drop(ready);
        for _ in 0..count {
            let gone = |_| Err(std::io::Error::other("it ended at once"));
            all_ready.recv().unwrap_or_else(gone).map_err(StartError::Worker)?;
        }
        Ok(Self { addresses: sockets.addresses(), sockets, phase, workers: Workers(workers) })
    }

    /// Begins to accept connections.
    pub fn serve(&self) {
        self.phase.send_replace(Phase::Serving);
    }

    /// The addresses that it listens on, in the order of the configuration, with real ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What it listens with, for whoever takes its place.
    pub fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Accepts no more connections, lets the requests under way finish, and returns when they have, or when the time
    /// for it is over. Says whether all of them had.
    pub async fn stop(self) -> bool {
        let Self { sockets, phase, workers, .. } = self;
        // Before the workers end: nobody is to wait in a queue that nobody serves.
        drop(sockets);
        phase.send_replace(Phase::Stopping);
        workers.finish().await
    }

    /// Accepts no more connections, since another server listens in its place; returns when that is so. What waits at an address
    /// that the other one has, too, is left to it.
    pub async fn stop_accepting(&mut self, heir: &Self) {
        self.phase.send_replace(Phase::Retiring(heir.addresses.clone().into()));
        for worker in &mut self.workers.0 {
            if let Some(quiet) = worker.quiet.take() {
                let _ended = quiet.await;
            }
        }
    }

    /// Leaves the connections that are there until they end, once it [accepts no more](Self::stop_accepting): each after its next
    /// answer, or when it has been idle for too long. Once `hurry` is ready, it stops as by [`stop`](Self::stop).
    pub async fn retire(self, hurry: impl Future<Output = ()>) -> bool {
        let Self { sockets, phase, workers, .. } = self;
        drop(sockets);
        let mut finishing = pin!(workers.finish());
        tokio::select! {
            all_ended = &mut finishing => return all_ended,
            () = hurry => {}
        }
        phase.send_replace(Phase::Stopping);
        finishing.await
    }
}

impl Workers {
    /// Waits for their ends.
    async fn finish(self) -> bool {
        let mut all_ended = true;
        for worker in self.0 {
            all_ended &= worker.finished.await.unwrap_or(false);
            if worker.thread.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
        all_ended
    }
}
