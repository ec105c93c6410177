//! The rules of a cluster's beliefs, each through its public door and in virtual time.

mod ejecting;
mod inheriting;
mod needed;
mod projecting;

use super::*;
use crate::{
    Algorithm, Attempts, Failure, FirstProbe, HealthPolicy, OutlierPolicy, ProbePolicy, RetryBudget, RetryPolicy,
    StatusSet, Wish,
};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::time::Duration;
use proptest::prelude::*;

const UNAVAILABLE: Outcome = Outcome::Answered { status: 503 };
const OK: Outcome = Outcome::Answered { status: 200 };
const HEALTH: HealthPolicy = HealthPolicy {
    max_fails: 3,
    fail_window: Duration::from_secs(10),
    max_fails_in_a_row: 0,
    outliers: None,
    eject_time: Duration::from_secs(10),
    max_eject_time: Duration::from_secs(10),
    eject_jitter_percent: 0,
    max_ejected_percent: 50,
    fail_open: false,
};

fn policy() -> Policy {
    Policy {
        algorithm: Algorithm::RoundRobin,
        bound_percent: 0,
        health: HEALTH,
        probe: None,
        retries: true,
        slow_start: Duration::ZERO,
    }
}

fn probing() -> ProbePolicy {
    ProbePolicy {
        interval: Duration::from_secs(2),
        jitter_percent: 0,
        fall: 3,
        rise: 2,
        statuses: StatusSet::success(),
        first: FirstProbe::Trust,
        spare_busy: false,
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::ORIGIN + Duration::from_secs(seconds)
}

fn cluster_with(endpoints: u32, policy: Policy) -> Cluster {
    let endpoints = (0..endpoints).map(|n| Endpoint::new(format!("web{n}"), 1)).collect();
    Cluster::new(endpoints, policy, at(0), 1)
}

/// What fails is tried once more, as a trial has to be.
fn twice() -> RetryPolicy {
    RetryPolicy {
        on: crate::RetryOn { error: true, ..crate::RetryOn::default() },
        attempts: core::num::NonZeroU32::new(2).expect("not zero"),
        ..RetryPolicy::default()
    }
}

fn cluster(endpoints: u32) -> Cluster {
    cluster_with(endpoints, policy())
}

fn probed(endpoints: u32) -> Cluster {
    cluster_with(endpoints, Policy { probe: Some(probing()), ..policy() })
}

fn fail(cluster: &mut Cluster, id: u32, times: u32, now: Timestamp) {
    for _ in 0..times {
        cluster.handle_failure(EndpointId(id), Turn::Regular, UNAVAILABLE, now);
    }
}

fn probe(cluster: &mut Cluster, id: u32, outcome: Outcome, times: u32, now: Timestamp) {
    for _ in 0..times {
        cluster.handle_probe(EndpointId(id), outcome, now, now);
    }
}

fn belief(cluster: &Cluster, id: u32) -> Belief {
    cluster.belief(EndpointId(id)).0
}

/// The endpoints that a hundred requests, none of which is tried again, are sent to.
fn served_by(cluster: &mut Cluster) -> Vec<u32> {
    let picker = cluster.poll_picker(at(0)).expect("the picker is stale");
    let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    let attempts = Attempts::new(&retry, &budget, at(0), true);
    // Held until the end, so that a trial's ticket is not given back.
    let leases: Vec<_> = (0..100).filter_map(|_| picker.pick(&Wish::new(&attempts, at(0), 0), &mut ()).ok()).collect();
    let mut ids: Vec<_> = leases.iter().map(|lease| lease.endpoint().0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn an_endpoint_is_trusted_until_it_fails() {
    let mut cluster = cluster(4);
    assert_eq!(served_by(&mut cluster), [0, 1, 2, 3]);
    assert_eq!(cluster.cause(EndpointId(0), at(0)), Cause::Started);
}

#[test]
fn as_many_failures_as_the_policy_bears_eject_it_and_say_why() {
    let mut cluster = cluster(4);
    fail(&mut cluster, 1, 2, at(1));
    assert_eq!(belief(&cluster, 1), Belief::Up);
    fail(&mut cluster, 1, 1, at(11));
    assert_eq!(belief(&cluster, 1), Belief::Ejected { until: at(21) });
    let event = cluster.poll_event().expect("a change is an event");
    assert_eq!((event.endpoint, event.from, event.at), (EndpointId(1), Belief::Up, at(11)));
    assert_eq!(event.cause, Cause::RequestsFailed { count: 3, window: Duration::from_secs(10), last: UNAVAILABLE });
    assert_eq!(cluster.poll_event(), None);
    assert_eq!(served_by(&mut cluster), [0, 2, 3]);
}

#[test]
fn failures_further_apart_than_the_window_eject_nobody() {
    let mut cluster = cluster(4);
    for second in [0, 6, 12, 18] {
        fail(&mut cluster, 1, 1, at(second));
        assert_eq!(belief(&cluster, 1), Belief::Up);
    }
}

#[test]
fn after_its_time_it_is_on_trial_and_the_trial_decides() {
    let mut cluster = cluster(4);
    fail(&mut cluster, 1, 3, at(0));
    assert_eq!(cluster.poll_timeout(), Some(at(10)));
    cluster.handle_timeout(at(9));
    assert_eq!(belief(&cluster, 1), Belief::Ejected { until: at(10) });
    cluster.handle_timeout(at(10));
    assert_eq!(belief(&cluster, 1), Belief::Trial);
    cluster.handle_failure(EndpointId(1), Turn::Trial, UNAVAILABLE, at(11));
    assert_eq!(belief(&cluster, 1), Belief::Ejected { until: at(21) });
    cluster.handle_timeout(at(21));
    cluster.handle_success(EndpointId(1), Turn::Trial, at(22));
    assert_eq!(belief(&cluster, 1), Belief::Up);
    assert_eq!(served_by(&mut cluster), [0, 1, 2, 3]);
}

#[test]
fn only_the_trial_itself_decides_about_an_endpoint_on_trial() {
    let mut cluster = cluster(4);
    fail(&mut cluster, 1, 3, at(0));
    cluster.handle_timeout(at(10));
    cluster.handle_failure(EndpointId(1), Turn::Regular, UNAVAILABLE, at(10));
    cluster.handle_success(EndpointId(1), Turn::Pinned, at(10));
    assert_eq!(belief(&cluster, 1), Belief::Trial);
}

#[test]
fn a_trial_that_nobody_took_is_open_to_any_request_after_a_while() {
    let mut cluster = cluster(2);
    fail(&mut cluster, 1, 3, at(0));
    cluster.handle_timeout(at(10));
    assert_eq!(served_by(&mut cluster), [0], "requests that could not be tried again are spared the trial");
    assert_eq!(cluster.poll_timeout(), Some(at(20)));
    cluster.handle_timeout(at(20));
    assert_eq!(cluster.poll_timeout(), None);
    assert_eq!(served_by(&mut cluster), [0, 1]);
}

#[test]
fn a_cluster_of_one_is_never_ejected() {
    let mut cluster = cluster(1);
    fail(&mut cluster, 0, 100, at(0));
    assert_eq!(belief(&cluster, 0), Belief::Up);
}

#[test]
fn at_most_half_of_a_cluster_is_ejected_and_the_rest_is_said_to_be_kept_in() {
    let mut cluster = cluster(4);
    for id in 0..4 {
        fail(&mut cluster, id, 3, at(0));
    }
    let out = (0..4).filter(|id| belief(&cluster, *id) != Belief::Up).count();
    assert_eq!(out, 2);
    let kept = Cause::KeptIn { count: 3, window: HEALTH.fail_window };
    assert_eq!(cluster.cause(EndpointId(3), at(5)), kept);
    assert_eq!(cluster.cause(EndpointId(3), at(11)), Cause::Started, "the failures have left the window");
}

#[test]
fn max_fails_zero_never_ejects() {
    let health = HealthPolicy { max_fails: 0, ..HEALTH };
    let mut cluster = cluster_with(4, Policy { health, ..policy() });
    fail(&mut cluster, 1, 100, at(0));
    assert_eq!(belief(&cluster, 1), Belief::Up);
}

#[test]
fn failed_probes_take_an_endpoint_down_and_successful_ones_up() {
    let mut cluster = probed(4);
    probe(&mut cluster, 1, Outcome::Failed(Failure::Refused), 2, at(1));
    assert_eq!(belief(&cluster, 1), Belief::Up);
    probe(&mut cluster, 1, UNAVAILABLE, 1, at(1));
    assert_eq!(belief(&cluster, 1), Belief::Down);
    assert_eq!(served_by(&mut cluster), [0, 2, 3]);
    probe(&mut cluster, 1, OK, 1, at(2));
    assert_eq!(belief(&cluster, 1), Belief::Down);
    probe(&mut cluster, 1, OK, 1, at(2));
    assert_eq!(belief(&cluster, 1), Belief::Up);
}

#[test]
fn probes_that_saw_the_failure_shorten_an_ejection_to_its_trial() {
    let mut cluster = probed(4);
    fail(&mut cluster, 1, 3, at(0));
    probe(&mut cluster, 1, UNAVAILABLE, 1, at(1));
    probe(&mut cluster, 1, OK, 2, at(3));
    assert_eq!(belief(&cluster, 1), Belief::Trial);
}

#[test]
fn probes_that_could_not_be_sent_say_nothing() {
    let mut cluster = probed(4);
    probe(&mut cluster, 1, Outcome::Failed(Failure::Shortage), 9, at(1));
    assert_eq!(belief(&cluster, 1), Belief::Up);
    assert_eq!(cluster.last_probe(EndpointId(1)), None);
}

/// Otherwise a health page that is always fine would undo every ejection at once.
#[test]
fn probes_that_never_saw_the_failure_do_not_shorten_an_ejection() {
    let mut cluster = probed(4);
    fail(&mut cluster, 1, 3, at(0));
    probe(&mut cluster, 1, OK, 5, at(3));
    assert_eq!(belief(&cluster, 1), Belief::Ejected { until: at(10) });
}

#[test]
fn probes_may_take_down_a_whole_cluster_and_failing_open_serves_it_all_the_same() {
    for fail_open in [false, true] {
        let health = HealthPolicy { fail_open, ..HEALTH };
        let mut cluster = cluster_with(3, Policy { health, probe: Some(probing()), ..policy() });
        for id in 0..3 {
            probe(&mut cluster, id, UNAVAILABLE, 3, at(1));
        }
        let expected: &[u32] = if fail_open { &[0, 1, 2] } else { &[] };
        assert_eq!(served_by(&mut cluster), expected);
    }
}

#[test]
fn a_request_that_succeeds_because_the_cluster_fails_open_ends_an_ejection() {
    let mut cluster = probed(2);
    fail(&mut cluster, 0, 3, at(0));
    probe(&mut cluster, 1, UNAVAILABLE, 3, at(1));
    cluster.handle_success(EndpointId(0), Turn::FailOpen, at(2));
    cluster.handle_success(EndpointId(1), Turn::FailOpen, at(2));
    assert_eq!((belief(&cluster, 0), belief(&cluster, 1)), (Belief::Up, Belief::Down));
}

#[test]
fn the_turn_goes_on_where_it_was_when_the_available_set_changes() {
    let mut cluster = cluster(4);
    let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    let attempts = Attempts::new(&retry, &budget, at(0), true);
    let first = cluster.poll_picker(at(0)).expect("the first picker");
    let picked =
        |picker: &Picker| picker.pick(&Wish::new(&attempts, at(0), 0), &mut ()).map(|lease| lease.endpoint().0);
    assert_eq!(vec![picked(&first), picked(&first)], [Ok(0), Ok(1)]);
    fail(&mut cluster, 3, 3, at(0));
    let second = cluster.poll_picker(at(0)).expect("one is out");
    assert_eq!(picked(&second), Ok(2));
}

#[test]
fn an_endpoint_that_comes_back_starts_slowly() {
    let slow_start = Duration::from_secs(10);
    let mut cluster = cluster_with(2, Policy { slow_start, ..policy() });
    fail(&mut cluster, 1, 3, at(0));
    cluster.handle_timeout(at(10));
    cluster.handle_success(EndpointId(1), Turn::Trial, at(10));
    let mut shares = vec![];
    for second in 10..=21 {
        cluster.handle_timeout(at(second) + Duration::from_millis(1));
        if let Some(picker) = cluster.poll_picker(at(second)) {
            let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
            let attempts = Attempts::new(&retry, &budget, at(second), true);
            let picks = (0..190).map(|_| picker.pick(&Wish::new(&attempts, at(second), 0), &mut ()));
            shares.push(picks.filter(|lease| lease.as_ref().is_ok_and(|lease| lease.endpoint().0 == 1)).count());
        }
    }
    assert_eq!(shares.len(), 10, "a step a second: {shares:?}");
    assert!(shares.is_sorted() && (16..=18).contains(&shares[0]) && shares[9] == 95, "{shares:?}");
    assert_eq!(cluster.poll_timeout(), None);
}

#[test]
fn an_endpoint_that_drains_gets_nothing_new_and_is_said_to_drain() {
    let mut cluster = cluster(3);
    cluster.handle_drain(EndpointId(1), true, at(1));
    let event = cluster.poll_event().expect("a change is an event");
    assert_eq!((event.from, event.to, event.cause), (Belief::Up, Belief::Draining, Cause::Drained));
    assert_eq!(served_by(&mut cluster), [0, 2]);
    cluster.handle_drain(EndpointId(1), false, at(2));
    assert_eq!((belief(&cluster, 1), served_by(&mut cluster).len()), (Belief::Up, 3));
    cluster.handle_drain(EndpointId(1), false, at(3));
    assert_eq!(cluster.poll_picker(at(3)).map(|_| ()), None, "nothing has changed");
}

#[test]
fn a_cluster_that_waits_for_first_probes_trusts_nobody_before() {
    let probe = Some(ProbePolicy { first: FirstProbe::Wait, ..probing() });
    let mut cluster = cluster_with(2, Policy { probe, ..policy() });
    assert!(served_by(&mut cluster).is_empty());
    probe_once(&mut cluster, 0, OK);
    probe_once(&mut cluster, 1, UNAVAILABLE);
    assert_eq!(served_by(&mut cluster), [0]);
}

fn probe_once(cluster: &mut Cluster, id: u32, outcome: Outcome) {
    probe(cluster, id, outcome, 1, at(1));
}

proptest! {
    /// Whatever is out, the others share exactly.
    #[test]
    fn shares_follow_weights_for_every_subset_of_available_endpoints(
        weights in proptest::collection::vec(1u32..9, 2..9),
        out in proptest::collection::vec(any::<bool>(), 9),
    ) {
        let endpoints = weights.iter().map(|weight| Endpoint::new(String::new(), *weight)).collect();
        let probe = Some(ProbePolicy { fall: 1, ..probing() });
        let mut cluster = Cluster::new(endpoints, Policy { probe, ..policy() }, at(0), 1);
        for id in cluster.ids() {
            if out[id.index()] {
                cluster.handle_probe(id, UNAVAILABLE, at(0), at(0));
            }
        }
        let sum: u32 = (0..).zip(&weights).filter(|(id, _): &(usize, _)| !out[*id]).map(|(_, weight)| weight).sum();
        let picker = cluster.poll_picker(at(0)).expect("the first picker");
        let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
        let attempts = Attempts::new(&retry, &budget, at(0), true);
        let mut turns = vec![0; weights.len()];
        for _ in 0..sum * 3 {
            turns[picker.pick(&Wish::new(&attempts, at(0), 0), &mut ()).expect("one is available").endpoint().index()] += 1;
        }
        for (index, weight) in weights.iter().enumerate() {
            prop_assert_eq!(turns[index], if out[index] { 0 } else { weight * 3 });
        }
    }

    /// Whatever happens, in whatever order: nothing panics, beliefs and pickers agree, and every ejection ends.
    #[test]
    fn every_ejected_endpoint_comes_to_its_trial(
        script in proptest::collection::vec((0u32..5, 0u32..6, 0u64..5), 0..200),
    ) {
        let mut cluster = probed(5);
        let mut now = 0;
        for (id, what, later) in script {
            now += later;
            let id = EndpointId(id);
            match what {
                0 | 1 => cluster.handle_failure(id, Turn::Regular, UNAVAILABLE, at(now)),
                2 => cluster.handle_failure(id, Turn::Trial, UNAVAILABLE, at(now)),
                3 => cluster.handle_success(id, Turn::Trial, at(now)),
                4 => cluster.handle_probe(id, UNAVAILABLE, at(now), at(now)),
                _ => cluster.handle_probe(id, OK, at(now), at(now)),
            }
            cluster.handle_timeout(at(now));
            let any_ejected = cluster.ids().any(|id| matches!(cluster.belief(id).0, Belief::Ejected { .. }));
            prop_assert!(!any_ejected || cluster.poll_timeout().is_some_and(|timeout| timeout > at(now)));
        }
        cluster.handle_timeout(at(now + 10));
        for id in cluster.ids() {
            let still_ejected = matches!(cluster.belief(id).0, Belief::Ejected { .. });
            prop_assert!(!still_ejected);
        }
    }
}
