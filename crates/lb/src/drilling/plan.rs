//! From a drill's file, written for some cluster, to what is done to the cluster that runs: which endpoints, by which faults,
//! when, and in which words that is told.

use std::time::Duration;

use lb_balance::EndpointId;
use lb_proxy::{ClusterConfig, ClusterId, FaultKind};
use lb_sim::{Arrivals, Setup};

use crate::drill::{Drill, Expectation};
use crate::simulation::{self, BadWorld, Which};

/// More requests a second are not made: lb is to be tried, not the machine, and the drill shares that with it.
pub(super) const MOST_RATE: f64 = 500.0;

/// More endpoints at a time are not broken: each fault that is played is looked at by every request.
const MOST_BROKEN: usize = 64;

/// Longer, and it would be forgotten.
const LONGEST: Duration = Duration::from_hours(1);

/// What is to be done, complete.
pub(crate) struct Plan {
    pub(super) name: String,
    pub(super) cluster: ClusterId,
    /// In the order of time.
    pub(super) steps: Vec<Step>,
    pub(super) expectations: Vec<Expectation>,
    pub(super) arrivals: Arrivals,
    pub(super) patience: Option<Duration>,
    pub(super) length: Duration,
    /// The simulation that this is like: when what goes wrong.
    pub(super) setup: Setup,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) says: String,
    pub(super) action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// Some endpoints misbehave for so long.
    Play { endpoints: Vec<EndpointId>, how: How, lasts: Duration },
    /// So many requests a second come from then on.
    Rate(f64),
    /// Something is told, and nothing is done.
    Note,
}

/// How an endpoint misbehaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum How {
    /// So many of a million attempts meet this.
    Fault(FaultKind, u32),
    /// Each attempt waits for so many times as long as the endpoint usually takes.
    Slower(f64),
}

/// Why a drill cannot be run against the endpoints as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("no route leads to a cluster, or each lets requests choose their endpoint")]
    NoRoute,
    #[error(transparent)]
    World(#[from] BadWorld),
    #[error("the drill's {0:?} is number {1} of its cluster, and there are only {2} endpoints here")]
    TooFew(String, usize, usize),
    #[error("a step makes endpoints {0} times as slow; what runs can only be made slower")]
    Faster(f64),
    #[error("a step makes processors scarce, which lb cannot play")]
    Processors,
    #[error("a step is for {0} endpoints; at most {MOST_BROKEN} are broken at a time")]
    TooManyBroken(usize),
    #[error("it takes {}; a drill that runs live takes at most an hour", in_words(*.0))]
    TooLong(Duration),
    #[error("lb counts nothing, as metrics = false says: {0:?} cannot be measured")]
    NotCounted(String),
    #[error("a step makes endpoints slower than they are, and lb counts nothing, as metrics = false says")]
    NotTimed,
}

impl Plan {
    /// The drill, to be run against that cluster. `counts` says whether lb counts its requests.
    pub(crate) fn new(
        name: String,
        mut drill: Drill,
        (id, cluster): (ClusterId, &ClusterConfig),
        counts: bool,
    ) -> Result<Self, Unfit> {
        if drill.world.length > LONGEST {
            return Err(Unfit::TooLong(drill.world.length));
        }
        if let Some(expectation) = drill.expectations.iter().find(|one| one.needs_counts() && !counts) {
            return Err(Unfit::NotCounted(expectation.text().to_owned()));
        }
        drill.world.endpoints = None;
        for step in &mut drill.world.steps {
            if let simulation::Action::Fault { which: Which::Names(names), .. } = &mut step.action {
                for name in names {
                    *name = name_here(name, &drill.cluster, cluster)?;
                }
            }
        }
        // Which endpoints a share or a number means is drawn as in the simulation, from those that are here.
        let mut setup = drill.world.setup(cluster)?;
        let mut steps = Vec::new();
        let arrivals = bounded(setup.arrivals, &mut steps);
        setup.arrivals = arrivals;
        for (from, rate) in &setup.rates {
            let (rate, wanted) = (rate.min(MOST_RATE), *rate);
            let cut = if wanted > rate { format!(", not {wanted}: no live drill makes more") } else { String::new() };
            let says = format!("{rate} requests a second come from then on{cut}");
            steps.push(Step { at: *from, says, action: Action::Rate(rate) });
        }
        for fault in &setup.faults {
            steps.push(play(fault, cluster, drill.world.length, counts)?);
        }
        steps.sort_by_key(|step| step.at);
        Ok(Self {
            name,
            cluster: id,
            steps,
            expectations: drill.expectations,
            arrivals,
            patience: drill.world.patience,
            length: drill.world.length,
            setup,
        })
    }
}

