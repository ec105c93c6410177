//! Drills against the endpoints as they are: what `lb drill` plays in virtual time happens here to the cluster that runs, by
//! faults that `lb` plays in its endpoints' places, while requests of the drill's own show what clients see.
//!
//! ```text
//!   admin API ──orders──▶ ┌──────────┐ ──faults──▶ Stage ──▶ workers
//!        ▲                │ Director │ ──requests──▶ the listener, over TCP
//!        └──told──────────└──────────┘ ◀──counts── tallies, the cluster's driver
//! ```
//!
//! It judges nothing itself, which is `drill`'s, and leaves nothing behind: each fault ends by itself even if the director is
//! gone.

mod asker;
mod director;
mod measured;
mod pace;
mod plan;
mod shipped;
mod show;

use std::sync::Arc;

use lb_common::api::DrillRun;
use lb_proxy::{Clock, ClusterId, Tallies};
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::director::Director;
use self::plan::Plan;
pub(crate) use self::plan::Unfit;
pub(crate) use self::shipped::{names as shipped_names, text_of as shipped_text};
use crate::admin::Stage;
use crate::config::{Destination, Route};
use crate::drill::Drill;
use crate::names::Names;
use crate::watch::Watch;

/// So many orders may wait.
const ORDERS: usize = 16;

/// At what a drill aims: the first cluster to which a route leads, and that route.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    cluster: ClusterId,
    host: Option<String>,
    path: String,
    /// The places of all routes that lead to the cluster.
    routes: Vec<usize>,
}

impl Aim {
    /// `None`: there is no such route.
    pub(crate) fn find(routes: &[Route]) -> Option<Self> {
        let cluster_of = |route: &Route| match &route.to {
            Destination::Cluster { cluster, pin, .. } => Some((*cluster, pin.is_none())),
            Destination::Folder(_) | Destination::EmbeddedPage | Destination::Admin => None,
        };
        // Where requests may name their endpoint, none is chosen for them.
        let chooses = |route: &&Route| cluster_of(route).is_some_and(|(_, chooses)| chooses);
        let first = routes.iter().filter(chooses).filter_map(cluster_of).map(|(cluster, _)| cluster.0).min()?;
        let leads_there = |route: &Route| cluster_of(route).is_some_and(|(cluster, _)| cluster.0 == first);
        let route = routes.iter().filter(chooses).find(|route| leads_there(route))?;
        let places = routes.iter().enumerate().filter(|(_, route)| leads_there(route)).map(|(place, _)| place);
        let (host, path) = (route.host.clone(), route.path.clone());
        Some(Self { cluster: ClusterId(first), host, path, routes: places.collect() })
    }
}

/// What is to be done.
enum Order {
    /// Answered with what runs then, or with the name of what runs already.
    Begin(Box<Plan>, oneshot::Sender<Result<DrillRun, String>>),
    /// Answered with what was stopped, if anything was.
    Stop(oneshot::Sender<Option<DrillRun>>),
}

/// Why a drill does not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotBegun {
    #[error("it cannot be run here: {0}")]
    Unfit(#[from] Unfit),
    #[error("the drill {0:?} runs")]
    Busy(String),
    #[error("lb is stopping")]
    Stopping,
}

/// What drills need of the rest.
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    pub(crate) names: Arc<Names>,
    pub(crate) watch: Watch,
    pub(crate) stage: Stage,
    pub(crate) tallies: Option<Arc<Tallies>>,
    /// Turns true when `lb` stops.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) aim: Option<Aim>,
}

/// The door to who runs them.
#[derive(Clone)]
pub(crate) struct Drills {
    orders: mpsc::Sender<Order>,
    told: watch::Receiver<Option<DrillRun>>,
    aim: Option<Aim>,
    names: Arc<Names>,
    counts: bool,
}

impl Drills {
    /// The door, and the director, who is to be [run](Director::run).
    pub(crate) fn new(around: Surroundings) -> (Self, Director) {
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (tell, told) = watch::channel(None);
        let (aim, names, counts) = (around.aim.clone(), Arc::clone(&around.names), around.tallies.is_some());
        (Self { orders, told, aim, names, counts }, Director::new(around, ordered, tell))
    }

    /// The drill that runs, or ran last.
    pub(crate) fn latest(&self) -> Option<DrillRun> {
        self.told.borrow().clone()
    }

    /// Begins a drill, if it can be run here and none runs.
    pub(crate) async fn begin(&self, name: String, drill: Drill) -> Result<DrillRun, NotBegun> {
        let cluster = self.aim.as_ref().ok_or(Unfit::NoRoute)?.cluster;
        let plan = Plan::new(name, drill, (cluster, self.names.clusters()[cluster.0].config()), self.counts)?;
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::Begin(Box::new(plan), reply)).await.map_err(|_| NotBegun::Stopping)?;
        answer.await.map_err(|_| NotBegun::Stopping)?.map_err(NotBegun::Busy)
    }

    /// Stops the drill that runs; returns when nothing of it is played any more, and gives what became of it. `Ok(None)`: none
    /// runs.
    pub(crate) async fn stop(&self) -> Result<Option<DrillRun>, NotBegun> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::Stop(reply)).await.map_err(|_| NotBegun::Stopping)?;
        answer.await.map_err(|_| NotBegun::Stopping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_drill_aims_at_the_first_cluster_to_which_a_route_leads_that_chooses() {
        let aim = |routes: &[(&str, &str)]| {
            let routes: Vec<_> =
                routes.iter().map(|(path, to)| format!("[[routes]]\npath = {path:?}\n{to}\n")).collect();
            let clusters = ["a", "b"].map(|name| {
                format!("[clusters.{name}]\nendpoints = [{{ name = \"e\", address = \"127.0.0.1:1\" }}]\n")
            });
            let text = format!("[[listeners]]\nbind = \"127.0.0.1:0\"\n{}{}", routes.concat(), clusters.concat());
            let config = config::parse("lb.toml", &text, std::path::Path::new(""));
            Aim::find(&config.unwrap_or_else(|told| panic!("{told}")).routes)
        };
        let (pinned, a, b) = ("cluster = \"a\"\npin = { query = \"to\" }", "cluster = \"a\"", "cluster = \"b\"");
        let found = aim(&[("/b", b), ("/pinned", pinned), ("/a", a), ("/", a)]).expect("there is one");
        assert_eq!((found.cluster, found.path.as_str(), found.routes), (ClusterId(0), "/a", vec![1, 2, 3]));
        let found = aim(&[("/", b), ("/pinned", pinned)]).expect("there is one");
        assert_eq!((found.cluster, found.path.as_str()), (ClusterId(1), "/"));
        assert!(aim(&[("/", "files = \"embedded\""), ("/pinned", pinned)]).is_none());
    }
}
