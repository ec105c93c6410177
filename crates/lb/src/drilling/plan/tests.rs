use super::*;
use crate::config;

fn cluster(count: usize) -> ClusterConfig {
    let endpoints: Vec<_> =
        (1..=count).map(|n| format!("{{ name = \"web{n}\", address = \"127.0.0.1:{n}\" }}")).collect();
    let text = format!(
        "[[listeners]]\nbind = \"127.0.0.1:0\"\n[[routes]]\npath = \"/\"\ncluster = \"web\"\n\
         [clusters.web]\nendpoints = [{}]\nretry = {{ attempt-timeout = \"1s\" }}\n",
        endpoints.join(", ")
    );
    let mut config = config::parse("lb.toml", &text, std::path::Path::new("")).unwrap_or_else(|told| panic!("{told}"));
    config.clusters.remove(0)
}

/// A drill of those steps for a cluster of eight, planned for a cluster of four.
fn planned(steps: &str, world: &str, expect: &str, counts: bool) -> Result<Plan, String> {
    let text = format!(
        "title = \"t\"\nsteps = [{steps}]\nexpect = [\"{expect}\"]\n[world]\nlength = \"1m\"\n{world}\n[cluster]\nendpoints = 8\n"
    );
    let drill = config::parse_drill("drill", &text).unwrap_or_else(|told| panic!("{told}"));
    Plan::new("t".to_owned(), drill, (ClusterId(0), &cluster(4)), counts).map_err(|unfit| unfit.to_string())
}

fn steps(text: &str) -> Vec<(String, Action)> {
    let plan = planned(text, "", "error-rate < 1%", true).unwrap_or_else(|unfit| panic!("{unfit}"));
    plan.steps.into_iter().map(|step| (step.says, step.action)).collect()
}

fn play(endpoints: &[u32], kind: FaultKind, per_million: u32, lasts: u64) -> Action {
    let endpoints = endpoints.iter().map(|index| EndpointId(*index)).collect();
    Action::Play { endpoints, how: How::Fault(kind, per_million), lasts: Duration::from_secs(lasts) }
}

#[test]
fn what_goes_wrong_is_played_in_the_endpoints_places_in_the_order_of_time() {
    let told = steps(
        "\"at 30s hang web2\", \"at 10s kill web1 for 20s\", \"at 20s errors 502 7% all for 5s\", \"at 40s latency 2s web4\"",
    );
    let ms = Duration::from_millis;
    let expected = [
        ("web1 is killed: each attempt's connection breaks, for 20 s", play(&[0], FaultKind::Reset, ALL, 20)),
        (
            "web1, web2, web3, web4: 7 % of the attempts are answered 502, for 5 s",
            play(&[0, 1, 2, 3], FaultKind::Abort(502), 70_000, 5),
        ),
        ("web2 hangs, to the end", play(&[1], FaultKind::Delay(ms(1000), ms(1000)), ALL, 30)),
        ("web4: answers take 2 s longer, to the end", play(&[3], FaultKind::Delay(ms(2000), ms(2000)), ALL, 20)),
    ];
    assert_eq!(told, expected.map(|(says, action)| (says.to_owned(), action)));
}

#[test]
fn an_endpoint_of_the_files_cluster_is_the_one_in_its_place_and_a_share_is_of_those_that_are_here() {
    assert_eq!(steps("\"at 1s kill e3 for 1s\"")[0].1, play(&[2], FaultKind::Reset, ALL, 1));
    let (says, Action::Play { endpoints, .. }) = &steps("\"at 1s kill 50% for 1s\"")[0] else { panic!("it plays") };
    assert!(endpoints.len() == 2 && says.contains(" are killed"), "{says}: {endpoints:?}");
}

#[test]
fn what_cannot_be_run_here_is_told_before_anything_begins() {
    for (step, world, expect, counts, expected) in [
        ("at 1s kill e7", "", "p99 < 1s", true, "\"e7\" is number 7 of its cluster, and there are only 4"),
        ("at 1s kill web9", "", "p99 < 1s", true, "the cluster has no endpoint \"web9\""),
        ("at 1s kill 6", "", "p99 < 1s", true, "a step is for 6 of 4 endpoints"),
        ("at 1s slow 0.5x 1", "", "p99 < 1s", true, "endpoints 0.5 times as slow"),
        ("at 1s slow 2x 1", "", "p99 < 1s", false, "lb counts nothing"),
        ("at 1s kill 1", "", "attempts-per-request < 2", false, "\"attempts-per-request < 2\" cannot be measured"),
        ("at 61s kill 1", "", "p99 < 1s", true, "nothing happens after the end"),
    ] {
        let told = planned(&format!("\"{step}\""), world, expect, counts).err().unwrap_or_default();
        assert!(told.contains(expected), "{step}: {told}");
    }
}

#[test]
fn a_rate_that_is_too_high_is_cut_down_and_that_is_told() {
    let plan = planned("\"at 1s rate 2000\", \"at 2s rate 20\"", "rate = 1000", "p99 < 1s", true).expect("it fits");
    assert_eq!(plan.arrivals, Arrivals::Open { per_second: 500.0 });
    let told: Vec<_> = plan.steps.iter().map(|step| step.says.as_str()).collect();
    let expected = [
        "500 requests a second come, not 1000: no live drill makes more",
        "500 requests a second come from then on, not 2000: no live drill makes more",
        "20 requests a second come from then on",
    ];
    assert_eq!(told, expected);
    let plan = planned("\"at 1s kill 1\"", "clients = 900", "p99 < 1s", true).expect("it fits");
    assert_eq!(plan.arrivals, Arrivals::Closed { clients: 500, think: Duration::from_secs(1) });
}
