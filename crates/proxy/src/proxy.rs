//! The path of a request through the proxy, on one screen. Carries no byte itself and takes no decision.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderValue, header::SET_COOKIE};
use lb_balance::{Attempt, Outcome, Verdict};
use lb_http1::{Fields, Framing, RequestHead};

use crate::answer::{Answer, Local};
use crate::attempt::{Endpoint, Hit};
use crate::carried::Carried;
use crate::clock::Clock;
use crate::cluster::{ClusterHandle, Ties};
use crate::config::ClusterConfig;
use crate::dial::Dial;
use crate::downstream::Downstream;
use crate::forward::{self, Outgoing, Peer};
use crate::heads::Heads;
use crate::held::Held;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::race::{Done, Race};
use crate::reject::Reject;
use crate::replay::Replay;
use crate::route::{Routes, Target};
use crate::{header, local, trace};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) routes: Routes,
    pub(crate) clusters: Vec<Arc<ClusterHandle>>,
    pub(crate) clock: Clock,
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
}

impl<D: Dial> Proxy<D> {
    pub(crate) fn new(shared: Arc<Shared>, dial: &D) -> Self {
        let clock = shared.clock;
        let endpoints_of = |config: &ClusterConfig| -> Vec<Endpoint<D>> {
            let endpoint = |address| {
                let (timeouts, dial) = (config.timeouts, dial.clone());
                Endpoint { address, timeouts, pool: Rc::new(Pool::new(timeouts.idle)), dial, clock }
            };
            config.endpoints.iter().map(|config| endpoint(config.address.clone())).collect()
        };
        let limits = Rc::new(shared.limits);
        let endpoints = shared.clusters.iter().map(|cluster| endpoints_of(cluster.config())).collect();
        Self { shared, endpoints, busy_connections: Rc::default(), heads: Heads::default(), limits }
    }

    /// Answers one request.
    pub(crate) async fn handle(
        &self,
        request: &RequestHead,
        client: &Rc<dyn Downstream>,
        peer: &Peer,
    ) -> Answer<D::Stream> {
        let place = match forward::place(request) {
            Ok(place) => place,
            Err(bad) => return rejected(Reject::BadRequest(bad), request.fields()),
        };
        if let (Framing::Length(length), Some(most)) = (request.framing(), self.limits.body)
            && length > u64::from(most)
        {
            return rejected(Reject::BodyTooLarge, request.fields());
        }
        match self.shared.routes.find(place.host, place.path).map(|route| &route.target) {
            None => rejected(Reject::NoRoute, request.fields()),
            Some(Target::Local(service)) => match local::request(request, &**client).await {
                Err(reject) => rejected(reject, request.fields()),
                Ok(local_request) => {
                    let Ok(answer) = service.call(local_request).await;
                    let (head, body) = answer.into_parts();
                    Answer::Local(head, Local::new(body))
                }
            },
            Some(Target::Cluster { cluster, pin, trace }) => {
                let (endpoints, cluster) = (&self.endpoints[cluster.0], &self.shared.clusters[cluster.0]);
                let asked = Asked {
                    fields: request.fields(),
                    ties: cluster.ties_of(&place, request.fields(), pin.as_ref(), peer.address),
                    trace: *trace && request.fields().get(header::TRACE_NAME).is_some(),
                };
                let head = forward::outgoing(request, peer, &cluster.config().upgrades);
                let body = Replay::new(client, request.framing(), cluster.config().replay_limit, self.shared.clock);
                let fields = asked.fields;
                let balancing = self.balance(cluster, endpoints, &head, &body, asked);
                match cluster.config().timeouts.request {
                    None => balancing.await,
                    Some(limit) => match tokio::time::timeout(limit, balancing).await {
                        Ok(answer) => answer,
                        Err(_) => rejected(Reject::RequestTimeout, fields),
                    },
                }
            }
        }
    }

