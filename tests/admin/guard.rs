//! Who may not: other sites' pages, names that were rebound, whoever lacks the token; and what is no request at all.

use std::fmt::Write as _;

use lb_common::api::{ENDPOINT_PATH, EVENTS_PATH, FAULT_PATH, FAULTS_PATH, STATUS_PATH, TRACES_NEXT_PATH, TRACES_PATH};

use super::api::{Api, apart, own_address, problem};
use crate::support::{Client, Endpoint, Lb, config};

const TOKEN: &str = "0123456789abcdef-secret";
const JSON: &str = "Content-Type: application/json\r\n";

fn e1() -> String {
    ENDPOINT_PATH.replace("{cluster}", "web").replace("{endpoint}", "e1")
}

/// All that changes something, and would be done if it were allowed.
fn changes() -> [(&'static str, String, &'static str); 4] {
    [
        ("POST", TRACES_NEXT_PATH.to_owned(), "{\"count\": 1}"),
        ("PATCH", e1(), "{\"weight\": 2}"),
        (
            "POST",
            FAULTS_PATH.to_owned(),
            "{\"route\": \"/\", \"percent\": 1, \"kind\": {\"type\": \"reset\"}, \"for\": \"1s\"}",
        ),
        ("DELETE", FAULT_PATH.replace("{id}", "1"), ""),
    ]
}

#[test]
fn a_name_that_was_rebound_to_the_admin_listener_gets_nothing() {
    let endpoint = Endpoint::saying("yes");
    let (lb, _) = apart(&[endpoint.address()], "", "faults = true");
    let admin = own_address(&lb);
    let mut paths = vec![("GET", STATUS_PATH.to_owned(), ""), ("GET", EVENTS_PATH.to_owned(), "")];
    paths.extend(changes());
    for (method, path, body) in paths {
        for host in ["evil.example", &format!("evil.example:{}", admin.port()), "localhost.evil.example", ""] {
            let mut client = Client::connect(admin);
            let length = body.len();
            let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{JSON}Content-Length: {length}\r\n\r\n");
            client.send(format!("{head}{body}").as_bytes());
            let answer = client.answer_to(method).expect("an answer");
            // A Host that is no host at all may be refused before anybody looks at it.
            assert!(answer.status == 403 || (host.is_empty() && answer.status == 400), "{method} {path}: {answer:?}");
        }
    }
    let status = lb.status();
    assert!(status.drift.is_empty() && status.faults.is_empty(), "{status:?}");
}

#[test]
fn a_target_that_names_another_host_does_not_help() {
    let endpoint = Endpoint::saying("yes");
    let (lb, _) = apart(&[endpoint.address()], "", "");
    let admin = own_address(&lb);
    let mut client = Client::connect(admin);
    client.send(format!("GET http://evil.example{STATUS_PATH} HTTP/1.1\r\nHost: {admin}\r\n\r\n").as_bytes());
    assert_eq!(client.answer().expect("an answer").status, 403);
}

#[test]
fn pages_of_other_sites_can_change_nothing_and_read_nothing() {
    let endpoint = Endpoint::saying("yes");
    let (lb, own) = apart(&[endpoint.address()], "", "faults = true\nchanges-without-token = true");
    for api in [own, Api::through(&lb)] {
        for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost", "file://", "x y"] {
            let lines = format!("{JSON}Origin: {origin}\r\n");
            for (method, path, body) in changes() {
                let answer = api.send(method, &path, &lines, body);
                assert_eq!(answer.status, 403, "{method} {path} from {origin}: {answer:?}");
                assert_eq!(problem(&answer).error, "pages of other origins may not ask");
            }
            for path in [STATUS_PATH, EVENTS_PATH, TRACES_PATH] {
                let answer = api.send("GET", path, &format!("Origin: {origin}\r\n"), "");
                assert_eq!(answer.status, 403, "{path} from {origin}: {answer:?}");
            }
            // What a browser asks before it would send a request of another site with JSON: it is not told that it may.
            let answer = api.send("OPTIONS", &e1(), &format!("Origin: {origin}\r\n"), "");
            assert!(answer.status >= 400 && answer.header("access-control-allow-origin").is_none(), "{answer:?}");
        }
    }
    let status = lb.status();
    assert!(status.drift.is_empty() && status.faults.is_empty(), "{status:?}");
}

