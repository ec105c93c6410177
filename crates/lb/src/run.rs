//! Serves a configuration until a signal says to stop.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lb_common::api::What;
use lb_proxy::{Audience, BindError, Clock, Clusters, Listener, Local, Routes, Server, Story, Tallies, Target};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access_log::AccessLog;
use crate::admin::{Admin, Facts, Reach, Stage};
use crate::config::{Config, Destination, Route};
use crate::drilling::{Aim, Drills, Surroundings as DrillSurroundings};
use crate::files;
use crate::metrics::Sources;
use crate::names::Names;
use crate::otlp::{BadAddress, Exporting, Otlp};
use crate::service::Tower;
use crate::watch::{Ears, Surroundings, Watch};

/// Why the program ends otherwise than well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The machine gives no event loop.
    #[error("cannot start an event loop: {0}")]
    Runtime(io::Error),
    /// An address is taken, or not ours.
    #[error("{0}{hint}", hint = hint(.0))]
    Bind(#[from] BindError),
    /// The access log cannot be written.
    #[error("cannot write the access log to {path}: {error}", path = path.as_deref().map_or("standard output".into(), std::path::Path::to_string_lossy))]
    AccessLog {
        /// Its file.
        path: Option<PathBuf>,
        /// Why not.
        error: io::Error,
    },
    /// Signals cannot be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// A demo's backend cannot listen.
    #[error("cannot start a backend: {0}")]
    Backend(io::Error),
    /// The demo's configuration is wrong, which is our own fault.
    #[error("the demo's configuration is wrong:\n{0}")]
    Demo(crate::config::Problems),
    /// Spans cannot be sent there.
    #[error(transparent)]
    Spans(#[from] BadAddress),
    /// Requests were still under way when the time was over.
    #[error("stopped, but requests were cut off: they had not finished in time")]
    CutOff,
}

fn hint(failed: &BindError) -> &'static str {
    match failed.error.kind() {
        io::ErrorKind::AddrInUse => "\n  hint: another program listens there; stop it, or choose another port",
        io::ErrorKind::PermissionDenied => "\n  hint: ports below 1024 need a privilege; choose a higher one",
        io::ErrorKind::AddrNotAvailable => "\n  hint: this machine has no such address",
        _ => "",
    }
}

/// So long the last spans may take once all requests have ended, within the time for stopping.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then lets requests under way finish.
pub(crate) async fn run(config: Config) -> Result<(), Failed> {
    let origin = config.origin.clone();
    let mut signals = Signals::listen()?;
    let running = Running::start(config).await?;
    for address in running.addresses() {
        tracing::info!("lb {} listens on {address}, as {origin} says", env!("CARGO_PKG_VERSION"));
    }
    signals.next().await;
    running.stop(&mut signals).await
}

/// A load balancer that serves.
pub(crate) struct Running {
    server: Server,
    // Dropping it would end the drivers' world: the handles keep the clusters alive while requests finish.
    _clusters: Clusters,
    stopping: watch::Sender<bool>,
    watch: Watch,
    directing: Option<JoinHandle<()>>,
    exporting: Option<Exporting>,
    clock: Clock,
    stop_timeout: Duration,
}

/// All that hear of requests.
struct Listeners {
    ears: Ears,
    log: Option<Arc<AccessLog>>,
    otlp: Option<Otlp>,
}

impl Listener for Listeners {
    fn hear(&self, story: Story) {
        let wanted = story.wanted;
        let story = Arc::new(story);
        if let Some(log) = &self.log {
            log.hear(&story);
        }
        if let Some(otlp) = &self.otlp {
            otlp.hear(&story);
        }
        if story.cluster.is_some() && (wanted.troubled || wanted.sampled || wanted.asked || wanted.watched) {
            self.ears.hear(story);
        }
    }
}

