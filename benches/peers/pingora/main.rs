//! A balancer as one writes it with Pingora: round robin over the endpoints that a file lists, the usual header fields.
//!
//! It is here to be measured beside `lb`, so it does what `lb` and the others are set up for, and nothing else: one
//! thread, no health checks, no log.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::server::Server;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use pingora_http::RequestHeader;
use pingora_load_balancing::LoadBalancer;
use pingora_load_balancing::selection::RoundRobin;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

struct Balancer(Arc<LoadBalancer<RoundRobin>>);

#[async_trait]
impl ProxyHttp for Balancer {
    type CTX = ();

    fn new_ctx(&self) -> Self::CTX {}

    async fn upstream_peer(&self, _session: &mut Session, _ctx: &mut ()) -> Result<Box<HttpPeer>> {
        let endpoint = self.0.select(b"", 256).ok_or_else(|| Error::new(ErrorType::ConnectNoRoute))?;
        Ok(Box::new(HttpPeer::new(endpoint, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _ctx: &mut (),
    ) -> Result<()> {
        if let Some(client) = session.client_addr().and_then(|address| address.as_inet()) {
            request.insert_header("X-Forwarded-For", client.ip().to_string())?;
        }
        if let Some(host) = session.req_header().headers.get("host") {
            request.insert_header("X-Forwarded-Host", host)?;
        }
        request.insert_header("X-Forwarded-Proto", "http")?;
        request.append_header("Via", "1.1 pingora")?;
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [version] if version == "--version" => {
            println!("pingora {}", version_of_pingora());
            ExitCode::SUCCESS
        }
        [listen, endpoints] => serve(listen, endpoints),
        _ => {
            eprintln!("pingora: wants an address and a file of endpoints, one a line");
            ExitCode::FAILURE
        }
    }
}

/// The version that was built, from the file that says so.
fn version_of_pingora() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let after = lock.split_once("name = \"pingora-proxy\"\nversion = \"").map(|(_, after)| after);
    after.and_then(|after| after.split('"').next()).unwrap_or("of an unknown version")
}

fn serve(listen: &str, endpoints: &str) -> ExitCode {
    let addresses = std::fs::read_to_string(endpoints)
        .map(|text| text.lines().map(str::parse::<SocketAddr>).collect::<Result<Vec<_>, _>>());
    let Ok(Ok(addresses)) = addresses else {
        eprintln!("pingora: {endpoints} is not a list of addresses");
        return ExitCode::FAILURE;
    };
    let conf = ServerConf {
        threads: 1,
        work_stealing: false,
        upstream_keepalive_pool_size: 512,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let balancer = LoadBalancer::try_from_iter(addresses).expect("an address needs no lookup");
    let mut service = http_proxy_service(&server.configuration, Balancer(Arc::new(balancer)));
    service.add_tcp(listen);
    server.add_service(service);
    server.run_forever()
}