#[test]
fn whoever_lacks_the_token_gets_nothing_and_is_told_what_to_bring() {
    let endpoint = Endpoint::saying("yes");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("it can be written");
    let in_file = format!("token-file = {file:?}\nfaults = true");
    for admin in [format!("token = \"{TOKEN}\"\nfaults = true"), in_file] {
        let text = format!("{}\n[admin]\nbind = \"127.0.0.1:0\"\n{admin}", config::cluster(&[endpoint.address()], ""));
        let lb = Guarded(Lb::with_config(&text));
        let own = Api::at(own_address(&lb.0));
        for api in [own, Api::through(&lb.0)] {
            let short = &TOKEN[..TOKEN.len() - 1];
            let wrong = TOKEN.replace('0', "1");
            for lines in [
                String::new(),
                "Authorization: Bearer\r\n".to_owned(),
                "Authorization: Bearer \r\n".to_owned(),
                format!("Authorization: Bearer {wrong}\r\n"),
                format!("Authorization: Bearer {short}\r\n"),
                format!("Authorization: Bearer {TOKEN}x\r\n"),
                format!("Authorization: Basic {TOKEN}\r\n"),
                format!("Authorization: {TOKEN}\r\n"),
                format!("Cookie: token={TOKEN}\r\n"),
            ] {
                let answer = api.send("GET", STATUS_PATH, &lines, "");
                assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{lines}");
                assert!(problem(&answer).hint.is_some_and(|hint| hint.contains("Authorization: Bearer")), "{lines}");
                for (method, path, body) in changes() {
                    assert_eq!(api.send(method, &path, &format!("{JSON}{lines}"), body).status, 401, "{path}: {lines}");
                }
            }
            for scheme in ["Bearer", "bearer", "BEARER"] {
                let lines = format!("Authorization: {scheme} {TOKEN}\r\n");
                assert_eq!(api.send("GET", STATUS_PATH, &lines, "").status, 200, "{scheme}");
                let answer = api.send("POST", TRACES_NEXT_PATH, &format!("{JSON}{lines}"), "{\"count\": 0}");
                assert_eq!(answer.status, 204, "{scheme}: {answer:?}");
            }
        }
        lb.stop();
    }
}

/// One whose status cannot be asked without a token, so that it is stopped by hand.
struct Guarded(Lb);

impl Guarded {
    fn stop(self) {
        self.0.signal("TERM");
        let (status, log) = self.0.wait();
        assert!(status.success() && !log.contains("panicked") && !log.contains("ERROR"), "{log}");
        assert!(!log.contains(TOKEN), "the token is shown nowhere: {log}");
    }
}

#[test]
fn changes_through_a_listener_need_a_token_while_reading_does_not() {
    let endpoint = Endpoint::saying("yes");
    let (lb, own) = apart(&[endpoint.address()], "", "faults = true");
    let public = Api::through(&lb);
    for (method, path, body) in changes() {
        let answer = public.tell(method, &path, body);
        assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        assert_eq!(problem(&answer).error, "changes through a listener need a token");
        // On the address of its own, which only this machine reaches, they are done.
        assert!(own.tell(method, &path, body).status < 300, "{method} {path}");
    }
    for path in [STATUS_PATH, TRACES_PATH, FAULTS_PATH] {
        assert_eq!(public.send("GET", path, "", "").status, 200, "{path}");
    }
}

#[test]
fn a_body_that_is_too_large_is_not_read() {
    let endpoint = Endpoint::saying("yes");
    let (lb, own) = apart(&[endpoint.address()], "", "faults = true\nchanges-without-token = true");
    let blanks = " ".repeat(64 * 1024);
    for api in [own, Api::through(&lb)] {
        for (method, path, body) in changes().iter().filter(|(_, _, body)| !body.is_empty()) {
            let answer = api.tell(method, path, &format!("{body}{blanks}"));
            // Through a route it is the proxy that refuses it, in its own words.
            assert_eq!(answer.status, 413, "{method} {path}: {answer:?}");
        }
        let fits = format!("{{\"count\": 0}}{}", " ".repeat(60 * 1024));
        assert_eq!(api.tell("POST", TRACES_NEXT_PATH, &fits).status, 204);
    }
}