/// What an endpoint of the file's cluster is called here: by its name, else by its place.
fn name_here(name: &str, file: &ClusterConfig, here: &ClusterConfig) -> Result<String, Unfit> {
    if here.endpoints.iter().any(|endpoint| endpoint.name() == name) {
        return Ok(name.to_owned());
    }
    // A name that nobody has is told by the setup.
    let Some(place) = file.endpoints.iter().position(|endpoint| endpoint.name() == name) else {
        return Ok(name.to_owned());
    };
    let there = here.endpoints.get(place).map(|endpoint| endpoint.name().to_owned());
    there.ok_or_else(|| Unfit::TooFew(name.to_owned(), place + 1, here.endpoints.len()))
}

/// No more requests than a drill makes; a cut is told.
fn bounded(arrivals: Arrivals, steps: &mut Vec<Step>) -> Arrivals {
    let mut note = |says| steps.push(Step { at: Duration::ZERO, says, action: Action::Note });
    match arrivals {
        Arrivals::Open { per_second } if per_second > MOST_RATE => {
            note(format!("{MOST_RATE} requests a second come, not {per_second}: no live drill makes more"));
            Arrivals::Open { per_second: MOST_RATE }
        }
        // Each of them asks once in the time that it thinks, or less often.
        Arrivals::Closed { clients, think } if f64::from(clients) > MOST_RATE * think.as_secs_f64() => {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "less than the clients there are"
            )]
            let fewer = (MOST_RATE * think.as_secs_f64()) as u32;
            note(format!(
                "{fewer} clients ask, not {clients}: no live drill makes more than {MOST_RATE} requests a second"
            ));
            Arrivals::Closed { clients: fewer, think }
        }
        arrivals => arrivals,
    }
}

fn play(fault: &lb_sim::Fault, cluster: &ClusterConfig, length: Duration, counts: bool) -> Result<Step, Unfit> {
    if fault.endpoints.len() > MOST_BROKEN {
        return Err(Unfit::TooManyBroken(fault.endpoints.len()));
    }
    let who = listed(fault.endpoints.iter().map(|index| cluster.endpoints[*index as usize].name()));
    let many = fault.endpoints.len() > 1;
    let (how, says) = match fault.kind {
        lb_sim::FaultKind::Kill => {
            let says = format!("{who} {} killed: each attempt's connection breaks", if many { "are" } else { "is" });
            (How::Fault(FaultKind::Reset, ALL), says)
        }
        lb_sim::FaultKind::Errors { status, part } => {
            let says = format!("{who}: {} % of the attempts are answered {status}", in_hundred(part));
            (How::Fault(FaultKind::Abort(status), per_million(part)), says)
        }
        lb_sim::FaultKind::Hang => {
            // Beyond what an attempt may take, lb gives up on it.
            let limits = cluster.timeouts;
            let beyond = limits.attempt.unwrap_or(limits.response).min(limits.response);
            (
                How::Fault(FaultKind::Delay(beyond, beyond), ALL),
                format!("{who} {}", if many { "hang" } else { "hangs" }),
            )
        }
        lb_sim::FaultKind::Slow { factor } if factor < 1.0 => return Err(Unfit::Faster(factor)),
        lb_sim::FaultKind::Slow { .. } if !counts => return Err(Unfit::NotTimed),
        lb_sim::FaultKind::Slow { factor } => {
            (How::Slower(factor), format!("{who}: answers take {factor} times as long as so far"))
        }
        lb_sim::FaultKind::Fixed { latency } => (
            How::Fault(FaultKind::Delay(latency, latency), ALL),
            format!("{who}: answers take {} longer", in_words(latency)),
        ),
        lb_sim::FaultKind::Processors { .. } => return Err(Unfit::Processors),
    };
    let until = fault.until.unwrap_or(length).min(length);
    let lasts = until.saturating_sub(fault.from);
    let says = if until < length { format!("{says}, for {}", in_words(lasts)) } else { format!("{says}, to the end") };
    let endpoints = fault.endpoints.iter().map(|index| EndpointId(*index)).collect();
    Ok(Step { at: fault.from, says, action: Action::Play { endpoints, how, lasts } })
}

fn in_words(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

/// Of a million, every one.
pub(super) const ALL: u32 = 1_000_000;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a million")]
fn per_million(part: f64) -> u32 {
    (part * f64::from(ALL)).round() as u32
}

/// A part in percent, without the digits that only the arithmetic made.
fn in_hundred(part: f64) -> f64 {
    f64::from(per_million(part)) / 10_000.0
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const NAMED: usize = 4;
    let names: Vec<_> = names.collect();
    match names.len() {
        0..=NAMED => names.join(", "),
        more => format!("{} and {} more", names[..NAMED - 1].join(", "), more + 1 - NAMED),
    }
}

#[cfg(test)]
mod tests;
