//! A cluster that takes another's place.

use super::*;

/// A cluster of as many endpoints that goes on where the other one stands, with each of its endpoints in the same place.
fn heir_of(old: &Cluster, endpoints: u32, policy: Policy, now: Timestamp) -> Cluster {
    let endpoints = (0..endpoints).map(|n| Endpoint::new(format!("web{n}"), 1)).collect::<Vec<_>>();
    let legacies: Vec<_> = old.ids().take(endpoints.len()).map(|id| (id, old.legacy(id))).collect();
    let mut heir = Cluster::new(endpoints, policy, now, 2);
    heir.take_over(legacies, now);
    heir
}

fn belief(cluster: &Cluster, id: u32) -> Belief {
    cluster.belief(EndpointId(id)).0
}

#[test]
fn an_ejection_goes_on_to_its_end_and_doubles_as_if_nothing_had_happened() {
    let health = HealthPolicy { max_eject_time: Duration::from_secs(40), ..HEALTH };
    let mut old = cluster_with(4, Policy { health, ..policy() });
    fail(&mut old, 1, 3, at(1));
    let mut heir = heir_of(&old, 4, Policy { health, ..policy() }, at(5));
    assert_eq!(heir.belief(EndpointId(1)), (Belief::Ejected { until: at(11) }, at(1)));
    assert_eq!((heir.poll_timeout(), heir.ejections(EndpointId(1))), (Some(at(11)), 1));
    heir.handle_timeout(at(11));
    assert_eq!(belief(&heir, 1), Belief::Trial);
    heir.handle_failure(EndpointId(1), Turn::Trial, UNAVAILABLE, at(12));
    assert_eq!(belief(&heir, 1), Belief::Ejected { until: at(32) });
}

#[test]
fn failures_of_before_count_and_what_is_in_flight_counts_for_both() {
    let mut old = cluster(2);
    let picker = old.poll_picker(at(0)).expect("a new cluster has one");
    let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    let attempts = Attempts::new(&retry, &budget, at(0), true);
    let lease = picker.pick(&Wish::new(&attempts, at(0), 0), &mut ()).expect("somebody is there");
    fail(&mut old, 1, 2, at(1));
    let mut heir = heir_of(&old, 2, policy(), at(2));
    assert_eq!(heir.counters(lease.endpoint()).in_flight, 1);
    fail(&mut heir, 1, 1, at(3));
    assert_eq!(belief(&heir, 1), Belief::Ejected { until: at(13) });
    let endpoint = lease.endpoint();
    drop(lease);
    assert_eq!(heir.counters(endpoint).in_flight, 0);
}

#[test]
fn no_more_stay_out_than_would_be_ejected() {
    let mut old = cluster(4);
    fail(&mut old, 0, 3, at(1));
    fail(&mut old, 1, 3, at(1));
    let heir = heir_of(&old, 2, policy(), at(2));
    let beliefs = [belief(&heir, 0), belief(&heir, 1)];
    assert_eq!(beliefs, [Belief::Ejected { until: at(11) }, Belief::Up]);
    assert_eq!(belief(&heir_of(&old, 1, policy(), at(2)), 0), Belief::Up, "there is nobody else");
}

#[test]
fn whoever_is_down_stays_so_only_where_probes_can_find_it_well_again() {
    let mut old = probed(2);
    for second in 0..3 {
        let now = at(second);
        old.handle_probe(EndpointId(0), Outcome::Failed(Failure::Refused), now, now);
    }
    assert_eq!(belief(&old, 0), Belief::Down);
    let probed = Policy { probe: Some(probing()), ..policy() };
    let mut heir = heir_of(&old, 2, probed, at(3));
    assert_eq!(belief(&heir, 0), Belief::Down);
    for second in 3..5 {
        heir.handle_probe(EndpointId(0), OK, at(second), at(second));
    }
    assert_eq!(belief(&heir, 0), Belief::Up);
    assert_eq!(belief(&heir_of(&old, 2, policy(), at(3)), 0), Belief::Up);
}