impl Running {
    /// Starts everything that a configuration asks for, on the current local runtime.
    pub(crate) async fn start(config: Config) -> Result<Self, Failed> {
        let limits = config.limits.with_descriptors(raise_descriptor_limit());
        let clusters = Clusters::start(config.clusters);
        let (stopping, stop) = watch::channel(false);
        let clock = clusters.clock();
        let workers = config.workers.get();
        let names = Arc::new(Names::new(&config.routes, clusters.handles()));
        let tallies = config.metrics.then(|| Arc::new(Tallies::new(workers, config.routes.len(), clusters.handles())));
        let (watch, ears, keeper) = Watch::new(Surroundings {
            clock,
            names: Arc::clone(&names),
            news: clusters.news().subscribe(),
            tallies: tallies.clone(),
            keep: config.traces.keep,
        });
        let log = match &config.access_log {
            None => None,
            Some(log) => {
                let opened = AccessLog::open(log, Arc::clone(&names), clock);
                Some(Arc::new(opened.map_err(|error| Failed::AccessLog { path: log.path.clone(), error })?))
            }
        };
        let exported = config.tracing.otlp.as_deref();
        let exported = exported.map(|to| Otlp::start(to, &config.tracing.service, Arc::clone(&names), clock));
        let (otlp, exporting) = exported.transpose()?.unzip();
        let sources = Sources {
            tallies: tallies.clone(),
            log: log.as_ref().map(|log| Arc::clone(log.counts())),
            spans: otlp.as_ref().map(|otlp| Arc::clone(otlp.counts())),
        };
        let listeners = Listeners { ears, log: log.clone(), otlp };
        let audience = Arc::new(Audience::new(Box::new(listeners), config.traces.sample, log.is_some()));
        tokio::task::spawn_local(reopen_when_told(log, Signals::listen_to(SignalKind::user_defined1())?));
        let (stage, stagehand) = Stage::new(clock, Arc::clone(&names), watch.clone());
        let faults = stage.faults();
        let (drills, director) = Drills::new(DrillSurroundings {
            clock,
            names: Arc::clone(&names),
            watch: watch.clone(),
            stage: stage.clone(),
            tallies: tallies.clone(),
            stopping: stop.clone(),
            aim: Aim::find(&config.routes),
        });
        let admin = Admin::new(Facts {
            config: config.origin.clone(),
            workers,
            clock,
            started_at_ms: clock.unix_ms(clock.now()),
            names,
            admin: config.admin.clone(),
            watch: watch.clone(),
            audience: Arc::clone(&audience),
            stage,
            drills,
            sources,
            stopping: stop.clone(),
        });
        tokio::task::spawn_local(keeper.run(Arc::clone(&audience), admin.clone()));
        tokio::task::spawn_local(stagehand.run());
        let routes = Routes::new(config.routes.into_iter().map(|route| build(route, &admin)).collect());
        let proxy = lb_proxy::Config {
            workers: config.workers,
            listeners: config.listeners,
            limits,
            stop_timeout: config.stop_timeout,
            tallies,
            audience,
            faults,
            trace_token: config.admin.token,
            marking: config.tracing.marking,
        };
        if let Some(address) = config.admin.bind {
            serve_admin(address, &admin, stop).await?;
        }
        let server = Server::start(proxy, routes, &clusters)?;
        let directing = server.addresses().first().map(|listener| tokio::task::spawn_local(director.run(*listener)));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        watch.happened(What::Started { version, config: config.origin }).await;
        Ok(Self {
            server,
            _clusters: clusters,
            stopping,
            watch,
            directing,
            exporting,
            clock,
            stop_timeout: config.stop_timeout,
        })
    }

    /// The addresses that it listens on.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// Lets requests under way finish; another signal ends that.
    pub(crate) async fn stop(self, signals: &mut Signals) -> Result<(), Failed> {
        tracing::info!("stopping: requests under way may finish");
        self.watch.happened(What::Stopping).await;
        self.stopping.send_replace(true);
        let began = self.clock.now();
        // A drill takes its requests away and tells that it was stopped.
        let drill_ended = async {
            if let Some(directing) = self.directing {
                let _ended = directing.await;
            }
        };
        let all_ended = tokio::select! {
            (all_ended, ()) = async { tokio::join!(self.server.stop(), drill_ended) } => all_ended,
            () = signals.next() => false,
        };
        if let Some(exporting) = self.exporting {
            let left = self.stop_timeout.saturating_sub(self.clock.now().since(began)).min(LAST_SPANS);
            tokio::select! {
                () = exporting.stop(if all_ended { left } else { Duration::ZERO }) => {}
                () = signals.next() => {}
            }
        }
        if all_ended { Ok(()) } else { Err(Failed::CutOff) }
    }
}

/// Each connection takes a descriptor, and one being proxied two; most shells allow 1024 unless asked for more. Returns how
/// many there may be.
fn raise_descriptor_limit() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the limit of open descriptors");
    }
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

fn build(route: Route, admin: &Admin) -> lb_proxy::Route {
    let local = |service: Tower| Target::Local(Arc::new(service) as Arc<dyn Local>);
    let target = match route.to {
        Destination::Cluster { cluster, pin, trace } => Target::Cluster { cluster, pin, trace },
        Destination::Folder(path) => local(files::folder(&path)),
        Destination::EmbeddedPage => local(files::embedded_page()),
        Destination::Admin => local(Tower::new(tower::ServiceExt::map_request(
            admin.router(Reach::Route),
            |request: http::Request<_>| request.map(axum::body::Body::new),
        ))),
    };
    lb_proxy::Route { host: route.host, path: route.path, target }
}

async fn serve_admin(address: SocketAddr, admin: &Admin, mut stop: watch::Receiver<bool>) -> Result<(), Failed> {
    let listener = TcpListener::bind(address).await.map_err(|error| BindError { address, error })?;
    let address = listener.local_addr().map_err(|error| BindError { address, error })?;
    tracing::info!("the admin API listens on {address}");
    let serving = axum::serve(listener, admin.router(Reach::OwnListener)).with_graceful_shutdown(async move {
        // The sender is gone only when everything is.
        let _gone = stop.wait_for(|stop| *stop).await;
    });
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the admin API ended");
        }
    });
    Ok(())
}

/// Opens the access log anew whenever SIGUSR1 comes, as nginx does: whoever rotates logs has renamed the file.
/// Where there is none the signal is heard all the same: otherwise it would end the program.
async fn reopen_when_told(log: Option<Arc<AccessLog>>, mut told: Signal) {
    while told.recv().await.is_some() {
        if let Some(log) = &log {
            log.reopen();
        }
    }
}

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failed> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: Self::listen_to(terminate)?, interrupt: Self::listen_to(interrupt)? })
    }

    fn listen_to(kind: SignalKind) -> Result<Signal, Failed> {
        signal(kind).map_err(Failed::Signals)
    }

    /// Waits for the next one of either.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
