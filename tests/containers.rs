//! The demo in containers, as docker-compose.yml has it: it comes up healthy, a killed server costs nobody an answer, and
//! it leaves nothing behind. Needs a Docker engine, which `tests/run` brings up.

mod compose;
mod load;

use std::net::SocketAddr;

use lb_common::api::{Belief, STATUS_PATH, Status};

use crate::browser;
use crate::support::{get, wait_until};
use compose::Compose;
use load::Load;

const SERVERS: [&str; 4] = ["web1", "web2", "web3", "web4"];

/// What `lb` believes of each server.
fn beliefs(address: SocketAddr) -> Vec<(String, Belief)> {
    let status: Status = serde_json::from_slice(&get(address, STATUS_PATH).body).expect("a status");
    let endpoints = status.clusters.into_iter().flat_map(|cluster| cluster.endpoints);
    endpoints.map(|endpoint| (endpoint.name, endpoint.belief)).collect()
}

fn believes(address: SocketAddr, name: &str, belief: Belief) -> bool {
    beliefs(address).iter().any(|(of, is)| of == name && *is == belief)
}

// One test, since its steps share what takes longest: building the images and waiting until all is healthy.
#[test]
fn killing_a_container_and_starting_it_again_fails_no_request() {
    let compose = Compose::up();
    let address = compose.address("loadbalancer", 80);
    wait_until("lb believes that all four are up", || SERVERS.iter().all(|name| believes(address, name, Belief::Up)));
    the_page_works(address);

    let load = Load::on(address);
    let share = load.share_of_next(200, "web3");
    assert!((22..=28).contains(&share), "web3 answers its quarter: {share} %");

    compose.kill("web3");
    wait_until("lb has noticed that web3 is dead", || {
        load.assert_no_failure();
        believes(address, "web3", Belief::Down)
    });
    assert_eq!(load.share_of_next(200, "web3"), 0, "the dead answer nothing");

    compose.start("web3");
    wait_until("lb has noticed that web3 is back", || {
        load.assert_no_failure();
        believes(address, "web3", Belief::Up)
    });
    let share = load.share_of_next(200, "web3");
    assert!((22..=28).contains(&share), "web3 answers its quarter again: {share} %");

    load.stop();
    let log = compose.log("loadbalancer");
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "lb wrote:\n{log}");
    compose.down();
}

/// As in `lb demo`, the page included.
fn the_page_works(address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    runtime.block_on(browser::tour(&format!("http://{address}/")));
}
