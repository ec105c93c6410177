//! Plays one endpoint: how long its answers take, how much it can do at once, and what goes wrong with it.

mod shared;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use lb_balance::{Failure, Outcome, Timestamp};

use crate::distribution::{Distribution, times};
use crate::fault::FaultKind;
use shared::Shared;

/// How an endpoint behaves when nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Script {
    /// How long it works on a request that has it for itself.
    pub latency: Distribution,
    /// How much it can do at once.
    pub capacity: Capacity,
}

/// How much an endpoint can do at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Capacity {
    /// Any number of requests, each as quick as alone.
    Unlimited,
    /// So many at once, the others wait in line; at least 1.
    Slots(u32),
    /// So many processors, whose time the requests share evenly, none with more than one.
    Processors(f64),
}

/// One endpoint, playing.
#[derive(Debug)]
pub(crate) struct Player {
    script: Script,
    work: Work,
    faults: Vec<FaultKind>,
}

#[derive(Debug)]
enum Work {
    Unlimited,
    /// When each slot is free again.
    Slots(BinaryHeap<Reverse<Timestamp>>),
    Shared(Shared),
}

/// What an endpoint could tell of itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Load {
    /// Requests that it works on.
    pub(crate) in_flight: u32,
    /// How long its latest requests took, in seconds: the median.
    pub(crate) latency: f64,
    /// How much processor time the last request took, in seconds.
    pub(crate) service: f64,
    /// Requests that it has finished so far.
    pub(crate) finished: u64,
    /// Processor time that it has used so far, over what it was allotted.
    pub(crate) used: f64,
}

/// What becomes of an attempt that has reached an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// It ends then, in that way.
    Ends(Timestamp, Outcome),
    /// It ends when the endpoint, which shares its time, says so.
    Shares,
    /// It never ends by itself.
    Hangs,
}

const ANSWERED: Outcome = Outcome::Answered { status: 200 };

/// How long it takes to be refused or answered an error.
const AT_ONCE: Duration = Duration::from_micros(200);

impl Player {
    pub(crate) fn new(script: Script) -> Self {
        let work = match script.capacity {
            Capacity::Unlimited => Work::Unlimited,
            Capacity::Slots(slots) => Work::Slots((0..slots.max(1)).map(|_| Reverse(Timestamp::ORIGIN)).collect()),
            Capacity::Processors(processors) => Work::Shared(Shared::new(processors)),
        };
        Self { script, work, faults: Vec::new() }
    }

    /// A request comes. `number` names it among those that share the endpoint's time.
    pub(crate) fn begin(&mut self, number: (u32, u32), now: Timestamp, rng: &mut Rng) -> Course {
        if let Some(early) = self.outcome_without_work(now, rng) {
            return early;
        }
        let mut latency = self.script.latency.sample(rng);
        for fault in &self.faults {
            match fault {
                FaultKind::Slow { factor } => latency = times(latency, *factor),
                FaultKind::Fixed { latency: fixed } => latency = *fixed,
                FaultKind::Kill | FaultKind::Errors { .. } | FaultKind::Hang | FaultKind::Processors { .. } => {}
            }
        }
        match &mut self.work {
            Work::Unlimited => Course::Ends(now + latency, ANSWERED),
            Work::Slots(free) => {
                let Reverse(first) = free.pop().expect("there is a slot at least");
                let done = first.max(now) + latency;
                free.push(Reverse(done));
                Course::Ends(done, ANSWERED)
            }
            Work::Shared(shared) => {
                shared.begin(number, latency.as_secs_f64(), now);
                Course::Shares
            }
        }
    }

    /// A probe comes: it costs no work, and sees what is broken.
    pub(crate) fn probe(&self, now: Timestamp, rng: &mut Rng) -> Course {
        self.outcome_without_work(now, rng).unwrap_or(Course::Ends(now + AT_ONCE, ANSWERED))
    }

