//! The path of a request through the proxy, on one screen. Carries no byte itself and takes no decision.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header::SET_COOKIE};
use ipnet::IpNet;
use lb_balance::{Attempt, Outcome, Stop, Timestamp, Verdict};
use lb_http1::{Fields, Framing, RequestHead};

use crate::answer::{Answer, Local};
use crate::attempt::{Endpoint, Hit};
use crate::audience::{Audience, Ration};
use crate::carried::Carried;
use crate::clock::Clock;
use crate::cluster::{ClusterHandle, Ties};
use crate::complaint::Complaint;
use crate::config::ClusterConfig;
use crate::dial::Dial;
use crate::downstream::Downstream;
use crate::faults::{FaultPlace, Faults, Played};
use crate::forward::{self, Outgoing, Peer};
use crate::heads::Heads;
use crate::held::Held;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::race::{Done, Race, Stage};
use crate::reject::Reject;
use crate::replay::Replay;
use crate::route::{Routes, Target};
use crate::story::{End, Try};
use crate::tally::Tally;
use crate::telling::{Connected, Telling};
use crate::{ClusterId, Marking, Secret, header, local, trace};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) routes: Routes,
    pub(crate) clusters: Vec<Arc<ClusterHandle>>,
    pub(crate) clock: Clock,
    pub(crate) audience: Arc<Audience>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) trace_token: Option<Secret>,
    pub(crate) marking: Marking,
    pub(crate) trusted: Vec<IpNet>,
    /// There is no memory left for another request.
    pub(crate) no_memory: Complaint,
}

/// One worker's proxy.
pub(crate) struct Proxy<D: Dial> {
    shared: Arc<Shared>,
    // By cluster, then by endpoint.
    endpoints: Vec<Vec<Endpoint<D>>>,
    busy_connections: Rc<Cell<usize>>,
    heads: Heads,
    // A copy of what is shared, since every client has a hold on it.
    limits: Rc<Limits>,
    tally: Option<Arc<Tally>>,
    ration: Ration,
}

impl<D: Dial> Proxy<D> {
    pub(crate) fn new(shared: Arc<Shared>, dial: &D, tally: Option<Arc<Tally>>) -> Self {
        let clock = shared.clock;
        let endpoints_of = |(cluster, config): (usize, &ClusterConfig)| -> Vec<Endpoint<D>> {
            let endpoint = |(index, address)| {
                let (timeouts, dial) = (config.timeouts, dial.clone());
                let tally = tally.as_ref().and_then(|tally| tally.clusters[cluster].endpoint(index));
                let pool = Rc::new(Pool::new(timeouts.idle, tally.clone()));
                Endpoint { address, timeouts, pool, dial, clock, tally }
            };
            config.endpoints.iter().map(|config| config.address.clone()).enumerate().map(endpoint).collect()
        };
        let limits = Rc::new(shared.limits);
        let clusters = shared.clusters.iter().map(|cluster| cluster.config()).enumerate();
        let endpoints = clusters.map(endpoints_of).collect();
        let ration = Ration::new();
        Self { shared, endpoints, busy_connections: Rc::default(), heads: Heads::default(), limits, tally, ration }
    }

    /// A request begins: what is to be kept of it.
    pub(crate) fn begin_telling(&self) -> Telling {
        let now = self.shared.clock.now();
        Telling::new(now, self.ration.wanted(&self.shared.audience, now))
    }

    /// A request has ended so: counts it, and tells whoever is to hear of it. `head` is not there if it could not be read.
    /// Gives the time if it had to be looked at.
    pub(crate) fn tell(
        &self,
        telling: &mut Telling,
        head: Option<&RequestHead>,
        client: IpAddr,
        end: End,
        bytes: (u64, u64),
    ) -> Option<Timestamp> {
        let audience = &self.shared.audience;
        if self.tally.is_none() && !audience.is_anybody_there() {
            return None;
        }
        let now = self.shared.clock.now();
        let took = now.since(telling.began);
        if let Some(tally) = &self.tally {
            tally.note_request(telling, end, took, bytes);
        }
        if audience.is_anybody_there() {
            // Files, the admin API and what reached no route are no decisions.
            let is_trouble = telling.cluster.is_some() && (telling.is_retried() || telling.has_failed(end));
            telling.wanted.troubled = is_trouble && self.ration.may_tell_trouble(audience, now);
            if telling.wanted.is_any() || telling.is_recorded() {
                audience.hear(telling.take_story(head, client, end, took, bytes));
            }
        }
        Some(now)
    }

