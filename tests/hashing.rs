//! Requests of one key stay together.

use std::collections::HashMap;

use lb_common::api::Belief;

use crate::support::{Client, Endpoint, Lb, Reply, config, wait_until};

/// Who answers each of so many users, each asked on two connections, which two workers may serve.
fn owners(lb: &Lb, users: u32) -> HashMap<u32, String> {
    let mut clients = [Client::connect(lb.address()), Client::connect(lb.address())];
    let mut owner = |user: u32| {
        let [one, other] =
            clients.each_mut().map(|client| client.get_with("/", &format!("X-User: {user}\r\n")).text().to_owned());
        assert_eq!(one, other, "user {user}");
        (user, one)
    };
    (0..users).map(&mut owner).collect()
}

#[test]
fn a_key_has_one_endpoint_over_all_workers_and_while_others_are_out() {
    for algorithm in ["ring", "maglev"] {
        let sickens = Endpoint::new(|request| {
            let status = if request.headers.contains_key("x-fail") { 503 } else { 200 };
            Reply::Status(status, "c".to_owned())
        });
        let endpoints = [Endpoint::saying("a").address(), Endpoint::saying("b").address(), sickens.address()];
        let more = format!(
            "algorithm = \"{algorithm}\"\nhash = {{ header = \"x-user\" }}\nretry = {{ attempts = 1 }}\n\
             health = {{ max-fails = 1, eject-time = \"10m\" }}"
        );
        let lb = Lb::with_config(&config::cluster(&endpoints, &more));
        let before = owners(&lb, 60);
        let of_c = before.iter().find(|(_, owner)| *owner == "c").map(|(user, _)| *user).expect("it has a share");
        assert!(before.values().any(|owner| owner == "a") && before.values().any(|owner| owner == "b"));
        Client::connect(lb.address()).get_with("/", &format!("X-User: {of_c}\r\nX-Fail: 1\r\n"));
        wait_until("it is ejected", || lb.endpoint("e3").belief == Belief::Ejected);
        for (user, owner) in owners(&lb, 60) {
            assert!(owner != "c" && (before[&user] == owner || before[&user] == "c"), "{algorithm}: user {user}");
        }
    }
}

#[test]
fn a_request_without_its_key_goes_anywhere() {
    let endpoints = [Endpoint::saying("a"), Endpoint::saying("b")];
    let addresses: Vec<_> = endpoints.iter().map(Endpoint::address).collect();
    let lb = Lb::with_config(&config::cluster(&addresses, "algorithm = \"ring\"\nhash = { cookie = \"user\" }"));
    let mut client = Client::connect(lb.address());
    (0..100).for_each(|_| assert_eq!(client.get("/").status, 200));
    assert!(endpoints.iter().all(|endpoint| endpoint.count() > 10));
}
