//! How it ends: requests under way finish, nothing new begins, and nobody waits longer than was said.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use lb_common::api::EVENTS_PATH;

use crate::support::endpoint::accept;
use crate::support::{Client, Endpoint, Lb, Reply, config, wait_until};

#[test]
fn a_request_under_way_is_finished_and_no_connection_is_accepted_meanwhile() {
    for signal in ["TERM", "INT"] {
        let endpoint = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let lb = Lb::with_config(&config::cluster(&[endpoint.local_addr().expect("it is bound")], ""));
        let mut client = Client::connect(lb.address());
        client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
        let mut connection = accept(&endpoint);
        lb.signal(signal);
        let address = lb.address();
        wait_until("nobody listens any more", || TcpStream::connect(address).is_err());
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast").expect("lb reads");
        assert_eq!(client.answer().expect("an answer").text(), "last");
        let (status, log) = lb.wait();
        assert!(status.success(), "{log}");
    }
}

#[test]
fn idle_connections_and_event_streams_do_not_keep_it() {
    let lb = Lb::demo();
    let mut idle = Client::connect(lb.address());
    assert_eq!(idle.get("/api").status, 200);
    let mut stream = Client::connect(lb.address());
    stream.send(format!("GET {EVENTS_PATH} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes());
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success(), "{log}");
    assert!(idle.is_ended());
}

#[test]
fn requests_that_do_not_end_are_cut_off_in_time_and_that_is_said() {
    let endpoint = Endpoint::new(|_| Reply::Hang);
    let lb = Lb::with_config(&format!("stop-timeout = \"100ms\"\n{}", config::cluster(&[endpoint.address()], "")));
    let mut client = Client::connect(lb.address());
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    wait_until("it is in flight", || lb.endpoint("e1").in_flight == 1);
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("requests were cut off"), "{log}");
}

#[test]
fn a_second_signal_does_not_wait() {
    let endpoint = Endpoint::new(|_| Reply::Hang);
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = Client::connect(lb.address());
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    wait_until("it is in flight", || lb.endpoint("e1").in_flight == 1);
    lb.signal("INT");
    wait_until("it has heard the first signal", || lb.log().contains("stopping"));
    lb.signal("INT");
    assert_eq!(lb.wait().0.code(), Some(1));
}

#[test]
fn a_head_that_is_not_complete_does_not_keep_it() {
    let lb = Lb::demo();
    let mut client = Client::connect(lb.address());
    client.send(b"GET /api HTTP/1.1\r\nHos");
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success(), "{log}");
}