#[test]
fn whoever_was_known_to_be_up_need_not_wait_for_a_probe_and_whoever_is_new_does() {
    let waiting = Policy { probe: Some(ProbePolicy { first: FirstProbe::Wait, ..probing() }), ..policy() };
    let old = cluster(2);
    let heir = heir_of(&old, 3, waiting, at(1));
    assert_eq!([0, 1, 2].map(|id| belief(&heir, id)), [Belief::Up, Belief::Up, Belief::Down]);
}

#[test]
fn a_trial_has_a_ticket_again_although_its_result_went_to_the_cluster_of_before() {
    let mut old = cluster(2);
    fail(&mut old, 0, 3, at(1));
    old.handle_timeout(at(11));
    let picker = old.poll_picker(at(11)).expect("it is stale");
    let retry = twice();
    let budget = RetryBudget::new(None);
    let attempts = Attempts::new(&retry, &budget, at(11), true);
    let wish = || Wish::new(&attempts, at(11), 0);
    let taken = picker.pick(&wish(), &mut ()).expect("it is on trial");
    assert_eq!((taken.endpoint(), taken.turn()), (EndpointId(0), Turn::Trial));
    let mut heir = heir_of(&old, 2, policy(), at(12));
    let picker = heir.poll_picker(at(12)).expect("it is new");
    let lease = picker.pick(&wish(), &mut ()).expect("the other one works");
    assert_eq!((lease.endpoint(), lease.turn()), (EndpointId(1), Turn::Regular));
    let mut taken = taken;
    taken.settle();
    drop(taken);
    // After as long as a trial is waited for.
    assert_eq!(heir.poll_timeout(), Some(at(21)));
    heir.handle_timeout(at(21));
    let picker = heir.poll_picker(at(21)).expect("it is stale");
    let lease = picker.pick(&wish(), &mut ()).expect("it is on trial");
    assert_eq!((lease.endpoint(), lease.turn()), (EndpointId(0), Turn::Trial));
}

#[test]
fn a_cluster_that_was_to_be_taken_over_and_is_not_goes_on_as_if_nothing_had_been() {
    let mut old = cluster(2);
    fail(&mut old, 0, 3, at(1));
    old.handle_timeout(at(11));
    let picker = old.poll_picker(at(11)).expect("it is stale");
    // With one endpoint nobody is ejected, so this one does not go on with the trial.
    drop(heir_of(&old, 1, policy(), at(12)));
    let retry = twice();
    let budget = RetryBudget::new(None);
    let attempts = Attempts::new(&retry, &budget, at(12), true);
    let lease = picker.pick(&Wish::new(&attempts, at(12), 0), &mut ()).expect("it is on trial");
    assert_eq!((lease.endpoint(), lease.turn()), (EndpointId(0), Turn::Trial));
}

#[test]
fn outliers_are_judged_by_what_comes_from_then_on() {
    let outliers = OutlierPolicy {
        interval: Duration::from_secs(10),
        min_requests: 10,
        min_endpoints: 3,
        tenths_of_deviation: 10,
    };
    let health = HealthPolicy { max_fails: 0, outliers: Some(outliers), ..HEALTH };
    let policy = Policy { health, ..policy() };
    let mut old = cluster_with(4, policy);
    let picker = old.poll_picker(at(0)).expect("a new cluster has one");
    let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    for _ in 0..80 {
        let attempts = Attempts::new(&retry, &budget, at(0), true);
        let lease = picker.pick(&Wish::new(&attempts, at(0), 0), &mut ()).expect("somebody is there");
        let outcome = if lease.endpoint() == EndpointId(2) { UNAVAILABLE } else { OK };
        lease.conclude(&retry, outcome, Duration::from_millis(1), at(0));
    }
    let mut heir = heir_of(&old, 4, policy, at(1));
    heir.handle_timeout(at(11));
    assert_eq!(belief(&heir, 2), Belief::Up, "nothing has come since");
}
