//! The events: what changed in what is believed, or by hand, each with a number. The latest are kept.

use std::collections::VecDeque;

use lb_balance::Change;
use lb_common::api::{Belief, Event, FaultKind, ProbeChange, What};
use lb_proxy::{Clock, News};

use crate::admin::words;

/// So many events are kept: days of a quiet life, minutes of a wild one.
const KEPT: usize = 1000;

/// The events.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    last_id: u64,
    kept: VecDeque<Event>,
}

/// What a driver's news is told as.
pub(super) enum Told {
    Event(What, u64),
    Probe(ProbeChange, Option<(What, u64)>),
}

impl Log {
    /// Keeps one more.
    pub(super) fn note(&mut self, what: What, at_ms: u64) -> &Event {
        self.last_id += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Event { id: self.last_id, at_ms, says: says(&what), what });
        self.kept.back().expect("it has just been put there")
    }

    /// Those that came after that one, the oldest first; of more than `limit`, the latest.
    pub(super) fn since(&self, id: u64, limit: usize) -> Vec<Event> {
        // A number that was never given is of another life of `lb`, of which nothing is known.
        let id = if id > self.last_id { 0 } else { id };
        let after = self.kept.partition_point(|event| event.id <= id);
        let from = after.max(self.kept.len().saturating_sub(limit));
        self.kept.range(from..).cloned().collect()
    }
}

/// A driver's news in the API's words.
pub(super) fn event_of(news: &News, clock: Clock) -> Told {
    match news {
        News::Belief(change) => Told::Event(words::belief_change(change, clock), clock.unix_ms(change.event.at)),
        News::Probe(change) => {
            let (change, turned) = (words::probe_change(change, clock), change.turned);
            let what = turned.then(|| What::Probe {
                cluster: change.cluster.clone(),
                endpoint: change.endpoint.clone(),
                ok: change.probe.ok,
                found: change.probe.says.clone(),
            });
            let at_ms = change.probe.at_ms;
            Told::Probe(change, what.map(|what| (what, at_ms)))
        }
        News::Ordered(cluster, ordered) => {
            let (key, from) = change_in_words(ordered.from);
            let what = What::Changed {
                cluster: cluster.config().name.clone(),
                endpoint: cluster.name_of(ordered.endpoint).to_owned(),
                key: key.to_owned(),
                from,
                to: change_in_words(ordered.to).1,
                until_ms: ordered.until.map(|until| clock.unix_ms(until)),
                expired: ordered.expired,
            };
            Told::Event(what, clock.unix_ms(ordered.at))
        }
    }
}

/// What of an endpoint is changed, and to what.
pub(crate) fn change_in_words(change: Change) -> (&'static str, String) {
    match change {
        Change::Draining(draining) => ("draining", draining.to_string()),
        Change::Weight(weight) => ("weight", weight.to_string()),
    }
}

fn says(what: &What) -> String {
    match what {
        What::Started { version, config } => format!("lb {version} started, as {config} says"),
        What::Stopping => "lb stops".to_owned(),
        What::Reloaded { config, differences } => match &differences[..] {
            [] => format!("{config} reloaded: nothing in it is different"),
            [only] => format!("{config} reloaded: {only}"),
            [first, _] => format!("{config} reloaded: {first}, and 1 difference more"),
            [first, more @ ..] => format!("{config} reloaded: {first}, and {} differences more", more.len()),
        },
        What::ReloadRefused { config, why } => {
            format!("{config} not reloaded, all stays as it was: {}", why.lines().next().unwrap_or_default())
        }
        What::Belief { endpoint, to, reason, .. } => {
            let to = match to {
                Belief::Up => "up",
                Belief::Ejected => "ejected",
                Belief::Trial => "on trial",
                Belief::Down => "down",
                Belief::Draining => "draining",
            };
            format!("{endpoint} {to}: {reason}")
        }
        What::Probe { endpoint, ok, found, .. } => {
            format!("probe of {endpoint} {}: {found}", if *ok { "succeeded" } else { "failed" })
        }
        What::Changed { endpoint, key, from, to, expired, .. } => {
            let by = if *expired { "as in the file again" } else { "by hand" };
            match (key.as_str(), to.as_str()) {
                ("draining", "true") => format!("{endpoint} drains, {by}"),
                ("draining", _) => format!("{endpoint} is enabled, {by}"),
                _ => format!("{endpoint}: {key} {from} → {to}, {by}"),
            }
        }
        What::FaultBegan { fault } => format!("fault begun: {}", fault.says),
        What::FaultEnded { fault, expired } => {
            format!("fault {}: {}", if *expired { "over" } else { "ended by hand" }, fault.says)
        }
        What::Drill { name, state } => format!("drill {name:?} {state}"),
    }
}

/// What a fault does, in words.
pub(crate) fn fault_says(place: &str, is_route: bool, percent: f64, kind: FaultKind) -> String {
    let what = if is_route { "requests" } else { "attempts" };
    let what = match kind {
        FaultKind::Delay { min_ms, max_ms } => format!("{what} wait {min_ms} to {max_ms} ms"),
        FaultKind::Abort { status } => format!("{what} are answered {status}"),
        FaultKind::Reset {} => format!("{what} end in a broken connection"),
    };
    format!("{place}: {percent} % of the {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_events_are_kept_and_told_from_where_one_left_off() {
        let mut log = Log::default();
        for _ in 0..KEPT + 10 {
            log.note(What::Stopping, 1);
        }
        let ids = |events: Vec<Event>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(ids(log.since(1007, 100)), [1008, 1009, 1010]);
        assert_eq!(ids(log.since(0, 2)), [1009, 1010]);
        assert_eq!(log.since(0, 5000).len(), KEPT);
        assert_eq!(log.since(9999, 5000).len(), KEPT, "that one is of another life");
    }
}
