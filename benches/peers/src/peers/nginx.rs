//! nginx: one worker, with the pool and the long-lived connections that it does not have by default.

use super::{CONNECTIONS, Files, POOL, Setup, each};
use crate::load::ENDPOINTS;

pub(super) fn files(setup: &Setup<'_>) -> Files {
    let folder = setup.folder.display();
    let log = if setup.logs { format!("{folder}/access.log") } else { "off".to_owned() };
    let servers = each(setup, |_, address| format!("    server {address};\n"));
    // `user root`: whoever runs this owns the folder; a worker of another user could not keep an upload in it. It is
    // ignored, with a warning, where the master is not root.
    let text = format!(
        "user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections {CONNECTIONS}; }}
http {{
  access_log {log};
  client_body_temp_path {folder}/client;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
  upstream web {{
{servers}    keepalive {};
    keepalive_requests 1000000000;
  }}
  server {{
    listen {};
    location / {{
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Via \"1.1 nginx\";
    }}
  }}
}}
",
        POOL * ENDPOINTS,
        setup.listen
    );
    let file = setup.folder.join("nginx.conf").display().to_string();
    // Even before it has read where errors go, it opens the place that it was built with, unless told.
    let errors = format!("{folder}/error.log");
    ("nginx.conf", text, ["-p", &folder.to_string(), "-e", &errors, "-c", &file].map(str::to_owned).to_vec())
}
