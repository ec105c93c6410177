//! What ejects an endpoint beside failures within the window, and for how long.

use super::*;

#[test]
fn each_relapse_doubles_the_ejection_up_to_its_limit_and_a_good_while_forgives() {
    let health = HealthPolicy { max_eject_time: Duration::from_mins(1), ..HEALTH };
    let mut cluster = cluster_with(4, Policy { health, ..policy() });
    let ejected_for = |cluster: &Cluster, now| match belief(cluster, 1) {
        Belief::Ejected { until } => until.since(at(now)).as_secs(),
        other => panic!("{other:?}"),
    };
    fail(&mut cluster, 1, 3, at(0));
    assert_eq!(ejected_for(&cluster, 0), 10);
    cluster.handle_timeout(at(10));
    cluster.handle_failure(EndpointId(1), Turn::Trial, UNAVAILABLE, at(10));
    assert_eq!(ejected_for(&cluster, 10), 20);
    cluster.handle_timeout(at(30));
    cluster.handle_success(EndpointId(1), Turn::Trial, at(30));
    fail(&mut cluster, 1, 3, at(40));
    assert_eq!(ejected_for(&cluster, 40), 40, "it was back for 10 s only");
    cluster.handle_timeout(at(80));
    cluster.handle_failure(EndpointId(1), Turn::Trial, UNAVAILABLE, at(80));
    assert_eq!(ejected_for(&cluster, 80), 60, "the limit");
    cluster.handle_timeout(at(140));
    cluster.handle_success(EndpointId(1), Turn::Trial, at(140));
    fail(&mut cluster, 1, 3, at(200));
    assert_eq!(ejected_for(&cluster, 200), 10, "it was back for as long as it had been out");
}

#[test]
fn jitter_adds_at_most_its_share_to_an_ejection() {
    let health = HealthPolicy { eject_jitter_percent: 20, ..HEALTH };
    let times = (0..50).map(|entropy| {
        let endpoints = (0..2).map(|n| Endpoint::new(format!("web{n}"), 1)).collect();
        let mut cluster = Cluster::new(endpoints, Policy { health, ..policy() }, at(0), entropy);
        fail(&mut cluster, 0, 3, at(0));
        cluster.poll_timeout().expect("it is ejected").since_origin()
    });
    let (least, most) = times.fold((Duration::MAX, Duration::ZERO), |(a, b), time| (a.min(time), b.max(time)));
    assert!(least >= Duration::from_secs(10) && most <= Duration::from_secs(12), "{least:?} to {most:?}");
    assert!(most.saturating_sub(least) > Duration::from_secs(1), "{least:?} to {most:?}");
}

#[test]
fn failures_in_a_row_eject_and_a_success_between_them_does_not() {
    let health = HealthPolicy { max_fails: 0, max_fails_in_a_row: 5, ..HEALTH };
    let mut cluster = cluster_with(2, Policy { health, ..policy() });
    let picker = cluster.poll_picker(at(0)).expect("the first picker");
    let mut run = |fails: usize| {
        for _ in 0..fails {
            let lease = picker.pick_pinned(EndpointId(0)).expect("it is there");
            lease.note_failure();
            cluster.handle_failure(EndpointId(0), Turn::Pinned, UNAVAILABLE, at(0));
        }
        belief(&cluster, 0)
    };
    assert_eq!(run(4), Belief::Up);
    picker.pick_pinned(EndpointId(0)).expect("it is there").note_success(Duration::ZERO);
    assert_eq!(run(4), Belief::Up);
    assert_eq!(run(1), Belief::Ejected { until: at(10) });
    assert_eq!(cluster.cause(EndpointId(0), at(0)), Cause::FailedInARow { count: 5, last: UNAVAILABLE });
}

#[test]
fn an_endpoint_that_fails_far_more_often_than_the_others_is_ejected() {
    let outliers = OutlierPolicy {
        interval: Duration::from_secs(10),
        min_requests: 100,
        min_endpoints: 5,
        tenths_of_deviation: 19,
    };
    let health = HealthPolicy { max_fails: 0, outliers: Some(outliers), ..HEALTH };
    let mut cluster = cluster_with(10, Policy { health, ..policy() });
    let picker = cluster.poll_picker(at(0)).expect("the first picker");
    for id in cluster.ids() {
        for n in 0..200 {
            let lease = picker.pick_pinned(id).expect("it is there");
            if id.0 == 3 && n % 4 == 0 {
                lease.note_failure();
            } else {
                lease.note_success(Duration::ZERO);
            }
        }
    }
    assert_eq!(cluster.poll_timeout(), Some(at(10)));
    cluster.handle_timeout(at(10));
    let ejected = (0..10).filter(|id| matches!(belief(&cluster, *id), Belief::Ejected { .. })).collect::<Vec<_>>();
    assert_eq!(ejected, [3]);
    assert_eq!(cluster.cause(EndpointId(3), at(10)), Cause::Outlier { success_percent: 75, mean_percent: 98 });
}

#[test]
fn probes_that_failed_long_after_an_ejection_do_not_make_the_next_one_a_relapse() {
    let health = HealthPolicy { max_eject_time: Duration::from_mins(5), ..HEALTH };
    let mut cluster = cluster_with(4, Policy { health, probe: Some(probing()), ..policy() });
    fail(&mut cluster, 1, 3, at(0));
    for now in [10, 30, 70, 150] {
        cluster.handle_timeout(at(now));
        cluster.handle_failure(EndpointId(1), Turn::Trial, UNAVAILABLE, at(now));
    }
    cluster.handle_timeout(at(310));
    cluster.handle_success(EndpointId(1), Turn::Trial, at(310));
    probe(&mut cluster, 1, UNAVAILABLE, 3, at(10_000));
    probe(&mut cluster, 1, OK, 2, at(10_005));
    fail(&mut cluster, 1, 3, at(10_100));
    assert_eq!(belief(&cluster, 1), Belief::Ejected { until: at(10_110) });
}
