//! Drills against a cluster that runs: begun, told, judged, stopped, and nothing left behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use lb_common::api::{
    DRILLS_PATH, DrillRun, Drills, EVENTS_PATH, FAULTS_PATH, Faults, Problem, TIMELINE_PATH, Timeline,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::{Client, Endpoint, Lb, PATIENCE, config, get, wait_until};

/// `lb` before those endpoints that may run drills.
fn drilled(endpoints: &[&Endpoint], more: &str) -> Lb {
    let addresses: Vec<_> = endpoints.iter().map(|endpoint| endpoint.address()).collect();
    let admin = "[admin]\nbind = \"127.0.0.1:0\"\nchanges-without-token = true\ndrills = true\n";
    Lb::with_config(&format!("{}{admin}", config::cluster(&addresses, more)))
}

fn ask(lb: &Lb, method: &str, body: &Value) -> Answer {
    let mut client = Client::connect(lb.address());
    let body = body.to_string();
    let length = body.len();
    let head = format!("{method} {DRILLS_PATH} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json");
    client.send(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
    client.answer().expect("an answer")
}

fn begin(lb: &Lb, text: &str) -> Answer {
    ask(lb, "POST", &json!({ "text": text }))
}

fn said<T: DeserializeOwned>(answer: &Answer) -> T {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn refused(answer: &Answer) -> (u16, String, String) {
    let Problem { error, hint } = said(answer);
    (answer.status, error, hint.unwrap_or_default())
}

fn latest(lb: &Lb) -> DrillRun {
    said::<Drills>(&get(lb.address(), DRILLS_PATH)).run.expect("one has run")
}

/// How the drill has ended.
fn ended(lb: &Lb) -> DrillRun {
    wait_until("the drill ends", || latest(lb).state != "running");
    latest(lb)
}

fn faults(lb: &Lb) -> usize {
    said::<Faults>(&get(lb.address(), FAULTS_PATH)).faults.len()
}

fn drill(steps: &[&str], expect: &[&str], length: &str) -> String {
    let list = |items: &[&str]| items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ");
    format!(
        "title = \"so\"\nsteps = [{}]\nexpect = [{}]\n[world]\nlength = \"{length}\"\n[cluster]\nendpoints = 2\n",
        list(steps),
        list(expect)
    )
}

fn expectations(run: &DrillRun) -> Vec<(&str, Option<bool>)> {
    run.expectations.iter().map(|one| (one.says.as_str(), one.holds)).collect()
}

#[test]
fn a_drill_passes_if_all_that_is_expected_holds() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "");
    let mut stream = BufReader::new(TcpStream::connect(lb.address()).expect("lb listens"));
    stream.get_ref().set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let ask = format!("GET {EVENTS_PATH}?only=drill HTTP/1.1\r\nHost: t\r\n\r\n");
    stream.get_mut().write_all(ask.as_bytes()).expect("it takes a request");
    // The stream is there when its head is.
    assert!(stream.by_ref().lines().any(|line| line.expect("the stream goes on").is_empty()));
    let expect = [
        "error-rate <= 0%",
        "ejections >= 1",
        "attempts-per-request > 1",
        "requests > 50",
        "p50 < 5s",
        "recovery < 1s",
    ];
    let begun = begin(&lb, &drill(&["at 300ms kill e1 for 700ms"], &expect, "2s"));
    assert_eq!(begun.status, 201, "{begun:?}");
    let begun: DrillRun = said(&begun);
    assert_eq!((begun.name.as_str(), begun.state.as_str(), begun.ms), ("so", "running", 2000));
    assert_eq!(begun.steps[0].says, "e1 is killed: each attempt's connection breaks, for 700 ms");
    assert!(begun.expectations.iter().all(|one| one.holds.is_none() && one.measured.is_empty()), "{begun:?}");
    let run = ended(&lb);
    assert_eq!((run.state.as_str(), run.error.as_deref(), run.elapsed_ms), ("passed", None, 2000), "{run:#?}");
    let held = [
        ("error rate at most 0 %", Some(true)),
        ("ejections at least 1", Some(true)),
        ("attempts per request above 1", Some(true)),
        ("requests above 50", Some(true)),
        ("p50 below 5 s", Some(true)),
        ("recovery below 1 s", Some(true)),
    ];
    assert_eq!(expectations(&run), held);
    assert!(run.steps.iter().all(|step| step.done), "{run:?}");
    assert_eq!(faults(&lb), 0);
    assert!(one.count() + other.count() > 50, "it asks through the listener");
    // All of it was told as it happened: the step, each second, the end.
    let lines = stream.lines().map(|line| line.expect("the stream goes on"));
    let mut told: Vec<DrillRun> = Vec::new();
    for line in lines {
        let Some(data) = line.strip_prefix("data: ") else { continue };
        told.push(serde_json::from_str(data).expect("how it goes"));
        if told.last().is_some_and(|run| run.state != "running") {
            break;
        }
    }
    assert!(told.len() >= 3 && told.last() == Some(&run), "{told:#?}");
    assert!(told.iter().any(|run| run.state == "running" && run.steps[0].done), "{told:#?}");
    let timeline: Timeline = said(&get(lb.address(), TIMELINE_PATH));
    let happened: Vec<_> = timeline.events.iter().map(|event| event.says.as_str()).collect();
    let position =
        |says: &str| happened.iter().position(|told| *told == says).unwrap_or_else(|| panic!("{happened:#?}"));
    assert!(position("drill \"so\" began") < position("drill \"so\" passed"));
    position("fault over: e1: 100 % of the attempts end in a broken connection");
}

