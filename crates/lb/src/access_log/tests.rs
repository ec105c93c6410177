//! What is written of a request, and what becomes of lines when the file is renamed, full, or slow.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Instant;

use lb_balance::{EndpointId, Failure, Outcome, Timestamp, Turn};
use lb_proxy::{Asked, ClusterId, Clusters, End, Passed, Try};
use serde_json::Value;
use tokio::runtime::LocalOptions;

use super::*;
use crate::config;

fn story() -> Story {
    let one = |endpoint, ms, outcome| Try {
        endpoint: EndpointId(endpoint),
        turn: Turn::Regular,
        after: Duration::from_millis(ms),
        connect: (endpoint == 1).then_some(Duration::from_millis(1)),
        reused: endpoint == 0,
        took: Duration::from_millis(ms + 2),
        outcome,
        blamed: endpoint != 1,
        span: None,
        played: false,
        passed: Passed::default(),
    };
    Story {
        wanted: lb_proxy::Wanted { logged: true, ..lb_proxy::Wanted::default() },
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        began: Timestamp::ORIGIN,
        took: Duration::from_millis(20),
        asked: Asked {
            method: "GET".into(),
            target: "/api?a=\"b\"".into(),
            version: "1.1",
            host: "example.org".into(),
            referer: None,
            user_agent: Some("curl/8 \\ \u{e9}\n".into()),
            request_id: Some("abc".into()),
        },
        route: Some(0),
        cluster: Some(ClusterId(0)),
        queued: Duration::ZERO,
        tries: vec![one(0, 1, Outcome::Failed(Failure::Closed)), one(1, 4, Outcome::Answered { status: 200 })],
        stopped: None,
        unplaced: None,
        status: Some(200),
        reject: None,
        end: End::Delivered,
        bytes_in: 0,
        bytes_out: 230,
        body_bytes_out: 30,
        span: None,
    }
}

/// Two endpoints behind one route, in a runtime that is needed to start their cluster.
fn names() -> (Arc<Names>, Clock) {
    let text = "[[listeners]]\nbind = \"127.0.0.1:1\"\n[[routes]]\npath = \"/api\"\ncluster = \"web\"\n[clusters.web]\n\
        endpoints = [{ name = \"web1\", address = \"127.0.0.1:5001\" }, { name = \"web2\", address = \"127.0.0.1:5002\" }]\n";
    let config = config::parse("test", text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        let clusters = Clusters::start(config.clusters);
        (Arc::new(Names::new(&config.routes, clusters.handles())), clusters.clock())
    })
}

fn log(path: Option<&Path>, format: LogFormat, queue: usize) -> AccessLog {
    let (names, clock) = names();
    AccessLog::start(Sink::open(path).unwrap(), format, names, clock, queue).unwrap()
}

fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    #[allow(clippy::disallowed_methods, reason = "how long a test has patience")]
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn combined_is_what_nginx_writes() {
    let (_, clock) = names();
    let mut text = String::new();
    combined::push(&mut text, &story(), clock);
    let (before, after) = (text.find('[').unwrap(), text.find(']').unwrap());
    assert_eq!(&text[..before], "192.0.2.7 - - ");
    let expected = " \"GET /api?a=\\x22b\\x22 HTTP/1.1\" 200 30 \"-\" \"curl/8 \\x5C \\xC3\\xA9\\x0A\"\n";
    assert_eq!(&text[after + 1..], expected);
    text.clear();
    combined::push(&mut text, &Story { status: None, end: End::ClientLeft, ..story() }, clock);
    assert!(text.contains("HTTP/1.1\" 499 30 "), "{text}");
}

