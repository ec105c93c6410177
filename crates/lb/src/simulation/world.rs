//! A cluster of `lb.toml` and a few words about its world become a simulation's setup.

use std::time::Duration;

use fastrand::Rng;
use lb_proxy::ClusterConfig;
use lb_sim::{Arrivals, BalancerConfig, Capacity, Fault, Script, Setup};

use super::step::{Action, Which};
use super::{Latency, Step};

/// What surrounds the balancers.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// How many endpoints there are: the cluster's own, again and again; `None`: just those.
    pub(crate) endpoints: Option<u32>,
    /// How many balancers stand side by side.
    pub(crate) balancers: u32,
    /// How long an answer takes.
    pub(crate) latency: Latency,
    /// How many requests an endpoint works on at once, the others wait there; `None`: any number.
    pub(crate) slots: Option<u32>,
    /// Who asks.
    pub(crate) arrivals: Arrivals,
    /// How long a client waits; `None`: for ever.
    pub(crate) patience: Option<Duration>,
    /// How long it goes on.
    pub(crate) length: Duration,
    /// What happens.
    pub(crate) steps: Vec<Step>,
    pub(crate) seed: u64,
}

/// A step that does not fit the cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadWorld {
    #[error("the cluster has no endpoint {0:?}")]
    NoSuchEndpoint(String),
    #[error("a closed loop has no rate that could be changed; say at how many requests a second they come")]
    RateOfClosedLoop,
    #[error("a step is for {0} of {1} endpoints; say how many between one and all of them")]
    NotSoMany(usize, usize),
    #[error("nothing happens after the end: a step begins at {0:?}")]
    AfterTheEnd(Duration),
}

impl World {
    /// The setup of a simulation of that cluster.
    pub(crate) fn setup(&self, cluster: &ClusterConfig) -> Result<Setup, BadWorld> {
        let own = &cluster.endpoints;
        let count = self.endpoints.map_or(own.len(), |count| count as usize);
        let endpoints: Vec<_> = (0..count)
            .map(|index| {
                let mut endpoint = own[index % own.len()].endpoint.clone();
                if index >= own.len() {
                    endpoint.name = format!("{}-{}", endpoint.name, index / own.len() + 1);
                }
                endpoint
            })
            .collect();
        let capacity = self.slots.map_or(Capacity::Unlimited, Capacity::Slots);
        let mut setup = Setup {
            scripts: vec![Script { latency: self.latency.0, capacity }; count],
            balancer: BalancerConfig {
                endpoints,
                policy: cluster.policy,
                retry: cluster.retry.clone(),
                budget: cluster.budget,
                attempt_timeout: cluster.timeouts.attempt.unwrap_or(cluster.timeouts.response),
                probe_timeout: cluster.probe.as_ref().map_or(Duration::MAX, |probe| probe.timeout),
                reference: None,
            },
            balancers: self.balancers,
            faults: Vec::new(),
            arrivals: self.arrivals,
            rates: Vec::new(),
            patience: self.patience,
            idempotent: true,
            length: self.length,
            warm_up: Duration::ZERO,
            seed: self.seed,
        };
        let mut rng = Rng::with_seed(self.seed);
        for step in &self.steps {
            add(&mut setup, step, &mut rng)?;
        }
        setup.rates.sort_by_key(|(from, _)| *from);
        Ok(setup)
    }
}

fn add(setup: &mut Setup, step: &Step, rng: &mut Rng) -> Result<(), BadWorld> {
    if step.at >= setup.length {
        return Err(BadWorld::AfterTheEnd(step.at));
    }
    match &step.action {
        Action::Rate(_) if matches!(setup.arrivals, Arrivals::Closed { .. }) => return Err(BadWorld::RateOfClosedLoop),
        Action::Rate(rate) => setup.rates.push((step.at, *rate)),
        Action::Fault { kind, which, lasts } => {
            let endpoints = choose(setup, which, rng)?;
            let until = lasts.map(|lasts| step.at + lasts);
            setup.faults.push(Fault { endpoints, kind: *kind, from: step.at, until });
        }
    }
    Ok(())
}

fn choose(setup: &Setup, which: &Which, rng: &mut Rng) -> Result<Vec<u32>, BadWorld> {
    let names = &setup.balancer.endpoints;
    let all: Vec<u32> = (0u32..).take(names.len()).collect();
    let mut some = |count: usize| {
        if count == 0 || count > all.len() {
            return Err(BadWorld::NotSoMany(count, all.len()));
        }
        let mut chosen = rng.choose_multiple(all.iter().copied(), count);
        chosen.sort_unstable();
        Ok(chosen)
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    Ok(match which {
        Which::All => all.clone(),
        Which::Share(share) => some((names.len() as f64 * share).round() as usize)?,
        Which::Count(count) => some(*count as usize)?,
        Which::Names(wanted) => {
            let find = |name: &String| {
                let place = (0u32..).zip(names).find(|(_, endpoint)| endpoint.name == *name);
                place.map(|(index, _)| index).ok_or_else(|| BadWorld::NoSuchEndpoint(name.clone()))
            };
            wanted.iter().map(find).collect::<Result<_, _>>()?
        }
    })
}
