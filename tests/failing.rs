//! What of an endpoint's failure reaches the client: nothing, if it can be helped; and what is then believed of it.

use std::net::SocketAddr;
use std::sync::mpsc;

use lb_common::api::Belief;

use crate::support::{Client, Endpoint, Lb, PATIENCE, Reply, address_of_its_own, config, get, wait_until};

/// Does not eject anybody, so that each request of a test meets the same endpoints.
const LENIENT: &str = "health = { max-fails = 0 }";

fn lb(endpoints: &[SocketAddr], more: &str) -> Lb {
    Lb::with_config(&config::cluster(endpoints, more))
}

fn post(client: &mut Client, body: &str) -> crate::support::client::Answer {
    let length = body.len();
    client.send(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
    client.answer().expect("an answer")
}

#[test]
fn a_503_is_tried_again_elsewhere_and_never_twice_at_the_same_endpoint() {
    let endpoints = [Endpoint::answering(503, "no"), Endpoint::answering(503, "no"), Endpoint::saying("yes")];
    let lb = lb(&endpoints.each_ref().map(Endpoint::address), LENIENT);
    let mut client = Client::connect(lb.address());
    for _ in 0..9 {
        assert_eq!(client.get("/").text(), "yes");
    }
    // Turns go round with every attempt, so that each request meets all three in order.
    assert_eq!(endpoints.each_ref().map(Endpoint::count), [9, 9, 9]);
}

#[test]
fn when_all_fail_the_endpoints_own_last_answer_goes_through_unchanged() {
    let endpoints = [
        Endpoint::answering(503, "first"),
        Endpoint::new(|_| {
            Reply::Bytes(b"HTTP/1.1 503 Gone Fishing\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nlast".to_vec())
        }),
    ];
    let lb = lb(&endpoints.each_ref().map(Endpoint::address), LENIENT);
    let answer = get(lb.address(), "/");
    assert_eq!((answer.status, answer.text(), answer.header("x-own")), (503, "last", Some("1")));
    assert_eq!(answer.header("lb-reject"), None);
}

#[test]
fn a_real_answer_is_passed_on_rather_than_a_later_failure_without_one() {
    let lb = lb(&[Endpoint::answering(503, "real").address(), Endpoint::nobody()], LENIENT);
    let answer = get(lb.address(), "/");
    assert_eq!((answer.status, answer.text()), (503, "real"));
}

#[test]
fn a_post_whose_sending_has_begun_is_not_sent_twice() {
    let endpoints = [Endpoint::new(|_| Reply::BytesAndEnd(Vec::new())), Endpoint::saying("yes")];
    let lb = lb(&endpoints.each_ref().map(Endpoint::address), LENIENT);
    let answer = post(&mut Client::connect(lb.address()), "once");
    assert_eq!((answer.status, answer.header("lb-reject")), (502, Some("closed")));
    assert_eq!(endpoints.each_ref().map(Endpoint::count), [1, 0]);
}

#[test]
fn a_post_is_answered_503_by_the_endpoint_itself() {
    let endpoints = [Endpoint::answering(503, "mine"), Endpoint::saying("yes")];
    let lb = lb(&endpoints.each_ref().map(Endpoint::address), LENIENT);
    assert_eq!(post(&mut Client::connect(lb.address()), "once").text(), "mine");
    assert_eq!(endpoints[1].count(), 0);
}

#[test]
fn a_post_that_could_not_be_sent_is_tried_elsewhere_whole() {
    let endpoint = Endpoint::new(|request| Reply::Status(200, String::from_utf8_lossy(&request.body).into_owned()));
    let lb = lb(&[Endpoint::nobody(), endpoint.address()], LENIENT);
    let mut client = Client::connect(lb.address());
    for _ in 0..4 {
        assert_eq!(post(&mut client, "a body").text(), "a body");
    }
}

#[test]
fn a_post_may_be_sent_twice_where_the_configuration_says_so() {
    let endpoints = [
        Endpoint::answering(503, "no"),
        Endpoint::new(|request| Reply::Status(200, String::from_utf8_lossy(&request.body).into_owned())),
    ];
    let addresses = endpoints.each_ref().map(Endpoint::address);
    let lb = lb(&addresses, &format!("{LENIENT}\nretry = {{ non-idempotent = true }}"));
    assert_eq!(post(&mut Client::connect(lb.address()), "again").text(), "again");
}

#[test]
fn a_body_beyond_the_limit_is_not_kept_for_a_retry() {
    let endpoints = [Endpoint::answering(503, "no"), Endpoint::saying("yes")];
    let addresses = endpoints.each_ref().map(Endpoint::address);
    let lb = lb(&addresses, &format!("{LENIENT}\nretry = {{ body-limit = \"8B\" }}"));
    let mut client = Client::connect(lb.address());
    let mut put = |body: &str| {
        let length = body.len();
        client.send(format!("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
        client.answer().expect("an answer").text().to_owned()
    };
    assert_eq!(put("12345678"), "yes");
    assert_eq!(put("123456789"), "no");
}

#[test]
fn what_is_not_listed_is_not_tried_again() {
    let endpoints = [Endpoint::answering(500, "broken"), Endpoint::saying("yes")];
    let lb = lb(&endpoints.each_ref().map(Endpoint::address), LENIENT);
    assert_eq!(get(lb.address(), "/").text(), "broken");
}

#[test]
fn upstream_trouble_is_502_or_504_and_names_its_reason() {
    let scripts: [(Endpoint, u16, &str); 3] = [
        (Endpoint::new(|_| Reply::BytesAndEnd(Vec::new())), 502, "closed"),
        (Endpoint::new(|_| Reply::BytesAndEnd(b"220 mail.example ESMTP\r\n\r\n".to_vec())), 502, "invalid-header"),
        (Endpoint::new(|_| Reply::Hang), 504, "response-timeout"),
    ];
    for (endpoint, status, reason) in scripts {
        let lb = lb(&[endpoint.address()], "timeouts = { response = \"50ms\" }");
        let answer = get(lb.address(), "/");
        assert_eq!((answer.status, answer.header("lb-reject")), (status, Some(reason)));
    }
    let lb = lb(&[Endpoint::nobody()], "");
    let answer = Client::connect(lb.address()).get_with("/", "Accept: application/json\r\n");
    assert_eq!((answer.status, answer.header("lb-reject")), (502, Some("refused")));
    let told: serde_json::Value = serde_json::from_slice(&answer.body).expect("it is JSON");
    assert_eq!(told["reason"], "refused");
}

#[test]
fn an_endpoint_that_closes_idle_connections_costs_no_request() {
    // Each connection is closed just after its first answer, without saying so.
    let endpoint = Endpoint::new(|_| Reply::BytesAndEnd(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()));
    let lb = lb(&[endpoint.address()], LENIENT);
    let mut client = Client::connect(lb.address());
    for _ in 0..50 {
        assert_eq!(client.get("/").text(), "ok");
    }
    assert_eq!(lb.endpoint("e1").failures, 0);
}

#[test]
fn an_answer_cut_short_never_ends_cleanly() {
    for head in ["Content-Length: 10\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}").into_bytes();
        let endpoint = Endpoint::new(move |_| Reply::BytesAndEnd(bytes.clone()));
        let lb = lb(&[endpoint.address()], LENIENT);
        let mut client = Client::connect(lb.address());
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        assert!(client.answer().is_err(), "{head:?}");
        wait_until("the cut is counted", || lb.endpoint("e1").failures == 1);
    }
}

#[test]
fn failures_eject_an_endpoint_and_its_trial_brings_it_back() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let works = Arc::new(AtomicBool::new(false));
    let script = Arc::clone(&works);
    let sick = Endpoint::new(move |_| {
        let works = script.load(Ordering::SeqCst);
        Reply::Status(if works { 200 } else { 503 }, "sick".to_owned())
    });
    let well = Endpoint::saying("well");
    let lb = lb(&[sick.address(), well.address()], "health = { max-fails = 3, eject-time = \"300ms\" }");
    let mut client = Client::connect(lb.address());
    while lb.endpoint("e1").belief == Belief::Up {
        assert_eq!(client.get("/").text(), "well");
    }
    let ejected = lb.endpoint("e1");
    assert!(ejected.reason.contains("the last one answered 503"), "{}", ejected.reason);
    let attempts = sick.count();
    assert!(attempts >= 3);
    // It goes from ejection to trial and back as long as it fails, and no client notices.
    wait_until("a trial has failed", || {
        assert_eq!(client.get("/").text(), "well");
        lb.endpoint("e1").reason.contains("the trial failed")
    });
    assert!(sick.count() <= attempts + 2, "an ejected endpoint gets trials and nothing else");
    works.store(true, Ordering::SeqCst);
    wait_until("it is back", || {
        assert_eq!(client.get("/").status, 200);
        lb.endpoint("e1").belief == Belief::Up
    });
}

#[test]
fn without_an_available_endpoint_clients_are_told_when_to_come_back() {
    let endpoint = Endpoint::answering(503, "sick");
    let probe = "probe = { interval = \"20ms\", fall = 1 }";
    let lb = lb(&[endpoint.address()], probe);
    wait_until("it is down", || lb.endpoint("e1").belief == Belief::Down);
    let answer = get(lb.address(), "/");
    assert_eq!((answer.status, answer.header("lb-reject")), (503, Some("no-endpoint")));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn with_nginxs_rules_every_endpoint_may_be_out() {
    let lb = lb(&[Endpoint::nobody(), Endpoint::nobody()], "preset = \"nginx\"");
    let both = get(lb.address(), "/");
    assert_eq!((both.status, both.header("lb-reject")), (502, Some("refused")), "each was tried once");
    wait_until("both are out", || ["e1", "e2"].iter().all(|name| lb.endpoint(name).belief == Belief::Ejected));
    assert_eq!(get(lb.address(), "/").header("lb-reject"), Some("no-endpoint"));
    let ejected = lb.endpoint("e1");
    assert_eq!(ejected.until_ms.map(|until| until - ejected.since_ms), Some(10_000));
}

#[test]
fn a_cluster_that_fails_open_passes_on_what_its_endpoints_say() {
    let endpoint = Endpoint::answering(503, "sick");
    let lb = lb(&[endpoint.address()], "probe = { interval = \"20ms\", fall = 1 }\nhealth = { fail-open = true }");
    wait_until("it is down", || lb.endpoint("e1").belief == Belief::Down);
    assert_eq!(get(lb.address(), "/").text(), "sick");
}

#[test]
fn a_name_that_does_not_resolve_costs_only_its_endpoint() {
    let endpoint = Endpoint::saying("yes");
    let lb =
        Lb::with_config(&config::cluster(&["no-such-host.invalid:80".to_owned(), endpoint.address().to_string()], ""));
    let mut client = Client::connect(lb.address());
    for _ in 0..6 {
        assert_eq!(client.get("/").text(), "yes");
    }
}

#[test]
fn a_request_is_told_its_attempts_if_it_asks() {
    let lb = lb(&[Endpoint::answering(503, "no").address(), Endpoint::saying("yes").address()], LENIENT);
    let mut client = Client::connect(lb.address());
    let answer = client.get_with("/", "lb-trace: 1\r\n");
    let trace = answer.header("lb-trace").expect("it was asked for");
    assert!(trace.starts_with("\"e1\";status=503;us=") && trace.contains(", \"e2\";status=200;us="), "{trace}");
    assert_eq!(client.get("/").header("lb-trace"), None);
}

#[test]
fn a_shortage_of_our_own_is_not_blamed_on_the_endpoints() {
    let lb = Lb::demo();
    // Those that are open stay open; there are no new ones.
    limit_descriptors(&lb, "3");
    // Each of the four is probed once a second, and three failed probes would take it down.
    wait_until("more than three probes of each could not be sent", || {
        lb.log().matches("could not be sent").count() > 16
    });
    limit_descriptors(&lb, "1024");
    assert!(lb.status().clusters[0].endpoints.iter().all(|e| e.belief == Belief::Up && e.failures == 0));
}

#[test]
fn where_connections_cannot_be_had_those_that_are_there_are_served_and_the_others_wait() {
    // An endpoint that answers when it is told to.
    let ((come, arrived), (go, told)) = (mpsc::channel(), mpsc::channel::<()>());
    let told = std::sync::Mutex::new(told);
    let endpoint = Endpoint::new(move |request| {
        if request.line.starts_with("GET /slow ") {
            come.send(()).expect("the test waits");
            told.lock().expect("nobody panics").recv().expect("it is told");
        }
        Reply::Status(200, "yes".to_owned())
    });
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], "").replace("workers = 2\n", "workers = 1\n"));
    let mut within = Client::connect(lb.address());
    within.send(b"GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
    arrived.recv_timeout(PATIENCE).expect("its request comes to the endpoint");
    let began = std::time::Instant::now();
    limit_descriptors(&lb, "3");
    let mut waiting = Client::connect(lb.address());
    waiting.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    let complaints = || lb.log().matches("cannot accept connections for the moment: Too many open files").count();
    wait_until("it was said more than once", || complaints() > 1);
    go.send(()).expect("the endpoint waits");
    assert_eq!(within.answer().expect("an answer").text(), "yes");
    let said = u64::try_from(complaints()).expect("they are few");
    assert!(said <= began.elapsed().as_secs() + 1, "once a second, and not {said} times in {:?}", began.elapsed());
    limit_descriptors(&lb, "1024");
    assert_eq!(waiting.answer().expect("an answer").text(), "yes");
}