#[test]
fn a_drill_fails_if_one_thing_that_is_expected_does_not_hold() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "health = { max-fails = 0 }");
    let expect = ["error-rate < 1%", "requests > 20", "ejections >= 1", "p99 < 5s"];
    assert_eq!(begin(&lb, &drill(&["at 0s errors 500 all"], &expect, "1s")).status, 201);
    let run = ended(&lb);
    assert_eq!(run.state, "failed");
    // Nothing has succeeded, so how long that takes is not known; and what is not known does not hold.
    let broken = [
        ("error rate below 1 %", Some(false)),
        ("requests above 20", Some(true)),
        ("ejections at least 1", Some(false)),
        ("p99 below 5 s", None),
    ];
    assert_eq!(expectations(&run), broken, "{run:#?}");
    let measured = &run.expectations[0].measured;
    assert!(measured.starts_with("100 % (") && measured.ends_with(" answered 500)"), "{measured}");
    assert_eq!((faults(&lb), one.count() + other.count()), (0, 0), "lb has answered in the endpoints' places");
    assert_eq!(get(lb.address(), "/").status, 200, "and does so no more");
}

#[test]
fn what_is_still_not_answered_well_after_the_end_has_failed() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "timeouts = { response = \"60s\" }");
    assert_eq!(begin(&lb, &drill(&["at 0s hang all"], &["error-rate < 1%"], "500ms")).status, 201);
    let run = ended(&lb);
    assert_eq!((run.state.as_str(), run.elapsed_ms), ("failed", 500), "{run:#?}");
    let measured = &run.expectations[0].measured;
    assert!(measured.starts_with("100 % (") && measured.ends_with(" not answered in time)"), "{measured}");
    assert_eq!(faults(&lb), 0);
}

#[test]
fn an_endpoint_that_is_out_as_a_drill_begins_is_named() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "");
    let kill = drill(&["at 0s kill e1"], &["ejections >= 1"], "500ms");
    assert_eq!(begin(&lb, &kill).status, 201);
    assert_eq!(ended(&lb).state, "passed");
    // It stays out for its time, so the same does not happen to it again.
    assert_eq!(begin(&lb, &kill).status, 201);
    let run = ended(&lb);
    let says = &run.steps[0].says;
    assert!(says.starts_with("not up as it begins: e1 (3 requests failed within 10s") && run.steps[0].done, "{run:#?}");
    assert_eq!((run.state.as_str(), run.steps.len()), ("failed", 2));
}

#[test]
fn a_route_with_a_host_is_asked_under_its_name() {
    let endpoint = Endpoint::saying("one");
    let lb = Lb::with_config(&format!(
        "workers = 2\n[[listeners]]\nbind = \"127.0.0.1:0\"\n[[routes]]\npath = \"/lb\"\nadmin = true\n\
         [[routes]]\nhost = \"shop.example\"\npath = \"/cart\"\ncluster = \"web\"\n\
         [clusters.web]\nendpoints = [{{ name = \"e1\", address = \"{}\" }}]\n\
         [admin]\nbind = \"127.0.0.1:0\"\nchanges-without-token = true\ndrills = true\n",
        endpoint.address()
    ));
    assert_eq!(begin(&lb, &drill(&["at 0s rate 100"], &["success-rate >= 100%"], "500ms")).status, 201);
    assert_eq!(ended(&lb).state, "passed", "{:#?}", latest(&lb));
    let asked = endpoint.requests().remove(0);
    assert_eq!((asked.line.as_str(), asked.headers["user-agent"].as_str()), ("GET /cart HTTP/1.1", "lb-drill"));
}

#[test]
fn where_drills_are_not_allowed_they_are_refused_with_what_to_do() {
    let endpoint = Endpoint::saying("one");
    let admin = "[admin]\nbind = \"127.0.0.1:0\"\nchanges-without-token = true\nfaults = true\n";
    let lb = Lb::with_config(&format!("{}{admin}", config::cluster(&[endpoint.address()], "")));
    let (status, error, hint) = refused(&ask(&lb, "POST", &json!({ "name": "a-server-dies" })));
    assert_eq!((status, error.as_str()), (403, "the configuration does not allow drills"));
    assert_eq!(hint, "set drills = true in [admin] to run them");
    let told: Drills = said(&get(lb.address(), DRILLS_PATH));
    assert!(!told.allowed && told.run.is_none(), "{told:?}");
}

