//! Changes by hand: weights, and what a change would lead to.

use super::*;

fn shares(cluster: &Cluster, id: u32, change: Change) -> Vec<u32> {
    let shares = cluster.project(EndpointId(id), change, at(0), 7);
    // In whole percent; rounded, since 20,000 random choices are not exact.
    shares.iter().map(|share| format!("{:.0}", share * 100.0).parse().expect("a number")).collect()
}

#[test]
fn another_weight_shows_in_the_next_picker() {
    let mut cluster = cluster(2);
    assert!(cluster.poll_picker(at(0)).is_some());
    cluster.handle_weight(EndpointId(1), 3);
    assert_eq!(cluster.weight_and_draining(EndpointId(1)), (3, false));
    let picker = cluster.poll_picker(at(0)).expect("the picker is stale");
    let (retry, budget) = (RetryPolicy::default(), RetryBudget::new(None));
    let attempts = Attempts::new(&retry, &budget, at(0), true);
    let picks = (0..100).filter_map(|_| picker.pick(&Wish::new(&attempts, at(0), 0), &mut ()).ok());
    assert_eq!(picks.filter(|lease| lease.endpoint() == EndpointId(1)).count(), 75);
    cluster.handle_weight(EndpointId(1), 3);
    assert!(cluster.poll_picker(at(0)).is_none(), "nothing has changed");
}

#[test]
fn the_others_take_over_what_an_endpoint_leaves() {
    for algorithm in [Algorithm::RoundRobin, Algorithm::LeastRequest, Algorithm::TwoChoices, Algorithm::Random] {
        let cluster = cluster_with(4, Policy { algorithm, ..policy() });
        let drained = shares(&cluster, 1, Change::Draining(true));
        assert_eq!(drained[1], 0, "{algorithm}");
        assert!([0, 2, 3].into_iter().all(|other| (32..=35).contains(&drained[other])), "{algorithm}: {drained:?}");
        let undrained = shares(&cluster, 1, Change::Draining(false));
        assert!(undrained.into_iter().all(|share| (24..=26).contains(&share)), "{algorithm}");
    }
}

#[test]
fn hashed_requests_follow_the_weight_that_is_thought_of() {
    for algorithm in [Algorithm::Ring, Algorithm::Maglev] {
        let cluster = cluster_with(4, Policy { algorithm, ..policy() });
        let weighed = shares(&cluster, 1, Change::Weight(3));
        assert!((46..=54).contains(&weighed[1]), "{algorithm}: {weighed:?}");
    }
}

#[test]
fn thinking_of_a_change_changes_nothing() {
    let mut cluster = cluster(2);
    assert_eq!(shares(&cluster, 0, Change::Draining(true)), [0, 100]);
    assert_eq!(served_by(&mut cluster), [0, 1]);
    assert_eq!(cluster.counters(EndpointId(0)).attempts, 50);
}

#[test]
fn ejections_are_counted() {
    let mut cluster = cluster(4);
    fail(&mut cluster, 1, 3, at(1));
    assert_eq!((cluster.ejections(EndpointId(1)), cluster.ejections(EndpointId(0))), (1, 0));
}
