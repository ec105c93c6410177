//! Caddy: one thread of Go code at a time (`GOMAXPROCS`, which its starter sets). It adds X-Forwarded-* by itself.

use super::{Files, POOL, Setup, each};

pub(super) fn files(setup: &Setup<'_>) -> Files {
    let endpoints = each(setup, |_, address| format!(" {address}"));
    let log = if setup.logs {
        format!("  log {{\n    output file {}/access.log\n  }}\n", setup.folder.display())
    } else {
        String::new()
    };
    let text = format!(
        "{{
  admin off
  auto_https off
  servers {{
    timeouts {{
      idle 5m
    }}
  }}
}}
http://:{} {{
  bind {}
{log}  reverse_proxy{endpoints} {{
    lb_policy round_robin
    header_up Via \"1.1 Caddy\"
    transport http {{
      versions 1.1
      keepalive_idle_conns_per_host {POOL}
      compression off
    }}
  }}
}}
",
        setup.listen.port(),
        setup.listen.ip()
    );
    let file = setup.folder.join("Caddyfile").display().to_string();
    ("Caddyfile", text, ["run", "--adapter", "caddyfile", "--config", &file].map(str::to_owned).to_vec())
}
