//! Who gets the requests.

use std::collections::HashMap;

use crate::support::{Client, Endpoint, Lb, config};

#[test]
fn four_hundred_requests_on_eight_connections_give_a_hundred_to_each() {
    let lb = Lb::demo();
    let counts: Vec<HashMap<String, u32>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(lb.address());
                    let mut counts = HashMap::new();
                    for _ in 0..50 {
                        let answer = client.get("/api");
                        assert_eq!(answer.status, 200);
                        *counts.entry(answer.text().to_owned()).or_default() += 1;
                    }
                    counts
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no client fails")).collect()
    });
    for name in ["web1", "web2", "web3", "web4"] {
        let text = format!("Response from server: {name}");
        let sum: u32 = counts.iter().filter_map(|counts| counts.get(&text)).sum();
        assert_eq!(sum, 100, "{name} of {counts:?}");
    }
}

#[test]
fn shares_follow_weights() {
    let endpoints = [Endpoint::saying("a"), Endpoint::saying("b")];
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let config = config::cluster(&addresses, "").replace("name = \"e1\"", "name = \"e1\", weight = 3");
    let lb = Lb::with_config(&config);
    let mut client = Client::connect(lb.address());
    let answers: String = (0..8).map(|_| client.get("/").text().to_owned()).collect();
    assert_eq!(answers, "aabaaaba");
}

#[test]
fn connections_to_endpoints_are_used_again() {
    let endpoint = Endpoint::saying("a");
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = Client::connect(lb.address());
    for _ in 0..20 {
        assert_eq!(client.get("/").text(), "a");
    }
    assert!(endpoint.requests().iter().all(|request| request.connection == 0));
}

#[test]
fn least_request_and_two_choices_leave_a_slow_endpoint_alone() {
    use crate::support::{Reply, wait_until};
    for algorithm in ["least-request", "two-choices"] {
        let (slow, fast) = (Endpoint::new(|_| Reply::Hang), Endpoint::saying("fast"));
        let lb = Lb::with_config(&config::cluster(
            &[slow.address(), fast.address()],
            &format!("algorithm = \"{algorithm}\""),
        ));
        assert_eq!(lb.status().clusters[0].algorithm, algorithm);
        // Until one request hangs, both are equals; from then on one of the two is always less busy.
        let mut waiting: Vec<Client> = Vec::new();
        wait_until("a request hangs", || {
            let mut client = Client::connect(lb.address());
            client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
            waiting.push(client);
            lb.endpoint("e1").in_flight > 0
        });
        wait_until("the others are answered", || lb.endpoint("e2").in_flight == 0);
        let mut client = Client::connect(lb.address());
        for _ in 0..50 {
            assert_eq!(client.get("/").text(), "fast", "{algorithm}");
        }
    }
}

#[test]
fn random_draws_by_weight() {
    let endpoints = [Endpoint::saying("a"), Endpoint::saying("b")];
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let config =
        config::cluster(&addresses, "algorithm = \"random\"").replace("name = \"e1\"", "name = \"e1\", weight = 4");
    let lb = Lb::with_config(&config);
    let mut client = Client::connect(lb.address());
    for _ in 0..1000 {
        assert_eq!(client.get("/").status, 200);
    }
    // Expected are 800; seven standard deviations are 89.
    let drawn = endpoints[0].count();
    assert!((711..890).contains(&drawn), "{drawn}");
}