    /// Answers one request.
    pub(crate) async fn handle(
        &self,
        request: &RequestHead,
        client: &Rc<dyn Downstream>,
        peer: &Peer,
        telling: &mut Telling,
    ) -> Answer<D::Stream> {
        let place = match forward::place(request) {
            Ok(place) => place,
            Err(bad) => return rejected(Reject::BadRequest(bad), request.fields(), telling),
        };
        if let (Framing::Length(length), Some(most)) = (request.framing(), self.limits.body)
            && length > u64::from(most)
        {
            return rejected(Reject::BodyTooLarge, request.fields(), telling);
        }
        let route = self.shared.routes.find(place.host, place.path);
        telling.route = route.map(|(index, _)| *index);
        if let Some(Target::Cluster { cluster, .. }) = route.map(|(_, route)| &route.target) {
            telling.cluster = Some(*cluster);
            telling.wanted.asked = self.shared.audience.take_next();
        }
        if let Some(index) = telling.route
            && let Some(played) = self.shared.faults.draw(FaultPlace::Route(index), || telling.began)
        {
            match played {
                Played::Delay(time) => tokio::time::sleep(time).await,
                Played::Abort(status) => return rejected(Reject::Played { status }, request.fields(), telling),
                Played::Reset => {
                    telling.is_reset = true;
                    return rejected(Reject::Played { status: 502 }, request.fields(), telling);
                }
            }
        }
        match route.map(|(_, route)| &route.target) {
            None => rejected(Reject::NoRoute, request.fields(), telling),
            Some(Target::Local(service)) => match local::request(request, &**client).await {
                Err(reject) => rejected(reject, request.fields(), telling),
                Ok(local_request) => {
                    let Ok(answer) = service.call(local_request).await;
                    let (head, body) = answer.into_parts();
                    Answer::Local(Box::new(head), Local::new(body))
                }
            },
            Some(Target::Cluster { cluster, pin, trace }) => {
                let id = *cluster;
                let (endpoints, cluster) = (&self.endpoints[cluster.0], &self.shared.clusters[cluster.0]);
                let asked = Asked {
                    fields: request.fields(),
                    ties: cluster.ties_of(&place, request.fields(), pin.as_ref(), peer.address),
                    trace: request.fields().get(header::TRACE_NAME).is_some_and(|said| *trace || self.is_admin(said)),
                    cluster: id,
                };
                let marks = self.shared.marking.mark(request.fields());
                let head = forward::outgoing(request, peer, &cluster.config().upgrades, &marks);
                telling.note_marks(marks);
                let body = Replay::new(client, request.framing(), cluster.config().replay_limit, self.shared.clock);
                let fields = asked.fields;
                let mut answer = match cluster.config().timeouts.request {
                    None => self.balance(cluster, endpoints, &head, &body, asked, telling).await,
                    Some(limit) => {
                        let balancing = self.balance(cluster, endpoints, &head, &body, asked, telling);
                        match tokio::time::timeout(limit, balancing).await {
                            Ok(answer) => answer,
                            Err(_) => rejected(Reject::RequestTimeout, fields, telling),
                        }
                    }
                };
                if let (Some(name), Some(id)) = (&self.shared.marking.request_id, telling.request_id()) {
                    answer.add_missing_field(name, id);
                }
                answer
            }
        }
    }

    fn is_admin(&self, said: &[u8]) -> bool {
        self.shared.trace_token.as_ref().is_some_and(|token| token.is(said))
    }