#[test]
fn what_cannot_be_run_is_refused_with_the_reason_and_nothing_begins() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "");
    let (status, error, _) = refused(&begin(&lb, "title = \"x\"\nsteps = [\"at 1s explode e1\"]\n"));
    assert_eq!(status, 400);
    assert!(error.contains("drill:2:10: \"explode\" is nothing that can happen"), "{error}");
    assert!(error.contains("hint: "), "all that is wrong is told, with what to do: {error}");

    let (status, error, hint) = refused(&ask(&lb, "POST", &json!({ "name": "a-server-dances" })));
    assert_eq!((status, error.as_str()), (404, "lb brings no drill \"a-server-dances\" along"));
    assert!(hint.contains("a-server-dies, "), "{hint}");
    assert_eq!(refused(&ask(&lb, "POST", &json!({}))).0, 400);
    assert_eq!(refused(&ask(&lb, "POST", &json!({ "name": "a-server-dies", "text": "" }))).0, 400);
    assert_eq!(refused(&ask(&lb, "POST", &json!({ "file": "a" }))).0, 400);

    for (step, reason) in [
        ("at 0s kill 3", "a step is for 3 of 2 endpoints"),
        ("at 0s kill e9", "the cluster has no endpoint \"e9\""),
        ("at 0s slow 0.5x e1", "can only be made slower"),
    ] {
        let (status, error, _) = refused(&begin(&lb, &drill(&[step], &["requests > 1"], "1s")));
        assert!(status == 400 && error.contains(reason), "{step}: {error}");
    }
    // The description knows of all these answers.
    let described: Value = said(&get(lb.address(), "/lb/v1/openapi.json"));
    for (method, statuses) in [("post", &["201", "400", "403", "404", "409"][..]), ("delete", &["200", "404"])] {
        let answers = &described["paths"][DRILLS_PATH][method]["responses"];
        assert!(statuses.iter().all(|status| answers[status].is_object()), "{method}: {answers}");
    }
    let told: Drills = said(&get(lb.address(), DRILLS_PATH));
    assert!(told.allowed && told.run.is_none() && told.shipped.len() == 7, "{told:?}");
}

#[test]
fn one_drill_runs_at_a_time_and_nothing_of_it_is_played_once_it_is_stopped() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "");
    assert_eq!(refused(&ask(&lb, "DELETE", &Value::Null)), (404, "no drill runs".to_owned(), String::new()));
    let long = drill(&["at 0s hang all"], &["error-rate <= 0%"], "10m");
    assert_eq!(begin(&lb, &long).status, 201);
    wait_until("it plays", || faults(&lb) == 2);
    let (status, error, hint) = refused(&begin(&lb, &long));
    assert_eq!((status, error.as_str()), (409, "the drill \"so\" runs"));
    assert!(hint.contains("stop it"), "{hint}");
    let stopped = ask(&lb, "DELETE", &Value::Null);
    assert_eq!((stopped.status, said::<DrillRun>(&stopped).state.as_str()), (200, "stopped"));
    assert_eq!((faults(&lb), latest(&lb).state.as_str()), (0, "stopped"));
    assert_eq!(get(lb.address(), "/").status, 200);
    // Another one may begin.
    assert_eq!(begin(&lb, &drill(&["at 0s rate 100"], &["requests > 1"], "1s")).status, 201);
    assert_eq!(ended(&lb).state, "passed");
}

#[test]
fn a_step_that_fails_ends_the_drill_and_what_it_has_begun() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "");
    // Nobody has asked e2 yet.
    let text = drill(&["at 0s kill e1", "at 0s slow 2x e2"], &["requests > 1"], "10m");
    assert_eq!(begin(&lb, &text).status, 201);
    let run = ended(&lb);
    let error = "nobody has asked e2 yet, so how slow it is is not known";
    assert_eq!((run.state.as_str(), run.error.as_deref()), ("failed", Some(error)));
    assert_eq!(run.steps.iter().map(|step| step.done).collect::<Vec<_>>(), [true, false]);
    assert_eq!(faults(&lb), 0);
}

#[test]
fn lb_stops_at_once_though_a_drill_runs() {
    let (one, other) = (Endpoint::saying("one"), Endpoint::saying("other"));
    let lb = drilled(&[&one, &other], "");
    assert_eq!(begin(&lb, &drill(&["at 0s hang all"], &["requests > 1"], "10m")).status, 201);
    wait_until("it plays", || faults(&lb) == 2);
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success(), "{log}");
    assert!(log.contains("drill \"so\" stopped"), "{log}");
}
