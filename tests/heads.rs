//! What happens to heads on their way through, and which requests are refused.

use crate::support::{Client, Endpoint, Lb, Reply, config};

fn one_endpoint() -> (Endpoint, Lb) {
    let endpoint = Endpoint::saying("yes");
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    (endpoint, lb)
}

#[test]
fn an_endpoint_is_told_who_asked_and_for_what() {
    let (endpoint, lb) = one_endpoint();
    let lines = "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.9.8.7\r\nCookie: a=b\r\n";
    Client::connect(lb.address()).get_with("/path?query=1&b=%20", lines);
    let request = endpoint.requests().remove(0);
    assert_eq!(request.line, "GET /path?query=1&b=%20 HTTP/1.1");
    let field = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(field("host"), Some("test"));
    assert_eq!(field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(field("x-forwarded-proto"), Some("http"));
    assert_eq!(field("x-forwarded-host"), Some("test"));
    assert_eq!(field("forwarded"), None);
    assert_eq!(field("via"), Some("1.1 lb"));
    assert_eq!(field("cookie"), Some("a=b"));
}

#[test]
fn fields_of_one_connection_stay_on_it_in_both_directions() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nX-End: 2\r\n\r\n";
    let endpoint = Endpoint::new(|_| Reply::Bytes(answer.to_vec()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let lines =
        "Connection: keep-alive, X-Mine, Host\r\nX-Mine: 1\r\nTE: trailers\r\nUpgrade: websocket\r\nX-Yours: 2\r\n";
    let answer = Client::connect(lb.address()).get_with("/", lines);
    let request = endpoint.requests().remove(0);
    for name in ["connection", "x-mine", "te", "upgrade"] {
        assert!(!request.headers.contains_key(name), "{name}");
    }
    assert_eq!(request.headers["x-yours"], "2");
    assert_eq!(request.headers["host"], "test");
    assert_eq!((answer.header("x-hop"), answer.header("keep-alive"), answer.header("x-end")), (None, None, Some("2")));
}

#[test]
fn bad_requests_are_refused_with_a_reason_and_reach_no_endpoint() {
    let (endpoint, lb) = one_endpoint();
    for (request, reason) in [
        ("GET / HTTP/1.1\r\n\r\n", "the Host field is missing"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "more than one Host field"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "not a host"),
        ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", "a segment of dots"),
        ("GET /%2e%2E/x HTTP/1.1\r\nHost: a\r\n\r\n", "a segment of dots"),
        ("GET /%0 HTTP/1.1\r\nHost: a\r\n\r\n", "a broken percent-encoding"),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "a NUL"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "CONNECT is not offered here"),
    ] {
        let mut client = Client::connect(lb.address());
        client.send(request.as_bytes());
        let answer = client.answer().expect("an answer");
        assert_eq!((answer.status, answer.header("lb-reject")), (400, Some("bad-request")), "{request:?}");
        assert!(answer.text().contains(reason), "{request:?}: {}", answer.text());
        assert!(!request.starts_with("CONNECT") || client.is_ended(), "what comes after a CONNECT is no request");
    }
    assert_eq!(endpoint.count(), 0);
}

#[test]
fn what_is_no_http_is_told_so_and_the_connection_ends() {
    let (endpoint, lb) = one_endpoint();
    for (garbage, status, reject, words) in [
        ("\0\0\0\r\n\r\n", 400, "bad-request", "the first line is not HTTP"),
        ("\x16\x03\x01", 400, "bad-request", "the first line is not HTTP"),
        ("GET /\r\n\r\n", 400, "bad-request", "the first line is not HTTP"),
        ("GET / HTTP/1.1\nHost: a\n\n", 400, "bad-request", "a line ends in something else than CR LF"),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, "version", "neither HTTP/1.0 nor HTTP/1.1"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad-request", "is not a token followed by a colon"),
    ] {
        let mut client = Client::connect(lb.address());
        client.send(garbage.as_bytes());
        let answer = client.answer().expect("an answer");
        assert_eq!((answer.status, answer.header("lb-reject")), (status, Some(reject)), "{garbage:?}");
        assert!(answer.text().contains(words), "{garbage:?}: {}", answer.text());
        assert!(client.is_ended(), "{garbage:?}");
    }
    assert_eq!(endpoint.count(), 0);
}

#[test]
fn an_unknown_route_is_404_in_the_form_that_the_client_accepts() {
    let endpoint = Endpoint::saying("yes");
    let config = config::cluster(&[endpoint.address()], "")
        .replace("path = \"/\"", "path = \"/api\"\nhost = \"www.example.com\"");
    let lb = Lb::with_config(&config);
    let mut client = Client::connect(lb.address());
    let answer = client.get("/api");
    assert_eq!((answer.status, answer.header("content-type")), (404, Some("text/plain; charset=utf-8")));
    let answer = client.get_with("/api", "Accept: application/json\r\n");
    let told: serde_json::Value = serde_json::from_slice(&answer.body).expect("it is JSON");
    assert_eq!((answer.status, &told["reason"]), (404, &"no-route".into()));
    client.send(b"GET /api/x HTTP/1.1\r\nHost: WWW.example.com:8080\r\n\r\n");
    assert_eq!(client.answer().expect("an answer").text(), "yes");
    client.send(b"GET /apiary HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
    assert_eq!(client.answer().expect("an answer").status, 404);
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let endpoint = Endpoint::new(|request| Reply::Status(200, request.line.clone()));
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let mut client = Client::connect(lb.address());
    client.send(
        b"GET /1 HTTP/1.1\r\nHost: t\r\n\r\nGET /2 HTTP/1.1\r\nHost: t\r\n\r\nGET /3 HTTP/1.1\r\nHost: t\r\n\r\n",
    );
    for n in 1..=3 {
        assert_eq!(client.answer().expect("an answer").text(), format!("GET /{n} HTTP/1.1"));
    }
}

#[test]
fn an_endpoint_is_told_what_a_trusted_proxy_said() {
    let endpoint = Endpoint::saying("yes");
    let text = config::cluster(&[endpoint.address()], "");
    let lb = Lb::with_config(&format!("trusted-proxies = [\"127.0.0.0/8\"]\n{text}"));
    Client::connect(lb.address()).get_with("/", "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: https\r\n");
    let request = endpoint.requests().remove(0);
    let field = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!((field("x-forwarded-for"), field("x-forwarded-proto")), (Some("10.9.8.7, 127.0.0.1"), Some("https")));
}

#[test]
fn no_way_of_writing_a_path_leads_around_its_route() {
    let [open, closed] = ["open", "closed"].map(Endpoint::saying);
    let route = "[[routes]]\npath = \"/admin\"\ncluster = \"closed\"\n";
    let cluster = format!("[clusters.closed]\nendpoints = [{{ address = \"{}\" }}]\n", closed.address());
    let text = config::cluster(&[open.address()], "").replacen("[[routes]]", &format!("{route}[[routes]]"), 1);
    let lb = Lb::with_config(&format!("{text}{cluster}"));
    let targets = ["/admin", "//admin", "/%61dmin/x", "/admin%2Fx", "/admin//x?y", "/admin;a=b"];
    let mut client = Client::connect(lb.address());
    for target in targets {
        assert_eq!(client.get(target).text(), "closed", "{target}");
    }
    let forwarded = closed.requests().into_iter().map(|request| request.line).collect::<Vec<_>>();
    assert_eq!(forwarded, targets.map(|target| format!("GET {target} HTTP/1.1")), "as they came");
    assert_eq!(client.get("/adminx").text(), "open");
}

#[test]
fn a_target_that_is_too_long_is_told_so() {
    let (endpoint, lb) = one_endpoint();
    let answer = Client::connect(lb.address()).get(&format!("/{}", "x".repeat(17_000)));
    assert_eq!((answer.status, answer.header("lb-reject")), (414, Some("target-too-long")));
    assert_eq!(endpoint.count(), 0);
}

#[test]
fn an_address_with_as_many_connections_as_it_may_have_is_told_so() {
    let endpoint = Endpoint::saying("yes");
    let text = config::cluster(&[endpoint.address()], "");
    let lb = Lb::with_config(&format!("{text}[limits]\nconnections-per-client = 1\n"));
    let mut first = Client::connect(lb.address());
    assert_eq!(first.get("/").text(), "yes");
    let mut second = Client::connect(lb.address());
    let answer = second.answer().expect("an answer, before it asks");
    assert_eq!((answer.status, answer.header("lb-reject")), (429, Some("too-many-connections")));
    assert!(second.is_ended());
    assert_eq!(first.get("/").text(), "yes");
    // Whoever asks how it stands comes from the same address, so it is not asked.
    lb.signal("TERM");
    assert!(lb.wait().0.success());
}

#[test]
fn a_head_without_end_is_told_so() {
    let (endpoint, lb) = one_endpoint();
    let long = "x".repeat(70_000);
    for request in
        [format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n")]
    {
        let mut client = Client::connect(lb.address());
        client.send(request.as_bytes());
        let answer = client.answer().expect("an answer");
        assert_eq!((answer.status, answer.header("lb-reject")), (431, Some("head-too-large")));
        assert!(client.is_ended());
    }
    assert_eq!(endpoint.count(), 0);
}
