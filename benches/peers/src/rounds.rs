//! The order of things: rounds of CPU and latency, each in an order by chance, then what needs only one run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::Result;

use crate::arguments::{Arguments, Kind};
use crate::case::{CASES, Case};
use crate::load::Load;
use crate::measure::{calls, cpu, instructions, latency, memory, watched};
use crate::peers::{Peer, Programs};
use crate::results::{Figure, Results};
use crate::running::{Mode, Running};

/// The case of latency, memory and instructions, which are measured with it alone.
pub(crate) const TYPICAL: Case = CASES[1];

/// Everything that a run needs.
struct Run<'a> {
    arguments: &'a Arguments,
    programs: Programs,
    load: Load,
    core: usize,
    /// Those that run already; an idle one uses no CPU.
    proxies: BTreeMap<(Peer, Mode), Running>,
    results: Results,
}

/// Measures all that is asked for.
pub(crate) fn run(arguments: &Arguments, programs: Programs, load: Load, core: usize) -> Result<Results> {
    let proxies = BTreeMap::new();
    let mut run = Run { arguments, programs, load, core, proxies, results: Results::default() };
    run.rounds()?;
    if arguments.wants(Kind::Calls) {
        run.calls()?;
    }
    // From here on each proxy is a new one.
    run.proxies.clear();
    if arguments.wants(Kind::Memory) {
        run.memory()?;
    }
    if arguments.wants(Kind::Instructions) {
        run.instructions()?;
    }
    Ok(run.results)
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Cpu(Case),
    Latency,
    Watched,
}

