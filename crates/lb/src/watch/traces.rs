//! The traces that are kept: the latest of those that failed or were retried, of the sample, and of those that were shown to
//! somebody. Each kind has its own ring, so that an outage does not push the sample out, nor the sample an outage.

use std::collections::VecDeque;

use lb_common::api::{self, KeptFor, Trace};
use lb_proxy::{Audience, Clock, Story};

use crate::admin::words;
use crate::names::Names;

/// What was shown to somebody is kept for about as long as one may still point at it.
const WATCHED_KEPT: usize = 500;

/// The traces.
#[derive(Debug, Clone)]
pub(super) struct Traces {
    last_id: u64,
    troubles: Ring,
    samples: Ring,
    watched: Ring,
}

#[derive(Debug, Clone)]
struct Ring {
    kept: VecDeque<Trace>,
    most: usize,
}

/// Which traces are asked for; what is not said matters not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) id: Option<u64>,
    pub(crate) cluster: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) min_us: Option<u64>,
    pub(crate) since_ms: Option<u64>,
    pub(crate) until_ms: Option<u64>,
    pub(crate) limit: usize,
}

/// A status, or a class of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    Exactly(u16),
    Class(u16),
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Failed,
    Retried,
    Ok,
}

impl Ring {
    fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most }
    }

    fn push(&mut self, trace: Trace) {
        if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        if self.most > 0 {
            self.kept.push_back(trace);
        }
    }
}

impl Traces {
    pub(super) fn new(keep: usize) -> Self {
        Self { last_id: 0, troubles: Ring::new(keep), samples: Ring::new(keep), watched: Ring::new(WATCHED_KEPT) }
    }

    /// Keeps so many of each kind from now on.
    pub(super) fn keep(&mut self, keep: usize) {
        for ring in [&mut self.troubles, &mut self.samples] {
            ring.most = keep;
            ring.kept.drain(..ring.kept.len().saturating_sub(keep));
        }
    }

    /// Keeps a story, and tells it.
    pub(super) fn hear(&mut self, story: &Story, names: &Names, clock: Clock) -> Trace {
        self.last_id += 1;
        let trace = words::trace(self.last_id, story, names, clock);
        let ring = match trace.kept_for {
            KeptFor::Failed | KeptFor::Retried => &mut self.troubles,
            KeptFor::Sampled | KeptFor::Asked => &mut self.samples,
            KeptFor::Watched => &mut self.watched,
        };
        ring.push(trace.clone());
        trace
    }

    pub(super) fn find(&self, filter: &Filter, dropped: u64, audience: &Audience) -> api::Traces {
        let rings = [&self.troubles, &self.samples, &self.watched];
        let mut found: Vec<&Trace> =
            rings.iter().flat_map(|ring| &ring.kept).filter(|one| filter.passes(one)).collect();
        found.sort_unstable_by_key(|trace| std::cmp::Reverse(trace.id));
        found.truncate(filter.limit);
        api::Traces {
            traces: found.into_iter().cloned().collect(),
            kept: rings.iter().map(|ring| ring.kept.len()).sum(),
            dropped,
            sample: audience.sample(),
            next: audience.asked_for(),
        }
    }
}

impl Filter {
    fn passes(&self, trace: &Trace) -> bool {
        let is = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        let asked = |name: &String| trace.attempts.iter().any(|attempt| attempt.endpoint == *name);
        let is_status = |wanted: StatusFilter| match wanted {
            StatusFilter::Exactly(status) => trace.status == Some(status),
            StatusFilter::Class(class) => trace.status.is_some_and(|status| status / 100 == class),
        };
        let came_to = |wanted: Outcome| match wanted {
            Outcome::Failed => trace.kept_for == KeptFor::Failed,
            Outcome::Retried => trace.attempts.len() > 1,
            Outcome::Ok => trace.kept_for != KeptFor::Failed,
        };
        self.id.is_none_or(|id| trace.id == id)
            && is(&self.cluster, &trace.cluster)
            && is(&self.route, &trace.route)
            && self.endpoint.as_ref().is_none_or(asked)
            && self.status.is_none_or(is_status)
            && self.outcome.is_none_or(came_to)
            && self.min_us.is_none_or(|us| trace.us >= us)
            && self.since_ms.is_none_or(|at| trace.at_ms + trace.us / 1000 >= at)
            && self.until_ms.is_none_or(|at| trace.at_ms <= at)
    }
}
