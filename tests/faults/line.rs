//! The lines of the suite: what is broken, when, and under what load.

use std::time::Duration;

use super::backend::Fault;
use super::load::Load;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// As in a table's row.
    pub(crate) name: &'static str,
    /// What is done, for people.
    pub(crate) what: &'static str,
    pub(crate) load: Load,
    /// When what happens, in milliseconds since the start of the load, in order.
    pub(crate) acts: Vec<(u64, Act)>,
    pub(crate) surroundings: Surroundings,
    /// How long an answer's head may take.
    pub(crate) response: Duration,
    /// For lines in which nobody can succeed for a while: requests that are due this long after the last act are to.
    pub(crate) well_after: Option<Duration>,
}

/// Something that happens to a backend, by its place, or to the proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Kill(usize),
    Restart(usize),
    Stop(usize),
    Continue(usize),
    Fault(usize, Fault),
    /// The same at all backends.
    FaultEverywhere(Fault),
    /// So many clients connect and say nothing.
    Crowd(usize),
    /// They leave.
    Leave,
    /// The proxy's wall clock goes so many seconds wrong.
    Clock(i32),
}

/// In what the proxy lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surroundings {
    Usual,
    /// It may have so many descriptors.
    Descriptors(u32),
    /// Its address space may have so many MiB, and all its clients are slow and have much to send or to get.
    Memory(u32),
    /// Its log goes to a device that is always full.
    FullDisk,
    /// Its wall clock is ours to set; other clocks are not.
    OwnClock,
    /// Nobody answers at the third endpoint's address, not even with a refusal.
    Blackhole,
}

/// Three tries in all for what may be tried again, a second for a connection; an endpoint that fails three times
/// within two seconds is out for two. These are the lines of `lb`'s cluster.
pub(crate) fn policy(line: &Line) -> String {
    let response = line.response.as_secs();
    format!(
        "retry = {{ on = [\"error\", \"timeout\", \"invalid-header\", \"503\"], attempts = 3, timeout = \"30s\", budget = \"off\" }}\n\
         health = {{ max-fails = 3, fail-window = \"2s\", eject-time = \"2s\", max-eject-time = \"2s\" }}\n\
         timeouts = {{ connect = \"1s\", response = \"{response}s\", body = \"{response}s\", idle = \"60s\" }}\n"
    )
}

const SECOND: u64 = 1000;

fn line(name: &'static str, what: &'static str, acts: &[(u64, Act)]) -> Line {
    let load = Load {
        method: "GET",
        rate: 250,
        time: Duration::from_secs(3),
        connections: 50,
        size: 1000,
        patience: Duration::from_secs(5),
    };
    let response = Duration::from_secs(1);
    let (acts, surroundings) = (acts.to_vec(), Surroundings::Usual);
    Line { name, what, load, acts, surroundings, response, well_after: None }
}

/// A fault of the first backend that begins after half a second.
fn fault(name: &'static str, what: &'static str, fault: Fault) -> Line {
    line(name, what, &[(500, Act::Fault(0, fault))])
}

pub(crate) fn killed() -> Line {
    line(
        "killed",
        "One of three backends is killed (SIGKILL) after a second and stays away.",
        &[(SECOND, Act::Kill(0))],
    )
}

pub(crate) fn stopped() -> Line {
    let acts = [(SECOND, Act::Stop(0)), (5 * SECOND, Act::Continue(0))];
    let line = line("stopped for 4 s", "One backend is stopped (SIGSTOP) and goes on 4 s later (SIGCONT).", &acts);
    Line { load: Load { time: Duration::from_secs(6), ..line.load }, ..line }
}

pub(crate) fn reset_before_answer() -> Line {
    let what = "One backend reads each request and resets the connection.";
    fault("reset before the answer", what, Fault::ResetBeforeAnswer)
}

pub(crate) fn cut_in_mid_body() -> Line {
    let what = "One backend sends half of each answer and then a reset or an end, with Content-Length, with chunks, and \
                (only reset) with neither. No proxy that streams can hide it; it is to be loud.";
    let line = fault("cut in mid-body", what, Fault::CutInMidBody);
    Line { load: Load { size: 64 * 1024, ..line.load }, ..line }
}

pub(crate) fn busy() -> Line {
    fault("flood of 503", "One backend answers 503 at once.", Fault::Busy)
}