#[test]
fn json_tells_every_attempt_and_nginxs_lists() {
    let (names, clock) = names();
    let mut text = String::new();
    json::push(&mut text, &story(), &names, clock);
    assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["target"], &line["route"]), (&"/api?a=\"b\"".into(), &"/api".into()));
    assert_eq!(line["attempts"][0]["failure"], "closed");
    assert_eq!(line["attempts"][1]["endpoint"], "web2");
    assert_eq!(line["upstream_addr"], "127.0.0.1:5001, 127.0.0.1:5002");
    assert_eq!(line["upstream_status"], "502, 200");
    assert_eq!(line["upstream_connect_time"], "0.000, 0.001");
    assert_eq!(line["upstream_header_time"], "-, 0.006");
    assert_eq!(line["upstream_response_time"], "0.003, 0.016");
}

#[test]
fn a_renamed_file_is_left_and_no_line_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let log = log(Some(&path), LogFormat::Combined, QUEUE);
    let lines = |path: &Path| fs::read_to_string(path).map_or(0, |text| text.lines().count());
    let story = Arc::new(story());
    log.hear(&story);
    wait_until("the first line is there", || lines(&path) == 1);
    fs::rename(&path, &old).unwrap();
    log.hear(&story);
    log.reopen();
    log.hear(&story);
    wait_until("the new file has a line", || lines(&path) == 1);
    assert_eq!(lines(&old), 2);
    // And without being told.
    fs::rename(&path, &old).unwrap();
    wait_until("it has noticed", || path.exists());
    log.hear(&story);
    wait_until("the new file has a line", || lines(&path) == 1);
    assert_eq!((log.counts().written(), log.counts().lost()), (4, 0));
}

#[test]
fn lines_that_find_no_place_or_no_disk_are_counted() {
    let full = log(Some(Path::new("/dev/full")), LogFormat::Json, QUEUE);
    let story = Arc::new(story());
    for _ in 0..10 {
        full.hear(&story);
    }
    wait_until("all are lost", || full.counts().lost() == 10);
    let counts = Arc::clone(full.counts());
    drop(full);
    assert_eq!((counts.written(), counts.lost()), (0, 10));
    // Without a reader, the queue is full after one.
    let (queue, _receiver) = sync_channel(1);
    let stuck = AccessLog { queue: Some(queue), counts: Arc::default(), reopen: Arc::default(), writer: None };
    for _ in 0..3 {
        stuck.hear(&story);
    }
    assert_eq!(stuck.counts().lost(), 2);
}

#[test]
fn what_is_handed_over_is_written_before_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = log(Some(&path), LogFormat::Json, QUEUE);
    let story = Arc::new(story());
    for _ in 0..5000 {
        log.hear(&story);
    }
    drop(log);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 5000);
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn whoever_asks_for_the_file_anew_waits_for_nobody_and_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let (names, clock) = names();
    let (queue, receiver) = sync_channel(1);
    let full = AccessLog { queue: Some(queue), counts: Arc::default(), reopen: Arc::default(), writer: None };
    let mut writer = Writer {
        sink: Sink::open(Some(&path)).unwrap(),
        format: LogFormat::Combined,
        names,
        clock,
        counts: Arc::clone(&full.counts),
        reopen: Arc::clone(&full.reopen),
        said: 0,
        text: String::new(),
    };
    fs::rename(&path, &old).unwrap();
    full.hear(&Arc::new(story()));
    // This waited for room in the queue, which nobody makes here.
    full.reopen();
    drop(full);
    writer.run(&receiver);
    let lines = |path: &Path| fs::read_to_string(path).map_or(0, |text| text.lines().count());
    assert_eq!((lines(&old), lines(&path)), (0, 1));
}

#[test]
fn a_line_that_broke_off_before_lb_was_started_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    for (before, expected) in
        [("whole\nhal", "whole\nhal\n192.0.2.7 "), ("whole\n", "whole\n192.0.2.7 "), ("", "192.0.2.7 ")]
    {
        fs::write(&path, before).unwrap();
        let log = log(Some(&path), LogFormat::Combined, QUEUE);
        log.hear(&Arc::new(story()));
        drop(log);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(expected), "{text}");
    }
}
