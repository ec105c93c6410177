//! The proxies that are compared, each with a configuration that says the same in its own words.

use std::fs::{File, OpenOptions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::backends::await_until;
use crate::line::{self, Line, Surroundings};
use crate::stage::Stage;

/// One of the proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Lb,
    Nginx,
    Haproxy,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Lb, Self::Nginx, Self::Haproxy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lb => "lb",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|peer| peer.name() == name);
        found.ok_or_else(|| format!("{name} is none of lb, nginx, haproxy"))
    }

    /// What it says of its version.
    pub(crate) fn version(self, lb: &Path) -> String {
        let mut command = match self {
            Self::Lb => Command::new(lb),
            Self::Nginx => Command::new("nginx"),
            Self::Haproxy => Command::new("haproxy"),
        };
        let output = command.arg(if self == Self::Lb { "--version" } else { "-v" }).output().expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let word = said.split_whitespace().find(|word| word.contains(|c: char| c.is_ascii_digit()));
        word.unwrap_or_default().trim_start_matches("nginx/").to_owned()
    }
}

/// A proxy that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Running {
    /// Nothing if it ends by itself before it has listened.
    pub(crate) fn start(peer: Peer, lb: &Path, line: &Line, stage: &Stage) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the configuration");
        // Nobody but `lb` can take a free port and tell it, so one is looked for before.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("there is a free port");
        let (file, config) = match peer {
            Peer::Lb => ("lb.toml", for_lb(address, stage.endpoints(), line)),
            Peer::Nginx => ("nginx.conf", for_nginx(address, stage.endpoints(), line)),
            Peer::Haproxy => ("haproxy.cfg", for_haproxy(address, stage.endpoints(), line)),
        };
        let file = folder.path().join(file);
        std::fs::write(&file, config).expect("the configuration can be written");
        let file = file.to_string_lossy().into_owned();
        let prefix = folder.path().to_string_lossy().into_owned();
        let errors = if line.surroundings == Surroundings::FullDisk { "/dev/full" } else { "errors" };
        let own = match peer {
            Peer::Lb => vec![lb.to_string_lossy().into_owned(), "--config".to_owned(), file],
            Peer::Nginx => ["nginx", "-p", &prefix, "-e", errors, "-c", &file].map(str::to_owned).to_vec(),
            Peer::Haproxy => ["haproxy", "-db", "-f", &file].map(str::to_owned).to_vec(),
        };
        let words = [tied(), stage.wrapper(), own].concat();
        let output = || output(line, folder.path());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(output()).stderr(output()).spawn().expect("the proxy starts");
        let mut running = Self { child, address, folder };
        let mut ended = None;
        await_until("the proxy listens or ends", || {
            ended = running.child.try_wait().expect("it can be waited for");
            ended.is_some() || TcpStream::connect(address).is_ok()
        });
        // One that is about to end because of what it could not write may have listened before that.
        std::thread::sleep(Duration::from_millis(100));
        ended = ended.or_else(|| running.child.try_wait().expect("it can be waited for"));
        if let Some(status) = ended {
            let said = std::fs::read_to_string(running.folder.path().join("output")).unwrap_or_default();
            eprintln!("{} ended at once, {status}: {said}", peer.name());
            return None;
        }
        Some(running)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // nginx's first process takes its workers along if it is asked, and leaves them if it is killed.
        let runs = matches!(self.child.try_wait(), Ok(None));
        if runs && crate::backends::try_signal(self.child.id(), "TERM") {
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::park_timeout(Duration::from_millis(5));
            }
        }
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Nothing outlives this program, however it ends. And what root may do beyond limits is taken away: `HAProxy` would lift
/// those that a line sets.
fn tied() -> Vec<String> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut words = vec!["setpriv", "--pdeathsig=TERM"];
    words.extend(root.then_some("--bounding-set=-sys_resource"));
    words.into_iter().map(str::to_owned).collect()
}

fn output(line: &Line, folder: &Path) -> File {
    let path = folder.join("output");
    let path = if line.surroundings == Surroundings::FullDisk { Path::new("/dev/full") } else { &path };
    OpenOptions::new().create(true).append(true).open(path).expect("the log can be opened")
}

fn for_lb(address: SocketAddr, endpoints: [SocketAddr; 3], line: &Line) -> String {
    let endpoints = endpoints.map(|endpoint| format!("{{ address = \"{endpoint}\" }}")).join(", ");
    let policy = line::policy(line);
    let log = if line.surroundings == Surroundings::FullDisk { "[access-log]\npath = \"/dev/full\"\n" } else { "" };
    format!(
        "workers = 2\nstop-timeout = \"1s\"\n[[listeners]]\nbind = \"{address}\"\n[[routes]]\npath = \"/\"\ncluster = \"web\"\n\
         [clusters.web]\nendpoints = [{endpoints}]\n{policy}{log}"
    )
}

fn for_nginx(address: SocketAddr, endpoints: [SocketAddr; 3], line: &Line) -> String {
    let servers = endpoints.map(|endpoint| format!("server {endpoint} max_fails=3 fail_timeout=2s;")).join(" ");
    let response = line.response.as_secs();
    let log = if line.surroundings == Surroundings::FullDisk { "/dev/full" } else { "off" };
    format!(
        "user root;\ndaemon off;\nworker_processes 2;\npid nginx.pid;\nevents {{ worker_connections 1024; }}\nhttp {{\n\
         access_log {log};\nclient_max_body_size 0;\n\
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         upstream web {{ zone web 256k; {servers} keepalive 64; }}\n\
         server {{\nlisten {address};\nlocation / {{\n\
         proxy_pass http://web;\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
         proxy_connect_timeout 1s;\nproxy_read_timeout {response}s;\nproxy_send_timeout {response}s;\n\
         proxy_next_upstream error timeout invalid_header http_503;\nproxy_next_upstream_tries 3;\n}}\n}}\n}}\n"
    )
}

fn for_haproxy(address: SocketAddr, endpoints: [SocketAddr; 3], line: &Line) -> String {
    let servers = endpoints.iter().enumerate();
    let servers =
        servers.map(|(number, endpoint)| format!("server b{number} {endpoint}\n")).collect::<Vec<_>>().concat();
    let response = line.response.as_secs();
    let log =
        if line.surroundings == Surroundings::FullDisk { "log stdout format raw local0\noption httplog\n" } else { "" };
    // It works out from its limits what it could hold, and refuses to start where that is too little; so it is told.
    let most = if let Surroundings::Descriptors(count) = line.surroundings {
        format!("maxconn {}\n", count / 4)
    } else {
        String::new()
    };
    // A server that was marked down comes back only by a check. This one asks for a connection alone.
    format!(
        "global\nnbthread 2\n{most}defaults\nmode http\n{log}timeout connect 1s\ntimeout client 60s\ntimeout server {response}s\n\
         retries 2\noption redispatch 1\n\
         retry-on conn-failure empty-response response-timeout junk-response 503\n\
         default-server check inter 2s fall 3 rise 1 observe layer7 error-limit 3 on-error mark-down\n\
         frontend in\nbind {address}\ndefault_backend web\n\
         backend web\nbalance roundrobin\nhttp-request disable-l7-retry if METH_POST\n{servers}"
    )
}