pub(crate) fn slow() -> Line {
    fault("3 s slow", "One backend answers after 3 s, where an answer may take 1 s.", Fault::Slow)
}

pub(crate) fn garbage() -> Line {
    fault("not HTTP", "One backend answers with bytes that are not HTTP.", Fault::Garbage)
}

pub(crate) fn stale() -> Line {
    let what = "All backends close right after each answer, without having said so.";
    line("closed after each answer", what, &[(500, Act::FaultEverywhere(Fault::CloseAfterAnswer))])
}

pub(crate) fn stale_post() -> Line {
    let line = stale();
    Line {
        name: "the same with POST",
        what: "As before, with POSTs, which are not to be sent twice.",
        load: Load { method: "POST", ..line.load },
        ..line
    }
}

pub(crate) fn extra_answer() -> Line {
    let what = "All backends send a second answer, of somebody else, right behind each answer.";
    line("an answer too many", what, &[(500, Act::FaultEverywhere(Fault::ExtraAnswer))])
}

pub(crate) fn reset_post() -> Line {
    let what = "One backend executes each POST and resets the connection. What it executed may not be sent again.";
    let line = fault("POST, executed and reset", what, Fault::ResetBeforeAnswer);
    Line { load: Load { method: "POST", ..line.load }, ..line }
}

pub(crate) fn all_away() -> Line {
    let each = |act: fn(usize) -> Act, at: u64| [0, 1, 2].map(|backend| (at, act(backend)));
    let acts = [each(Act::Kill, SECOND), each(Act::Restart, 3 * SECOND)].concat();
    let what = "All backends are killed after a second and are back 2 s later. Only failures of requests \
                that were due more than 2.5 s after that are counted, when everybody has had the time to notice.";
    let line = line("all away for 2 s", what, &acts);
    Line {
        load: Load { time: Duration::from_secs(7), ..line.load },
        well_after: Some(Duration::from_millis(2500)),
        ..line
    }
}

pub(crate) fn descriptors() -> Line {
    let what =
        "The proxy may have 60 descriptors. Ten clients ask on; 200 more connect and say nothing for 3 s, then leave.";
    let acts = [(500, Act::Crowd(200)), (3500, Act::Leave)];
    let line = line("60 descriptors", what, &acts);
    let load = Load { rate: 100, connections: 10, time: Duration::from_secs(5), ..line.load };
    Line { load, surroundings: Surroundings::Descriptors(60), ..line }
}

pub(crate) fn descriptors_without_keep_alive() -> Line {
    let line = descriptors();
    let what =
        "As before, and the backends keep no connection, so that each request needs a descriptor towards them too.";
    let acts = [vec![(300, Act::FaultEverywhere(Fault::NoKeepAlive))], line.acts].concat();
    Line { name: "the same, no keep-alive", what, acts, ..line }
}

pub(crate) fn full_disk() -> Line {
    let what =
        "What the proxy logs goes to /dev/full while a backend is killed: the access log, and what it says of itself.";
    let line = line("log on a full disk", what, &[(SECOND, Act::Kill(0))]);
    Line { surroundings: Surroundings::FullDisk, ..line }
}

pub(crate) fn blackhole() -> Line {
    let what = "At one of three addresses connections are neither accepted nor refused, from the start.";
    let line = line("no answer to a connect", what, &[]);
    Line { surroundings: Surroundings::Blackhole, ..line }
}

pub(crate) fn memory() -> Line {
    let what = "The proxy may have 256 MiB of address space for each process. 40 clients send and 40 get 8 MiB each, 640 MiB \
                together, at 2.5 MiB/s each.";
    let line = line("256 MiB for 640 MiB", what, &[]);
    // The figures of the load are what each slow client transfers; see `slow`.
    let load = Load { connections: 40, size: 8 << 20, patience: Duration::from_mins(1), ..line.load };
    Line { load, surroundings: Surroundings::Memory(256), response: Duration::from_secs(10), ..line }
}

pub(crate) fn clock() -> Line {
    let what = "The proxy's wall clock goes an hour forward after a second and two hours back a second later; one backend is \
                killed between them.";
    let acts = [(SECOND, Act::Clock(3600)), (1500, Act::Kill(0)), (2 * SECOND, Act::Clock(-3600))];
    let line = line("clock jumps", what, &acts);
    Line { surroundings: Surroundings::OwnClock, ..line }
}
