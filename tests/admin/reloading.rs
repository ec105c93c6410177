//! A configuration is read again while `lb` serves: no request is lost, nothing that was learnt is forgotten, and a bad one changes
//! nothing.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use lb_common::api::{Belief, TIMELINE_PATH, What};

use super::api::{Api, apart, apart_text, own_address};
use crate::support::{Client, Endpoint, Lb, Reply, address_of_its_own, get, wait_until};

/// Reloads and waits until that is done; gives what is different.
fn reload(lb: &Lb, api: Api, text: &str) -> Vec<String> {
    let before = api.timeline().last().map_or(0, |event| event.id);
    lb.reload(text);
    let event = api.event("it is reloaded", |what| matches!(what, What::Reloaded { .. }));
    // There may have been others.
    let mut latest = event;
    wait_until("it is reloaded", || {
        let found = api.timeline().into_iter().rfind(|event| matches!(event.what, What::Reloaded { .. }));
        latest = found.expect("there is one");
        latest.id > before
    });
    let What::Reloaded { differences, .. } = latest.what else { unreachable!("it was looked for") };
    differences
}

/// Tells to reload, which is refused; gives the reason.
fn refused(lb: &Lb, api: Api, text: &str) -> String {
    lb.reload(text);
    let event = api.event("it is refused", |what| matches!(what, What::ReloadRefused { .. }));
    let What::ReloadRefused { why, .. } = event.what else { unreachable!("it was looked for") };
    assert!(event.says.starts_with("lb.toml not reloaded, all stays as it was: "), "{}", event.says);
    why
}

#[test]
fn other_endpoints_take_over_under_load_and_no_request_fails() {
    let [a, b, c] = ["a", "b", "c"].map(Endpoint::saying);
    let (lb, api) = apart(&[a.address(), b.address()], "", "");
    let address = lb.address();
    let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (is_over, asked) = (Arc::clone(&is_over), Arc::clone(&asked));
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                while !is_over.load(Ordering::Relaxed) {
                    let answer = client.get("/");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    // Some keep their connection until they are told that it ends, others take a new one each time.
                    if number % 2 == 0 || answer.header("connection") == Some("close") {
                        client = Client::connect(address);
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let some_more = || {
        let before = asked.load(Ordering::Relaxed);
        wait_until("requests are answered", || asked.load(Ordering::Relaxed) > before + 200);
    };
    for round in 0..5 {
        some_more();
        let endpoints = if round % 2 == 0 { [c.address(), b.address()] } else { [a.address(), b.address()] };
        reload(&lb, api, &apart_text(&endpoints, "", ""));
    }
    some_more();
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no request of it has failed");
    }
    let (before, answers) = (a.count(), [(); 8].map(|()| get(address, "/").text().to_owned()));
    assert_eq!(answers.iter().filter(|text| *text == "c").count(), 4, "{answers:?}");
    assert_eq!(a.count(), before);
}

#[test]
fn what_is_different_is_told() {
    let [a, b] = ["a", "b"].map(Endpoint::saying);
    let (lb, api) = apart(&[a.address()], "retry = { attempts = 2 }", "");
    let started = lb.status().started_at_ms;
    let told = reload(&lb, api, &apart_text(&[a.address(), b.address()], "retry = { attempts = 3 }", ""));
    assert_eq!(told, ["clusters.web.endpoints e2: new", "clusters.web.retry.attempts: 2 → 3"]);
    let events = api.timeline();
    let says = &events.last().expect("it was told").says;
    assert_eq!(says, "lb.toml reloaded: clusters.web.endpoints e2: new, and 1 difference more");
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2], "the numbers go on");
    assert_eq!(lb.status().started_at_ms, started, "a reload is no start");
}

