//! What goes over the wire, byte by byte: to endpoints, and back to clients.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::support::{Lb, PATIENCE, config};

/// `lb` before one endpoint that the test plays itself, byte by byte.
struct Scene {
    lb: Lb,
    endpoint: TcpListener,
}

impl Scene {
    fn new(more: &str) -> Self {
        let endpoint = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = endpoint.local_addr().expect("it is bound");
        Self { lb: Lb::with_config(&config::cluster(&[address], more)), endpoint }
    }

    fn client(&self, bytes: &str) -> TcpStream {
        connect(self.lb.address(), bytes)
    }

    fn accept(&self) -> TcpStream {
        let (stream, _) = self.endpoint.accept().expect("lb connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream
    }
}

fn connect(address: SocketAddr, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("lb listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    send(&mut stream, bytes);
    stream
}

fn send(stream: &mut TcpStream, bytes: &str) {
    stream.write_all(bytes.as_bytes()).expect("it takes bytes");
}

/// Reads until that has come, and gives all that has.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let mut byte = [0];
        let count = stream.read(&mut byte).unwrap_or_else(|error| panic!("{error} after {:?}", lossy(&read)));
        assert_eq!(count, 1, "it ended after {:?} without {end:?}", lossy(&read));
        read.push(byte[0]);
    }
    lossy(&read)
}

fn read_head(stream: &mut TcpStream) -> String {
    read_until(stream, "\r\n\r\n")
}

