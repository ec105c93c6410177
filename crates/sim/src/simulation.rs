//! The loop: takes what happens next and lets balancers and players do their part. Decides nothing.

mod attending;

use std::time::Duration;

use fastrand::Rng;
use lb_balance::{Attempt, Attempts, EndpointId, Failure, Outcome, RetryBudget, Sent, Stop, Timestamp, Verdict, Wish};

use crate::agenda::{Agenda, Event};
use crate::arrivals::{Arrivals, Arriving};
use crate::audit::Audit;
use crate::balancer::{self, Balancer, BalancerConfig};
use crate::distribution::{exponential, times};
use crate::fault::{Fault, FaultKind};
use crate::player::{Course, Player, Script};
use crate::report::Report;
use crate::request::{Request, Requests, Trying};

/// A simulation to be run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How every balancer is configured.
    pub balancer: BalancerConfig,
    /// How many balancers stand side by side; each request comes to one of them by chance.
    pub balancers: u32,
    /// What each endpoint does, in the order of the configuration.
    pub scripts: Vec<Script>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Who asks.
    pub arrivals: Arrivals,
    /// Changes of an open loop's rate: from so long after the start on, so many requests a second.
    pub rates: Vec<(Duration, f64)>,
    /// A client gives up after this long; `None`: it waits.
    pub patience: Option<Duration>,
    /// Whether requests may be repeated, as GET and PUT may (RFC 9110 §9.2.2).
    pub idempotent: bool,
    /// For how long requests come. What is under way then is waited for.
    pub length: Duration,
    /// Requests that begin before this are served and not counted.
    pub warm_up: Duration,
    /// The same seed gives the same simulation.
    pub seed: u64,
}

/// Runs it. `progress` is called now and then with the part that is done, 0 to 1; if it says false, the simulation ends.
///
/// # Panics
///
/// If there are not as many scripts as endpoints.
pub fn run(setup: &Setup, mut progress: impl FnMut(f64) -> bool) -> Report {
    let budgets = balancer::budgets(&setup.balancer, setup.balancers);
    let mut simulation = Simulation::new(setup, &budgets);
    while let Some(at) = simulation.next() {
        if simulation.report.events.is_multiple_of(65_536) {
            let done = at.since_origin().as_secs_f64() / setup.length.as_secs_f64();
            if !progress(done.min(1.0)) {
                break;
            }
        }
        simulation.step();
    }
    simulation.finish()
}

struct Simulation<'s> {
    setup: &'s Setup,
    budgets: &'s [RetryBudget],
    rng: Rng,
    now: Timestamp,
    end: Timestamp,
    balancers: Vec<Balancer>,
    players: Vec<Player>,
    requests: Requests<'s>,
    agenda: Agenda,
    arriving: Option<(Arriving, Timestamp)>,
    under_way: u64,
    report: Report,
    audit: Audit,
}

/// A line of the script is a fault's beginning, or its end.
const ENDS: u32 = 1 << 31;

