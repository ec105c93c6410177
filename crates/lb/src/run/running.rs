//! What serves one configuration: everything that is made from it, from its start to its end.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lb_common::api::What;
use lb_proxy::{
    Audience, Clock, ClusterConfig, Clusters, Listener, Local, Routes, Server, Sockets, Story, Tallies, Target,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::admin_listener::AdminListener;
use super::{Failed, Haste, Machine, until};
use crate::access_log::AccessLog;
use crate::admin::{Admin, Current, Facts, Reach, Stage};
use crate::config::{Config, Destination, Route};
use crate::drilling::{Aim, Drills, Surroundings as DrillSurroundings};
use crate::files;
use crate::metrics::Sources;
use crate::names::Names;
use crate::otlp::{Exporting, Otlp};
use crate::service::Tower;
use crate::watch::{Ears, Past, Surroundings, Watch};

/// So long the last spans may take once all requests have ended, within the time for stopping.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// A load balancer that serves.
pub(super) struct Running {
    /// The text of its configuration.
    pub(super) text: String,
    /// What has happened, for whoever has more to tell.
    pub(super) watch: Watch,
    server: Server,
    clusters: Clusters,
    stage: Stage,
    drills: Drills,
    log: Option<Arc<AccessLog>>,
    // The admin API that answers now, whoever is asked.
    current: Arc<Current>,
    admin_listener: Option<AdminListener>,
    // Of the process: a reload is no start.
    started_at_ms: u64,
    stopping: watch::Sender<bool>,
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
    /// Starts everything that a configuration asks for, on the current local runtime; perhaps in the place of another one, which
    /// is to [retire](Self::retire) then.
    ///
    /// # Errors
    ///
    /// If the machine refuses something. Nothing has changed for the other one then.
    pub(super) async fn start(mut config: Config, before: Option<&Self>) -> Result<Self, Failed> {
        let limits = config.limits.on(Machine::claim());
        let clusters = start_clusters(std::mem::take(&mut config.clusters), before).await;
        let clock = clusters.clock();
        let workers = config.workers.get();
        let names = Arc::new(Names::new(&config.routes, clusters.handles()));
        let tallies = config.metrics.then(|| Arc::new(Tallies::new(workers, config.routes.len(), clusters.handles())));

        // What can be refused comes first.
        let claimed = Claimed::get(&config, before, &names, clock)?;
        let Claimed { sockets, mut admin_listener, log, otlp, exporting } = claimed;
        let (stopping, stop) = watch::channel(false);
        let (watch, ears, mut keeper) = Watch::new(Surroundings {
            clock,
            names: Arc::clone(&names),
            news: clusters.news().subscribe(),
            tallies: tallies.clone(),
            keep: config.traces.keep,
        });
        let sources = Sources {
            tallies: tallies.clone(),
            log: log.as_ref().map(|log| Arc::clone(log.counts())),
            spans: otlp.as_ref().map(|otlp| Arc::clone(otlp.counts())),
        };
        let listeners = Listeners { ears, log: log.clone(), otlp };
        let audience = Arc::new(Audience::new(Box::new(listeners), config.traces.sample, log.is_some()));
        let (stage, stagehand) = Stage::new(clock, Arc::clone(&names), watch.clone());
        let (drills, director) = Drills::new(DrillSurroundings {
            clock,
            names: Arc::clone(&names),
            watch: watch.clone(),
            stage: stage.clone(),
            tallies: tallies.clone(),
            stopping: stop.clone(),
            aim: Aim::find(&config.routes),
        });
        let started_at_ms = before.map_or_else(|| clock.unix_ms(clock.now()), |before| before.started_at_ms);
        let current = before.map_or_else(|| Arc::new(watch::Sender::new(Weak::new())), |before| before.current.clone());
        let facts = Facts {
            config: config.origin.clone(),
            workers,
            clock,
            started_at_ms,
            names: Arc::clone(&names),
            admin: config.admin.clone(),
            watch: watch.clone(),
            audience: Arc::clone(&audience),
            stage: stage.clone(),
            drills: drills.clone(),
            sources,
            stopping: stop.clone(),
        };
        let admin = Admin::new(facts, current.subscribe());
        let routes = Routes::new(config.routes.into_iter().map(|route| build(route, &admin)).collect());
        let proxy = lb_proxy::Config {
            limits,
            stop_timeout: config.stop_timeout,
            tallies,
            audience: Arc::clone(&audience),
            faults: stage.faults(),
            trace_token: config.admin.token,
            marking: config.tracing.marking,
            trusted: config.trusted_proxies,
        };
        let server = Server::start(proxy, sockets, routes, &clusters)?;

        // Nothing is refused from here on.
        if let Some(before) = before
            && let Some(past) = before.end_what_is_played().await
        {
            keeper.go_on_from(past);
        }
        tokio::task::spawn_local(keeper.run(Arc::clone(&audience), admin.clone()));
        tokio::task::spawn_local(stagehand.run());
        admin.become_current(&current);
        if let Some(listener) = &mut admin_listener {
            listener.serve(&admin, stop);
        }
        server.serve();
        let directing = server.addresses().first().map(|listener| tokio::task::spawn_local(director.run(*listener)));
        if before.is_none() {
            let version = env!("CARGO_PKG_VERSION").to_owned();
            watch.happened(What::Started { version, config: config.origin }).await;
        }
        Ok(Self {
            text: config.text,
            watch,
            server,
            clusters,
            stage,
            drills,
            log,
            current,
            admin_listener,
            started_at_ms,
            stopping,
            directing,
            exporting,
            clock,
            stop_timeout: config.stop_timeout,
        })
    }

    /// The addresses that it listens on.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// Opens the access log anew, as nginx does on SIGUSR1: whoever rotates logs has renamed the file.
    pub(super) fn reopen_log(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Ends the drill and the faults that are played, whose endpoints and routes may be others soon, and gives all that happened
    /// so far.
    async fn end_what_is_played(&self) -> Option<Past> {
        let _drill = self.drills.stop().await;
        self.stage.end_all().await;
        self.watch.past().await
    }

    /// Lets requests under way finish, as long as there is time.
    pub(super) async fn stop(self, haste: watch::Receiver<Haste>) -> Result<(), Failed> {
        tracing::info!("stopping: requests under way may finish");
        self.watch.happened(What::Stopping).await;
        self.end(haste, false).await
    }

    /// Accepts no more connections and learns nothing more, since another one serves in its place.
    pub(super) async fn give_way_to(&mut self, heir: &Self) {
        self.admin_listener = None;
        self.stopping.send_replace(true);
        self.server.stop_accepting(&heir.server).await;
        self.clusters.retire(&heir.clusters).await;
    }

    /// Leaves the connections that are there until they end.
    pub(super) async fn retire(self, haste: watch::Receiver<Haste>) -> Result<(), Failed> {
        self.end(haste, true).await
    }

    async fn end(self, haste: watch::Receiver<Haste>, retires: bool) -> Result<(), Failed> {
        drop(self.admin_listener);
        self.stopping.send_replace(true);
        let stops = until(haste.clone(), Haste::Soon);
        let serving = async { if retires { self.server.retire(stops).await } else { self.server.stop().await } };
        // A drill takes its requests away and tells that it was stopped.
        let drill_ended = async {
            if let Some(directing) = self.directing {
                let _ended = directing.await;
            }
        };
        let mut began = self.clock.now();
        let all_ended = tokio::select! {
            (all_ended, ()) = async { tokio::join!(serving, drill_ended) } => all_ended,
            () = until(haste.clone(), Haste::Now) => false,
        };
        if retires {
            began = self.clock.now();
        }
        if let Some(exporting) = self.exporting {
            let left = self.stop_timeout.saturating_sub(self.clock.now().since(began)).min(LAST_SPANS);
            tokio::select! {
                () = exporting.stop(if all_ended { left } else { Duration::ZERO }) => {}
                () = until(haste, Haste::Now), if all_ended => {}
            }
        }
        if all_ended { Ok(()) } else { Err(Failed::CutOff) }
    }
}

/// What the machine may refuse.
struct Claimed {
    sockets: Sockets,
    admin_listener: Option<AdminListener>,
    log: Option<Arc<AccessLog>>,
    otlp: Option<Otlp>,
    exporting: Option<Exporting>,
}

impl Claimed {
    fn get(config: &Config, before: Option<&Running>, names: &Arc<Names>, clock: Clock) -> Result<Self, Failed> {
        let sockets = Sockets::bind(&config.listeners, config.workers, before.map(|before| before.server.sockets()))?;
        let shared = before.and_then(|before| before.admin_listener.as_ref());
        let admin_listener = config.admin.bind.map(|address| AdminListener::bind(address, shared)).transpose()?;
        let open = |log| AccessLog::open(log, Arc::clone(names), clock);
        let log = config
            .access_log
            .as_ref()
            .map(|log| open(log).map(Arc::new).map_err(|error| Failed::AccessLog { path: log.path.clone(), error }));
        let log = log.transpose()?;
        let exported = config.tracing.otlp.as_deref();
        let exported = exported.map(|to| Otlp::start(to, &config.tracing.service, Arc::clone(names), clock));
        let (otlp, exporting) = exported.transpose()?.unzip();
        Ok(Self { sockets, admin_listener, log, otlp, exporting })
    }
}

async fn start_clusters(planned: Vec<ClusterConfig>, before: Option<&Running>) -> Clusters {
    match before {
        None => Clusters::start(planned),
        Some(before) => Clusters::start_after(planned, &before.clusters).await,
    }
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
