//! Runs drills, one at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lb_balance::{EndpointId, Timestamp};
use lb_common::api::{DrillRun, What};
use lb_proxy::{FaultKind, FaultPlace};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::asker::{Asker, Came};
use super::measured::{Counter, Measured};
use super::pace::Pace;
use super::plan::{ALL, Action, How, Plan, Step};
use super::show::{End, Show};
use super::{Aim, Order, Surroundings};
use crate::admin::NewFault;

/// How often it is told how the drill goes.
const TICK: Duration = Duration::from_secs(1);

/// More requests at a time are not under way: each takes descriptors here and in the proxy. One more that is due is a failure.
const MOST_IN_FLIGHT: usize = 1000;

/// So long those may take that are under way when the time is over.
const GRACE: Duration = Duration::from_secs(5);

/// More faults at a time are not played, those by hand included: each is looked at by every request.
const MOST_FAULTS: usize = 256;

/// Runs them.
pub(crate) struct Director {
    around: Surroundings,
    orders: mpsc::Receiver<Order>,
    told: watch::Sender<Option<DrillRun>>,
}

/// A request of the drill has ended.
#[derive(Debug, Clone, Copy)]
struct Ended {
    due: Duration,
    at: Timestamp,
    came: Came,
}

/// Somebody who wants to hear what became of the drill that was stopped.
type Waiting = oneshot::Sender<Option<DrillRun>>;

impl Director {
    pub(super) fn new(
        around: Surroundings,
        orders: mpsc::Receiver<Order>,
        told: watch::Sender<Option<DrillRun>>,
    ) -> Self {
        Self { around, orders, told }
    }

    /// Runs what is ordered until `lb` stops; `listener` is where requests go.
    pub(crate) async fn run(mut self, listener: SocketAddr) {
        loop {
            let order = tokio::select! {
                order = self.orders.recv() => order,
                () = until_true(&mut self.around.stopping) => None,
            };
            match order {
                None => return,
                Some(Order::Stop(reply)) => drop(reply.send(None)),
                Some(Order::Begin(plan, reply)) => self.perform(*plan, reply, listener).await,
            }
        }
    }

    async fn perform(
        &mut self,
        mut plan: Plan,
        begun: oneshot::Sender<Result<DrillRun, String>>,
        listener: SocketAddr,
    ) {
        // Without an aim there is no plan.
        let Some(aim) = self.around.aim.clone() else { return };
        let counter = self.counter(&aim);
        // Without counts, whoever ordered it hears that lb is stopping.
        let Some(before) = counter.read().await else { return };
        let asker = Asker::new(listener, &aim, plan.patience);
        if let Some(says) = counter.who_is_out().await {
            // What is not up meets little of what is done to it.
            plan.steps.insert(0, Step { at: Duration::ZERO, says, action: Action::Note });
        }
        let mut show = Show::new(plan, Measured::new(before), self.around.clock);
        self.around.watch.happened(What::Drill { name: show.plan.name.clone(), state: "began".to_owned() }).await;
        tracing::warn!("drill {:?} began", show.plan.name);
        self.tell(show.told());
        let _gone = begun.send(Ok(show.told()));

        let mut requests = JoinSet::new();
        let (end, waiting) = self.play(&mut show, &asker, &counter, &mut requests).await;
        let (end, waiting) = match end {
            End::Over => self.wait_for_the_last(&mut show, &mut requests).await,
            End::Broken(_) | End::Stopped => (end, waiting),
        };
        for fault in std::mem::take(&mut show.faults) {
            self.around.stage.end(fault, end == End::Over).await;
        }
        // Whatever is still under way ends with this.
        drop(requests);
        if let Some(counts) = counter.read().await {
            show.measured.now = counts;
        }
        let told = show.told_at_end(end);
        tracing::warn!("drill {:?} {}", told.name, told.state);
        self.around.watch.happened(What::Drill { name: told.name.clone(), state: told.state.clone() }).await;
        self.tell(told.clone());
        if let Some(waiting) = waiting {
            let _gone = waiting.send(Some(told));
        }
    }

    fn counter(&self, aim: &Aim) -> Counter {
        let handle = Arc::clone(&self.around.names.clusters()[aim.cluster.0]);
        Counter { tallies: self.around.tallies.clone(), cluster: aim.cluster, handle, routes: aim.routes.clone() }
    }

    fn tell(&self, run: DrillRun) {
        self.around.watch.say("drill", &run);
        self.told.send_replace(Some(run));
    }