impl<'s> Simulation<'s> {
    fn new(setup: &'s Setup, budgets: &'s [RetryBudget]) -> Self {
        assert_eq!(setup.scripts.len(), setup.balancer.endpoints.len(), "each endpoint has a script");
        let mut rng = Rng::with_seed(setup.seed);
        let balancers: Vec<_> =
            (0..setup.balancers).map(|_| Balancer::new(&setup.balancer, setup.balancers, rng.u64(..))).collect();
        let mut agenda = Agenda::default();
        for (line, fault) in (0u32..).zip(&setup.faults) {
            agenda.plan(Timestamp::ORIGIN + fault.from, Event::Script { line });
            if let Some(until) = fault.until {
                agenda.plan(Timestamp::ORIGIN + until, Event::Script { line: line | ENDS });
            }
        }
        for (line, (from, _)) in (0u32..).zip(&setup.rates) {
            agenda.plan(Timestamp::ORIGIN + *from, Event::Rate { line });
        }
        let arriving = match setup.arrivals {
            Arrivals::Open { per_second } => {
                let mut arriving = Arriving::new(per_second);
                let first = arriving.step(&mut rng);
                Some((arriving, first))
            }
            Arrivals::Closed { clients, think } => {
                for client in 0..clients {
                    let first = Timestamp::ORIGIN + times(think, exponential(&mut rng));
                    agenda.plan(first, Event::Asks { client });
                }
                None
            }
        };
        let mut simulation = Self {
            setup,
            budgets,
            rng,
            now: Timestamp::ORIGIN,
            end: Timestamp::ORIGIN + setup.length,
            balancers,
            players: setup.scripts.iter().map(|script| Player::new(*script)).collect(),
            requests: Requests::new(),
            agenda,
            arriving,
            under_way: 0,
            report: Report::new(setup.scripts.len()),
            audit: Audit::default(),
        };
        (0..setup.balancers).for_each(|balancer| simulation.attend(balancer));
        simulation
    }

    /// When the next thing happens; `None` when all is over.
    fn next(&self) -> Option<Timestamp> {
        let arrival = self.arriving.as_ref().map(|(_, at)| *at).filter(|at| *at < self.end);
        let event = self.agenda.next().filter(|at| *at < self.end || self.under_way > 0);
        [arrival, event].into_iter().flatten().min()
    }

    fn step(&mut self) {
        self.report.events += 1;
        let arrival = self.arriving.as_ref().map(|(_, at)| *at).filter(|at| *at < self.end);
        let event = self.agenda.next();
        if let Some(at) = arrival
            && event.is_none_or(|event| at < event)
        {
            self.now = at;
            if let Some((arriving, next)) = &mut self.arriving {
                *next = arriving.step(&mut self.rng);
            }
            return self.arrive(None);
        }
        let Some((at, event)) = self.agenda.pop() else { return };
        self.now = at;
        match event {
            Event::Rate { line } => {
                if let Some((arriving, next)) = &mut self.arriving {
                    // What was drawn at the old rate has no memory of it: it is drawn anew from here.
                    *next = arriving.change(self.setup.rates[line as usize].1, at, &mut self.rng);
                }
            }
            Event::Script { line } => self.follow(line),
            Event::Ends { request, attempt } => {
                if self.requests.is_at(request, attempt) {
                    self.end_attempt(request, None);
                }
            }
            Event::TryAgain { request, attempt } => {
                if self.requests.is_at(request, attempt) {
                    self.try_next(request);
                }
            }
            Event::Finishes { endpoint, version } => {
                if let Some((request, attempt)) = self.players[endpoint.index()].finish(version, at) {
                    if self.requests.is_at(request, attempt) {
                        self.end_attempt(request, Some(Outcome::Answered { status: 200 }));
                    }
                    self.expect_finish(endpoint);
                }
            }
            Event::Wake { balancer } => {
                if self.balancers[balancer as usize].wakes_at.is_some_and(|wakes_at| wakes_at <= at) {
                    self.balancers[balancer as usize].wakes_at = None;
                    self.attend(balancer);
                }
            }
            Event::Probed { balancer, endpoint, began, outcome } => {
                self.balancers[balancer as usize].cluster.handle_probe(endpoint, outcome, began, at);
                self.attend(balancer);
            }
            Event::Asks { client } => {
                if at < self.end {
                    self.arrive(Some(client));
                }
            }
        }
    }

    fn arrive(&mut self, client: Option<u32>) {
        let balancer = if self.setup.balancers == 1 { 0 } else { self.rng.u32(0..self.setup.balancers) };
        let attempts = Attempts::new(
            &self.setup.balancer.retry,
            &self.budgets[balancer as usize],
            self.now,
            self.setup.idempotent,
        );
        let request = Request { balancer, client, began: self.now, attempts, trying: None, kept: None };
        let number = self.requests.add(request);
        self.under_way += 1;
        self.try_next(number);
    }