    /// Tries endpoints until there is something to deliver.
    async fn balance(
        &self,
        cluster: &Arc<ClusterHandle>,
        endpoints: &[Endpoint<D>],
        head: &Outgoing,
        body: &Replay,
        asked: Asked<'_>,
    ) -> Answer<D::Stream> {
        let ties = asked.ties;
        let clock = self.shared.clock;
        let began = clock.now();
        let mut attempts = cluster.attempts(began, head.is_idempotent());
        let mut next = match cluster.admit(&attempts, ties, began).await {
            Ok(lease) => Some(lease),
            Err(reject) => return rejected(reject, asked.fields),
        };
        if cluster.queued().is_some() {
            // What it has waited for its place is not taken from the time for its tries.
            attempts.begin_now(clock.now());
        }
        let mut race = Race::new(cluster, endpoints, head, body, ties);
        // The last real answer: it is passed on when everything else fails.
        let mut kept: Option<Box<Carried<D::Stream>>> = None;
        let mut fresh = false;
        let outcome = loop {
            let Done { mut lease, result } = race.next(next.take(), fresh, &mut attempts).await;
            let (outcome, sent) = match &result {
                Ok(hit) => (Outcome::Answered { status: hit.wire.answer().status() }, body.sent()),
                Err(miss) => (miss.outcome, miss.sent),
            };
            let now = clock.now();
            let (endpoint, took) = (lease.endpoint(), lease.report(outcome, now));
            let verdict = attempts.judge(Attempt { endpoint, outcome, took }, sent, now, fastrand::u64(..));
            fresh = verdict == Verdict::RetryFresh;
            if fresh {
                next = Some(lease);
                continue;
            }
            match result {
                Ok(hit) => {
                    let binding = cluster.binding(ties, endpoint, outcome);
                    let answer = carry::<D>(hit, head.method(), &endpoints[endpoint.index()], lease, binding);
                    if let Some(older) = kept.replace(Box::new(answer)) {
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
                    cluster.pick(&attempts, ties, clock.now()).ok()
                }
                Verdict::RetryAfter(_) | Verdict::RetryFresh | Verdict::AwaitOther | Verdict::Deliver(_) => None,
            };
            if next.is_none() && verdict != Verdict::AwaitOther {
                break outcome;
            }
        };
        race.end(&mut attempts);
        let told = if asked.trace { trace::render(&attempts, |id| cluster.name_of(id)) } else { None };
        if let Some(mut answer) = kept {
            if let Some(told) = told {
                forward::push_field(&mut answer.additions, header::TRACE_NAME, told.as_bytes());
            }
            return Answer::Carried(answer);
        }
        let mut answer = rejected(missed(outcome, body), asked.fields);
        if let (Answer::Own(head, _), Some(told)) = (&mut answer, told) {
            head.headers.insert(header::TRACE, told);
        }
        answer
    }

    /// Its clock.
    pub(crate) fn clock(&self) -> Clock {
        self.shared.clock
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
}

fn carry<D: Dial>(
    hit: Hit<D::Stream>,
    method: &[u8],
    endpoint: &Endpoint<D>,
    lease: Held,
    binding: Option<&HeaderValue>,
) -> Carried<D::Stream> {
    let mut answer = Carried::new(hit, method, endpoint, lease);
    if let Some(binding) = binding {
        forward::push_field(&mut answer.additions, SET_COOKIE.as_str(), binding.as_bytes());
    }
    answer
}

/// What a request that got no answer at all is told.
fn missed(outcome: Outcome, body: &Replay) -> Reject {
    match outcome {
        Outcome::Failed(failure) => Reject::Endpoint(failure),
        Outcome::Abandoned => body.broken().map_or(Reject::ClientTimeout, Reject::broken),
        Outcome::Answered { .. } | Outcome::Connected | Outcome::Overtaken => {
            unreachable!("an answer is kept, and delivered")
        }
    }
}

fn rejected<S>(reject: Reject, request: &Fields) -> Answer<S>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    tracing::debug!(reason = reject.token(), "rejected");
    let (head, words) = reject.answer(request).into_parts();
    Answer::Own(head, words)
}