#[test]
fn a_form_of_another_page_is_not_taken_for_json() {
    let endpoint = Endpoint::saying("yes");
    let (lb, own) = apart(&[endpoint.address()], "", "faults = true\nchanges-without-token = true");
    for api in [own, Api::through(&lb)] {
        for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""] {
            let line = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
            for (method, path, body) in changes().iter().filter(|(_, _, body)| !body.is_empty()) {
                let answer = api.send(method, path, &line, body);
                assert_eq!(answer.status, 415, "{method} {path} as {kind:?}: {answer:?}");
                assert!(problem(&answer).error.contains("application/json"), "{answer:?}");
            }
        }
    }
    assert!(lb.status().drift.is_empty());
}

#[test]
fn what_nobody_knows_is_named_rather_than_ignored() {
    let endpoint = Endpoint::saying("yes");
    let (_lb, api) = apart(&[endpoint.address()], "", "faults = true");
    let place = "\"route\": \"/\", \"percent\": 1, \"for\": \"1s\"";
    for (method, path, body) in [
        ("POST", TRACES_NEXT_PATH.to_owned(), "{\"count\": 1, \"wrong-key\": 1}".to_owned()),
        ("PATCH", e1(), "{\"weight\": 2, \"wrong-key\": 1}".to_owned()),
        ("POST", FAULTS_PATH.to_owned(), format!("{{{place}, \"kind\": {{\"type\": \"reset\"}}, \"wrong-key\": 1}}")),
        ("POST", FAULTS_PATH.to_owned(), format!("{{{place}, \"kind\": {{\"type\": \"reset\", \"wrong-key\": 1}}}}")),
        (
            "POST",
            FAULTS_PATH.to_owned(),
            format!("{{{place}, \"kind\": {{\"type\": \"abort\", \"status\": 503, \"wrong-key\": 1}}}}"),
        ),
        ("POST", FAULTS_PATH.to_owned(), format!("{{{place}, \"kind\": {{\"type\": \"wrong-key\"}}}}")),
    ] {
        let answer = api.tell(method, &path, &body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(problem(&answer).error.contains("wrong-key"), "{body}: {}", answer.text());
    }
    let what_if = format!("{}/what-if", e1());
    for path in [TRACES_PATH, EVENTS_PATH, "/lb/v1/history", "/lb/v1/timeline", &what_if] {
        let answer = api.send("GET", &format!("{path}?wrong-key=1"), "", "");
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
        assert!(problem(&answer).error.contains("wrong-key"), "{path}: {}", answer.text());
    }
}

#[test]
fn what_is_no_json_or_too_deep_is_refused_and_nothing_breaks() {
    let endpoint = Endpoint::saying("yes");
    let (_lb, api) = apart(&[endpoint.address()], "", "faults = true");
    let mut bodies = vec![String::new(), "{".to_owned(), "nul".to_owned(), "[]".to_owned(), "\u{0}".to_owned()];
    for (open, close) in [("[", "]"), ("{\"kind\":", "}")] {
        let depth = 60_000 / (open.len() + close.len());
        bodies.push(format!("{}1{}", open.repeat(depth), close.repeat(depth)));
        bodies.push(open.repeat(depth));
        let mut inner = String::from("{\"route\": \"/\", \"percent\": 1, \"for\": \"1s\", \"kind\": ");
        write!(inner, "{}1{}}}", open.repeat(depth), close.repeat(depth)).expect("a string takes all");
        bodies.push(inner);
    }
    for body in &bodies {
        for (method, path, _) in changes().iter().filter(|(method, _, _)| *method != "DELETE") {
            let answer = api.tell(method, path, body);
            assert_eq!(answer.status, 400, "{method} {path}: {answer:?}");
            assert!(!problem(&answer).error.is_empty());
        }
    }
}
