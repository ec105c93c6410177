//! HAProxy: one thread, connections to endpoints shared by all clients.

use super::{CONNECTIONS, Files, POOL, Setup, each};

pub(super) fn files(setup: &Setup<'_>) -> Files {
    let servers = each(setup, |number, address| format!("  server web{number} {address} pool-max-conn {POOL}\n"));
    let (target, log) =
        if setup.logs { ("  log stdout format raw local0\n", "  log global\n  option httplog\n") } else { ("", "") };
    // `no strict-limits`: it would like two descriptors a connection at hand, but idle clients need one.
    let text = format!(
        "global
  nbthread 1
  maxconn {CONNECTIONS}
  no strict-limits
{target}
defaults
  mode http
{log}  timeout connect 60s
  timeout client 300s
  timeout server 60s
  http-reuse always
  balance roundrobin

frontend front
  bind {}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto http
  http-request set-header Via \"1.1 haproxy\"
  default_backend web

backend web
{servers}",
        setup.listen
    );
    let file = setup.folder.join("haproxy.cfg").display().to_string();
    ("haproxy.cfg", text, vec!["-db".to_owned(), "-f".to_owned(), file])
}