    /// Plays it to its end, but for the requests that are under way then.
    async fn play(
        &mut self,
        show: &mut Show,
        asker: &Asker,
        counter: &Counter,
        requests: &mut JoinSet<Ended>,
    ) -> (End, Option<Waiting>) {
        let clock = self.around.clock;
        let mut pace = Pace::new(show.plan.arrivals, show.plan.setup.seed);
        let mut tick = TICK;
        loop {
            let now = show.elapsed();
            let is_due = |step: &Step| step.at <= now;
            if now >= tick || show.plan.steps.get(show.done).is_some_and(is_due) {
                let Some(counts) = counter.read().await else { return (End::Stopped, None) };
                show.measured.now = counts;
            }
            while show.plan.steps.get(show.done).is_some_and(is_due) {
                if let Err(why) = self.step(show, &mut pace).await {
                    return (End::Broken(why), None);
                }
                self.tell(show.told());
            }
            if now >= show.plan.length {
                return (End::Over, None);
            }
            while let Some(due) = pace.take(now) {
                if requests.len() >= MOST_IN_FLIGHT {
                    show.measured.note(now, Duration::ZERO, Came::NotSent);
                    continue;
                }
                let asker = asker.clone();
                requests.spawn(async move {
                    let came = asker.ask().await;
                    Ended { due, at: clock.now(), came }
                });
            }
            if now >= tick {
                self.tell(show.told());
                tick = now + TICK;
            }
            let next_step = show.plan.steps.get(show.done).map(|step| step.at);
            let moments = [next_step, pace.next(), Some(tick), Some(show.plan.length)];
            let next = moments.into_iter().flatten().min().unwrap_or(now);
            tokio::select! {
                () = sleep(next.saturating_sub(now)) => {}
                Some(ended) = requests.join_next() => {
                    pace.note_end(show.elapsed());
                    note(show, ended.ok());
                }
                waiting = told_to_stop(&mut self.orders, &mut self.around.stopping, &show.plan.name) => {
                    return (End::Stopped, waiting);
                }
            }
        }
    }

    /// Those that are under way when the time is over; what does not come to an end then has failed.
    async fn wait_for_the_last(&mut self, show: &mut Show, requests: &mut JoinSet<Ended>) -> (End, Option<Waiting>) {
        let deadline = show.elapsed() + GRACE;
        loop {
            tokio::select! {
                ended = requests.join_next() => match ended {
                    Some(ended) => note(show, ended.ok()),
                    None => return (End::Over, None),
                },
                () = sleep(deadline.saturating_sub(show.elapsed())) => {
                    let now = show.elapsed();
                    (0..requests.len()).for_each(|_| show.measured.note(now, GRACE, Came::Late));
                    return (End::Over, None);
                }
                waiting = told_to_stop(&mut self.orders, &mut self.around.stopping, &show.plan.name) => {
                    return (End::Stopped, waiting);
                }
            }
        }
    }

    /// Does the next step; says why if that cannot be done.
    async fn step(&self, show: &mut Show, load: &mut Pace) -> Result<(), String> {
        let step = show.plan.steps[show.done].clone();
        match step.action {
            Action::Note => {}
            Action::Rate(rate) => load.set_rate(rate, show.elapsed()),
            Action::Play { endpoints, how, lasts } => {
                // What lasts to the end meets the last requests, too, and ends when they have.
                let is_to_the_end = step.at + lasts >= show.plan.length;
                let lasts = if is_to_the_end { lasts + GRACE * 2 } else { lasts };
                for endpoint in endpoints {
                    let (kind, per_million) = match how {
                        How::Fault(kind, per_million) => (kind, per_million),
                        How::Slower(factor) => (self.slower(show, endpoint, factor)?, ALL),
                    };
                    let place = FaultPlace::Endpoint(show.plan.cluster, endpoint);
                    let played =
                        self.around.stage.play(NewFault { place, per_million, kind, lasts }, MOST_FAULTS).await;
                    show.faults.push(played.map_err(|why| format!("{}: {why}", step.says))?);
                }
            }
        }
        show.done += 1;
        Ok(())
    }

    /// Waiting for what it takes to make an endpoint so many times as slow as it was so far.
    fn slower(&self, show: &Show, endpoint: EndpointId, factor: f64) -> Result<FaultKind, String> {
        let name = self.around.names.endpoint(show.plan.cluster, endpoint);
        let usual = show.measured.usual_time_of(endpoint.index());
        let usual = usual.ok_or_else(|| format!("nobody has asked {name} yet, so how slow it is is not known"))?;
        // No timer waits for less than that.
        let more = usual.mul_f64(factor - 1.0).max(Duration::from_millis(1));
        Ok(FaultKind::Delay(more, more))
    }
}

/// A request has ended; `None`: its task broke down.
fn note(show: &mut Show, ended: Option<Ended>) {
    let Some(Ended { due, at, came }) = ended else {
        return show.measured.note(show.elapsed(), Duration::ZERO, Came::Broken);
    };
    // From when it was due: if this program is late, that is late for a client, too.
    let at = at.since(show.began);
    show.measured.note(at, at.saturating_sub(due), came);
}

/// Waits until the drill is to stop, for whoever wants to hear of it; meanwhile no other one begins.
async fn told_to_stop(
    orders: &mut mpsc::Receiver<Order>,
    stopping: &mut watch::Receiver<bool>,
    name: &str,
) -> Option<Waiting> {
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Begin(_, reply)) => drop(reply.send(Err(name.to_owned()))),
                Some(Order::Stop(reply)) => return Some(reply),
                None => return None,
            },
            () = until_true(stopping) => return None,
        }
    }
}

/// The sender is gone only when everything is.
async fn until_true(flag: &mut watch::Receiver<bool>) {
    let _gone = flag.wait_for(|flag| *flag).await.is_err();
}
