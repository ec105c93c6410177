//! The path of a request through the proxy, on one screen. Carries no byte itself and takes no decision.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use lb_balance::{Attempt, Outcome, Verdict};

use crate::attempt::{Endpoint, Hit};
use crate::carried::{Answer, Carried};
use crate::clock::Clock;
use crate::cluster::{ClusterHandle, Ties};
use crate::config::ClusterConfig;
use crate::dial::Dial;
use crate::forward::{self, Head};
use crate::held::Held;
use crate::local::LocalBody;
use crate::pool::Pool;
use crate::race::{Done, Race};
use crate::reject::{BadRequest, Reject};
use crate::replay::Replay;
use crate::route::{Routes, Target};
use crate::{header, trace};

/// What all workers share.
pub(crate) struct Shared {
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
}

/// An answer that is being carried.
type Carrying<D> = Response<Box<Carried<<D as Dial>::Stream>>>;

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
        let endpoints = shared.clusters.iter().map(|cluster| endpoints_of(cluster.config())).collect();
        Self { shared, endpoints, busy_connections: Rc::default() }
    }

    /// Answers one request.
    pub(crate) async fn handle(&self, request: Request<Incoming>, client: IpAddr) -> Response<Answer<D::Stream>> {
        let (request, body) = request.into_parts();
        let (authority, path) = match forward::place(&request) {
            Ok(place) => place,
            Err(bad) => return rejected(Reject::BadRequest(bad), &request.headers),
        };
        match self.shared.routes.find(authority.host(), path).map(|route| &route.target) {
            None => rejected(Reject::NoRoute, &request.headers),
            Some(Target::Local(service)) => {
                let body = LocalBody::new(body.map_err(Into::into));
                let Ok(answer) = service.call(Request::from_parts(request, body)).await;
                answer.map(Answer::Local)
            }
            Some(Target::Cluster { cluster, pin, trace }) => {
                let (endpoints, cluster) = (&self.endpoints[cluster.0], &self.shared.clusters[cluster.0]);
                let trace = *trace && request.headers.contains_key(header::TRACE);
                let ties = cluster.ties_of(&request, pin.as_ref(), client);
                let head = forward::outgoing(request, &authority, client);
                let body = Replay::new(body, cluster.config().replay_limit, self.shared.clock);
                self.balance(cluster, endpoints, &head, &body, ties, trace).await
            }
        }
    }

    /// Tries endpoints until there is something to deliver.
    async fn balance(
        &self,
        cluster: &Arc<ClusterHandle>,
        endpoints: &[Endpoint<D>],
        head: &Head,
        body: &Replay,
        ties: Ties,
        trace: bool,
    ) -> Response<Answer<D::Stream>> {
        let clock = self.shared.clock;
        let began = clock.now();
        let mut attempts = cluster.attempts(began, head.is_idempotent());
        let mut next = match cluster.admit(&attempts, ties, began).await {
            Ok(lease) => Some(lease),
            Err(reject) => return rejected(reject, head.headers()),
        };
        if cluster.queued().is_some() {
            // What it has waited for its place is not taken from the time for its tries.
            attempts.begin_now(clock.now());
        }
        let mut race = Race::new(cluster, endpoints, head, body, ties);
        // The last real answer: it is passed on when everything else fails.
        let mut kept: Option<Carrying<D>> = None;
        let mut fresh = false;
        let outcome = loop {
            let Done { mut lease, result } = race.next(next.take(), fresh, &mut attempts).await;
            let (outcome, sent) = match &result {
                Ok((answer, _)) => (Outcome::Answered { status: answer.status().as_u16() }, body.sent()),
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
                    let answer = carry::<D>(hit, &endpoints[endpoint.index()], body, lease, binding);
                    if let Some(older) = kept.replace(answer) {
                        older.into_body().discard();
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
        let mut answer = match kept {
            Some(answer) => answer.map(Answer::Carried),
            None => rejected(missed(outcome, body), head.headers()),
        };
        if trace && let Some(told) = trace::render(&attempts, |id| cluster.name_of(id)) {
            answer.headers_mut().insert(header::TRACE, told);
        }
        answer
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

fn carry<D: Dial>(
    (answer, wire): Hit<D>,
    endpoint: &Endpoint<D>,
    request: &Replay,
    lease: Held,
    binding: Option<&HeaderValue>,
) -> Carrying<D> {
    let mut answer = answer.map(|body| Box::new(Carried::new(body, wire, endpoint, request, lease)));
    forward::incoming(answer.headers_mut(), binding);
    // Each hop speaks its own version (RFC 9110 §2.5); the server's side lowers it for clients that speak HTTP/1.0.
    *answer.version_mut() = Version::HTTP_11;
    answer
}

/// What a request that got no answer at all is told.
fn missed(outcome: Outcome, body: &Replay) -> Reject {
    match outcome {
        Outcome::Failed(failure) => Reject::Endpoint(failure),
        Outcome::Abandoned if body.client_failed() => Reject::BadRequest(BadRequest::Body),
        Outcome::Abandoned => Reject::ClientTimeout,
        Outcome::Answered { .. } | Outcome::Connected | Outcome::Overtaken => {
            unreachable!("an answer is kept, and delivered")
        }
    }
}

fn rejected<S>(reject: Reject, request: &http::HeaderMap) -> Response<Answer<S>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    tracing::debug!(reason = reject.token(), "rejected");
    reject.answer(request).map(|words| Answer::Reject(Some(words)))
}