    /// Makes the request's next attempt, or ends it if nobody can be asked.
    fn try_next(&mut self, number: u32) {
        let (now, entropy, key) = (self.now, self.rng.u64(..), self.rng.u64(..));
        let attempt = self.requests.next_attempt(number);
        let (_, request) = self.requests.get(number);
        if self.setup.patience.is_some_and(|patience| request.began + patience <= now) {
            return self.end_request(number, Some(Outcome::Abandoned));
        }
        let wish = Wish { key: Some(key), ..Wish::new(&request.attempts, now, entropy) };
        let (players, balancer) = (&self.players, &mut self.balancers[request.balancer as usize]);
        let Ok(lease) = balancer.pick(&wish, &mut self.rng, |endpoint| players[endpoint].load(now)) else {
            // Nobody is left to be asked: the client is told what came of the last attempt, if there was one.
            let last = request.attempts.iter().last().map(|attempt| attempt.outcome);
            return self.end_request(number, last);
        };
        let endpoint = lease.endpoint();
        self.report.attempts += 1;
        self.report.retries += u64::from(!request.attempts.is_empty());
        self.report.endpoints[endpoint.index()].attempts += 1;
        let times_out = now + self.setup.balancer.attempt_timeout;
        let mut end = (times_out, Outcome::Failed(Failure::ResponseTimeout));
        if let Some(patience) = self.setup.patience
            && request.began + patience < times_out
        {
            end = (request.began + patience, Outcome::Abandoned);
        }
        let course = self.players[endpoint.index()].begin((number, attempt), now, &mut self.rng);
        if let Course::Ends(at, outcome) = course
            && at < end.0
        {
            end = (at, outcome);
        }
        request.trying = Some(Trying { lease, began: now, outcome: end.1 });
        self.agenda.plan(end.0, Event::Ends { request: number, attempt });
        if course == Course::Shares {
            self.expect_finish(endpoint);
        }
    }

    /// The attempt comes to what was planned, or to something else.
    fn end_attempt(&mut self, number: u32, outcome: Option<Outcome>) {
        let now = self.now;
        let (attempt, request) = self.requests.get(number);
        let Some(mut trying) = request.trying.take() else { return };
        let (endpoint, outcome) = (trying.endpoint(), outcome.unwrap_or(trying.outcome));
        if !matches!(outcome, Outcome::Answered { .. }) {
            self.players[endpoint.index()].cancel((number, attempt), now);
        }
        let took = now.since(trying.began);
        let entropy = self.rng.u64(..);
        let verdict = request.attempts.judge(Attempt { endpoint, outcome, took }, Sent::Kept, now, entropy);
        if matches!(outcome, Outcome::Answered { .. }) {
            request.kept = Some(outcome);
        }
        let balancer = request.balancer;
        let report = trying.lease.conclude(&self.setup.balancer.retry, outcome, took, now);
        if let Some(report) = report {
            trying.lease.settle();
            self.report.endpoints[endpoint.index()].blamed += u64::from(report.blamed);
            self.balancers[balancer as usize].hear(report, now);
        }
        if let Some(reference) = &mut self.balancers[balancer as usize].reference {
            match outcome {
                Outcome::Answered { .. } => {
                    reference.hear(endpoint.index(), took, self.players[endpoint.index()].load(now));
                }
                Outcome::Failed(_) | Outcome::Connected | Outcome::Abandoned | Outcome::Overtaken => {
                    reference.give_up(endpoint.index(), took);
                }
            }
        }
        drop(trying);
        if report.is_some() {
            self.attend(balancer);
        }
        if !matches!(outcome, Outcome::Answered { .. }) {
            self.expect_finish(endpoint);
        }
        match verdict {
            Verdict::RetryAfter(wait) if wait.is_zero() => self.try_next(number),
            Verdict::RetryAfter(wait) => {
                let attempt = self.requests.next_attempt(number);
                // A client that gives up meanwhile is not kept.
                let (_, request) = self.requests.get(number);
                let patience = self.setup.patience.map_or(now + wait, |patience| request.began + patience);
                self.agenda.plan((now + wait).min(patience.max(now)), Event::TryAgain { request: number, attempt });
            }
            Verdict::RetryFresh | Verdict::AwaitOther => unreachable!("no connection is idle, and nobody hedges"),
            Verdict::Deliver(stop) => {
                self.report.refused_by_budget += u64::from(stop == Stop::BudgetSpent);
                self.end_request(number, Some(outcome));
            }
        }
    }

