//! The demo as its users meet it: servers fail, are routed around and come back, and no request is lost.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lb_common::api::Belief;

use crate::support::{Client, Lb, get, wait_until};

fn toggle(address: SocketAddr, target: &str, active: bool) {
    let answer = get(address, &format!("/control/toggle?target={target}&active={active}"));
    assert!(answer.text().starts_with("STATUS UPDATED"), "{answer:?}");
}

/// Sends 200 requests a second for so long, on four connections; all must be answered 200. Says who answered how many.
fn load(address: SocketAddr, duration: Duration) -> HashMap<String, u32> {
    let began = Instant::now();
    let connection = |index: u32| {
        let mut client = Client::connect(address);
        let mut answered: HashMap<String, u32> = HashMap::new();
        for request in 0.. {
            // An open loop: the next one is due whether or not the last one was quick.
            let due = Duration::from_millis(5) * (request * 4 + index);
            if due >= duration {
                break;
            }
            std::thread::park_timeout(due.saturating_sub(began.elapsed()));
            let answer = client.get("/api");
            assert_eq!(answer.status, 200, "{answer:?}");
            let name = answer.text().trim_start_matches("Response from server: ").to_owned();
            *answered.entry(name).or_default() += 1;
        }
        answered
    };
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..4).map(|index| scope.spawn(move || connection(index))).collect();
        let mut sum: HashMap<String, u32> = HashMap::new();
        for connection in connections {
            for (name, count) in connection.join().expect("every answer is a 200") {
                *sum.entry(name).or_default() += count;
            }
        }
        sum
    })
}

#[test]
fn a_server_fails_and_comes_back_and_no_request_is_lost() {
    let lb = Lb::demo();
    toggle(lb.address(), "web2", false);
    let answered = load(lb.address(), Duration::from_secs(10));
    assert_eq!(answered.get("web2"), None);
    assert_eq!(answered.values().sum::<u32>(), 2000);
    let web2 = lb.endpoint("web2");
    println!("web2 got {} attempts of 2000 requests: {}", web2.attempts, web2.reason);
    assert!(matches!(web2.belief, Belief::Ejected | Belief::Down), "{web2:?}");
    // Three failures eject it, on two workers a few more may be under way; after that it gets trials only.
    assert!(web2.attempts <= 3 + 8 + 2, "{web2:?}");

    toggle(lb.address(), "web2", true);
    let restored = Instant::now();
    wait_until("web2 is believed to be up", || lb.endpoint("web2").belief == Belief::Up);
    println!("web2 was up again {:?} after it was restored", restored.elapsed());
    assert!(restored.elapsed() < Duration::from_secs(5));
    let answered = load(lb.address(), Duration::from_secs(1));
    assert_eq!(answered.get("web2"), Some(&50), "{answered:?}");
}

#[test]
fn whatever_goes_wrong_with_a_server_no_request_is_lost() {
    let faults = [
        "kind=errors&status=503",
        "kind=errors&status=503&percent=30",
        "kind=latency&delay=200ms",
        "kind=latency&delay=5s",
        "kind=hang",
        "kind=reset",
        "kind=garbage",
    ];
    let practise = |fault: &str| {
        let lb = Lb::demo();
        let answer = get(lb.address(), &format!("/control/fault?target=web2&{fault}&for=1m"));
        assert!(answer.text().starts_with("STATUS UPDATED"), "{fault}: {answer:?}");
        let mut client = Client::connect(lb.address());
        for request in 0..60 {
            let answer = client.get("/api");
            assert_eq!(answer.status, 200, "request {request} of {fault}: {answer:?}");
        }
    };
    // Side by side, since those that hang take their time.
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || practise(fault));
        }
    });
}

#[test]
fn when_all_servers_fail_the_client_sees_what_they_say() {
    let lb = Lb::demo();
    for name in ["web1", "web2", "web3", "web4"] {
        toggle(lb.address(), name, false);
    }
    let mut client = Client::connect(lb.address());
    let mut everybody_is_down = false;
    // Before they are ejected, while half of them are, and when all of them are down.
    wait_until("all are down", || {
        let answer = client.get("/api");
        assert_eq!(answer.status, 503);
        assert!(answer.text().ends_with("is inactive (simulated failure)"), "{answer:?}");
        let was_down = everybody_is_down;
        everybody_is_down =
            ["web1", "web2", "web3", "web4"].iter().all(|name| lb.endpoint(name).belief == Belief::Down);
        was_down
    });
}

#[test]
fn a_control_reaches_a_server_whatever_is_believed_of_it() {
    let lb = Lb::demo();
    toggle(lb.address(), "web3", false);
    wait_until("web3 is out", || {
        assert_eq!(get(lb.address(), "/api").status, 200);
        lb.endpoint("web3").belief != Belief::Up
    });
    for _ in 0..5 {
        toggle(lb.address(), "web3", false);
    }
    toggle(lb.address(), "web3", true);
    wait_until("web3 is back", || {
        assert_eq!(get(lb.address(), "/api").status, 200);
        lb.endpoint("web3").belief == Belief::Up
    });
}

#[test]
fn a_second_demo_on_the_same_port_is_told_that_it_is_taken() {
    let first = Lb::demo();
    let mut second = crate::support::lb::lb();
    let second = second.args(["demo", "--listen", &first.address().to_string()]).output().expect("it runs");
    let complaint = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1));
    assert!(complaint.contains("cannot listen on") && complaint.contains("hint: another program"), "{complaint}");
}
