//! Who stands beside `lb` in the table: nginx and `HAProxy` as Debian ships them, with what their manuals say for a proxy that
//! keeps connections to its endpoints.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{address_of_its_own, wait_until};

/// A peer that runs until it is dropped.
pub(crate) struct Peer {
    child: Child,
    address: SocketAddr,
    // Holds the configuration, and what is logged.
    folder: TempDir,
}

impl Peer {
    pub(crate) fn nginx(origin: SocketAddr) -> Self {
        Self::start(|address, folder| {
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
            let temporary = temporary.map(|name| format!("{name}_temp_path {name};")).join(" ");
            let config = format!(
                "daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n\
                 events {{ worker_connections 512; }}\n\
                 http {{ access_log access.log combined; {temporary} client_max_body_size 0;\n\
                 upstream origin {{ server {origin}; keepalive 16; }}\n\
                 server {{ listen {address}; server_name localhost; location / {{ proxy_pass http://origin;\n\
                 proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host; }} }} }}\n"
            );
            std::fs::write(folder.path().join("nginx.conf"), config).expect("it can be written");
            let mut command = Command::new("nginx");
            command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
            command
        })
    }

    pub(crate) fn haproxy(origin: SocketAddr) -> Self {
        Self::start(|address, folder| {
            let config = format!(
                "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
                 listen web\n bind {address}\n server origin {origin}\n"
            );
            let file = folder.path().join("haproxy.cfg");
            std::fs::write(&file, config).expect("it can be written");
            let mut command = Command::new("haproxy");
            command.args(["-db", "-q", "-f"]).arg(file);
            command
        })
    }

    fn start(command: impl FnOnce(SocketAddr, &TempDir) -> Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the configuration");
        // Neither can be told to take a free port and say which.
        let address = address_of_its_own();
        let mut command = command(address, &folder);
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = started.unwrap_or_else(|error| panic!("{command:?}: {error}. hint: tests/run installs it"));
        let mut peer = Self { child, address, folder };
        wait_until("a peer listens", || {
            let ended = peer.child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "{command:?} ended at once: {ended:?}");
            TcpStream::connect(address).is_ok()
        });
        peer
    }

    /// What nginx has logged so far.
    pub(crate) fn access_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
