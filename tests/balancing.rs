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
