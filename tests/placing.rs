//! Which endpoints come first, and how much each may have.

use lb_common::api::{Belief, STATUS_PATH};

use crate::support::{Client, Endpoint, Lb, Reply, config, get, wait_until};

/// Two endpoints of which the second one has more keys.
fn pair(first: &Endpoint, second: &Endpoint, keys: &str, more: &str) -> Lb {
    let config = config::cluster(&[first.address(), second.address()], more);
    Lb::with_config(&config.replace("name = \"e2\"", &format!("name = \"e2\", {keys}")))
}

#[test]
fn a_backup_is_asked_when_nobody_else_is_there() {
    let (sick, backup) = (Endpoint::answering(503, "sick"), Endpoint::saying("backup"));
    let health = "retry = { attempts = 1 }\nhealth = { max-fails = 2, eject-time = \"10m\" }";
    let lb = pair(&sick, &backup, "backup = true", health);
    let mut client = Client::connect(lb.address());
    assert_eq!([client.get("/").text().to_owned(), client.get("/").text().to_owned()], ["sick", "sick"]);
    wait_until("it is ejected", || lb.endpoint("e1").belief == Belief::Ejected);
    assert_eq!(client.get("/").text(), "backup");
}

#[test]
fn an_endpoint_of_another_zone_is_spared_while_ones_own_works() {
    let (near, far) = (Endpoint::saying("near"), Endpoint::saying("far"));
    let config = config::cluster(&[near.address(), far.address()], "")
        .replace("name = \"e1\"", "name = \"e1\", zone = \"eu-1\"")
        .replace("name = \"e2\"", "name = \"e2\", zone = \"eu-2\"");
    let lb = Lb::with_config(&format!("zone = \"eu-1\"\n{config}"));
    let mut client = Client::connect(lb.address());
    assert!((0..20).all(|_| client.get("/").text() == "near"));
    assert_eq!(far.count(), 0);
}

#[test]
fn an_endpoint_that_drains_gets_no_request_of_a_stranger() {
    let (old, new) = (Endpoint::saying("old"), Endpoint::saying("new"));
    let lb = pair(&new, &old, "draining = true", "");
    assert_eq!(lb.endpoint("e2").belief, Belief::Draining);
    let mut client = Client::connect(lb.address());
    assert!((0..20).all(|_| client.get("/").text() == "new"));
}

#[test]
fn the_status_tells_what_places_an_endpoint_where_that_is_not_as_usual() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = pair(&one, &other, "priority = 2, max-in-flight = 7", "");
    let placed = lb.endpoint("e2");
    assert_eq!((placed.priority, placed.max_in_flight), (2, Some(7)));
    let told = get(lb.address(), STATUS_PATH).text().to_owned();
    assert_eq!((told.matches("priority").count(), told.matches("max_in_flight").count()), (1, 1), "{told}");
}

#[test]
fn an_endpoint_has_no_more_in_flight_than_it_may() {
    let hung = Endpoint::new(|_| Reply::Hang);
    let lb = Lb::with_config(&config::cluster(&[hung.address()], "max-in-flight = 2"));
    let waiting: Vec<Client> = (1..=2)
        .map(|count| {
            let mut client = Client::connect(lb.address());
            client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
            wait_until("it is in flight", || lb.endpoint("e1").in_flight == count);
            client
        })
        .collect();
    let refused = get(lb.address(), "/");
    assert_eq!((refused.status, refused.header("lb-reject")), (503, Some("at-capacity")));
    drop(waiting);
    wait_until("there is room again", || lb.endpoint("e1").in_flight == 0);
}
