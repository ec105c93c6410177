//! Who is needed: trials beside backups and zones, draining, limits, and when the worst has come.

use super::*;

fn placed(priority: u8, elsewhere: bool) -> impl Fn(u32) -> Endpoint {
    move |n| Endpoint { priority, elsewhere, ..Endpoint::new(format!("web{n}"), 1) }
}

/// Whom a thousand requests, each of which could be tried again, get; every lease is held to the end.
fn asked(cluster: &mut Cluster, now: u64) -> Vec<u32> {
    let picker = cluster.poll_picker(at(now)).expect("the picker is stale");
    let budget = RetryBudget::new(None);
    let retry = twice();
    let attempts = Attempts::new(&retry, &budget, at(now), true);
    let picks = (0..1000).map(|n| picker.pick(&Wish::new(&attempts, at(now), crate::entropy::stir(n)), &mut ()));
    let leases: Vec<_> = picks.filter_map(Result::ok).collect();
    leases.iter().map(|lease| lease.endpoint().0).collect()
}

#[test]
fn a_primary_on_trial_is_tried_although_its_backup_works() {
    let endpoints = vec![placed(0, false)(0), placed(1, false)(1)];
    let mut cluster = Cluster::new(endpoints, policy(), at(0), 1);
    fail(&mut cluster, 0, 3, at(0));
    cluster.handle_timeout(at(10));
    let asked = asked(&mut cluster, 10);
    assert_eq!((asked[0], asked.iter().filter(|id| **id == 0).count()), (0, 1));
}

#[test]
fn another_zone_on_trial_is_tried_only_while_ones_own_is_weak() {
    let health = HealthPolicy { max_ejected_percent: 100, ..HEALTH };
    for (down, tried) in [(0, false), (8, true)] {
        let endpoints = (0..10).map(placed(0, false)).chain((10..12).map(placed(0, true))).collect();
        let mut cluster = Cluster::new(endpoints, Policy { health, probe: Some(probing()), ..policy() }, at(0), 1);
        (10..12).for_each(|id| fail(&mut cluster, id, 3, at(0)));
        (0..down).for_each(|id| probe(&mut cluster, id, UNAVAILABLE, 3, at(0)));
        cluster.handle_timeout(at(10));
        assert_eq!(asked(&mut cluster, 10).contains(&10), tried, "{down} of one's own are down");
    }
}

#[test]
fn failing_open_serves_also_while_the_trials_are_under_way() {
    let health = HealthPolicy { max_ejected_percent: 100, fail_open: true, ..HEALTH };
    let mut cluster = cluster_with(2, Policy { health, ..policy() });
    (0..2).for_each(|id| fail(&mut cluster, id, 3, at(0)));
    cluster.handle_timeout(at(10));
    assert_eq!(asked(&mut cluster, 10).len(), 1000);
}

#[test]
fn an_endpoint_that_drains_is_not_tried_out_for_strangers_and_remembers_why_it_is_out() {
    let mut cluster = cluster(2);
    fail(&mut cluster, 1, 3, at(0));
    while cluster.poll_event().is_some() {}
    cluster.handle_drain(EndpointId(1), true, at(1));
    assert!(matches!(cluster.cause(EndpointId(1), at(1)), Cause::RequestsFailed { .. }));
    assert_eq!(cluster.poll_event(), None, "it is as ejected as before");
    cluster.handle_timeout(at(10));
    assert!(!asked(&mut cluster, 10).contains(&1));
    cluster.handle_drain(EndpointId(1), false, at(11));
    assert!(asked(&mut cluster, 11).contains(&1));
    cluster.handle_timeout(at(20));
    assert_eq!(cluster.poll_timeout(), None, "the trial has been open to any request since then");
}

#[test]
fn draining_does_not_end_the_wait_for_the_first_probe() {
    let probe_policy = Some(ProbePolicy { first: FirstProbe::Wait, ..probing() });
    let mut cluster = cluster_with(2, Policy { probe: probe_policy, ..policy() });
    cluster.handle_drain(EndpointId(1), true, at(0));
    cluster.handle_drain(EndpointId(1), false, at(0));
    probe_once(&mut cluster, 1, OK);
    assert_eq!(belief(&cluster, 1), Belief::Up);
}

#[test]
fn the_last_endpoint_that_does_not_drain_is_not_ejected() {
    let mut cluster = cluster(2);
    cluster.handle_drain(EndpointId(1), true, at(0));
    fail(&mut cluster, 0, 3, at(0));
    assert_eq!(belief(&cluster, 0), Belief::Up);
}

#[test]
fn a_trial_keeps_to_the_limit_of_requests_in_flight() {
    let limited = |n| Endpoint { max_in_flight: core::num::NonZeroU32::new(1), ..Endpoint::new(format!("web{n}"), 1) };
    let mut cluster = Cluster::new((0..2).map(limited).collect(), policy(), at(0), 1);
    let picker = cluster.poll_picker(at(0)).expect("the first picker");
    let held = picker.pick_pinned(EndpointId(1)).expect("it is there");
    fail(&mut cluster, 1, 3, at(0));
    cluster.handle_timeout(at(10));
    assert_eq!(asked(&mut cluster, 10), [0]);
    drop(held);
    assert_eq!(cluster.counters(EndpointId(1)).in_flight, 0);
}