fn read_to_end(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is an end, too.
    let _reset = stream.read_to_end(&mut read);
    lossy(&read)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn names_and_values_pass_in_the_case_and_the_order_in_which_they_came() {
    let scene = Scene::new("");
    let mut client =
        scene.client("GET /A?b=[c] HTTP/1.1\r\nhOsT: t\r\nX-ODD:  One \r\nAccept: */*\r\nx-odd: two\r\n\r\n");
    let mut endpoint = scene.accept();
    let head = read_head(&mut endpoint);
    assert!(
        head.starts_with(
            "GET /A?b=[c] HTTP/1.1\r\nhOsT: t\r\nX-ODD:  One \r\nAccept: */*\r\nx-odd: two\r\nX-Forwarded-For: "
        ),
        "{head}"
    );
    send(
        &mut endpoint,
        "HTTP/1.1 200 Quite OK\r\nSERVER: x\r\neTag: \"y\"\r\nDate: then\r\nContent-Length: 2\r\n\r\nok",
    );
    let answer = read_until(&mut client, "ok");
    assert_eq!(
        answer,
        "HTTP/1.1 200 Quite OK\r\nSERVER: x\r\neTag: \"y\"\r\nDate: then\r\nContent-Length: 2\r\n\r\nok"
    );
}

#[test]
fn requests_in_a_row_are_answered_in_their_order() {
    let scene = Scene::new("");
    let mut client = scene.client(
        "\r\nPOST /1 HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: t\r\n\r\n\
         GET /3 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\nHost: t\r\n\r\n",
    );
    let mut endpoint = scene.accept();
    for (target, body) in [("POST /1", "abc"), ("GET /2", ""), ("GET /3", "")] {
        let head = read_head(&mut endpoint);
        assert!(head.starts_with(target), "{head}");
        if !body.is_empty() {
            read_until(&mut endpoint, body);
        }
        send(&mut endpoint, &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}", target.len()));
    }
    let answers = read_to_end(&mut client);
    let order = ["POST /1", "GET /2", "GET /3"].map(|target| answers.find(target).expect(target));
    assert!(order.is_sorted() && !answers.contains("/4"), "after `close` nothing is answered: {answers}");
}

#[test]
fn a_body_that_is_cut_short_reaches_the_client_up_to_the_cut_and_does_not_end() {
    for (framing, body) in [("Content-Length: 10", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n")] {
        let scene = Scene::new("");
        let mut client = scene.client("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
        let mut endpoint = scene.accept();
        read_head(&mut endpoint);
        send(&mut endpoint, &format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}"));
        drop(endpoint);
        let answer = read_to_end(&mut client);
        assert!(answer.ends_with(body), "what came before the cut arrives, and no end: {answer:?}");
    }
}

#[test]
fn interim_answers_reach_the_client_before_the_answer() {
    let scene = Scene::new("");
    let mut client = scene.client("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    let mut endpoint = scene.accept();
    read_head(&mut endpoint);
    send(&mut endpoint, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\n");
    assert_eq!(read_head(&mut client), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    send(&mut endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert!(read_until(&mut client, "ok").starts_with("HTTP/1.1 200 OK\r\n"));
    // Those that HTTP/1.0 does not know are kept from it.
    let scene = Scene::new("");
    let mut old = scene.client("GET / HTTP/1.0\r\n\r\n");
    let mut endpoint = scene.accept();
    read_head(&mut endpoint);
    send(&mut endpoint, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert!(read_to_end(&mut old).starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_client_that_waits_to_be_asked_sends_its_body_when_the_endpoint_asks() {
    let scene = Scene::new("");
    let mut client = scene.client("PUT / HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let mut endpoint = scene.accept();
    let head = read_head(&mut endpoint);
    assert!(head.contains("\r\nExpect: 100-continue\r\n"), "{head}");
    send(&mut endpoint, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(read_head(&mut client), "HTTP/1.1 100 Continue\r\n\r\n");
    send(&mut client, "hello");
    read_until(&mut endpoint, "hello");
    send(&mut endpoint, "HTTP/1.1 204 No Content\r\n\r\n");
    assert!(read_head(&mut client).starts_with("HTTP/1.1 204"));
}

#[test]
fn a_client_that_waits_to_be_asked_is_spared_a_body_that_is_refused() {
    let scene = Scene::new("");
    let mut client = scene.client("PUT / HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let mut endpoint = scene.accept();
    read_head(&mut endpoint);
    send(&mut endpoint, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let answer = read_to_end(&mut client);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("Connection: close\r\n"), "{answer}");
    assert_eq!(read_to_end(&mut endpoint), "", "and neither does the endpoint wait for it");
}

#[test]
fn an_answer_may_come_while_the_body_is_still_being_sent() {
    let scene = Scene::new("");
    let mut client = scene.client("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    let mut endpoint = scene.accept();
    read_until(&mut endpoint, "3\r\none\r\n");
    send(&mut endpoint, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n");
    read_until(&mut client, "\r\n\r\n1\r\n1\r\n");
    send(&mut client, "3;ext=x\r\ntwo\r\n");
    assert_eq!(read_until(&mut endpoint, "two\r\n"), "3\r\ntwo\r\n", "extensions do not pass");
    send(&mut endpoint, "1\r\n2\r\n0\r\n\r\n");
    assert_eq!(read_until(&mut client, "0\r\n\r\n"), "1\r\n2\r\n0\r\n\r\n");
    // Now the rest of the request is read over, and the connection goes on.
    send(&mut client, "0\r\n\r\nGET / HTTP/1.1\r\nHost: t\r\n\r\n");
    let mut next = scene.accept();
    read_head(&mut next);
    send(&mut next, "HTTP/1.1 204 No Content\r\n\r\n");
    assert!(read_head(&mut client).starts_with("HTTP/1.1 204"));
}

#[test]
fn trailers_pass_but_for_those_that_frame_or_route() {
    let scene = Scene::new("");
    let mut client = scene.client(
        "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
         2\r\nhi\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nHost: evil\r\nX-Forwarded-For: evil\r\n\r\n",
    );
    let mut endpoint = scene.accept();
    let head = read_head(&mut endpoint);
    assert!(head.contains("\r\nTrailer: X-Sum\r\n"), "{head}");
    assert_eq!(read_until(&mut endpoint, "\r\n\r\n"), "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n");
    send(
        &mut endpoint,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 2\r\nTransfer-Encoding: x\r\n\r\n",
    );
    read_head(&mut client);
    assert_eq!(read_until(&mut client, "\r\n\r\n"), "2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n");
}

#[test]
fn what_is_no_answer_is_502_and_ends_its_connection() {
    for garbage in [
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 1\n\na",
        "HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        // A head that is larger than any may be.
        &format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000)),
    ] {
        let scene = Scene::new("");
        let mut client = scene.client("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
        let mut endpoint = scene.accept();
        read_head(&mut endpoint);
        send(&mut endpoint, garbage);
        let answer = read_head(&mut client);
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("lb-reject: invalid-header"), "{answer}");
        assert_eq!(read_to_end(&mut endpoint), "", "nothing more is asked on that connection");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_nobodys() {
    let scene = Scene::new("");
    let mut client = scene.client("GET /1 HTTP/1.1\r\nHost: t\r\n\r\n");
    let mut endpoint = scene.accept();
    read_head(&mut endpoint);
    send(
        &mut endpoint,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    );
    read_until(&mut client, "one");
    send(&mut client, "GET /2 HTTP/1.1\r\nHost: t\r\n\r\n");
    let mut fresh = scene.accept();
    assert!(read_head(&mut fresh).starts_with("GET /2 "));
    send(&mut fresh, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    assert!(!read_until(&mut client, "two").contains("evil"));
}

const SWITCH: &str =
    "GET /chat HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: y\r\n\r\n";

#[test]
fn a_connection_that_switches_protocols_carries_bytes_both_ways_and_no_byte_before() {
    let scene = Scene::new("");
    let mut client = scene.client(&format!("{SWITCH}too early"));
    let mut endpoint = scene.accept();
    let head = read_head(&mut endpoint);
    assert!(head.contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Key: x\r\n"), "{head}");
    endpoint.set_read_timeout(Some(Duration::from_millis(100))).expect("a time limit");
    assert!(endpoint.read(&mut [0]).is_err(), "nothing comes before the switch");
    endpoint.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    send(&mut endpoint, &format!("{SWITCHED}welcome"));
    let answer = read_until(&mut client, "welcome");
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("\r\nUpgrade: websocket\r\n"), "{answer}");
    assert!(answer.contains("\r\nSec-WebSocket-Accept: y\r\n"), "{answer}");
    read_until(&mut endpoint, "too early");
    for turn in 0..3 {
        send(&mut client, &format!("ping {turn}."));
        read_until(&mut endpoint, &format!("ping {turn}."));
        send(&mut endpoint, &format!("pong {turn}."));
        read_until(&mut client, &format!("pong {turn}."));
    }
    assert_eq!(scene.lb.endpoint("e1").in_flight, 1, "it is in flight as long as it is there");
    // One half ends, the other goes on.
    client.shutdown(Shutdown::Write).expect("it is connected");
    assert_eq!(read_to_end(&mut endpoint), "");
    send(&mut endpoint, "last words");
    drop(endpoint);
    assert_eq!(read_to_end(&mut client), "last words");
}

#[test]
fn a_switch_that_an_endpoint_declines_is_an_answer_like_any_other() {
    let scene = Scene::new("");
    let mut client = scene.client(SWITCH);
    let mut endpoint = scene.accept();
    for _ in 0..2 {
        read_head(&mut endpoint);
        send(&mut endpoint, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
        assert!(read_until(&mut client, "no").starts_with("HTTP/1.1 426"));
        send(&mut client, SWITCH);
    }
}

#[test]
fn a_protocol_that_is_not_allowed_is_not_asked_for() {
    let scene = Scene::new("upgrades = []\n");
    let _client = scene.client(SWITCH);
    let head = read_head(&mut scene.accept());
    assert!(!head.contains("Upgrade"), "{head}");
}

#[test]
fn a_tunnel_in_which_nothing_moves_is_ended() {
    let scene = Scene::new("timeouts = { tunnel = \"200ms\" }\n");
    let mut client = scene.client(SWITCH);
    let mut endpoint = scene.accept();
    read_head(&mut endpoint);
    send(&mut endpoint, SWITCHED);
    read_head(&mut client);
    assert_eq!((read_to_end(&mut client), read_to_end(&mut endpoint)), (String::new(), String::new()));
}

/// A break in the body must not make a request of what comes after it.
#[test]
fn after_a_broken_body_nothing_more_is_read_of_its_connection() {
    let scene = Scene::new("");
    let mut client = scene.client(
        "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n",
    );
    let answer = read_to_end(&mut client);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
}

/// A client that is refused a large upload reads why before its connection ends.
#[test]
fn an_upload_that_is_refused_early_is_told_so_however_large_it_is() {
    let scene = Scene::new("");
    let mut client = scene.client("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4000000\r\n\r\n");
    let mut endpoint = scene.accept();
    read_head(&mut endpoint);
    send(&mut endpoint, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    drop(endpoint);
    let chunk = "x".repeat(100_000);
    for _ in 0..40 {
        // It may be closed by then, which is an answer, too.
        let _closed = client.write_all(chunk.as_bytes());
    }
    assert!(read_until(&mut client, "no").starts_with("HTTP/1.1 413 "));
}

/// Sending stops where the endpoint takes no more; what is lost of a body by then cannot be sent to another one.
#[test]
fn an_endpoint_that_resets_an_upload_leaves_a_worker_that_serves() {
    for framing in ["Content-Length: 400000", "Transfer-Encoding: chunked"] {
        let resetting = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let good = crate::support::Endpoint::saying("good");
        let addresses = [resetting.local_addr().expect("it is bound"), good.address()];
        std::thread::spawn(move || {
            for mut stream in resetting.incoming().map_while(Result::ok) {
                // Closing with bytes unread is a reset.
                let _any = stream.read(&mut [0]);
            }
        });
        let lb = Lb::with_config(&config::cluster(&addresses, "").replace("workers = 2", "workers = 1"));
        for _ in 0..6 {
            let mut client = connect(lb.address(), &format!("PUT / HTTP/1.1\r\nHost: t\r\n{framing}\r\n\r\n"));
            let piece = "x".repeat(40_000);
            for _ in 0..10 {
                let chunk = if framing.starts_with('T') { format!("9c40\r\n{piece}\r\n") } else { piece.clone() };
                let _refused = client.write_all(chunk.as_bytes());
            }
            if framing.starts_with('T') {
                let _refused = client.write_all(b"0\r\n\r\n");
            }
            let answer = read_head(&mut client);
            assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 502 "), "{answer}");
        }
        assert_eq!(crate::support::get(lb.address(), "/lb/v1/status").status, 200, "it serves");
    }
}
