//! One drill while it runs: its plan, how far it is, what was measured. Plays nothing itself.

use std::time::Duration;

use lb_balance::Timestamp;
use lb_common::api::{DrillRun, DrillStep, Expectation};
use lb_proxy::Clock;

use super::measured::Measured;
use super::plan::Plan;

/// How a drill ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Over,
    /// Something about it did not work.
    Broken(String),
    /// Before its end, since somebody wanted it, or `lb` stops.
    Stopped,
}

pub(super) struct Show {
    pub(super) plan: Plan,
    pub(super) began: Timestamp,
    pub(super) measured: Measured,
    /// So many of the steps are done.
    pub(super) done: usize,
    /// The faults that were begun.
    pub(super) faults: Vec<u64>,
    clock: Clock,
}

impl Show {
    pub(super) fn new(plan: Plan, measured: Measured, clock: Clock) -> Self {
        Self { plan, began: clock.now(), measured, done: 0, faults: Vec::new(), clock }
    }

    /// How much of it is over.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.now().since(self.began)
    }

    /// How it goes.
    pub(super) fn told(&self) -> DrillRun {
        self.tell("running", None, false)
    }

    /// How it went.
    pub(super) fn told_at_end(&self, end: End) -> DrillRun {
        match end {
            End::Stopped => self.tell("stopped", None, false),
            End::Broken(why) => self.tell("failed", Some(why), false),
            End::Over if self.measured.requests() == 0 => {
                self.tell("failed", Some("no request was made, so nothing was measured".to_owned()), true)
            }
            End::Over => {
                let told = self.tell("passed", None, true);
                let passed = told.expectations.iter().all(|expectation| expectation.holds == Some(true));
                DrillRun { state: if passed { "passed" } else { "failed" }.to_owned(), ..told }
            }
        }
    }

    fn tell(&self, state: &str, error: Option<String>, is_over: bool) -> DrillRun {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let plan = &self.plan;
        let figures = self.measured.figures(&plan.setup);
        let expectations = plan.expectations.iter().map(|expectation| {
            let (holds, measured) = expectation.judge_so_far(&figures);
            let why = self.measured.why_failed().filter(|_| expectation.is_of_failures());
            let measured = measured.map(|figure| why.map_or(figure.clone(), |why| format!("{figure} ({why})")));
            // What has not come by the end does not come any more.
            let holds = if is_over && measured.is_some() { Some(holds == Some(true)) } else { holds };
            Expectation { says: expectation.in_words(), measured: measured.unwrap_or_default(), holds }
        });
        let steps = plan.steps.iter().enumerate();
        let steps = steps.map(|(place, step)| DrillStep {
            at_ms: ms(step.at),
            says: step.says.clone(),
            done: place < self.done,
        });
        DrillRun {
            name: plan.name.clone(),
            state: state.to_owned(),
            began_ms: self.clock.unix_ms(self.began),
            ms: ms(plan.length),
            elapsed_ms: ms(self.elapsed().min(plan.length)),
            steps: steps.collect(),
            expectations: expectations.collect(),
            error,
        }
    }
}