#[test]
fn where_memory_is_lent_out_new_requests_are_told_so_and_those_under_way_go_on() {
    let endpoint = Endpoint::saying("yes");
    let text = config::cluster(&[endpoint.address()], "").replace("workers = 2\n", "workers = 1\n");
    // One percent of 256 MiB is 327 buffers.
    let wrapper = ["prlimit".to_owned(), format!("--as={}", 256 << 20)];
    let lb = Lb::under(&wrapper, &format!("{text}[limits]\nmemory = \"1%\"\n"));
    let mut half: Vec<_> = (0..400).map(|_| Client::connect(lb.address())).collect();
    for client in &mut half[..340] {
        client.send(b"GET / HT");
    }
    let mut latest = get(lb.address(), "/");
    wait_until("there is no memory left", || {
        latest = get(lb.address(), "/");
        latest.status == 503
    });
    assert_eq!((latest.header("lb-reject"), latest.header("retry-after")), (Some("no-memory"), Some("1")));
    assert!(lb.log().contains("all memory that may be lent is"), "{}", lb.log());
    // The first ones were in before it was out.
    half[0].send(b"TP/1.1\r\nHost: t\r\n\r\n");
    assert_eq!(half[0].answer().expect("an answer").text(), "yes");
    drop(half);
    wait_until("there is memory again", || get(lb.address(), "/").status == 200);
}

fn limit_descriptors(lb: &Lb, to: &str) {
    let (pid, limit) = (lb.pid().to_string(), format!("--nofile={to}:"));
    let limited = std::process::Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(limited.expect("there is a prlimit command").success());
}

#[test]
fn whoever_knows_the_token_is_told_the_attempts_on_any_route() {
    let (sick, well) = (Endpoint::answering(503, "sick"), Endpoint::saying("well"));
    let text = config::cluster(&[sick.address(), well.address()], "health = { max-fails = 0 }");
    let admin = address_of_its_own();
    let token = "a-token-of-24-characters";
    let lb = Lb::with_config(&format!(
        "{}[admin]\nbind = \"{admin}\"\ntoken = \"{token}\"\n",
        text.replace("trace = true\n", "")
            .replace("path = \"/lb\"\nadmin = true", "path = \"/other\"\ncluster = \"web\"")
    ));
    for (said, is_told) in [(token, true), ("1", false), ("a-token-of-24-character", false)] {
        let answer = Client::connect(lb.address()).get_with("/", &format!("lb-trace: {said}\r\n"));
        assert_eq!(answer.header("lb-trace").is_some(), is_told, "{said}");
    }
    lb.signal("TERM");
    assert!(lb.wait().0.success());
}
