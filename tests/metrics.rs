//! What `lb` has counted, as a real Prometheus reads it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use lb_common::api::METRICS_PATH;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Client, Endpoint, Lb, address_of_its_own, config, get, wait_until};

const DASHBOARD: &str = include_str!("../docs/grafana-dashboard.json");

/// A Prometheus that scrapes one address every 200 ms until it is dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Prometheus {
    fn scraping(target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs:\n- job_name: lb\n  \
             metrics_path: {METRICS_PATH}\n  static_configs: [{{ targets: [\"{target}\"] }}]\n"
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("it can be written");
        // It cannot be told to take a free port and say which.
        let address = address_of_its_own();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus is there. hint: tests/run installs Debian's package prometheus");
        let prometheus = Self { child, address, _folder: folder };
        wait_until("Prometheus listens", || std::net::TcpStream::connect(address).is_ok());
        wait_until("Prometheus is ready", || get(address, "/-/ready").status == 200);
        prometheus
    }

    /// What comes of an expression; panics if Prometheus does not accept it.
    fn query(&self, expression: &str) -> Vec<Value> {
        let target = format!("/api/v1/query?query={}", escaped(expression));
        let answer = get(self.address, &target);
        let said: Value = serde_json::from_slice(&answer.body).expect("Prometheus answers JSON");
        assert_eq!(said["status"], "success", "{expression}: {said}");
        said["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// The one number that comes of an expression, once there is one.
    fn number(&self, expression: &str) -> Option<f64> {
        self.query(expression).first()?["value"][1].as_str()?.parse().ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn escaped(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[test]
fn a_real_prometheus_reads_what_has_happened() {
    let (sick, well) = (Endpoint::answering(503, "sick"), Endpoint::saying("well"));
    let lb = Lb::with_config(&config::cluster(&[sick.address(), well.address()], "health = { max-fails = 0 }"));
    let prometheus = Prometheus::scraping(lb.address());
    let mut client = Client::connect(lb.address());
    for _ in 0..20 {
        assert_eq!(client.get("/").text(), "well");
    }
    // Whether a retry takes the next one's turn is not this test's matter.
    let tried = f64::from(u32::try_from(sick.count()).expect("a few"));
    assert!((10.0..=20.0).contains(&tried));
    for (expression, expected) in [
        ("up", 1.0),
        ("sum(lb_requests_total{route=\"/\",status=\"2xx\"})", 20.0),
        ("lb_request_duration_seconds_count{route=\"/\"}", 20.0),
        ("sum(lb_attempts_total{endpoint=\"e1\",outcome=\"5xx\"})", tried),
        ("sum(lb_attempts_total{endpoint=\"e2\"})", 20.0),
        ("sum(lb_retries_total)", tried),
        ("sum(lb_requests_retried_total)", tried),
        ("lb_endpoint_state{endpoint=\"e2\",state=\"up\"}", 1.0),
        ("lb_endpoint_weight{endpoint=\"e1\"}", 1.0),
        ("sum(lb_upstream_connections_opened_total)", 2.0),
        ("sum(lb_upstream_connections_reused_total)", 18.0 + tried),
        ("count(lb_event_loop_lag_seconds)", 2.0),
        ("lb_build_info", 1.0),
    ] {
        let mut seen = None;
        wait_until(expression, || {
            seen = prometheus.number(expression);
            seen == Some(expected)
        });
    }
    let p99 = "histogram_quantile(0.99, sum by (le) (lb_request_duration_seconds_bucket{route=\"/\"}))";
    wait_until("there is a p99", || prometheus.number(p99).is_some_and(|p99| p99 > 0.0 && p99 < 60.0));
}

#[test]
fn a_real_prometheus_accepts_every_expression_of_the_dashboard() {
    let well = Endpoint::saying("well");
    let lb = Lb::with_config(&config::cluster(&[well.address()], ""));
    let prometheus = Prometheus::scraping(lb.address());
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("a panel has targets"));
    let expressions: Vec<_> = targets.map(|target| target["expr"].as_str().expect("an expression")).collect();
    assert!(expressions.len() >= 16);
    for expression in expressions {
        prometheus.query(&expression.replace("$__rate_interval", "1m"));
    }
}

#[test]
fn metrics_can_be_turned_off_and_are_where_scrapers_look() {
    let well = Endpoint::saying("well");
    let admin = address_of_its_own();
    let text = config::cluster(&[well.address()], "");
    let lb = Lb::with_config(&format!("metrics = false\n{text}[admin]\nbind = \"{admin}\"\n"));
    assert_eq!(get(lb.address(), "/").text(), "well");
    for (address, path) in [(lb.address(), METRICS_PATH), (admin, METRICS_PATH), (admin, "/metrics")] {
        let mut client = Client::connect(address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\n\r\n").as_bytes());
        let answer = client.answer().expect("an answer");
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains("lb_endpoint_state") && !answer.text().contains("lb_requests_total{"));
    }
}

/// With the admin API on a listener of its own too, whose address is the second one; `more` is of that.
fn with_admin_listener(endpoint: &Endpoint, more: &str) -> (Lb, SocketAddr) {
    let lb = Lb::with_config(&format!(
        "{}\n[admin]\nbind = \"127.0.0.1:0\"\n{more}",
        config::cluster(&[endpoint.address()], "")
    ));
    let log = lb.log();
    let line = log.lines().find_map(|line| line.split_once("the admin API listens on ")).expect("it is said");
    let admin = line.1.parse().expect("an address");
    (lb, admin)
}

fn scrape(address: SocketAddr, path: &str, lines: &str) -> crate::support::client::Answer {
    let mut client = Client::connect(address);
    client.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{lines}\r\n").as_bytes());
    client.answer().expect("an answer")
}

#[test]
fn each_scraper_gets_the_format_that_it_asks_for() {
    let well = Endpoint::saying("well");
    let (lb, admin) = with_admin_listener(&well, "");
    for (address, path) in [(admin, "/metrics"), (admin, METRICS_PATH), (lb.address(), METRICS_PATH)] {
        let plain = scrape(address, path, "");
        assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert!(plain.text().contains("\n# TYPE lb_attempts_total counter\n") && !plain.text().contains("# EOF"));
        let accept = "Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text;version=1.0.0\r\n";
        let open = scrape(address, path, accept);
        assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        assert!(open.text().contains("\n# TYPE lb_attempts counter\n") && open.text().ends_with("\n# EOF\n"));
        assert_eq!(open.header("vary"), Some("accept"));
    }
    // What is `/metrics` to a client is for the endpoints to say.
    assert_eq!(get(lb.address(), "/metrics").text(), "well");
}

#[test]
fn a_scraper_without_the_token_reads_nothing() {
    let folder = tempfile::tempdir().expect("a folder for the token");
    let file = folder.path().join("token");
    std::fs::write(&file, "a-token-that-nobody-guesses\n").expect("it can be written");
    let well = Endpoint::saying("well");
    let (lb, admin) = with_admin_listener(&well, &format!("token-file = {file:?}\n"));
    let status = |lines: &str| scrape(admin, "/metrics", lines).status;
    assert_eq!(status(""), 401);
    assert_eq!(status("Authorization: Bearer a-token-that-somebody-guesses\r\n"), 401);
    assert_eq!(status("Authorization: Bearer a-token-that-nobody-guesses\r\n"), 200);
    // What is checked of it otherwise, when it is dropped, would need the token.
    lb.signal("TERM");
    let (status, log) = lb.wait();
    assert!(status.success() && !log.contains("ERROR") && !log.contains("panicked"), "{status}\n{log}");
}
