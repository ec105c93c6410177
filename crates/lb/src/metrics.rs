//! What `lb` has counted, for Prometheus and what reads like it: as its text format and as `OpenMetrics`. Counting is
//! `lb_proxy`'s; here it is told.
//!
//! Labels are names of the configuration and words of this program, never anything that came from the network; endpoints
//! beyond the first 255 of a cluster are summed. So the number of series is bounded by the configuration.

mod exposition;
mod families;
mod format;
mod process;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use lb_proxy::{ClusterSnapshot, Metrics, Tallies};

use self::exposition::Exposition;
pub(crate) use self::format::Format;
use crate::access_log;
use crate::names::Names;
use crate::otlp;

/// All that is told.
pub(crate) struct Snapshot {
    pub(crate) names: Arc<Names>,
    pub(crate) metrics: Metrics,
    /// By cluster.
    pub(crate) clusters: Vec<ClusterSnapshot>,
    pub(crate) started_at_ms: u64,
    pub(crate) traces_dropped: u64,
    /// `None`: there is no access log.
    pub(crate) log_lines_dropped: Option<u64>,
    /// Spans that were sent, and that were lost; `None`: they go nowhere.
    pub(crate) spans: Option<(u64, u64)>,
    pub(crate) process: process::Process,
}

/// Where the figures are.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) tallies: Option<Arc<Tallies>>,
    pub(crate) log: Option<Arc<access_log::Counts>>,
    pub(crate) spans: Option<Arc<otlp::Counts>>,
}

impl Sources {
    /// Everything at this moment; `None` once the drivers have gone.
    pub(crate) async fn take(&self, names: &Arc<Names>, started_at_ms: u64, traces_dropped: u64) -> Option<Snapshot> {
        let mut clusters = Vec::new();
        for cluster in names.clusters() {
            clusters.push(cluster.snapshot().await?);
        }
        Some(Snapshot {
            names: Arc::clone(names),
            metrics: self.tallies.as_ref().map(|tallies| tallies.read()).unwrap_or_default(),
            clusters,
            started_at_ms,
            traces_dropped,
            log_lines_dropped: self.log.as_ref().map(|counts| counts.lost()),
            spans: self.spans.as_ref().map(|counts| (counts.sent(), counts.lost())),
            process: process::Process::default(),
        })
    }
}

/// The figures in that format. It takes as long as they are many: it is not for an event loop.
pub(crate) fn render(mut snapshot: Snapshot, format: Format) -> String {
    snapshot.process = process::Process::read();
    let snapshot = &snapshot;
    let mut out = Exposition::new(format);
    families::push_requests(&mut out, snapshot);
    families::push_attempts(&mut out, snapshot);
    families::push_endpoints(&mut out, snapshot);
    families::push_last_probes(&mut out, snapshot);
    families::push_self(&mut out, snapshot);
    out.finish()
}
