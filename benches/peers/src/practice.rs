//! Works `lb` in: what a compiler is to know of it when it is guided by a profile (`benches/release`).
//!
//! The weight is on what a request costs where all is well. But every algorithm has its turn, and retries, hedges, queues, logs,
//! traces and chunks have theirs: what a profile never saw is taken for of no importance, and made small in place of quick. Tunnels,
//! files and the admin API are not here: they do little on a request's way, or are asked for seldom.

mod chunks;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::case::{CASES, Case};
use crate::load::{ENDPOINTS, Load, Until};
use crate::peers::lb;
use crate::rounds::TYPICAL;
use crate::running::Running;

/// How long each kind of work takes where all is well.
const USUAL: Duration = Duration::from_millis(1500);

/// How long the typical one takes elsewhere.
const REST: Duration = Duration::from_millis(300);

/// One configuration.
struct Practice {
    about: &'static str,
    /// Its tables, apart from the cluster's.
    tables: &'static str,
    /// The keys of its cluster.
    cluster: &'static str,
    /// Whether endpoints fail.
    flawed: bool,
    /// Whether somebody has the page open.
    watched: bool,
}

/// A connection lasts as long as a kind of work does.
const LIMITS: &str = "[limits]\nrequests-per-connection = 1000000\n";

const PLAIN: Practice = Practice { about: "", tables: "", cluster: "", flawed: false, watched: false };

const REST_OF_IT: [Practice; 13] = [
    Practice { about: "least-request", cluster: r#"algorithm = "least-request""#, ..PLAIN },
    Practice { about: "two-choices", cluster: r#"algorithm = "two-choices""#, ..PLAIN },
    Practice { about: "peak-ewma", cluster: r#"algorithm = "peak-ewma""#, ..PLAIN },
    Practice { about: "random", cluster: r#"algorithm = "random""#, ..PLAIN },
    Practice { about: "ring", cluster: "algorithm = \"ring\"\nhash = { path = true }", ..PLAIN },
    Practice {
        about: "maglev",
        cluster: "algorithm = \"maglev\"\nhash = { cookie = \"session\", bound = \"125%\" }",
        ..PLAIN
    },
    Practice { about: "sticky", cluster: "sticky = {}", ..PLAIN },
    Practice {
        about: "probes and outliers",
        cluster: "probe = { kind = \"tcp\" }\nhealth = { outliers = {} }",
        ..PLAIN
    },
    Practice { about: "a queue", cluster: "max-in-flight = 4\nqueue = { size = 1000 }", ..PLAIN },
    Practice {
        about: "retries",
        cluster: "retry = { budget = \"off\", non-idempotent = true }\nhealth = { max-fails = 0 }",
        flawed: true,
        ..PLAIN
    },
    Practice {
        about: "ejections",
        cluster: "retry = { non-idempotent = true }\nhealth = { eject-time = \"50ms\", max-eject-time = \"50ms\" }",
        flawed: true,
        ..PLAIN
    },
    Practice {
        about: "hedges",
        cluster: "retry = { budget = \"off\", non-idempotent = true, hedge = { after = \"1ms\" } }\nhealth = { max-fails = 0 }",
        flawed: true,
        ..PLAIN
    },
    Practice {
        about: "logs and traces",
        tables: "[access-log]\npath = \"access.log\"\n[traces]\nsample = \"10%\"\n",
        watched: true,
        ..PLAIN
    },
];

/// Works it in, and tells how far it has come.
pub(crate) fn run(lb: &Path, mut load: Load, core: usize) -> Result<()> {
    let usual = Practice { cluster: r#"preset = "nginx""#, ..PLAIN };
    let mut proxy = start(lb, &usual, load.endpoints(), core)?;
    for case in CASES.iter().filter(|case| !case.logs) {
        work(&mut load, &proxy, case, USUAL, case.about)?;
    }
    // It writes what it has learnt as it ends.
    proxy.stop()?;
    for practice in &REST_OF_IT {
        load.flaw(practice.flawed);
        let mut proxy = start(lb, practice, load.endpoints(), core).with_context(|| practice.about)?;
        if practice.watched {
            proxy.watch()?;
        }
        for case in ["get-64", "post-1KiB"].map(|name| Case::named(name).expect("it is one of them")) {
            work(&mut load, &proxy, &case, if case == TYPICAL { REST } else { REST / 3 }, practice.about)?;
        }
        proxy.stop()?;
        // What it had under way with endpoints that fail is of no interest.
        load.abandon();
    }
    let mut proxy = start(lb, &PLAIN, chunks::endpoints()?, core)?;
    println!("chunks both ways: {} requests", chunks::work(proxy.address)?);
    proxy.stop()
}

fn start(lb: &Path, practice: &Practice, endpoints: [SocketAddr; ENDPOINTS], core: usize) -> Result<Running> {
    let line = |setup: &crate::peers::Setup<'_>| {
        let text = lb::text(setup, "", &format!("{LIMITS}{}", practice.tables), practice.cluster);
        std::fs::write(setup.folder.join(lb::FILE), text)?;
        Ok(vec![lb.to_str().context("a path is text")?.to_owned()])
    };
    Running::of(line, false, endpoints, core).context("lb does not start")
}

fn work(load: &mut Load, proxy: &Running, case: &Case, time: Duration, about: &str) -> Result<()> {
    let job = load.job(case, proxy.address);
    load.open(&job, case.connections).with_context(|| about.to_owned())?;
    let requests =
        load.closed_loop(&job, 0..case.connections, Until::Passed(time)).with_context(|| about.to_owned())?;
    load.close();
    println!("{about}, {}: {requests} requests", case.name);
    Ok(())
}