#[test]
fn a_wrong_file_changes_nothing_and_it_is_said_where_it_is_wrong() {
    let a = Endpoint::saying("a");
    let (lb, api) = apart(&[a.address()], "", "");
    let why = refused(&lb, api, &apart_text(&[a.address()], "retri = { attempts = 3 }", ""));
    assert!(why.starts_with("lb.toml:13:1: ") && why.contains("hint: "), "{why}");
    assert_eq!(get(lb.address(), "/").text(), "a");
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(
        status.success() && log.contains("lb.toml is not reloaded, and all stays as it was:\nlb.toml:13:1: "),
        "{log}"
    );
}

#[test]
fn an_address_that_is_taken_changes_nothing() {
    let [a, b] = ["a", "b"].map(Endpoint::saying);
    let (lb, api) = apart(&[a.address()], "", "");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = holder.local_addr().expect("it is bound");
    let listener = format!("[[listeners]]\nbind = \"{taken}\"\n");
    let why =
        refused(&lb, api, &format!("{listener}{}", apart_text(&[b.address()], "", "").replace("workers = 2\n", "")));
    assert!(why.contains(&taken.to_string()) && why.contains("hint: another program listens there"), "{why}");
    assert_eq!(get(lb.address(), "/").text(), "a");
    lb.signal("TERM");
    assert!(lb.wait().0.success());
}

#[test]
fn listeners_and_workers_come_and_go() {
    let a = Endpoint::saying("a");
    let (lb, api) = apart(&[a.address()], "", "");
    let text = apart_text(&[a.address()], "", "");
    let another = address_of_its_own();
    let more = format!("[[listeners]]\nbind = \"{another}\"\n{}", text.replace("workers = 2\n", ""));
    reload(&lb, api, &format!("workers = 3\n{more}"));
    assert_eq!((get(another, "/").text(), get(lb.address(), "/").text()), ("a", "a"));
    assert_eq!(lb.status().workers, 3);
    reload(&lb, api, &text.replace("workers = 2", "workers = 1"));
    wait_until("nobody listens there any more", || TcpStream::connect(another).is_err());
    // More than one socket has a queue of its own: whoever lands in whichever is served.
    for _ in 0..20 {
        assert_eq!(get(lb.address(), "/").text(), "a");
    }
}