    fn end_request(&mut self, number: u32, last: Option<Outcome>) {
        let request = self.requests.remove(number);
        self.under_way -= 1;
        if let (Some(client), Arrivals::Closed { think, .. }) = (request.client, self.setup.arrivals) {
            let next = self.now + times(think, exponential(&mut self.rng));
            self.agenda.plan(next, Event::Asks { client });
        }
        if request.began < Timestamp::ORIGIN + self.setup.warm_up {
            return;
        }
        let seen = request.kept.filter(|_| last != Some(Outcome::Abandoned)).or(last);
        let failed = &mut self.report.failed;
        let succeeded = match seen {
            Some(Outcome::Answered { status }) if status < 500 => true,
            Some(Outcome::Answered { .. }) => {
                failed.answered += 1;
                false
            }
            Some(Outcome::Failed(_) | Outcome::Connected) => {
                failed.unanswered += 1;
                false
            }
            Some(Outcome::Abandoned | Outcome::Overtaken) => {
                failed.given_up += 1;
                false
            }
            None => {
                failed.rejected += 1;
                false
            }
        };
        self.report.requests += 1;
        if succeeded {
            self.report.succeeded += 1;
            let us = u64::try_from(self.now.since(request.began).as_micros()).unwrap_or(u64::MAX);
            self.report.latency_us.saturating_record(us.max(1));
        }
        let slice = self.report.slice(self.now.since_origin());
        slice.requests += 1;
        slice.failed += u32::from(!succeeded);
    }

    /// A fault begins or ends.
    fn follow(&mut self, line: u32) {
        self.check();
        let fault = &self.setup.faults[(line & !ENDS) as usize];
        for endpoint in &fault.endpoints {
            let player = &mut self.players[*endpoint as usize];
            if line & ENDS == 0 {
                player.begin_fault(fault.kind, self.now);
            } else {
                player.end_fault(fault.kind);
            }
            self.expect_finish(EndpointId(*endpoint));
        }
        if line & ENDS == 0 && fault.kind == FaultKind::Kill {
            for number in self.requests.at(|endpoint| fault.endpoints.contains(&endpoint.0)) {
                self.end_attempt(number, Some(Outcome::Failed(Failure::Closed)));
            }
        }
    }

    fn expect_finish(&mut self, endpoint: EndpointId) {
        if let Some((at, version)) = self.players[endpoint.index()].next_finish() {
            self.agenda.plan(at, Event::Finishes { endpoint, version });
        }
    }

    /// Holds what the balancers count against what the simulation knows.
    fn check(&mut self) {
        let (now, endpoints) = (self.now, self.players.len());
        self.audit.check_returns(now);
        for (index, balancer) in (0u32..).zip(&self.balancers) {
            let expected = self.requests.in_flight(index, endpoints);
            for id in balancer.cluster.ids() {
                let (counted, expected) = (balancer.cluster.counters(id).in_flight, expected[id.index()]);
                if counted != expected {
                    let what = format!("balancer {index} counts {counted} in flight at {}, not {expected}", id.0);
                    self.audit.tell(now, what);
                }
            }
        }
    }

    fn finish(mut self) -> Report {
        self.check();
        self.report.simulated = self.now.since_origin();
        self.report.violations = self.audit.violations;
        self.report
    }
}
