//! The access log, beside nginx's of the same requests.

use std::path::Path;

use lb_balance::Failure;
use serde_json::Value;

use crate::support::{Client, Endpoint, Lb, Peer, config, get, wait_until};

fn logging(endpoints: &[std::net::SocketAddr], path: &Path, format: &str) -> Lb {
    let log = format!("[access-log]\npath = \"{}\"\nformat = \"{format}\"\n", path.display());
    let health = "health = { max-fails = 0 }";
    Lb::with_config(&format!("{}{log}[tracing]\nrequest-id = \"x-request-id\"\n", config::cluster(endpoints, health)))
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn wait_for_lines(path: &Path, count: usize) -> Vec<String> {
    wait_until("the lines are written", || lines(path).len() >= count);
    lines(path)
}

/// A line without its time, which is its own.
fn timeless(line: &str) -> String {
    let (before, after) = (line.find('[').expect("a time"), line.find(']').expect("a time"));
    format!("{}{}", &line[..before], &line[after..])
}

#[test]
fn a_line_is_the_one_that_nginx_writes() {
    let origin = Endpoint::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let (lb, nginx) = (logging(&[origin.address()], &path, "combined"), Peer::nginx(origin.address()));
    let requests = [
        "GET / HTTP/1.1\r\nHost: localhost\r\n",
        "GET /a?b=%22&c=d HTTP/1.1\r\nHost: localhost\r\nReferer: http://x/\\\"\r\nUser-Agent: me/1 (\tx)\r\n",
        "GET /a HTTP/1.0\r\nHost: localhost\r\nReferer: \r\n",
        "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nUser-Agent: \u{e9}\r\n",
    ];
    for (count, request) in (1..).zip(requests) {
        for address in [lb.address(), nginx.address()] {
            let mut client = Client::connect(address);
            client.send(format!("{request}Connection: close\r\n\r\n").as_bytes());
            assert_eq!(client.answer().expect("an answer").text(), "hello");
        }
        // A worker tells of a request after its answer: the next one, on another worker, may be quicker.
        wait_for_lines(&path, count);
    }
    let ours = lines(&path);
    wait_until("nginx has written its lines", || nginx.access_log().lines().count() == requests.len());
    for (ours, theirs) in ours.iter().zip(nginx.access_log().lines()) {
        assert_eq!(timeless(ours), timeless(theirs));
    }
}

#[test]
fn a_line_of_json_tells_every_attempt_under_the_id_that_everybody_has() {
    let (well, nobody) = (Endpoint::saying("well"), Endpoint::nobody());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let lb = logging(&[nobody, well.address()], &path, "json");
    let answer = get(lb.address(), "/x");
    let id = answer.header("x-request-id").expect("an id").to_owned();
    assert_eq!(well.requests()[0].headers.get("x-request-id"), Some(&id));
    let line: Value = serde_json::from_str(&wait_for_lines(&path, 1)[0]).expect("JSON");
    assert_eq!((&line["request_id"], &line["target"]), (&Value::from(id), &"/x".into()));
    let attempts = line["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 2, "{line}");
    assert_eq!(attempts[0]["failure"], Failure::Refused.token());
    assert_eq!((&attempts[1]["endpoint"], &attempts[1]["status"]), (&"e2".into(), &200.into()));
    assert_eq!(line["upstream_addr"], format!("{nobody}, {}", well.address()));
    assert_eq!(line["upstream_status"], "502, 200");
}

#[test]
fn rotating_loses_no_line() {
    let origin = Endpoint::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let lb = logging(&[origin.address()], &path, "combined");
    get(lb.address(), "/1");
    wait_for_lines(&path, 1);
    std::fs::rename(&path, &old).expect("it can be renamed");
    get(lb.address(), "/2");
    wait_for_lines(&old, 2);
    lb.signal("USR1");
    wait_until("the file is there again", || path.exists());
    get(lb.address(), "/3");
    let after = wait_for_lines(&path, 1);
    assert!(after[0].contains("/3") && lines(&old).len() == 2, "{after:?}");
}

#[test]
fn what_is_no_request_has_a_line_too() {
    let origin = Endpoint::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let lb = logging(&[origin.address()], &path, "combined");
    let mut client = Client::connect(lb.address());
    client.send(b"\x16\x03\x01");
    assert_eq!(client.answer().expect("an answer").status, 400);
    let line = &wait_for_lines(&path, 1)[0];
    assert!(line.contains("] \"\" 400 "), "{line}");
}

#[test]
fn a_reader_that_takes_nothing_keeps_lb_neither_from_serving_nor_from_its_end() {
    let origin = Endpoint::saying("hello");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("there is such a command").success());
    // Open both ways, it has a reader, so that it can be written to: this one, who never reads.
    let _reader = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("it is there");
    let lb = logging(&[origin.address()], &path, "json");
    let mut client = Client::connect(lb.address());
    // Several times what a pipe holds, which is 64 KiB.
    for _ in 0..500 {
        assert_eq!(client.get("/x").status, 200);
    }
    lb.signal("USR1");
    assert_eq!(client.get("/x").status, 200);
    assert_eq!(lb.status().clusters.len(), 1, "the admin API answers");
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success() && log.contains("last lines of the access log are lost"), "{log}");
}

#[test]
fn without_an_access_log_the_signal_to_reopen_it_does_nothing() {
    let origin = Endpoint::saying("hello");
    let lb = Lb::with_config(&config::cluster(&[origin.address()], ""));
    lb.signal("USR1");
    // It is sent before the request, and so would have ended lb before the answer or soon after; that it lives is seen at its end,
    // which has to be a good one.
    assert_eq!(get(lb.address(), "/x").status, 200);
}
