//! Two hundred endpoints, half of them out: what was passed over is told in a sum.

use lb_common::api::{Belief, EndpointChange};

use super::api::apart;
use crate::support::{Client, Endpoint, wait_until};

#[test]
fn of_two_hundred_endpoints_reasons_are_summed_and_sixteen_are_listed() {
    let well = Endpoint::saying("well");
    // In turn: one that answers, one at which nobody is.
    let endpoints: Vec<_> = (0..100).flat_map(|_| [well.address(), Endpoint::nobody()]).collect();
    let more = "health = { max-fails = 1, eject-time = \"1h\", max-ejected = \"50%\" }\nretry = { budget = \"off\", attempts = 100 }";
    let (lb, api) = apart(&endpoints, more, "[traces]\nsample = \"100%\"\nkeep = 2000\n");
    let mut client = Client::connect(lb.address());
    let ejected = || {
        let status = lb.status();
        let endpoints = &status.clusters[0].endpoints;
        endpoints.iter().filter(|endpoint| endpoint.belief == Belief::Ejected).count()
    };
    wait_until("a hundred are ejected", || {
        for _ in 0..50 {
            assert_eq!(client.get("/").text(), "well");
        }
        ejected() == 100
    });
    // Two of those that answer are taken out by hand, so that there are two reasons.
    for name in ["e1", "e3"] {
        let json = serde_json::to_string(&EndpointChange { draining: Some(true), ..EndpointChange::default() });
        let path = format!("/lb/v1/clusters/web/endpoints/{name}");
        assert_eq!(api.tell("PATCH", &path, &json.expect("plain data")).status, 200);
    }
    // Workers hear of it on their own time.
    wait_until("a request knows of it", || {
        client.get("/last");
        let traces = api.traces("limit=1").traces;
        let last = traces.first().and_then(|trace| trace.attempts.last());
        last.is_some_and(|attempt| attempt.passed_over_sum == "100 ejected, 2 draining")
    });
    let trace = api.traces("limit=1").traces.remove(0);
    let attempt = trace.attempts.last().expect("it was answered");
    assert_eq!(attempt.passed_over.len(), 16, "{attempt:?}");
    assert!(attempt.passed_over.iter().all(|passed| ["ejected", "draining"].contains(&passed.why.as_str())));
    assert!(trace.attempts.len() == 1 && attempt.status == Some(200), "{trace:?}");
    // Of the first failures each is told as far as the traces reach.
    let retried = api.traces("outcome=retried&limit=1000").traces;
    assert!(retried.iter().all(|trace| trace.attempts[0].says == "refused the connection"), "{retried:?}");
    assert_eq!(lb.status().clusters[0].endpoints.len(), 200);
}
