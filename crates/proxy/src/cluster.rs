//! A cluster as the workers and the admin API see it. Its beliefs live with its driver; this is the handle.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;
use lb_balance::{
    Attempts, Change, Counters, EndpointId, Lease, NoEndpoint, Observer, Outcome, Pace, PassedOver, Picker,
    RetryBudget, Timestamp, Turn, Wish, pace,
};
use lb_http1::Fields;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::config::{ClusterConfig, EndpointConfig};
use crate::driver::Estate;
use crate::forward::Place;
use crate::hedge::HedgeDelay;
use crate::held::Held;
use crate::order::{Deviation, Order};
use crate::queue::Queue;
use crate::reject::Reject;
use crate::route::Pin;
use crate::session::Sessions;
use crate::story::{Listed, Passed};
use crate::telling::Hearing;

/// So many reports may wait for the driver. When more come, failures are so many that a few do not matter.
pub(crate) const REPORTS: usize = 4096;

/// What is told to a cluster's driver.
#[derive(Debug)]
pub(crate) enum Report {
    Attempt(lb_balance::Report),
    Snapshot(oneshot::Sender<ClusterSnapshot>),
    Estate(oneshot::Sender<Estate>),
    Order(Order),
    Project(EndpointId, Change, oneshot::Sender<Vec<f64>>),
}

/// A cluster that runs.
#[derive(Debug)]
pub struct ClusterHandle {
    config: ClusterConfig,
    picker: ArcSwap<Published>,
    budget: RetryBudget,
    queue: Option<Queue>,
    hedge_delay: Option<HedgeDelay>,
    reports: mpsc::Sender<Report>,
    clock: Clock,
    sessions: Option<Sessions>,
    // Who has taken its place, and in whose place it is.
    heir: OnceLock<Weak<Self>>,
    before: OnceLock<Weak<Self>>,
}

/// A picker, and whom it passes over whatever the request: found out once, so that each choice can tell it for nothing.
#[derive(Debug)]
struct Published {
    picker: Picker,
    out: Option<Arc<Listed>>,
}

impl Published {
    fn new(picker: Picker) -> Self {
        let mut out = Everybody(Listed::default());
        picker.tell_who_is_out(&mut out);
        let out = (out.0 != Listed::default()).then(|| Arc::new(out.0));
        Self { picker, out }
    }
}

/// Hears of everybody who is out, each told once.
struct Everybody(Listed);

impl Observer for Everybody {
    const LISTENS: bool = true;

    fn passed_over(&mut self, endpoint: EndpointId, why: PassedOver) {
        self.0.note(endpoint, why);
    }
}

/// What a cluster's driver knows at one moment.
#[derive(Debug, Clone)]
pub struct ClusterSnapshot {
    /// The endpoints in the order of the configuration.
    pub endpoints: Vec<EndpointSnapshot>,
    /// What is not as configured.
    pub deviations: Vec<Deviation>,
}

/// What is known of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointSnapshot {
    /// What is believed of it.
    pub belief: lb_balance::Belief,
    /// Since when.
    pub since: Timestamp,
    /// Why, in one short sentence.
    pub reason: String,
    /// Its last probe, if there was one.
    pub probe: Option<ProbeSnapshot>,
    /// How many probes of it came to something since the start, and how many of them succeeded.
    pub probes: (u64, u64),
    /// How often it was ejected since the start.
    pub ejections: u64,
    /// Its weight.
    pub weight: u32,
    /// Its counts.
    pub counters: Counters,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSnapshot {
    /// When its result was there.
    pub at: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether that is a success.
    pub ok: bool,
}

/// What binds a request to an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ties {
    pub(crate) key: Option<u64>,
    pub(crate) session: Option<EndpointId>,
    /// It named the endpoint, and is not tried elsewhere.
    pub(crate) pinned: Option<EndpointId>,
}

/// No endpoint takes a request's first attempt.
#[derive(Debug)]
pub(crate) struct Unplaced {
    pub(crate) reject: Reject,
    /// Who was passed over.
    pub(crate) passed: Passed,
}

impl ClusterHandle {
    pub(crate) fn new(config: ClusterConfig, picker: Picker, reports: mpsc::Sender<Report>, clock: Clock) -> Self {
        let (budget, queue) = (RetryBudget::new(config.budget), config.queue.map(Queue::new));
        let hedge_delay = config.hedge.map(HedgeDelay::new);
        let names = config.endpoints.iter().map(EndpointConfig::name);
        let sessions = config.sticky.as_ref().map(|sticky| Sessions::new(sticky, &config.name, names));
        Self {
            config,
            picker: ArcSwap::from_pointee(Published::new(picker)),
            budget,
            queue,
            hedge_delay,
            reports,
            clock,
            sessions,
            heir: OnceLock::new(),
            before: OnceLock::new(),
        }
    }

