//! The status, and the stream that begins with it.

use lb_common::api::{Belief, Event, STATUS_PATH, Status, What};

use super::api::{Api, own_address};
use crate::support::{Client, Endpoint, Lb, config, get};

#[test]
fn the_status_tells_what_is_believed_of_each_endpoint_and_why() {
    let (sick, well) = (Endpoint::answering(503, "sick"), Endpoint::saying("well"));
    let lb = Lb::with_config(&config::cluster(
        &[sick.address(), well.address()],
        "health = { max-fails = 1, eject-jitter = \"0%\" }",
    ));
    assert_eq!(get(lb.address(), "/").text(), "well");
    crate::support::wait_until("it is ejected", || lb.endpoint("e1").belief == Belief::Ejected);
    let status = lb.status();
    assert_eq!((status.config.as_str(), status.workers, status.clusters.len()), ("lb.toml", 2, 1));
    let [sick_one, well_one] = &status.clusters[0].endpoints[..] else { panic!("two endpoints") };
    assert_eq!(sick_one.address, sick.address().to_string());
    assert_eq!(sick_one.reason, "1 request failed within 10s, the last one answered 503");
    assert_eq!(sick_one.until_ms.map(|until| until - sick_one.since_ms), Some(10_000));
    assert_eq!((sick_one.attempts, sick_one.failures), (1, 1));
    assert_eq!((well_one.belief, well_one.attempts, well_one.failures), (Belief::Up, 1, 0));
    assert!(well_one.latency_us.is_some());
}

#[test]
fn the_stream_begins_with_a_status_and_tells_each_change_as_it_happens() {
    let (sick, well) = (Endpoint::answering(503, "sick"), Endpoint::saying("well"));
    let more = "health = { max-fails = 1, eject-time = \"50ms\" }";
    let lb = Lb::with_config(&config::cluster(&[sick.address(), well.address()], more));
    let mut stream = Api::through(&lb).stream("", "");
    let status: Status = stream.next_of("status");
    assert_eq!(status.clusters[0].endpoints.len(), 2);
    assert_eq!(get(lb.address(), "/").text(), "well");
    let mut changes =
        std::iter::repeat_with(|| stream.next_of::<Event>("event")).filter_map(|event| match event.what {
            What::Belief { endpoint, from, to, reason, .. } => Some((endpoint, from, to, reason)),
            _ => None,
        });
    let (endpoint, from, to, reason) = changes.next().expect("the stream goes on");
    assert_eq!((endpoint.as_str(), from, to), ("e1", Belief::Up, Belief::Ejected));
    assert_eq!(reason, "1 request failed within 10s, the last one answered 503");
    let (_, from, to, _) = changes.next().expect("the stream goes on");
    assert_eq!((from, to), (Belief::Ejected, Belief::Trial));
    drop(changes);
    let _later: Status = stream.next_of("status");
}

#[test]
fn a_probes_news_is_told() {
    let lb = Lb::demo();
    let mut stream = Api::through(&lb).stream("", "");
    let _later: Status = stream.next_of("status");
    get(lb.address(), "/control/toggle?target=web4&active=false");
    let told = loop {
        let told: lb_common::api::ProbeChange = stream.next_of("probe");
        if told.endpoint == "web4" && !told.probe.ok {
            break told;
        }
    };
    assert_eq!((told.probe.status, told.probe.says.as_str()), (Some(503), "answered 503"));
}

#[test]
fn pages_of_other_origins_may_not_ask() {
    let lb = Lb::demo();
    let mut client = Client::connect(lb.address());
    assert_eq!(client.get_with(STATUS_PATH, "Origin: http://evil.example\r\n").status, 403);
    assert_eq!(client.get_with(STATUS_PATH, "Origin: http://test\r\n").status, 200);
}

#[test]
fn the_admin_listener_answers_those_who_ask_for_it_by_its_number() {
    let endpoint = Endpoint::saying("yes");
    let lb =
        Lb::with_config(&format!("{}\n[admin]\nbind = \"127.0.0.1:0\"", config::cluster(&[endpoint.address()], "")));
    let admin = own_address(&lb);
    let mut client = Client::connect(admin);
    for host in [&admin.to_string(), "localhost", &format!("localhost:{}", admin.port()), "[::1]"] {
        client.send(format!("GET {STATUS_PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        assert_eq!(client.answer().expect("an answer").status, 200, "{host}");
    }
}
