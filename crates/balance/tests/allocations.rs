//! A pick allocates nothing, and neither does the end of its lease: whatever the algorithm, with endpoints out, tried, full
//! and on trial, and when nobody is left.

use std::num::NonZeroU32;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use lb_balance::{
    Algorithm, Attempt, Attempts, Cluster, Endpoint, EndpointId, Failure, FirstProbe, HealthPolicy, Lease, Outcome,
    Picker, Policy, ProbePolicy, RetryBudget, RetryOn, RetryPolicy, Sent, StatusSet, Timestamp, Turn, Wish, hash_key,
};

const NOTHING: AllocationInfo =
    AllocationInfo { count_total: 0, count_current: 0, count_max: 0, bytes_total: 0, bytes_current: 0, bytes_max: 0 };

const NOW: Timestamp = Timestamp::ORIGIN;

/// Fewer than the 128 up to which `peak-ewma` looks at all, and more.
const COUNTS: [u32; 2] = [8, 200];

fn cluster(algorithm: Algorithm, count: u32, endpoint: impl Fn(Endpoint) -> Endpoint) -> Cluster {
    let health = HealthPolicy {
        max_fails: 1,
        fail_window: Duration::from_secs(10),
        max_fails_in_a_row: 0,
        outliers: None,
        eject_time: Duration::from_secs(10),
        max_eject_time: Duration::from_secs(10),
        eject_jitter_percent: 0,
        max_ejected_percent: 50,
        fail_open: false,
    };
    let probe = ProbePolicy {
        interval: Duration::from_secs(1),
        jitter_percent: 0,
        fall: 1,
        rise: 1,
        statuses: StatusSet::success(),
        first: FirstProbe::Trust,
        spare_busy: false,
    };
    // Bounded where the algorithm knows bounds, so that they are looked at as well.
    let bound_percent = 125;
    let policy =
        Policy { algorithm, bound_percent, health, probe: Some(probe), retries: true, slow_start: Duration::ZERO };
    let endpoints = (0..count).map(|n| endpoint(Endpoint::new(format!("web{n}"), 1 + n % 3)));
    Cluster::new(endpoints.collect(), policy, NOW, 1)
}

/// Takes every endpoint down of which it is said so.
fn take_down(cluster: &mut Cluster, is_down: impl Fn(u32) -> bool) {
    for id in cluster.ids().filter(|id| is_down(id.0)) {
        cluster.handle_probe(id, Outcome::Answered { status: 503 }, NOW, NOW);
    }
}

fn picker(cluster: &mut Cluster) -> Picker {
    cluster.poll_picker(NOW).expect("it is new, or a belief has changed")
}

/// What 500 picks allocate, by a request that has tried these, while so many of those before are still under way.
fn allocated(picker: &Picker, tried: &[u32], under_way: usize, each: impl Fn(Option<&Lease>)) -> AllocationInfo {
    let policy = RetryPolicy {
        on: RetryOn { error: true, ..RetryOn::default() },
        attempts: NonZeroU32::new(9).expect("not zero"),
        ..RetryPolicy::default()
    };
    let budget = RetryBudget::new(None);
    let mut attempts = Attempts::new(&policy, &budget, NOW, true);
    for id in tried {
        let outcome = Outcome::Failed(Failure::Closed);
        attempts.judge(Attempt { endpoint: EndpointId(*id), outcome, took: Duration::ZERO }, Sent::Kept, NOW, 0);
    }
    let mut leases: Vec<Option<Lease>> = (0..=under_way).map(|_| None).collect();
    measure(|| {
        for n in 0..500u64 {
            let key = hash_key(&n.to_le_bytes());
            let wish = Wish { key: Some(key), ..Wish::new(&attempts, NOW, key) };
            let place = usize::try_from(n).expect("500 at the most") % leases.len();
            drop(leases[place].take());
            leases[place] = picker.pick(&wish, &mut ()).ok();
            each(leases[place].as_ref());
        }
        leases.fill_with(|| None);
    })
}

#[test]
fn an_allocation_would_be_seen() {
    let allocated = measure(|| drop(std::hint::black_box(Box::new(7))));
    assert_eq!((allocated.count_total, allocated.count_current), (1, 0));
}

#[test]
fn a_pick_and_the_end_of_its_lease_allocate_nothing() {
    for (algorithm, count) in every_algorithm() {
        let picker = picker(&mut cluster(algorithm, count, |endpoint| endpoint));
        for under_way in [0, 20] {
            let allocated = allocated(&picker, &[], under_way, |lease| assert!(lease.is_some()));
            assert_eq!(allocated, NOTHING, "{algorithm} of {count}");
        }
    }
}

#[test]
fn nor_do_they_where_endpoints_are_out_and_others_have_been_tried() {
    for (algorithm, count) in every_algorithm() {
        let mut cluster = cluster(algorithm, count, |endpoint| endpoint);
        take_down(&mut cluster, |id| id % 4 != 0);
        let picker = picker(&mut cluster);
        let allocated = allocated(&picker, &[0, 1], 5, |lease| {
            let id = lease.expect("others are up").endpoint().0;
            assert!(id.is_multiple_of(4) && id != 0, "{algorithm}: {id}");
        });
        assert_eq!(allocated, NOTHING, "{algorithm} of {count}");
    }
}

#[test]
fn nor_where_endpoints_have_as_many_requests_as_they_may() {
    let most = NonZeroU32::new(1);
    for (algorithm, count) in every_algorithm() {
        let picker = picker(&mut cluster(algorithm, count, |endpoint| Endpoint { max_in_flight: most, ..endpoint }));
        let room_for_all = count as usize - 1;
        assert_eq!(
            allocated(&picker, &[], room_for_all, |lease| assert!(lease.is_some())),
            NOTHING,
            "{algorithm} of {count}"
        );
        let too_many = count as usize + 9;
        assert_eq!(allocated(&picker, &[], too_many, |_| ()), NOTHING, "{algorithm} of {count}");
    }
}

#[test]
fn nor_where_one_is_on_trial_or_the_request_names_its_own() {
    for (algorithm, count) in every_algorithm() {
        let mut cluster = cluster(algorithm, count, |endpoint| endpoint);
        cluster.handle_failure(EndpointId(1), Turn::Regular, Outcome::Failed(Failure::Closed), NOW);
        cluster.handle_timeout(NOW + Duration::from_secs(10));
        let picker = picker(&mut cluster);
        let allocated = allocated(&picker, &[], 0, |lease| {
            assert_eq!(lease.map(Lease::turn), Some(Turn::Trial));
            assert!(picker.pick_pinned(EndpointId(2)).is_some());
        });
        assert_eq!(allocated, NOTHING, "{algorithm} of {count}");
    }
}

#[test]
fn nor_when_nobody_is_left() {
    for (algorithm, count) in every_algorithm() {
        let mut cluster = cluster(algorithm, count, |endpoint| endpoint);
        take_down(&mut cluster, |id| id != 3);
        let picker = picker(&mut cluster);
        let allocated = allocated(&picker, &[3], 0, |lease| assert!(lease.is_none()));
        assert_eq!(allocated, NOTHING, "{algorithm} of {count}");
    }
}

fn every_algorithm() -> impl Iterator<Item = (Algorithm, u32)> {
    Algorithm::ALL.into_iter().flat_map(|algorithm| COUNTS.map(|count| (algorithm, count)))
}