    /// How it is configured.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// What its driver knows now; `None` once the server has stopped.
    pub async fn snapshot(&self) -> Option<ClusterSnapshot> {
        let (reply, answer) = oneshot::channel();
        self.reports.send(Report::Snapshot(reply)).await.ok()?;
        answer.await.ok()
    }

    /// What it leaves to the cluster that takes its place; `None` once the server has stopped.
    pub(crate) async fn estate(&self) -> Option<Estate> {
        let (reply, answer) = oneshot::channel();
        self.reports.send(Report::Estate(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Another cluster takes this one's place; both have endpoints with the same counts. Who waits at one of them hears of places
    /// that become free at the other.
    pub(crate) fn give_way_to(self: &Arc<Self>, heir: &Arc<Self>) {
        let _only_once = (self.heir.set(Arc::downgrade(heir)), heir.before.set(Arc::downgrade(self)));
    }

    /// Tells its driver to change an endpoint; whether it will, which it does not once the server has stopped. The news tell what
    /// has become of it.
    pub async fn order(&self, order: Order) -> bool {
        self.reports.send(Report::Order(order)).await.is_ok()
    }

    /// What part of the requests each endpoint would get, 0 to 1, if that one were changed so; `None` once the server has
    /// stopped. See [`lb_balance::Cluster::project`].
    pub async fn project(&self, endpoint: EndpointId, change: Change) -> Option<Vec<f64>> {
        let (reply, answer) = oneshot::channel();
        self.reports.send(Report::Project(endpoint, change, reply)).await.ok()?;
        answer.await.ok()
    }

    /// How many requests wait for an endpoint; `None` if the cluster has no queue.
    pub fn queued(&self) -> Option<usize> {
        self.queue.as_ref().map(Queue::len)
    }

    pub(crate) fn set_picker(&self, picker: Picker) {
        self.picker.store(Arc::new(Published::new(picker)));
        // It may have endpoints that those who wait do not know of, or none at all.
        self.wake_one();
    }

    /// The endpoint's name.
    pub fn name_of(&self, endpoint: EndpointId) -> &str {
        self.config.endpoints[endpoint.index()].name()
    }

    /// The tries of a request that begins now.
    pub(crate) fn attempts(&self, now: Timestamp, idempotent: bool) -> Attempts<'_> {
        Attempts::new(&self.config.retry, &self.budget, now, idempotent)
    }

    /// What binds the request to one of the endpoints; looks at nothing that nobody has asked for.
    pub(crate) fn ties_of(&self, place: &Place<'_>, fields: &Fields, pin: Option<&Pin>, client: IpAddr) -> Ties {
        let hashes = self.config.policy.algorithm.is_hash();
        let key = hashes.then(|| self.config.key.hash_of(place, fields, client)).flatten();
        let session = self.sessions.as_ref().and_then(|sessions| sessions.endpoint_of(fields));
        Ties { key, session, pinned: pin.and_then(|pin| self.find(&pin.name_in(place.query?)?)) }
    }

    /// An endpoint for the request's first attempt, and whether it waited for it: if all are full, it does where the cluster has
    /// a queue.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        attempts: &Attempts<'_>,
        ties: Ties,
        now: Timestamp,
    ) -> Result<(Held, bool), Unplaced> {
        let reject = |(none, passed): (NoEndpoint, Passed), now| Unplaced { reject: self.reject(none, now), passed };
        // Nobody goes past those that wait, but for whoever named an endpoint.
        if ties.pinned.is_some() || self.queued().unwrap_or(0) == 0 {
            match self.pick(attempts, ties, now) {
                Err((none, _)) if none.at_capacity && self.queue.is_some() => {}
                picked => return picked.map(|lease| (lease, false)).map_err(|none| reject(none, now)),
            }
        }
        let queue = self.queue.as_ref().expect("without a queue there was a choice, or a reject");
        let take = || match self.pick(attempts, ties, self.clock.now()) {
            Err((none, _)) if none.at_capacity => None,
            picked => Some(picked),
        };
        // Boxed, since few wait, and every request would be larger by it.
        match Box::pin(queue.wait(take)).await {
            Ok(picked) => picked.map(|lease| (lease, true)).map_err(|none| reject(none, self.clock.now())),
            Err(reject) => Err(Unplaced { reject, passed: self.passed(Hearing::default()) }),
        }
    }

    /// An endpoint for one more attempt. It does not wait: there may be an answer already that can be delivered.
    pub(crate) fn pick(
        self: &Arc<Self>,
        attempts: &Attempts<'_>,
        ties: Ties,
        now: Timestamp,
    ) -> Result<Held, (NoEndpoint, Passed)> {
        let published = self.picker.load();
        let picker = &published.picker;
        let mut hearing = Hearing::default();
        let wish = || Wish { key: ties.key, session: ties.session, ..Wish::new(attempts, now, fastrand::u64(..)) };
        let lease = match ties.pinned.and_then(|endpoint| picker.pick_pinned(endpoint)) {
            Some(lease) => lease,
            None => match picker.pick(&wish(), &mut hearing) {
                Ok(lease) => lease,
                Err(none) => return Err((none, Passed { out: published.out.clone(), now: hearing.0 })),
            },
        };
        Ok(Held::new(lease, self, now, Passed { out: published.out.clone(), now: hearing.0 }))
    }

    /// Who is out, and who was passed over beside.
    fn passed(&self, hearing: Hearing) -> Passed {
        Passed { out: self.picker.load().out.clone(), now: hearing.0 }
    }

    /// The cookie that binds the client's session to the endpoint that answered so, unless it is there already. Whoever asked
    /// for an endpoint by name keeps the session that it has, and nobody is bound by a failure.
    pub(crate) fn binding(&self, ties: Ties, endpoint: EndpointId, outcome: Outcome) -> Option<&HeaderValue> {
        let sessions = self.sessions.as_ref()?;
        let is_new = ties.pinned.is_none() && ties.session != Some(endpoint);
        (is_new && !self.config.retry.covers(outcome)).then(|| sessions.binding(endpoint))
    }

    /// The endpoint of that name.
    pub fn find(&self, name: &str) -> Option<EndpointId> {
        let index = self.config.endpoints.iter().position(|endpoint| endpoint.name() == name)?;
        u32::try_from(index).ok().map(EndpointId)
    }

    /// A place may be free.
    pub(crate) fn wake_one(&self) {
        self.wake_own();
        for other in [&self.heir, &self.before] {
            if let Some(other) = other.get().and_then(Weak::upgrade) {
                other.wake_own();
            }
        }
    }

    fn wake_own(&self) {
        if let Some(queue) = &self.queue {
            queue.wake();
        }
    }

    fn reject(&self, none: NoEndpoint, now: Timestamp) -> Reject {
        if none.at_capacity {
            return Reject::AtCapacity;
        }
        let until_trial = none.until.map(|until| until.since(now));
        let probe_interval = self.config.policy.probe.map(|probe| probe.interval);
        let wait = until_trial.or(probe_interval).unwrap_or_default();
        Reject::NoEndpoint { retry_after: wait.as_secs() + 1 }
    }

    /// Counts an attempt's outcome, and tells the driver if it is news.
    pub(crate) fn report(&self, lease: &mut Lease, outcome: Outcome, took: Duration, now: Timestamp) {
        if let Some(delay) = &self.hedge_delay {
            match pace(outcome, self.config.retry.blames(outcome)) {
                Pace::Told => delay.note(took),
                Pace::AtLeast => delay.note_given_up(took),
                Pace::Unknown => {}
            }
        }
        let Some(report) = lease.conclude(&self.config.retry, outcome, took, now) else { return };
        if self.reports.try_send(Report::Attempt(report)).is_ok() {
            lease.settle();
        }
    }

    /// A trial was overtaken by a hedge: that is no proof that the endpoint works again, or every request that can be hedged
    /// would go there first and wait.
    pub(crate) fn report_slow_trial(&self, endpoint: EndpointId, at: Timestamp) {
        let (turn, outcome) = (Turn::Trial, Outcome::Overtaken);
        // If so many reports wait that this one finds no place, the next trial says the same.
        let _full =
            self.reports.try_send(Report::Attempt(lb_balance::Report { endpoint, turn, outcome, blamed: true, at }));
    }

    /// Hears of an attempt that was given up while its endpoint was still silent.
    pub(crate) fn note_given_up(&self, lease: &Lease, began: Timestamp) {
        let now = self.clock.now();
        lease.note_given_up(now.since(began), now);
        if let Some(delay) = &self.hedge_delay {
            delay.note_given_up(now.since(began));
        }
    }

    /// After how long without an answer a request is worth a second attempt beside the first; `None`: none is.
    pub(crate) fn hedge_after(&self) -> Option<Duration> {
        self.hedge_delay.as_ref()?.get()
    }
}