    fn outcome_without_work(&self, now: Timestamp, rng: &mut Rng) -> Option<Course> {
        for fault in &self.faults {
            match *fault {
                FaultKind::Kill => return Some(Course::Ends(now + AT_ONCE, Outcome::Failed(Failure::Refused))),
                FaultKind::Hang => return Some(Course::Hangs),
                FaultKind::Errors { status, part } if rng.f64() < part => {
                    return Some(Course::Ends(now + AT_ONCE, Outcome::Answered { status }));
                }
                FaultKind::Errors { .. }
                | FaultKind::Slow { .. }
                | FaultKind::Fixed { .. }
                | FaultKind::Processors { .. } => {}
            }
        }
        None
    }

    /// A request that shares the endpoint's time is given up.
    pub(crate) fn cancel(&mut self, number: (u32, u32), now: Timestamp) {
        if let Work::Shared(shared) = &mut self.work {
            shared.cancel(number, now);
        }
    }

    /// When the next of those that share its time is done if nothing changes, and the number of this state.
    pub(crate) fn next_finish(&self) -> Option<(Timestamp, u32)> {
        match &self.work {
            Work::Shared(shared) => shared.next_finish(),
            Work::Unlimited | Work::Slots(_) => None,
        }
    }

    /// Whose work is done, if the state is still that one.
    pub(crate) fn finish(&mut self, version: u32, now: Timestamp) -> Option<(u32, u32)> {
        match &mut self.work {
            Work::Shared(shared) => shared.finish(version, now),
            Work::Unlimited | Work::Slots(_) => None,
        }
    }

    /// What it could tell of itself; only those that share their time do.
    pub(crate) fn load(&self, now: Timestamp) -> Load {
        match &self.work {
            Work::Shared(shared) => shared.load(now),
            Work::Unlimited | Work::Slots(_) => Load::default(),
        }
    }

    pub(crate) fn begin_fault(&mut self, kind: FaultKind, now: Timestamp) {
        if let (FaultKind::Processors { left }, Work::Shared(shared)) = (kind, &mut self.work) {
            shared.set_processors(left, now);
        } else {
            self.faults.push(kind);
        }
        if let (FaultKind::Kill, Work::Slots(free)) = (kind, &mut self.work) {
            // What it was working on and who waited for it is gone.
            *free = free.iter().map(|_| Reverse(now)).collect();
        }
    }

    pub(crate) fn end_fault(&mut self, kind: FaultKind) {
        if let Some(place) = self.faults.iter().position(|fault| *fault == kind) {
            self.faults.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn player(capacity: Capacity) -> Player {
        Player::new(Script { latency: Distribution::Constant(10 * MS), capacity })
    }

    fn ends(player: &mut Player, at: u32) -> Duration {
        match player.begin((0, 0), Timestamp::ORIGIN + MS * at, &mut Rng::with_seed(1)) {
            Course::Ends(end, _) => end.since_origin(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let mut player = player(Capacity::Unlimited);
        assert_eq!([0, 0, 5].map(|at| ends(&mut player, at)), [10 * MS, 10 * MS, 15 * MS]);
    }

    #[test]
    fn whoever_finds_all_slots_taken_waits_in_line() {
        let mut player = player(Capacity::Slots(2));
        assert_eq!([0, 1, 2, 3, 50].map(|at| ends(&mut player, at)), [10, 11, 20, 21, 60].map(|ms| MS * ms));
    }

    #[test]
    fn faults_begin_and_end() {
        let (mut player, mut rng) = (player(Capacity::Unlimited), Rng::with_seed(1));
        let mut outcome = |player: &mut Player| match player.begin((0, 0), Timestamp::ORIGIN, &mut rng) {
            Course::Ends(_, outcome) => Some(outcome),
            Course::Shares | Course::Hangs => None,
        };
        for (kind, expected) in [
            (FaultKind::Kill, Some(Outcome::Failed(Failure::Refused))),
            (FaultKind::Errors { status: 503, part: 1.0 }, Some(Outcome::Answered { status: 503 })),
            (FaultKind::Hang, None),
        ] {
            player.begin_fault(kind, Timestamp::ORIGIN);
            assert_eq!(outcome(&mut player), expected);
            player.end_fault(kind);
            assert_eq!(outcome(&mut player), Some(ANSWERED));
        }
        player.begin_fault(FaultKind::Slow { factor: 3.0 }, Timestamp::ORIGIN);
        assert_eq!(ends(&mut player, 0), 30 * MS);
    }
}
