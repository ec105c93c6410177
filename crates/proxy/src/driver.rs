//! Runs one cluster: hears what requests report, sends probes, keeps the time, hands out pickers and tells the news.
//! Decides nothing: it asks `lb_balance::Cluster` what to do next, and does it.

use std::collections::HashMap;
use std::sync::Arc;

use lb_balance::{Belief, Change, Cluster, EndpointId, Event, Failure, Legacy, Outcome, ProbePoll, Timestamp};
use tokio::sync::{broadcast, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::cluster::{ClusterHandle, ClusterSnapshot, EndpointSnapshot, ProbeSnapshot, REPORTS, Report};
use crate::config::{ClusterConfig, EndpointConfig};
use crate::dial::Dial;
use crate::order::{Deviation, Order, Ordered, Orders};
use crate::probe;

/// What happened in a cluster, for those who watch.
#[derive(Debug, Clone)]
pub enum News {
    /// A belief changed.
    Belief(BeliefChanged),
    /// A probe found something else than the one before it.
    Probe(ProbeChanged),
    /// An endpoint was changed by hand, or is again as configured.
    Ordered(Arc<ClusterHandle>, Ordered),
}

/// A belief changed.
#[derive(Debug, Clone)]
pub struct BeliefChanged {
    /// The cluster.
    pub cluster: Arc<ClusterHandle>,
    /// What changed, and why.
    pub event: Event,
}

/// A probe found something else than the one before it.
#[derive(Debug, Clone)]
pub struct ProbeChanged {
    /// The cluster.
    pub cluster: Arc<ClusterHandle>,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// What it found.
    pub probe: ProbeSnapshot,
    /// Whether it is a success and the one before it was none, or the other way round; the first is taken for news if it is none.
    pub turned: bool,
}

/// What a cluster leaves to the one that takes its place.
#[derive(Debug)]
pub(crate) struct Estate {
    endpoints: Vec<(EndpointConfig, Legacy, (u64, u64))>,
    // With since when what they make of the endpoint is believed.
    deviations: Vec<(Deviation, Timestamp)>,
}

/// Runs a cluster.
pub(crate) struct Driver<D: Dial> {
    cluster: Cluster,
    handle: Arc<ClusterHandle>,
    reports: mpsc::Receiver<Report>,
    news: broadcast::Sender<News>,
    clock: Clock,
    dial: D,
    orders: Orders,
    // By endpoint: how many probes came to something, and how many of them succeeded.
    probe_counts: Vec<(u64, u64)>,
    probes: JoinSet<Outcome>,
    under_way: HashMap<task::Id, (EndpointId, Timestamp)>,
}

impl<D: Dial> Driver<D> {
    /// Sets up a cluster, ready to be picked from, perhaps in the place of another one.
    pub(crate) fn new(
        config: ClusterConfig,
        news: broadcast::Sender<News>,
        clock: Clock,
        dial: D,
        estate: Option<Estate>,
    ) -> Self {
        let endpoints = config.endpoints.iter().map(|config| config.endpoint.clone()).collect();
        let now = clock.now();
        let mut cluster = Cluster::new(endpoints, config.policy, now, fastrand::u64(..));
        let mut probe_counts = vec![(0, 0); config.endpoints.len()];
        let orders = estate.map(|estate| estate.settle(&config, &mut cluster, &mut probe_counts, now));
        let picker = cluster.poll_picker(now).expect("a new cluster has a picker to give");
        let (sender, reports) = mpsc::channel(REPORTS);
        let handle = Arc::new(ClusterHandle::new(config, picker, sender, clock));
        let (orders, probes, under_way) = (orders.unwrap_or_default(), JoinSet::new(), HashMap::new());
        Self { cluster, handle, reports, news, clock, dial, orders, probe_counts, probes, under_way }
    }

    pub(crate) fn handle(&self) -> Arc<ClusterHandle> {
        Arc::clone(&self.handle)
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let next_probe = self.send_due_probes();
            self.publish();
            let wake_at = [next_probe, self.cluster.poll_timeout(), self.orders.next()].into_iter().flatten().min();
            let wake_at = wake_at.map(|at| self.clock.deadline(at));
            tokio::select! {
                Some(report) = self.reports.recv() => self.hear(report),
                Some(done) = self.probes.join_next_with_id() => self.hear_probe(done),
                () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => {}
            }
            let now = self.clock.now();
            self.cluster.handle_timeout(now);
            while let Some((endpoint, change)) = self.orders.take_over(now) {
                let configured = self.configured(endpoint, change);
                self.carry_out(endpoint, configured, None, true);
            }
        }
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Attempt(report) => self.cluster.handle_report(report),
            Report::Snapshot(reply) => {
                // Whoever asked may have left.
                let _gone = reply.send(self.snapshot());
            }
            Report::Order(Order { endpoint, change, lasts }) => {
                let until = lasts.map(|lasts| self.clock.now() + lasts);
                self.orders.put(endpoint, change, until.filter(|_| change != self.configured(endpoint, change)));
                self.carry_out(endpoint, change, until, false);
            }
            Report::Estate(reply) => {
                let _gone = reply.send(self.estate());
            }
            Report::Project(endpoint, change, reply) => {
                let shares = self.cluster.project(endpoint, change, self.clock.now(), fastrand::u64(..));
                let _gone = reply.send(shares);
            }
        }
    }

    fn hear_probe(&mut self, done: Result<(task::Id, Outcome), JoinError>) {
        let (id, outcome) = done.unwrap_or_else(|failed| {
            tracing::error!(cluster = self.handle.config().name, %failed, "a probe could not be made");
            // Says nothing of the endpoint, and the next one is planned.
            (failed.id(), Outcome::Failed(Failure::Shortage))
        });
        let Some((endpoint, began)) = self.under_way.remove(&id) else { return };
        if outcome == Outcome::Failed(Failure::Shortage) {
            let (cluster, endpoint) = (&self.handle.config().name, self.handle.name_of(endpoint));
            tracing::warn!(cluster, endpoint, "a probe could not be sent: descriptors, memory or ports have run out");
        }
        let before = self.cluster.last_probe(endpoint);
        self.cluster.handle_probe(endpoint, outcome, began, self.clock.now());
        let Some((at, outcome, ok)) = self.cluster.last_probe(endpoint) else { return };
        let (all, succeeded) = &mut self.probe_counts[endpoint.index()];
        *all += 1;
        *succeeded += u64::from(ok);
        if before.is_none_or(|(_, before, _)| before != outcome) {
            let name = self.handle.name_of(endpoint);
            tracing::info!(cluster = self.handle.config().name, endpoint = name, "probe: {outcome}");
            let probe = ProbeSnapshot { at, outcome, ok };
            let turned = before.map_or(!ok, |(_, _, before)| before != ok);
            self.tell(News::Probe(ProbeChanged { cluster: self.handle(), endpoint, probe, turned }));
        }
    }

    /// Sends the probes that are due and says when the next one is.
    fn send_due_probes(&mut self) -> Option<Timestamp> {
        let config = self.handle.config();
        let probe = config.probe.as_ref()?;
        let (connect, good) = (config.timeouts.connect, config.policy.probe?.statuses);
        loop {
            let began = self.clock.now();
            match self.cluster.poll_probe(began) {
                ProbePoll::Idle => return None,
                ProbePoll::Wait(until) => return Some(until),
                ProbePoll::Send(id) => {
                    let address = config.endpoints[id.index()].address.clone();
                    let sending = probe::send(self.dial.clone(), address, connect, good, probe.clone());
                    let task = self.probes.spawn_local(sending);
                    self.under_way.insert(task.id(), (id, began));
                }
            }
        }
    }

    fn publish(&mut self) {
        if let Some(picker) = self.cluster.poll_picker(self.clock.now()) {
            self.handle.set_picker(picker);
        }
        while let Some(event) = self.cluster.poll_event() {
            let (cluster, endpoint) = (&self.handle.config().name, self.handle.name_of(event.endpoint));
            let cause = event.cause;
            match event.to {
                Belief::Up => tracing::info!(cluster, endpoint, "up: {cause}"),
                Belief::Trial => tracing::info!(cluster, endpoint, "trial: {cause}"),
                Belief::Ejected { .. } => tracing::warn!(cluster, endpoint, "ejected: {cause}"),
                Belief::Down => tracing::warn!(cluster, endpoint, "down: {cause}"),
                Belief::Draining => tracing::info!(cluster, endpoint, "draining: {cause}"),
            }
            self.tell(News::Belief(BeliefChanged { cluster: self.handle(), event }));
        }
    }

    fn tell(&self, news: News) {
        // Nobody need be listening.
        let _listeners = self.news.send(news);
    }

    fn snapshot(&self) -> ClusterSnapshot {
        let now = self.clock.now();
        let endpoint = |id| {
            let (belief, since) = self.cluster.belief(id);
            EndpointSnapshot {
                belief,
                since,
                reason: self.cluster.cause(id, now).to_string(),
                probe: self.cluster.last_probe(id).map(|(at, outcome, ok)| ProbeSnapshot { at, outcome, ok }),
                probes: self.probe_counts[id.index()],
                ejections: self.cluster.ejections(id),
                weight: self.cluster.weight_and_draining(id).0,
                counters: self.cluster.counters(id),
            }
        };
        let deviations = self.cluster.ids().flat_map(|id| self.deviations(id)).collect();
        ClusterSnapshot { endpoints: self.cluster.ids().map(endpoint).collect(), deviations }
    }

    fn estate(&self) -> Estate {
        let all = self.handle.config().endpoints.iter().zip(self.cluster.ids());
        let endpoints =
            all.map(|(config, id)| (config.clone(), self.cluster.legacy(id), self.probe_counts[id.index()]));
        let dated = |id| self.deviations(id).map(move |deviation| (deviation, self.cluster.belief(id).1));
        Estate { endpoints: endpoints.collect(), deviations: self.cluster.ids().flat_map(dated).collect() }
    }

    /// Changes the endpoint, if that is a change, and tells it.
    fn carry_out(&mut self, endpoint: EndpointId, to: Change, until: Option<Timestamp>, expired: bool) {
        let (at, from) = (self.clock.now(), self.current(endpoint, to));
        match to {
            Change::Draining(draining) => self.cluster.handle_drain(endpoint, draining, at),
            Change::Weight(weight) => self.cluster.handle_weight(endpoint, weight),
        }
        if from != to || until.is_some() {
            let (cluster, name) = (&self.handle.config().name, self.handle.name_of(endpoint));
            tracing::info!(cluster, endpoint = name, ?from, ?to, expired, "changed by hand");
            let ordered = Ordered { at, endpoint, from, to, until, expired };
            self.tell(News::Ordered(self.handle(), ordered));
        }
    }

    /// What that order is about, as it is now.
    fn current(&self, endpoint: EndpointId, kind: Change) -> Change {
        let (weight, draining) = self.cluster.weight_and_draining(endpoint);
        match kind {
            Change::Draining(_) => Change::Draining(draining),
            Change::Weight(_) => Change::Weight(weight),
        }
    }

    /// What that order is about, as the configuration says.
    fn configured(&self, endpoint: EndpointId, kind: Change) -> Change {
        configured(self.handle.config(), endpoint, kind)
    }

    fn deviations(&self, endpoint: EndpointId) -> impl Iterator<Item = Deviation> {
        [Change::Draining(false), Change::Weight(0)].into_iter().filter_map(move |kind| {
            let (now, configured) = (self.current(endpoint, kind), self.configured(endpoint, kind));
            let until = self.orders.until(endpoint, kind);
            (now != configured).then_some(Deviation { endpoint, now, configured, until })
        })
    }
}

