//! The load balancer as a process of its own, and what must hold of it after every test.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use lb_common::api::{Endpoint, STATUS_PATH, Status};
use tempfile::TempDir;

use super::{get, wait_until};

/// A load balancer that runs until it is dropped.
pub(crate) struct Lb {
    child: Child,
    address: SocketAddr,
    log: Log,
    stopped: bool,
    // Holds the configuration file.
    folder: Option<TempDir>,
}

/// What a process has written so far.
struct Log {
    text: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Lb {
    /// `lb demo` on a free port.
    pub(crate) fn demo() -> Self {
        let mut command = lb();
        command.args(["demo", "--listen", "127.0.0.1:0"]);
        Self::start(command, None)
    }

    /// `lb` with this configuration, which binds one listener to port 0 and has the admin API at `/lb`.
    pub(crate) fn with_config(config: &str) -> Self {
        Self::under(&[], config)
    }

    /// The same, started by a command that becomes the one behind it, as `prlimit` does.
    pub(crate) fn under(wrapper: &[String], config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the configuration");
        std::fs::write(folder.path().join("lb.toml"), config).expect("the configuration can be written");
        let mut command = lb();
        if let Some((first, more)) = wrapper.split_first() {
            let own = command;
            command = Command::new(first);
            command.args(more).arg(own.get_program()).env_remove("LB_LOG");
        }
        command.current_dir(folder.path());
        Self::start(command, Some(folder))
    }

    fn start(mut command: Command, folder: Option<TempDir>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let text = Arc::new(Mutex::new(String::new()));
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().expect("it is piped"));
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().expect("it is piped"));
        let readers = [out, err].into_iter().map(|pipe| follow(pipe, Arc::clone(&text))).collect();
        let log = Log { text, readers };
        let mut address = None;
        wait_until("lb says where it listens", || {
            let ended = child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "lb ended at once: {ended:?}\n{}", log.so_far());
            address = log.so_far().lines().find_map(address_in);
            address.is_some()
        });
        let address = address.expect("it was said");
        Self { child, address, log, stopped: false, folder }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has written so far.
    pub(crate) fn log(&self) -> String {
        self.log.so_far()
    }

    pub(crate) fn status(&self) -> Status {
        serde_json::from_slice(&get(self.address, STATUS_PATH).body).expect("a status")
    }

    /// What is known of an endpoint of the first cluster.
    pub(crate) fn endpoint(&self, name: &str) -> Endpoint {
        let endpoints = self.status().clusters.remove(0).endpoints;
        endpoints.into_iter().find(|endpoint| endpoint.name == name).expect("there is such an endpoint")
    }

    /// Sends a signal, as in `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.expect("there is a kill command").success());
    }

    /// Writes its configuration anew, and tells it to read that.
    pub(crate) fn reload(&self, config: &str) {
        let folder = self.folder.as_ref().expect("it was started with a configuration");
        std::fs::write(folder.path().join("lb.toml"), config).expect("the configuration can be written");
        self.signal("HUP");
    }

    /// Waits for its end, whoever asked for it.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it can be waited for");
        self.stopped = true;
        (status, self.log.whole())
    }

    fn assert_at_rest(&self) {
        wait_until("no request is in flight any more", || {
            self.status().clusters.iter().flat_map(|cluster| &cluster.endpoints).all(|e| e.in_flight == 0)
        });
    }
}

impl Drop for Lb {
    /// After every test: no lease is left, it stops when told to, and it has neither panicked nor logged an error.
    fn drop(&mut self) {
        if self.stopped {
            return;
        }
        if std::thread::panicking() {
            eprintln!("--- lb wrote:\n{}---", self.log());
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
            return;
        }
        self.assert_at_rest();
        self.signal("TERM");
        let status = self.child.wait().expect("it can be waited for");
        let log = self.log.whole();
        assert!(status.success(), "lb ended with {status}:\n{log}");
        assert!(!log.contains("panicked") && !log.contains("ERROR"), "lb wrote:\n{log}");
    }
}

impl Log {
    fn so_far(&self) -> String {
        self.text.lock().expect("no reader panics").clone()
    }

    fn whole(&mut self) -> String {
        for reader in self.readers.drain(..) {
            reader.join().expect("no reader panics");
        }
        self.so_far()
    }
}

/// The binary under test, with an environment of its own.
pub(crate) fn lb() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
    command.env_remove("LB_LOG");
    command
}

fn follow(pipe: impl Read + Send + 'static, text: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = text.lock().expect("no reader panics");
            text.push_str(&line);
            text.push('\n');
        }
    })
}

/// `lb 0.1.0 listens on ADDRESS, as …` or `lb demo: open http://ADDRESS/ - …`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let after = line.split_once(" listens on ").filter(|_| line.contains("lb ")).map(|(_, after)| after);
    let after = after.or_else(|| line.split_once("open http://").map(|(_, after)| after))?;
    after.split([',', '/', ' ']).next()?.parse().ok()
}
