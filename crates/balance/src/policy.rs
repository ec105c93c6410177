//! What a cluster is told: its endpoints, and the rules by which it chooses and believes. Decides nothing itself.

use alloc::string::String;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::{Algorithm, ProbePolicy};

/// One endpoint as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Unique in its cluster.
    pub name: String,
    /// Its share relative to the others, 1 to 1000.
    pub weight: u32,
    /// Those of a higher number are chosen only when none of the lower ones may be.
    pub priority: u8,
    /// Whether it is in another zone than this balancer: those of one's own are preferred as long as they are enough.
    pub elsewhere: bool,
    /// At most so many requests in flight, of all workers together; `None`: any number.
    pub max_in_flight: Option<NonZeroU32>,
    /// Whether it is to be taken out of use: it gets only what sessions are bound to it.
    pub draining: bool,
}

impl Endpoint {
    /// An endpoint like any other.
    pub fn new(name: impl Into<String>, weight: u32) -> Self {
        Self { name: name.into(), weight, priority: 0, elsewhere: false, max_in_flight: None, draining: false }
    }
}

/// When requests' failures take an endpoint out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPolicy {
    /// So many failed requests within the window eject an endpoint; 0: none ever does.
    pub max_fails: u32,
    /// The window, sliding.
    pub fail_window: Duration,
    /// So many failed requests in a row, without a success between them, eject it too; 0: never.
    pub max_fails_in_a_row: u32,
    /// Whether an endpoint that fails much more often than the others is ejected.
    pub outliers: Option<OutlierPolicy>,
    /// How long it is out before its trial, the first time.
    pub eject_time: Duration,
    /// Each relapse doubles the time, up to this.
    pub max_eject_time: Duration,
    /// Up to so many percent are added to each ejection, by chance, so that those which failed together do not come back
    /// together. 0 to 100.
    pub eject_jitter_percent: u8,
    /// No endpoint is ejected if more than this part of the cluster would be out then: when so many fail, the fault
    /// is likelier ours. In percent, 0 to 100; of two or more endpoints one may always be ejected, unless it is 0.
    pub max_ejected_percent: u8,
    /// Whether, when no endpoint is available, requests go to doubted ones rather than nowhere.
    pub fail_open: bool,
}

/// Which endpoints fail so much more often than the others that they are ejected, as in Envoy's outlier detection: those
/// whose rate of success lies further below the mean than so many standard deviations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutlierPolicy {
    /// How often it is looked at, and over what time.
    pub interval: Duration,
    /// Endpoints with fewer attempts within the interval are left out of account.
    pub min_requests: u32,
    /// With fewer endpoints that have so many there is nothing to compare.
    pub min_endpoints: u32,
    /// How many standard deviations, in tenths.
    pub tenths_of_deviation: u32,
}

/// How a cluster is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How it chooses.
    pub algorithm: Algorithm,
    /// For algorithms that hash: an endpoint that has more than this many percent of its share of what is in flight is
    /// passed over, 100 or more; 0: never.
    pub bound_percent: u32,
    /// What requests tell of health.
    pub health: HealthPolicy,
    /// How endpoints are probed; `None`: not at all.
    pub probe: Option<ProbePolicy>,
    /// Whether failed requests are tried again. Where they are not, any request may be an endpoint's trial,
    /// since none is better suited than another.
    pub retries: bool,
    /// An endpoint that comes back gets a tenth of its weight, and all of it after this long; zero: all at once. Algorithms
    /// that hash do without it: keys that move for a while would miss what is kept for them.
    pub slow_start: Duration,
}