impl Estate {
    /// Gives the endpoints that are still there to the cluster that takes this one's place, and what was changed by hand. An
    /// endpoint is the same if its name and its address are.
    fn settle(
        self,
        config: &ClusterConfig,
        cluster: &mut Cluster,
        probe_counts: &mut [(u64, u64)],
        now: Timestamp,
    ) -> Orders {
        let ids = || (0u32..).map(EndpointId);
        let by_name: HashMap<_, _> = config.endpoints.iter().zip(ids()).map(|(one, id)| (one.name(), id)).collect();
        // By the old places, the new ones.
        let mut heirs = HashMap::new();
        let mut legacies = Vec::new();
        for (old, (endpoint, legacy, counts)) in ids().zip(self.endpoints) {
            let Some(&heir) = by_name.get(endpoint.name()) else { continue };
            if config.endpoints[heir.index()].address != endpoint.address {
                continue;
            }
            heirs.insert(old, heir);
            probe_counts[heir.index()] = counts;
            legacies.push((heir, legacy));
        }
        cluster.take_over(legacies, now);
        let mut orders = Orders::default();
        for (Deviation { endpoint, now: change, until, .. }, since) in self.deviations {
            let Some(&heir) = heirs.get(&endpoint) else { continue };
            if change == configured(config, heir, change) {
                continue;
            }
            match change {
                Change::Draining(draining) => cluster.handle_drain(heir, draining, since),
                Change::Weight(weight) => cluster.handle_weight(heir, weight),
            }
            orders.put(heir, change, until);
        }
        // It was so before, which was told then.
        while cluster.poll_event().is_some() {}
        orders
    }
}

fn configured(config: &ClusterConfig, endpoint: EndpointId, kind: Change) -> Change {
    let configured = &config.endpoints[endpoint.index()].endpoint;
    match kind {
        Change::Draining(_) => Change::Draining(configured.draining),
        Change::Weight(_) => Change::Weight(configured.weight),
    }
}
