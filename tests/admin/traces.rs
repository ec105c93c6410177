//! Which requests are traced, and how they are found again.

use lb_common::api::{KeptFor, TRACES_NEXT_PATH, TRACES_PATH, Trace};

use super::api::{Api, apart, problem};
use crate::support::{Client, Endpoint, Lb, Reply, config, get, wait_until};

/// Answers with the status that the path says, after a while if it says so.
fn obedient() -> Endpoint {
    Endpoint::new(|request| {
        let path = request.line.split(' ').nth(1).expect("a target");
        if path.starts_with("/slow") {
            std::thread::park_timeout(std::time::Duration::from_millis(600));
        }
        let status = path.rsplit('/').next().and_then(|status| status.parse().ok()).unwrap_or(200);
        Reply::Status(status, "as told".to_owned())
    })
}

fn targets(traces: &[Trace]) -> Vec<&str> {
    traces.iter().map(|trace| trace.target.as_str()).collect()
}

#[test]
fn each_filter_finds_just_what_it_says() {
    let (one, two) = (obedient(), obedient());
    let text = format!(
        "workers = 1\n[[listeners]]\nbind = \"127.0.0.1:0\"\n\
         [[routes]]\npath = \"/lb\"\nadmin = true\n\
         [[routes]]\npath = \"/one\"\ncluster = \"one\"\n\
         [[routes]]\npath = \"/two\"\ncluster = \"two\"\n\
         [[routes]]\npath = \"/slow\"\ncluster = \"two\"\n\
         [clusters.one]\nendpoints = [{{ name = \"a\", address = \"{}\" }}, {{ name = \"b\", address = \"{}\" }}]\n\
         health = {{ max-fails = 0 }}\n\
         [clusters.two]\nendpoints = [{{ name = \"c\", address = \"{}\" }}]\n\
         [traces]\nsample = \"100%\"\n[admin]\nbind = \"127.0.0.1:0\"\n",
        Endpoint::nobody(),
        one.address(),
        two.address(),
    );
    let lb = Lb::with_config(&text);
    let api = Api::at(super::api::own_address(&lb));
    let mut client = Client::connect(lb.address());
    // Those of the first cluster meet nobody and then b: turns go round with every attempt.
    for path in ["/one/200", "/one/404", "/two/200", "/two/404", "/two/500", "/slow/200"] {
        client.get(path);
    }
    assert_eq!(
        targets(&api.traces_once(6, "").traces),
        ["/slow/200", "/two/500", "/two/404", "/two/200", "/one/404", "/one/200"],
        "the latest is the first"
    );
    let found = |query: &str| {
        let traces = api.traces(query);
        assert_eq!(traces.kept, 6, "what is kept does not depend on what is asked for");
        traces.traces.into_iter().rev().map(|trace| trace.target).collect::<Vec<_>>()
    };
    assert_eq!(found("cluster=one"), ["/one/200", "/one/404"]);
    assert_eq!(found("cluster=three"), [""; 0]);
    assert_eq!(found("route=/two"), ["/two/200", "/two/404", "/two/500"]);
    assert_eq!(found("endpoint=c"), ["/two/200", "/two/404", "/two/500", "/slow/200"]);
    assert_eq!(found("endpoint=a"), ["/one/200", "/one/404"]);
    assert_eq!(found("status=404"), ["/one/404", "/two/404"]);
    assert_eq!(found("status=5xx"), ["/two/500"]);
    assert_eq!(found("status=2xx"), ["/one/200", "/two/200", "/slow/200"]);
    assert_eq!(found("outcome=failed"), ["/two/500"]);
    assert_eq!(found("outcome=retried"), ["/one/200", "/one/404"]);
    assert_eq!(found("outcome=ok"), ["/one/200", "/one/404", "/two/200", "/two/404", "/slow/200"]);
    assert_eq!(found("min-ms=500"), ["/slow/200"]);
    assert_eq!(found("min-ms=0.001").len(), 6);
    assert_eq!(found("limit=2"), ["/two/500", "/slow/200"]);
    assert_eq!(found("cluster=two&status=2xx&min-ms=500"), ["/slow/200"]);
    let slow = api.traces("min-ms=500").traces.remove(0);
    assert_eq!(found(&format!("id={}", slow.id)), ["/slow/200"]);
    assert_eq!(found(&format!("since-ms={}", slow.at_ms + 500)), ["/slow/200"]);
    assert!(found(&format!("until-ms={}", slow.at_ms)).len() >= 5);
    assert_eq!(found(&format!("until-ms={}", slow.at_ms - 600_000)), [""; 0]);
}