    /// Tries endpoints until there is something to deliver.
    async fn balance(
        &self,
        cluster: &Arc<ClusterHandle>,
        endpoints: &[Endpoint<D>],
        head: &Outgoing,
        body: &Replay,
        asked: Asked<'_>,
        telling: &mut Telling,
    ) -> Answer<D::Stream> {
        let ties = asked.ties;
        let clock = self.shared.clock;
        let began = telling.began;
        let mut attempts = cluster.attempts(began, head.is_idempotent());
        let mut next = match cluster.admit(&attempts, ties, began).await {
            Ok((lease, has_waited)) => {
                if has_waited {
                    // What it has waited for its place is not taken from the time for its tries.
                    let now = clock.now();
                    attempts.begin_now(now);
                    telling.queued = now.since(began);
                }
                Some(lease)
            }
            Err(unplaced) => {
                telling.unplaced = Some(unplaced.passed);
                return rejected(unplaced.reject, asked.fields, telling);
            }
        };
        let stage = Stage { faults: &self.shared.faults, cluster: asked.cluster };
        let mut race = Race::new(cluster, endpoints, head, body, ties, stage);
        // The last real answer: it is passed on when everything else fails.
        let mut kept: Option<Box<Carried<D::Stream>>> = None;
        let mut fresh = false;
        let outcome = loop {
            let Done { mut lease, began, connected, played, result } =
                race.next(next.take(), fresh, &mut attempts).await;
            let (outcome, sent) = match &result {
                Ok(hit) => (Outcome::Answered { status: hit.wire.answer().status() }, body.sent()),
                Err(miss) => (miss.outcome, miss.sent),
            };
            let now = clock.now();
            let (endpoint, took) = (lease.endpoint(), lease.report(outcome, now));
            if let Some(tally) = &endpoints[endpoint.index()].tally {
                tally.note(outcome, took);
            }
            let blamed = cluster.config().retry.blames(outcome);
            let attempt = Attempt { endpoint, outcome, took };
            telling.note_try(tried(&mut lease, attempt, began.since(telling.began), connected, blamed, played));
            let verdict = attempts.judge(attempt, sent, now, fastrand::u64(..));
            fresh = verdict == Verdict::RetryFresh;
            if fresh {
                next = Some(lease);
                continue;
            }
            match result {
                Ok(hit) => {
                    let binding = cluster.binding(ties, endpoint, outcome);
                    let answer = carry::<D>(hit, now, head.method(), &endpoints[endpoint.index()], lease, binding);
                    if let Some(older) = kept.replace(answer) {
                        older.discard();
                    }
                }
                // Its place is free for others while this request waits.
                Err(_) => drop(lease),
            }
            next = match verdict {
                Verdict::RetryAfter(wait) if ties.pinned.is_none() => {
                    if !wait.is_zero() {
                        tokio::time::sleep(wait).await;
                    }
                    match cluster.pick(&attempts, ties, clock.now()) {
                        Ok(lease) => Some(lease),
                        Err((_, passed)) => {
                            telling.unplaced = Some(passed);
                            None
                        }
                    }
                }
                Verdict::Deliver(stop) => {
                    // That a good answer is not retried need not be told.
                    let is_good = matches!(outcome, Outcome::Answered { status: ..500 });
                    telling.stopped = Some(stop).filter(|stop| *stop != Stop::NotListed || !is_good);
                    None
                }
                Verdict::RetryAfter(_) | Verdict::RetryFresh | Verdict::AwaitOther => None,
            };
            if next.is_none() && verdict != Verdict::AwaitOther {
                break outcome;
            }
        };
        telling.hedged = race.has_hedged();
        race.end(&mut attempts, telling);
        let told = if asked.trace { trace::render(&attempts, |id| cluster.name_of(id)) } else { None };
        if let Some(mut answer) = kept {
            if let Some(told) = told {
                forward::push_field(&mut answer.additions, header::TRACE_NAME, told.as_bytes());
            }
            return Answer::Carried(answer);
        }
        let mut answer = rejected(missed(outcome, body), asked.fields, telling);
        if let (Answer::Own(head, _), Some(told)) = (&mut answer, told) {
            head.headers.insert(header::TRACE, told);
        }
        answer
    }

    /// Its clock.
    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// What all workers have in common.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What clients may ask for.
    pub(crate) fn limits(&self) -> &Rc<Limits> {
        &self.limits
    }

    /// Where heads are read into.
    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }

    /// How many connections have a request under way, or an answer that is not written out yet.
    pub(crate) fn busy_connections(&self) -> &Rc<Cell<usize>> {
        &self.busy_connections
    }

    /// Closes what has been idle for too long.
    pub(crate) fn sweep(&self) {
        let now = self.shared.clock.now();
        self.endpoints.iter().flatten().for_each(|endpoint| endpoint.pool.sweep(now));
    }
}

/// What a request asks for beside what is forwarded of it.
struct Asked<'r> {
    fields: &'r Fields,
    ties: Ties,
    trace: bool,
    cluster: ClusterId,
}

fn carry<D: Dial>(
    hit: Hit<D::Stream>,
    now: Timestamp,
    method: &[u8],
    endpoint: &Endpoint<D>,
    lease: Held,
    binding: Option<&HeaderValue>,
) -> Box<Carried<D::Stream>> {
    // Written where it stays.
    let mut answer = Box::write(Box::new_uninit(), Carried::new(hit, now, method, endpoint, lease));
    if let Some(binding) = binding {
        forward::push_field(&mut answer.additions, SET_COOKIE.as_str(), binding.as_bytes());
    }
    answer
}

/// An attempt as it is told.
fn tried(lease: &mut Held, attempt: Attempt, after: Duration, connected: Connected, blamed: bool, played: bool) -> Try {
    let Attempt { endpoint, outcome, took } = attempt;
    let Connected { took: connect, reused, span } = connected;
    let (turn, passed) = (lease.turn(), lease.take_passed());
    Try { endpoint, turn, after, connect, reused, took, outcome, blamed, span, played, passed }
}

/// What a request that got no answer at all is told.
fn missed(outcome: Outcome, body: &Replay) -> Reject {
    match outcome {
        Outcome::Failed(failure) => Reject::Endpoint(failure),
        Outcome::Abandoned => body.broken().map_or(Reject::ClientTimeout, Reject::broken),
        // A real one is kept, and delivered.
        Outcome::Answered { status } => Reject::Played { status },
        Outcome::Connected | Outcome::Overtaken => {
            unreachable!("probes alone are content with that, and what is overtaken is not awaited")
        }
    }
}

fn rejected<S>(reject: Reject, request: &Fields, telling: &mut Telling) -> Answer<S>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    tracing::debug!(reason = reject.token(), "rejected");
    telling.reject = Some(reject.token());
    let (head, words) = reject.answer(request).into_parts();
    Answer::Own(Box::new(head), words)
}