impl Run<'_> {
    fn rounds(&mut self) -> Result<()> {
        let rounds = self.arguments.rounds();
        let mut failed = Vec::new();
        for round in 1..=rounds {
            let mut steps = self.steps();
            fastrand::shuffle(&mut steps);
            for (peer, step) in steps {
                if failed.contains(&(peer, step)) {
                    continue;
                }
                let said = match step {
                    Step::Cpu(case) => self.cpu(peer, &case),
                    Step::Latency => self.latency(peer),
                    Step::Watched => self.watched(peer),
                };
                if !self.say(&format!("round {round} of {rounds}"), peer, step.name(), said)? {
                    failed.push((peer, step));
                }
            }
        }
        Ok(())
    }

    fn steps(&self) -> Vec<(Peer, Step)> {
        let mut steps = Vec::new();
        for peer in self.arguments.peers() {
            if self.arguments.wants(Kind::Cpu) {
                steps.extend(cases(self.arguments, peer).map(|case| (peer, Step::Cpu(case))));
            }
            if self.arguments.wants(Kind::Latency) {
                steps.push((peer, Step::Latency));
            }
        }
        if self.arguments.wants(Kind::Watched) {
            steps.extend(Peer::LOOKING.map(|peer| (peer, Step::Watched)));
        }
        steps
    }

    /// Tells what came of a step; whether it is good. What fails is left out from then on, and told in the end; its proxy
    /// is started anew for the next step.
    fn say(&mut self, when: &str, peer: Peer, step: &str, said: Result<String>) -> Result<bool> {
        let good = said.is_ok();
        let said = match said {
            Ok(said) => said,
            Err(error) if self.load.is_interrupted() => return Err(error),
            Err(error) => {
                self.load.abandon();
                self.proxies.retain(|(other, _), _| *other != peer);
                self.results.failures.push(format!("{}, {step}: {error:#}", peer.name()));
                format!("FAILED: {error:#}")
            }
        };
        println!("{when:13} {:8} {step:15} {said}", peer.name());
        Ok(good)
    }

    fn cpu(&mut self, peer: Peer, case: &Case) -> Result<String> {
        let time = self.arguments.time();
        let (load, proxy) = self.proxy(peer, case)?;
        let sample = cpu::measure(load, proxy, case, time)?;
        self.results.add(Figure::Cpu, case.name, peer, sample.per_request);
        self.results.add(Figure::User, case.name, peer, sample.used.user);
        self.results.add(Figure::System, case.name, peer, sample.used.system);
        Ok(format!("{:8.2} us a request, {:.0} requests a second", sample.per_request, sample.rate))
    }

    fn latency(&mut self, peer: Peer) -> Result<String> {
        let time = self.arguments.time();
        let (load, proxy) = self.proxy(peer, &TYPICAL)?;
        let latency = latency::measure(load, proxy, &TYPICAL, time)?;
        for (figure, value) in [
            (Figure::P50, latency.p50),
            (Figure::P99, latency.p99),
            (Figure::LoadWaited, latency.load_waited),
            (Figure::ProxyWaited, latency.proxy_waited),
        ] {
            self.results.add(figure, TYPICAL.name, peer, value);
        }
        Ok(format!("{:8.0} us p50, {:.0} us p99", latency.p50, latency.p99))
    }

    fn watched(&mut self, peer: Peer) -> Result<String> {
        let time = self.arguments.time();
        let (load, proxy) = self.proxy(peer, &TYPICAL)?;
        let per_request = watched::measure(load, proxy, &TYPICAL, time)?;
        self.results.add(Figure::Watched, TYPICAL.name, peer, per_request);
        Ok(format!("{per_request:8.2} us a request, at {} a second", watched::RATE))
    }

    fn calls(&mut self) -> Result<()> {
        for peer in self.arguments.peers() {
            for case in cases(self.arguments, peer) {
                let said = self.calls_of(peer, &case);
                self.say("calls", peer, case.name, said)?;
            }
        }
        Ok(())
    }

    fn calls_of(&mut self, peer: Peer, case: &Case) -> Result<String> {
        // A megabyte is many calls; and each connection is to have several requests.
        let requests = if case.answer.max(case.upload) > 8 * 1024 { 96 } else { 1000.max(3 * case.connections) };
        let (load, proxy) = self.proxy(peer, case)?;
        let calls = calls::count(load, proxy, case, requests)?;
        let sum: u64 = calls.values().sum();
        self.results.add(Figure::Calls, case.name, peer, sum as f64 / requests as f64);
        let mut kinds: Vec<_> = calls.into_iter().map(|(name, count)| (count as f64 / requests as f64, name)).collect();
        kinds.sort_by(|a, b| b.0.total_cmp(&a.0));
        let kinds: Vec<_> = kinds.iter().take(7).map(|(count, name)| format!("{name} {count:.2}")).collect();
        Ok(format!("{:8.2} a request: {}", sum as f64 / requests as f64, kinds.join(", ")))
    }

    fn memory(&mut self) -> Result<()> {
        for peer in self.arguments.peers() {
            let said = self.memory_of(peer);
            self.say("memory", peer, "idle", said)?;
            self.proxies.clear();
        }
        Ok(())
    }

    fn memory_of(&mut self, peer: Peer) -> Result<String> {
        let (load, proxy) = self.proxy(peer, &TYPICAL)?;
        let memory = memory::measure(load, proxy, &TYPICAL)?;
        let each = (memory.after - memory.before) / memory::IDLE as f64;
        for (figure, value) in [
            (Figure::MemoryBefore, memory.before),
            (Figure::MemoryAfter, memory.after),
            (Figure::MemoryServing, memory.serving),
            (Figure::MemoryEach, each),
        ] {
            self.results.add(figure, TYPICAL.name, peer, value);
        }
        Ok(format!("{each:8.0} bytes a connection"))
    }

    fn instructions(&mut self) -> Result<()> {
        for peer in self.arguments.peers().into_iter().filter(|peer| peer.runs_in_valgrind()) {
            let count = instructions::count(&mut self.load, peer, &self.programs, self.core, &TYPICAL, 3000);
            if let Ok(count) = count {
                self.results.add(Figure::Instructions, TYPICAL.name, peer, count);
            }
            self.say("instructions", peer, TYPICAL.name, count.map(|count| format!("{count:8.0} a request")))?;
        }
        Ok(())
    }

    /// The load, and the proxy that this case needs; it is started if it does not run yet.
    fn proxy(&mut self, peer: Peer, case: &Case) -> Result<(&mut Load, &Running)> {
        let mode = if case.logs { Mode::Logs } else { Mode::Plain };
        let proxy = match self.proxies.entry((peer, mode)) {
            Entry::Occupied(running) => running.into_mut(),
            Entry::Vacant(place) => {
                place.insert(Running::start(peer, mode, &self.programs, self.load.endpoints(), self.core)?)
            }
        };
        Ok((&mut self.load, proxy))
    }
}

/// What is asked for and can be had from this proxy.
fn cases(arguments: &Arguments, peer: Peer) -> impl Iterator<Item = Case> {
    arguments.case.iter().copied().filter(move |case| peer.has_log() || !case.logs)
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu(case) => case.name,
            Self::Latency => "latency",
            Self::Watched => "watched",
        }
    }
}
