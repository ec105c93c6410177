//! The same by others, called as their users call them.
//!
//! - pingora-load-balancing's bare selection chooses, and no more: nobody asks whether the endpoint is up or was tried, and
//!   nothing counts what it has in flight. Its `LoadBalancer::select`, which a proxy calls, asks for health and passes no
//!   endpoint twice; it counts nothing in flight either.
//! - tower's `Balance` chooses the better of two by load. One pick is `poll_ready`, which chooses, and `call`, which takes
//!   what was chosen; its endpoint here is always ready and answers at once, and the answer's future, which holds the
//!   count in flight, is kept or dropped as our lease is. It belongs to one task, so its counts are not shared by
//!   workers.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::BatchSize;
use pingora_load_balancing::selection::{BackendIter, BackendSelection};
pub(super) use pingora_load_balancing::selection::{Consistent, Random, RoundRobin};
use pingora_load_balancing::{Backend, LoadBalancer};
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, Load, PeakEwma, PendingRequests};

use super::Group;

/// A selection that looks on is to end somewhere; here the first one is good.
const MOST_STEPS: usize = 8;

/// What pingora's proxies call.
pub(super) fn pingora_selects<S>(group: &mut Group<'_>, count: u32)
where
    S: BackendSelection<Config: Default> + Send + Sync + 'static,
    S::Iter: BackendIter,
{
    let balancer: LoadBalancer<S> =
        LoadBalancer::try_from_iter((0..count).map(address)).expect("literal addresses need no resolver");
    let mut keys = keys();
    group.bench_function("pingora LoadBalancer", |bencher| {
        bencher.iter(|| black_box(balancer.select(black_box(&keys()), MOST_STEPS)));
    });
}

/// The bare choice within it.
pub(super) fn pingora_iterates<S>(group: &mut Group<'_>, count: u32)
where
    S: BackendSelection<Config: Default>,
    S::Iter: BackendIter,
{
    let selection = Arc::new(S::build(&backends(count)));
    let mut keys = keys();
    group.bench_function("pingora selection", |bencher| {
        bencher.iter(|| black_box(selection.iter(black_box(&keys())).next().map(|backend| backend.weight)));
    });
}

/// The bare choice's tables.
pub(super) fn pingora_builds<S: BackendSelection<Config: Default>>(group: &mut Group<'_>, count: u32) {
    let backends = backends(count);
    group.bench_function("pingora selection", |bencher| {
        bencher.iter_batched(|| (), |()| S::build(black_box(&backends)), BatchSize::PerIteration);
    });
}

pub(super) fn tower_by_load(group: &mut Group<'_>, count: u32, in_flight: usize) {
    let endpoint = |_| PendingRequests::new(Ideal, CompleteOnResponse::default());
    tower_picks(group, "tower PendingRequests", (0..count).map(endpoint), in_flight);
}

pub(super) fn tower_by_latency(group: &mut Group<'_>, count: u32, in_flight: usize) {
    const DECAY_NS: f64 = 10e9;
    let first = Duration::from_millis(30);
    let endpoint = |_| PeakEwma::new(Ideal, first, DECAY_NS, CompleteOnResponse::default());
    tower_picks(group, "tower PeakEwma", (0..count).map(endpoint), in_flight);
}

fn tower_picks<S>(group: &mut Group<'_>, name: &str, endpoints: impl Iterator<Item = S>, in_flight: usize)
where
    S: Service<(), Error = Infallible> + Load<Metric: Debug>,
{
    let mut balance = Balance::new(ServiceList::new::<()>(endpoints.collect::<Vec<_>>()));
    let mut context = Context::from_waker(Waker::noop());
    let mut answers = VecDeque::with_capacity(in_flight + 1);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            assert!(matches!(balance.poll_ready(&mut context), Poll::Ready(Ok(()))), "all are ready");
            answers.push_back(balance.call(()));
            if answers.len() > in_flight {
                drop(answers.pop_front());
            }
        });
    });
}

/// An endpoint that is always ready.
struct Ideal;

impl Service<()> for Ideal {
    type Response = ();
    type Error = Infallible;
    type Future = Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(()))
    }
}

fn keys() -> impl FnMut() -> [u8; 8] {
    let mut key = 1u64;
    move || {
        key = key.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        key.to_le_bytes()
    }
}

fn address(n: u32) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from(0x0A00_0000 + n), 80)
}

fn backends(count: u32) -> BTreeSet<Backend> {
    (0..count).map(|n| Backend::new(&address(n).to_string()).expect("a literal address")).collect()
}
