//! Bodies stream through in both directions, whatever their framing, and nothing waits for the whole of one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::endpoint::{accept, accept_head};
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
    let mut connection = accept(&endpoint);
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").expect("lb reads");
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"first") {
        let read = client.read(&mut buffer).expect("the first piece arrives");
        assert_ne!(read, 0, "the connection goes on");
        seen.extend_from_slice(&buffer[..read]);
    }
    connection.write_all(b"after").expect("lb reads");
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

/// nginx delivers it as well; the client of an upload that is too large wants to know.
#[test]
fn an_early_answer_reaches_the_client_though_the_endpoint_hangs_up_on_the_rest() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let lb = Lb::with_config(&config::cluster(&[listener.local_addr().expect("it is bound")], ""));
    for _ in 0..5 {
        let (stream, address) = (TcpStream::connect(lb.address()).expect("lb listens"), lb.address());
        let mut uploading = stream.try_clone().expect("a second handle");
        let upload = std::thread::spawn(move || {
            let head = format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: {LARGE}\r\n\r\n");
            // It may be hung up on.
            let _broken = uploading.write_all(head.as_bytes()).and_then(|()| uploading.write_all(&pattern(LARGE)));
        });
        let mut connection = accept_head(&listener);
        connection.write_all(b"HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nbig").expect("lb reads");
        drop(connection);
        let mut answer = String::new();
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut reading = &stream;
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = reading.read(&mut buffer) {
            answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
            if answer.ends_with("big") {
                break;
            }
        }
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer:?}");
        drop(stream);
        upload.join().expect("it ends");
    }
    assert_eq!(lb.endpoint("e1").failures, 0);
}

/// Where the connection's end is the answer's, a regular end would make a part look like the whole.
#[test]
fn an_answer_cut_short_is_reset_for_a_client_that_knows_no_chunks() {
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n".to_vec();
    let endpoint = Endpoint::new(move |_| Reply::BytesAndEnd(bytes.clone()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = TcpStream::connect(lb.address()).expect("lb listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it takes a request");
    let end = client.read_to_end(&mut Vec::new()).expect_err("it does not end regularly");
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn an_answer_of_http_1_0_that_ends_with_its_connection_is_chunked_for_the_client() {
    let endpoint = Endpoint::new(|_| Reply::BytesAndEnd(b"HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\nto the end".to_vec()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = Client::connect(lb.address());
    for _ in 0..2 {
        let answer = client.get("/");
        assert_eq!((answer.text(), answer.header("transfer-encoding")), ("to the end", Some("chunked")));
    }
}

/// A body is the endpoint's, whatever it looks like.
#[test]
fn a_body_that_looks_like_a_refusal_passes_as_it_is() {
    let refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let lb = Lb::with_config(&config::cluster(&[listener.local_addr().expect("it is bound")], ""));
    let mut client = TcpStream::connect(lb.address()).expect("lb listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    client.write_all(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n").expect("it takes a request");
    let mut connection = accept(&listener);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nabcd", refusal.len() + 4);
    connection.write_all(head.as_bytes()).expect("lb reads");
    let mut seen = Vec::new();
    let mut read = |until: &str| {
        let mut buffer = [0; 1024];
        while !seen.ends_with(until.as_bytes()) {
            let read = client.read(&mut buffer).expect("more comes");
            assert_ne!(read, 0, "more comes: {:?}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
    };
    read("\r\n\r\nabcd");
    connection.write_all(refusal.as_bytes()).expect("lb reads");
    read(refusal);
}

#[test]
fn an_answer_that_switches_protocols_unasked_is_no_answer() {
    let endpoint = Endpoint::new(|_| Reply::Bytes(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".to_vec()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let answer = Client::connect(lb.address()).get("/");
    assert_eq!((answer.status, answer.header("lb-reject")), (502, Some("invalid-header")));
}
