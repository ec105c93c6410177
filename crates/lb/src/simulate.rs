//! `lb simulate`: how a cluster of the configuration would do, with as many endpoints and failures as one likes.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use lb_proxy::ClusterConfig;
use lb_sim::Arrivals;
use serde_json::json;

use crate::cli::{complain, say};
use crate::config::{Config, parse_time};
use crate::simulation::{self, BadWorld, Latency, Step, Summary, World};

/// What can be said of the simulated world.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The cluster to simulate; needed only if the configuration has several
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// How many endpoints there are: those of the configuration, again and again [default: just those]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    endpoints: Option<u32>,

    /// Requests a second, by chance (a Poisson process)
    #[arg(long, value_name = "NUMBER", default_value = "1000", value_parser = rate)]
    rate: f64,

    /// In place of a rate: so many clients, each of which waits for its answer and thinks for a second in the mean
    #[arg(long, value_name = "NUMBER", conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    clients: Option<u32>,

    /// For how long requests come
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = duration)]
    length: Duration,

    /// How long an answer takes: "20ms", "uniform 1ms 50ms", "exponential 20ms", "lognormal 20ms 0.5"
    #[arg(long, value_name = "LATENCY", default_value = "exponential 20ms")]
    latency: Latency,

    /// How many requests an endpoint works on at once, the others wait there [default: any number]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    slots: Option<u32>,

    /// How many balancers stand side by side, each with a view of its own
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    balancers: u32,

    /// How long clients wait for an answer [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    patience: Option<Duration>,

    /// What goes wrong, as in "at 10s kill 30% for 20s"; may be said several times
    #[arg(long = "fail", value_name = "STEP")]
    steps: Vec<Step>,

    /// The same seed gives the same simulation
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Prints the figures as JSON
    #[arg(long)]
    json: bool,
}

/// What `--fail` takes, for the help.
pub(crate) const STEPS: &str = "\
Steps (which: all, a share such as 30%, a number such as 3, or names such as web1,web3):
  at TIME kill WHICH [for TIME]                   connections are refused
  at TIME hang WHICH [for TIME]                   requests are never answered
  at TIME errors STATUS [SHARE] WHICH [for TIME]  all requests, or that share, are answered so
  at TIME slow FACTORx WHICH [for TIME]           answers take so many times as long
  at TIME latency TIME WHICH [for TIME]           answers take just so long
  at TIME rate NUMBER                             so many requests a second from then on

The balancing is that of production: choosing, retries, ejections, probes. Queues, hedging and sticky sessions are not
simulated, and a request's key is drawn at random.";

/// Runs the command.
pub(crate) fn run(config: &Config, arguments: Arguments) -> ExitCode {
    match simulate(config, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&format!("lb simulate: {problem}\n"));
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    World(#[from] BadWorld),
    #[error("the configuration has no cluster {0:?}\n  hint: {1}")]
    NoSuchCluster(String, String),
    #[error("the configuration has no cluster")]
    NoCluster,
    #[error("the configuration has several clusters\n  hint: choose one with --cluster: {0}")]
    SeveralClusters(String),
}

fn simulate(config: &Config, arguments: Arguments) -> Result<(), Problem> {
    let cluster = find(config, arguments.cluster.as_deref())?;
    let think = Duration::from_secs(1);
    let open = Arrivals::Open { per_second: arguments.rate };
    let world = World {
        endpoints: arguments.endpoints,
        balancers: arguments.balancers,
        latency: arguments.latency,
        slots: arguments.slots,
        arrivals: arguments.clients.map_or(open, |clients| Arrivals::Closed { clients, think }),
        patience: arguments.patience,
        length: arguments.length,
        steps: arguments.steps,
        seed: arguments.seed,
    };
    let setup = world.setup(cluster)?;
    let (report, took) = simulation::run(&setup);
    let summary = Summary::new(&setup, &report);
    if arguments.json {
        let mut told = json!(summary);
        told["cluster"] = json!(cluster.name);
        told["algorithm"] = json!(cluster.policy.algorithm.name());
        told["took_ms"] = json!(took.as_secs_f64() * 1000.0);
        say(&told.to_string());
    } else {
        say(&format!("{}\n{summary}", Head { cluster, summary: &summary, took }));
    }
    Ok(())
}

struct Head<'a> {
    cluster: &'a ClusterConfig,
    summary: &'a Summary,
    took: Duration,
}

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, summary, took } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let balancers = summary.balancers as usize;
        writeln!(
            f,
            "{}: {}, {} endpoint{}, {balancers} balancer{}, seed {}; {:.1} s simulated in {:.2} s",
            cluster.name,
            cluster.policy.algorithm,
            summary.endpoints,
            plural(summary.endpoints),
            plural(balancers),
            summary.seed,
            summary.simulated_ms / 1000.0,
            took.as_secs_f64()
        )
    }
}

fn find<'c>(config: &'c Config, name: Option<&str>) -> Result<&'c ClusterConfig, Problem> {
    let names = || config.clusters.iter().map(|cluster| cluster.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, &config.clusters[..]) {
        (Some(name), clusters) => clusters
            .iter()
            .find(|cluster| cluster.name == name)
            .ok_or_else(|| Problem::NoSuchCluster(name.to_owned(), format!("it has {}", names()))),
        (None, [cluster]) => Ok(cluster),
        (None, []) => Err(Problem::NoCluster),
        (None, _) => Err(Problem::SeveralClusters(names())),
    }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_time(text).ok_or("write a number with a unit, as in 250ms, 10s, 2m")
}

fn rate(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|rate| (0.001..=1e7).contains(rate)).ok_or("it takes a number from 0.001 to 10000000")
}