#[test]
fn a_request_under_way_is_answered_and_its_connection_ends() {
    let (came, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (reached, released) = (Arc::clone(&came), Arc::clone(&go));
    let slow = Endpoint::new(move |_| {
        reached.wait();
        released.wait();
        Reply::Status(200, "late".to_owned())
    });
    let quick = Endpoint::saying("quick");
    let (lb, api) = apart(&[slow.address()], "", "");
    let mut client = Client::connect(lb.address());
    client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    came.wait();
    reload(&lb, api, &apart_text(&[quick.address()], "", ""));
    assert_eq!(get(lb.address(), "/").text(), "quick");
    go.wait();
    let answer = client.answer().expect("an answer");
    assert_eq!((answer.text(), answer.header("connection")), ("late", Some("close")));
}

#[test]
fn an_idle_connection_is_not_cut_and_its_next_answer_is_its_last() {
    let [a, b] = ["a", "b"].map(Endpoint::saying);
    let (lb, api) = apart(&[a.address()], "", "");
    let mut client = Client::connect(lb.address());
    assert_eq!(client.get("/").header("connection"), None);
    reload(&lb, api, &apart_text(&[b.address()], "", ""));
    let answer = client.get("/");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(get(lb.address(), "/").text(), "b");
}

#[test]
fn a_client_that_has_not_asked_yet_is_not_cut_wherever_it_came() {
    let a = Endpoint::saying("a");
    let (lb, api) = apart(&[a.address()], "", "");
    let admin = own_address(&lb);
    let early = [lb.address(), admin].map(|address| (address, Client::connect(address)));
    // Connections are accepted in their order, so that of the admin API is by the time that this has asked there.
    reload(&lb, api, &apart_text(&[a.address()], "retry = { attempts = 3 }", ""));
    for (address, mut client) in early {
        client.send(format!("GET {TIMELINE_PATH} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes());
        let answer = client.answer().unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(answer.status, 200, "{address}: {}", answer.text());
    }
}

#[test]
fn a_tunnel_outlives_a_reload() {
    let origin = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = origin.local_addr().expect("it is bound");
    let serving = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = origin.accept().expect("lb comes");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head comes");
            head.push(byte[0]);
        }
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
            .expect("it is taken");
        let mut said = [0; 5];
        stream.read_exact(&mut said).expect("it is carried");
        stream.write_all(&said).expect("it is taken");
    });
    let (lb, api) = apart(&[address], "upgrades = [\"websocket\"]", "");
    let mut client = TcpStream::connect(lb.address()).expect("lb listens");
    let read_until = |client: &mut TcpStream, end: &[u8]| {
        use std::io::Read as _;
        let mut read = Vec::new();
        while !read.ends_with(end) {
            let mut byte = [0];
            client.read_exact(&mut byte).expect("it is carried");
            read.push(byte[0]);
        }
    };
    std::io::Write::write_all(
        &mut client,
        b"GET / HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    .expect("it is taken");
    read_until(&mut client, b"\r\n\r\n");
    reload(&lb, api, &apart_text(&[address], "", ""));
    std::io::Write::write_all(&mut client, b"hello").expect("it is taken");
    read_until(&mut client, b"hello");
    serving.join().expect("it was spoken to");
}

#[test]
fn what_was_learnt_and_what_was_changed_by_hand_outlives_a_reload() {
    let (sick, well, drained) =
        (Endpoint::answering(503, "sick"), Endpoint::saying("well"), Endpoint::saying("drained"));
    let endpoints = [sick.address(), well.address(), drained.address()];
    let health = "health = { max-fails = 1, eject-time = \"1h\", max-eject-time = \"1h\", max-ejected = \"100%\" }";
    let (lb, api) = apart(&endpoints, health, "");
    let change = api.tell("PATCH", "/lb/v1/clusters/web/endpoints/e3", "{\"draining\": true, \"for\": \"1h\"}");
    assert_eq!(change.status, 200, "{}", change.text());
    for _ in 0..4 {
        assert_eq!(get(lb.address(), "/").text(), "well");
    }
    // The last lease ends a moment after its answer has come.
    wait_until("nothing is in flight", || lb.status().clusters[0].endpoints.iter().all(|one| one.in_flight == 0));
    let before = lb.status();
    let fourth = Endpoint::saying("fourth");
    // The order is another one, too.
    let text = apart_text(&[endpoints[0], endpoints[1], endpoints[2], fourth.address()], health, "");
    reload(&lb, api, &text);
    let after = lb.status();
    assert_eq!(after.clusters[0].endpoints[..3], before.clusters[0].endpoints[..]);
    assert_eq!(after.drift, before.drift);
    assert_eq!(after.drift.len(), 1, "{after:?}");
    assert_eq!(lb.endpoint("e1").belief, Belief::Ejected);
    assert_eq!((sick.count(), drained.count()), (1, 0));
    for _ in 0..4 {
        assert_ne!(get(lb.address(), "/").text(), "drained");
    }
    assert_eq!((sick.count(), fourth.count()), (1, 2));
    // An endpoint at another address is another one.
    let text = apart_text(&[fourth.address(), endpoints[1], endpoints[2]], health, "");
    reload(&lb, api, &text);
    assert_eq!(lb.endpoint("e1").belief, Belief::Up);
}

#[test]
fn sessions_stay_where_they_are_although_nobody_wrote_a_secret_down() {
    let names = ["a", "b", "c"];
    let endpoints = names.map(Endpoint::saying).map(|endpoint| endpoint.address());
    let sticky = "sticky = { cookie = \"seat\" }";
    let (lb, api) = apart(&endpoints, sticky, "");
    let first = get(lb.address(), "/");
    let cookie = first.header("set-cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();
    reload(&lb, api, &apart_text(&endpoints, &format!("{sticky}\nretry = {{ attempts = 2 }}"), ""));
    for _ in 0..4 {
        let again = Client::connect(lb.address()).get_with("/", &format!("Cookie: {cookie}\r\n"));
        assert_eq!((again.text(), again.header("set-cookie")), (first.text(), None));
    }
}

#[test]
fn a_stream_ends_and_whoever_comes_back_misses_nothing() {
    let a = Endpoint::saying("a");
    let (lb, api) = apart(&[a.address()], "", "faults = true\n");
    let mut stream = api.stream("only=event&since=0", "");
    assert_eq!(stream.next().id, Some(1));
    let fault = "{\"cluster\": \"web\", \"endpoint\": \"e1\", \"percent\": 100, \"kind\": {\"type\": \"abort\", \"status\": 500}, \"for\": \"1h\"}";
    api.begin(fault);
    let ended = std::thread::spawn(move || while stream.next_or_end().is_some() {});
    reload(&lb, api, &apart_text(&[a.address()], "", "faults = true\n"));
    ended.join().expect("the stream has ended in order");
    let kinds: Vec<_> = api.timeline().into_iter().map(|event| (event.id, event.what)).collect();
    let [
        (1, What::Started { .. }),
        (2, What::FaultBegan { .. }),
        (3, What::FaultEnded { expired: false, .. }),
        (4, What::Reloaded { .. }),
    ] = &kinds[..]
    else {
        panic!("{kinds:#?}");
    };
    let mut stream = api.stream("only=event", "Last-Event-ID: 2\r\n");
    assert_eq!([stream.next().id, stream.next().id], [Some(3), Some(4)]);
    assert_eq!(get(lb.address(), "/").text(), "a", "no fault is played any more");
}

#[test]
fn a_change_that_comes_by_an_old_connection_is_not_lost() {
    let [a, b] = ["a", "b"].map(Endpoint::saying);
    let open = "changes-without-token = true\n";
    let (lb, api) = apart(&[a.address(), b.address()], "", open);
    let mut client = Client::connect(lb.address());
    assert_eq!(client.get("/").status, 200);
    reload(&lb, api, &apart_text(&[a.address(), b.address()], "", open));
    let body = "{\"draining\": true}";
    let (path, length) = ("/lb/v1/clusters/web/endpoints/e1", body.len());
    client.send(
        format!("PATCH {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
            .as_bytes(),
    );
    assert_eq!(client.answer().expect("an answer").status, 200);
    assert_eq!(lb.endpoint("e1").belief, Belief::Draining);
}

#[test]
fn traces_and_counts_of_before_are_still_there() {
    let (sick, well): (Endpoint, Endpoint) = (Endpoint::answering(503, "sick"), Endpoint::saying("well"));
    let endpoints: [SocketAddr; 2] = [sick.address(), well.address()];
    let (lb, api) = apart(&endpoints, "", "");
    for _ in 0..2 {
        assert_eq!(get(lb.address(), "/").text(), "well");
    }
    let before = api.traces_once(2, "outcome=retried").traces;
    let counted = || api.ask::<lb_common::api::History>("/lb/v1/history?window=5m").ticks;
    wait_until("they are counted", || counted().iter().map(|tick| tick.requests).sum::<u64>() >= 2);
    // The places of the endpoints are other ones.
    reload(&lb, api, &apart_text(&[well.address()], "", "").replace("\"e1\"", "\"e2\""));
    assert_eq!(api.traces("outcome=retried").traces, before);
    let counted = counted();
    assert!(counted.iter().map(|tick| tick.requests).sum::<u64>() >= 2);
    let of_e2: u64 = counted.iter().map(|tick| u64::from(tick.clusters[0].endpoints[0].attempts)).sum();
    assert!(counted.iter().all(|tick| tick.clusters[0].endpoints.len() == 1) && of_e2 == 2, "{of_e2}");
}
