//! Bodies stream through in both directions, whatever their framing, and nothing waits for the whole of one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::endpoint::accept;
use crate::support::{Client, Endpoint, Lb, PATIENCE, Reply, config, wait_until};

/// Larger than every buffer on the way.
const LARGE: usize = 24 * 1024 * 1024;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| b"abcdefghijklmnopqrstuvw"[index % 23]).collect()
}

#[test]
fn a_large_answer_arrives_whole_in_either_framing() {
    for chunked in [false, true] {
        let endpoint = Endpoint::new(move |_| {
            let body = pattern(LARGE);
            let mut bytes = Vec::new();
            if chunked {
                bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(100_000) {
                    bytes.extend_from_slice(format!("{:x};ext=1\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            } else {
                bytes.extend_from_slice(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
                bytes.extend_from_slice(&body);
            }
            Reply::Bytes(bytes)
        });
        let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
        let mut client = Client::connect(lb.address());
        for _ in 0..2 {
            assert!(client.get("/").body == pattern(LARGE), "chunked: {chunked}");
        }
        assert!(endpoint.requests().iter().all(|request| request.connection == 0), "the connection is used again");
    }
}

#[test]
fn a_large_request_arrives_whole_in_either_framing() {
    let endpoint = Endpoint::new(|request| Reply::Status(200, request.body.len().to_string()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = Client::connect(lb.address());
    let body = pattern(LARGE);
    client.send(format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
    client.send(&body);
    assert_eq!(client.answer().expect("an answer").text(), LARGE.to_string());
    client.send(b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in body.chunks(1 << 20) {
        client.send(format!("{:x}\r\n", chunk.len()).as_bytes());
        client.send(chunk);
        client.send(b"\r\n");
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(client.answer().expect("an answer").text(), LARGE.to_string());
    assert!(endpoint.requests().iter().all(|request| request.body == body));
}

#[test]
fn a_piece_of_an_answer_arrives_before_the_next_is_sent() {
    let endpoint = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let lb = Lb::with_config(&config::cluster(&[endpoint.local_addr().expect("it is bound")], ""));
    let mut client = TcpStream::connect(lb.address()).expect("lb listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    client.write_all(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n").expect("it takes a request");
    let mut upstream = accept(&endpoint);
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").expect("lb reads");
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"first") {
        let read = client.read(&mut buffer).expect("the first piece arrives");
        assert_ne!(read, 0, "the connection goes on");
        seen.extend_from_slice(&buffer[..read]);
    }
    upstream.write_all(b"after").expect("lb reads");
    client.read_exact(&mut buffer[..5]).expect("the second piece arrives");
    assert_eq!(&buffer[..5], b"after");
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let endpoint = Endpoint::new(|request| Reply::Status(200, String::from_utf8_lossy(&request.body).into_owned()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = TcpStream::connect(lb.address()).expect("lb listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    client
        .write_all(
            b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        )
        .expect("it takes a request");
    let mut told = [0; 25];
    client.read_exact(&mut told).expect("100 Continue comes");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"body").expect("it takes a body");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("body"), "{answer}");
}

#[test]
fn a_client_that_leaves_is_nobodys_failure_and_holds_nothing() {
    let endpoint = Endpoint::new(|_| Reply::Hang);
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    for _ in 0..5 {
        let mut client = Client::connect(lb.address());
        client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
        wait_until("it is in flight", || lb.endpoint("e1").in_flight == 1);
        drop(client);
        wait_until("its lease is back", || lb.endpoint("e1").in_flight == 0);
    }
    assert_eq!(lb.endpoint("e1").failures, 0);
}

#[test]
fn answers_without_a_body_have_none() {
    let endpoint = Endpoint::new(|request| {
        Reply::Bytes(match request.line.as_str() {
            "HEAD / HTTP/1.1" => b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_vec(),
            "GET /204 HTTP/1.1" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n".to_vec(),
        })
    });
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = Client::connect(lb.address());
    client.send(b"HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
    let head = client.answer_to("HEAD").expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, Some("1234")));
    assert_eq!(client.get("/204").status, 204);
    assert_eq!(client.get("/304").header("etag"), Some("\"1\""));
}
