//! Probes against real endpoints.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lb_common::api::Belief;

use crate::support::{Endpoint, Lb, Reply, config, wait_until};

#[test]
fn over_tcp_whoever_accepts_a_connection_is_up_and_whoever_refuses_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addresses = [listener.local_addr().expect("it is bound"), Endpoint::nobody()];
    let probe = "probe = { kind = \"tcp\", interval = \"50ms\", fall = 2, first = \"wait\", rise = 1 }";
    let lb = Lb::with_config(&config::cluster(&addresses, probe));
    wait_until("one is up", || lb.endpoint("e1").belief == Belief::Up);
    wait_until("the other was probed", || lb.endpoint("e2").probe.is_some());
    assert_eq!(lb.endpoint("e1").probe.expect("it was probed").says, "accepted a connection");
    assert_eq!(lb.endpoint("e2").belief, Belief::Down);
    drop(listener);
    wait_until("it is down", || lb.endpoint("e1").belief == Belief::Down);
}

#[test]
fn an_answer_without_the_text_is_a_failed_probe() {
    let well = Arc::new(AtomicBool::new(true));
    let script = Arc::clone(&well);
    let endpoint = Endpoint::new(move |_| {
        let word = if script.load(Ordering::SeqCst) { "all is well" } else { "maintenance" };
        Reply::Status(401, word.to_owned())
    });
    let probe = "probe = { method = \"POST\", path = \"/up?deep\", host = \"health.example\", statuses = [\"401\"], \
                 body = \"is well\", interval = \"20ms\", fall = 1, rise = 1 }";
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], probe));
    wait_until("it was probed", || lb.endpoint("e1").probe.is_some_and(|probe| probe.ok));
    let asked = &endpoint.requests()[0];
    assert_eq!((asked.line.as_str(), asked.headers["host"].as_str()), ("POST /up?deep HTTP/1.1", "health.example"));
    assert_eq!(asked.headers["content-length"], "0");
    well.store(false, Ordering::SeqCst);
    wait_until("it is down", || lb.endpoint("e1").belief == Belief::Down);
    let told = lb.endpoint("e1").probe.expect("it was probed");
    assert_eq!((told.ok, told.says.as_str()), (false, "answered without the text that its probe looks for"));
    well.store(true, Ordering::SeqCst);
    wait_until("it is up again", || lb.endpoint("e1").belief == Belief::Up);
}