#[test]
fn filters_that_mean_nothing_are_told() {
    let endpoint = Endpoint::saying("yes");
    let (_lb, api) = apart(&[endpoint.address()], "", "");
    for (query, named) in [
        ("status=0503", "0503"),
        ("status=99", "99"),
        ("status=6xx", "6xx"),
        ("status=xx", "xx"),
        ("status=%2B5xx", "+5xx"),
        ("outcome=good", "good"),
        ("min-ms=-1", "min-ms"),
        ("min-ms=NaN", "min-ms"),
        ("min-ms=inf", "min-ms"),
        ("id=x", "id"),
        ("since-ms=-1", "since-ms"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=5&limit=6", "limit"),
    ] {
        let answer = api.send("GET", &format!("{TRACES_PATH}?{query}"), "", "");
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert!(problem(&answer).error.contains(named), "{query}: {}", answer.text());
    }
}

#[test]
fn just_as_many_of_the_next_are_traced_as_were_asked_for() {
    let endpoint = Endpoint::saying("yes");
    let (lb, api) = apart(&[endpoint.address()], "", "[traces]\nsample = \"0%\"\n");
    assert_eq!(api.tell("POST", TRACES_NEXT_PATH, "{\"count\": 7}").status, 204);
    assert_eq!((api.traces("").next, api.traces("").traces.len()), (7, 0));
    // From four clients at once: whichever of them are the next.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::connect(lb.address());
                for _ in 0..10 {
                    assert_eq!(client.get("/").status, 200);
                }
            });
        }
    });
    let traces = api.traces_once(7, "");
    assert_eq!((traces.traces.len(), traces.next, traces.dropped), (7, 0, 0));
    assert!(traces.traces.iter().all(|trace| trace.kept_for == KeptFor::Asked), "{traces:?}");
    // Some programs write whole numbers with a point.
    for count in ["10000.0", "1e4", "10000"] {
        assert_eq!(api.tell("POST", TRACES_NEXT_PATH, &format!("{{\"count\": {count}}}")).status, 204, "{count}");
    }
    assert_eq!(api.traces("").next, 10_000);
    assert_eq!(api.tell("POST", TRACES_NEXT_PATH, "{\"count\": 0}").status, 204);
    assert_eq!(api.traces("").next, 0, "0 ends it");
    for body in ["{\"count\": 10001}", "{\"count\": -1}", "{\"count\": 1.5}", "{\"count\": \"1\"}", "{}"] {
        let answer = api.tell("POST", TRACES_NEXT_PATH, body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(problem(&answer).error.contains("count"), "{body}: {}", answer.text());
    }
}

#[test]
fn a_sample_of_all_keeps_all_and_one_of_none_keeps_none() {
    let endpoint = Endpoint::saying("yes");
    for (sample, part, kept) in [("100%", 1.0, 40), ("0%", 0.0, 0)] {
        let (lb, api) = apart(&[endpoint.address()], "", &format!("[traces]\nsample = \"{sample}\"\n"));
        let mut client = Client::connect(lb.address());
        for _ in 0..40 {
            client.get("/");
        }
        wait_until("all are counted", || lb.endpoint("e1").attempts == 40);
        let traces = api.traces_once(kept, "limit=1000");
        assert_eq!((traces.traces.len(), traces.kept), (kept, kept), "{sample}");
        assert!((traces.sample - part).abs() < 1e-9, "{}", traces.sample);
        let ids: Vec<u64> = traces.traces.iter().map(|trace| trace.id).collect();
        assert!(ids.is_sorted_by(|later, earlier| later > earlier), "{ids:?}");
    }
}

#[test]
fn no_more_are_kept_than_the_configuration_says_and_they_are_the_latest() {
    let endpoint = Endpoint::saying("yes");
    let (lb, api) = apart(&[endpoint.address()], "", "[traces]\nsample = \"100%\"\nkeep = 5\n");
    let mut client = Client::connect(lb.address());
    for number in 0..20 {
        client.get(&format!("/{number}"));
    }
    wait_until("the last one is kept", || api.traces("").traces.first().is_some_and(|trace| trace.target == "/19"));
    let traces = api.traces("");
    assert_eq!(targets(&traces.traces), ["/19", "/18", "/17", "/16", "/15"]);
    assert_eq!(traces.kept, 5);
}

#[test]
fn lbs_own_answers_are_not_traced() {
    let endpoint = Endpoint::saying("yes");
    let lb = Lb::with_config(&format!("{}\n[traces]\nsample = \"100%\"\n", config::cluster(&[endpoint.address()], "")));
    let api = Api::through(&lb);
    for _ in 0..5 {
        api.traces("");
    }
    get(lb.address(), "/mine");
    assert_eq!(targets(&api.traces_once(1, "").traces), ["/mine"]);
}

#[test]
fn a_target_as_long_as_a_page_is_cut() {
    let endpoint = Endpoint::saying("yes");
    let (lb, api) = apart(&[endpoint.address()], "", "[traces]\nsample = \"100%\"\n");
    get(lb.address(), &format!("/{}", "x".repeat(8000)));
    let trace = api.traces_once(1, "").traces.remove(0);
    assert_eq!((trace.target.chars().count(), trace.target.ends_with('…')), (513, true));
}
