//! Serves a configuration until a signal says to stop, and another one in its place when a signal says to reload.
//!
//! ```text
//!   SIGHUP ──▶ read and check the file ──bad──▶ refused: nothing changes, and it is said what is wrong
//!                    │ good
//!                    ▼
//!              a second Running starts on the same sockets, and knows what the first one knew
//!                    │
//!                    ▼
//!              the first one retires: each of its connections ends after its next answer
//! ```

mod admin_listener;
mod machine;
mod running;

use std::io;
use std::path::{Path, PathBuf};

use lb_common::api::What;
use lb_proxy::{BindError, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use self::machine::Machine;
use self::running::Running;
use crate::config::{self, Config};
use crate::otlp::BadAddress;

/// Why the program ends otherwise than well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The machine gives no event loop.
    #[error("cannot start an event loop: {0}")]
    Runtime(io::Error),
    /// An address is taken, or not ours.
    #[error("{0}{hint}", hint = hint(.0))]
    Bind(#[from] BindError),
    /// The machine refuses a thread, or what an event loop needs.
    #[error(
        "cannot start a worker: {0}\n  hint: allow more threads or descriptors (ulimit -u, -n; a container's pids limit), or set fewer workers"
    )]
    Worker(io::Error),
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

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Bind(error) => Self::Bind(error),
            StartError::Worker(error) => Self::Worker(error),
        }
    }
}

fn hint(failed: &BindError) -> &'static str {
    match failed.error.kind() {
        io::ErrorKind::AddrInUse => "\n  hint: another program listens there; stop it, or choose another port",
        io::ErrorKind::PermissionDenied => "\n  hint: ports below 1024 need a privilege; choose a higher one",
        io::ErrorKind::AddrNotAvailable => "\n  hint: this machine has no such address",
        _ => "",
    }
}

/// How long may still be waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Haste {
    /// As long as it takes.
    None,
    /// As long as stopping may take.
    Soon,
    /// No longer.
    Now,
}

/// Waits until there is so much haste.
async fn until(mut haste: watch::Receiver<Haste>, so_much: Haste) {
    // The sender is gone only when everything is.
    let _gone = haste.wait_for(|now| *now >= so_much).await;
}

/// Serves until SIGTERM or SIGINT, then lets requests under way finish. SIGHUP reloads the file.
pub(crate) async fn run(path: &Path, config: Config) -> Result<(), Failed> {
    let origin = config.origin.clone();
    let mut signals = Signals::listen()?;
    let mut serving = Serving::start(config).await?;
    for address in serving.addresses() {
        tracing::info!("lb {} listens on {address}, as {origin} says", env!("CARGO_PKG_VERSION"));
    }
    loop {
        match signals.next().await {
            Told::Stop => return serving.stop(&mut signals).await,
            Told::Reopen => serving.reopen_log(),
            Told::Reload => serving.reload(path).await,
        }
    }
}

/// What serves now, and what served before and has connections left.
pub(crate) struct Serving {
    now: Running,
    retired: JoinSet<Result<(), Failed>>,
    haste: watch::Sender<Haste>,
}

impl Serving {
    /// Starts what the configuration asks for.
    pub(crate) async fn start(config: Config) -> Result<Self, Failed> {
        Ok(Self {
            now: Running::start(config, None).await?,
            retired: JoinSet::new(),
            haste: watch::Sender::new(Haste::None),
        })
    }

    /// The addresses that it listens on.
    pub(crate) fn addresses(&self) -> &[std::net::SocketAddr] {
        self.now.addresses()
    }

    /// Opens the access log anew.
    pub(crate) fn reopen_log(&self) {
        self.now.reopen_log();
    }

    /// Serves as the file says now; if that cannot be, all stays as it is, and the reason is said.
    async fn reload(&mut self, path: &Path) {
        let origin = path.display().to_string();
        let why = match config::load(path) {
            Ok(config) => {
                let differences = config::differences(&self.now.text, &config.text);
                match Running::start(config, Some(&self.now)).await {
                    Ok(next) => return self.give_way_to(next, origin, differences).await,
                    Err(failed) => failed.to_string(),
                }
            }
            Err(problems) => problems.to_string(),
        };
        let why = why.trim_end().to_owned();
        tracing::error!("{origin} is not reloaded, and all stays as it was:\n{why}");
        self.now.watch.happened(What::ReloadRefused { config: origin, why }).await;
    }

    async fn give_way_to(&mut self, next: Running, origin: String, differences: Vec<String>) {
        let mut before = std::mem::replace(&mut self.now, next);
        before.give_way_to(&self.now).await;
        self.retired.spawn_local(before.retire(self.haste.subscribe()));
        // Those that have ended by now need not be kept in mind.
        while self.retired.try_join_next().is_some() {}
        for address in self.addresses() {
            tracing::info!("reloaded {origin}, listening on {address}");
        }
        for difference in &differences {
            tracing::info!("{difference}");
        }
        self.now.watch.happened(What::Reloaded { config: origin, differences }).await;
    }

    /// Lets requests under way finish; another signal to stop ends that.
    pub(crate) async fn stop(mut self, signals: &mut Signals) -> Result<(), Failed> {
        self.haste.send_replace(Haste::Soon);
        let mut ending = std::pin::pin!(async {
            let mut result = self.now.stop(self.haste.subscribe()).await;
            while let Some(retired) = self.retired.join_next().await {
                result = result.and(retired.unwrap_or(Ok(())));
            }
            result
        });
        tokio::select! {
            result = &mut ending => return result,
            () = signals.stop() => {}
        }
        self.haste.send_replace(Haste::Now);
        ending.await
    }
}

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP: to read the configuration again.
    Reload,
    /// SIGUSR1: to open the access log anew.
    Reopen,
}

/// The signals that say something. Each would end the program if nobody listened to it.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user1: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failed> {
        let listen_to = |kind| signal(kind).map_err(Failed::Signals);
        Ok(Self {
            terminate: listen_to(SignalKind::terminate())?,
            interrupt: listen_to(SignalKind::interrupt())?,
            hangup: listen_to(SignalKind::hangup())?,
            user1: listen_to(SignalKind::user_defined1())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
            _ = self.user1.recv() => Told::Reopen,
        }
    }

    /// Waits for the next one that says to stop.
    pub(crate) async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}
