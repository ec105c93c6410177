//! One endpoint as its cluster knows it: what is believed of it, since when and why.

use core::time::Duration;

use crate::picker::{Candidate, Standing};
use crate::probe::ProbeRecord;
use crate::window::FailWindow;
use crate::{Belief, Cause, Endpoint, HealthPolicy, PassedOver, Timestamp};

#[derive(Debug)]
pub(super) struct Member {
    pub(super) endpoint: Endpoint,
    pub(super) belief: Belief,
    pub(super) since: Timestamp,
    pub(super) window: FailWindow,
    pub(super) probes: ProbeRecord,
    pub(super) any_request_is_the_trial: bool,
    cause: Cause,
}

impl Member {
    pub(super) fn new(endpoint: Endpoint, now: Timestamp) -> Self {
        Self {
            endpoint,
            belief: Belief::Up,
            since: now,
            window: FailWindow::new(),
            probes: ProbeRecord::default(),
            any_request_is_the_trial: false,
            cause: Cause::Started,
        }
    }

    /// Changes the belief and returns the one before it.
    pub(super) fn believe(&mut self, to: Belief, cause: Cause, now: Timestamp) -> Belief {
        self.window.clear();
        self.since = now;
        self.cause = cause;
        core::mem::replace(&mut self.belief, to)
    }

    pub(super) fn candidate(&self) -> Candidate {
        let standing = match self.belief {
            Belief::Up => Standing::Available,
            Belief::Trial => Standing::Trial { any: self.any_request_is_the_trial },
            Belief::Ejected { until } => Standing::Out(PassedOver::Ejected { until }),
            Belief::Down => Standing::Out(PassedOver::Down),
        };
        Candidate { weight: self.endpoint.weight, standing }
    }

    pub(super) fn next_timeout(&self, patience: Duration) -> Option<Timestamp> {
        match self.belief {
            Belief::Ejected { until } => Some(until),
            Belief::Trial if !self.any_request_is_the_trial => Some(self.since + patience),
            Belief::Up | Belief::Trial | Belief::Down => None,
        }
    }

    /// The cause of the belief; for an endpoint that is up although it fails, that it was kept in.
    pub(super) fn cause_now(&self, health: &HealthPolicy, now: Timestamp) -> Cause {
        let failed = u32::try_from(self.window.count(now, health.fail_window)).unwrap_or(u32::MAX);
        if self.belief == Belief::Up && health.max_fails > 0 && failed >= health.max_fails {
            Cause::KeptIn { count: failed, window: health.fail_window }
        } else {
            self.cause
        }
    }
}
