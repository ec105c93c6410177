//! What takes spans: a reader that is none of ours, and a collector that people use, which passes them on to it.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{address_of_its_own, python, wait_until};

/// Reads spans with the messages that OpenTelemetry publishes, until it is dropped.
pub(crate) struct Reader {
    child: Child,
    said: Arc<Mutex<Vec<Value>>>,
    saying: Option<JoinHandle<()>>,
    port: u64,
}

impl Reader {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(python());
        command.arg(beside("receiver.py")).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let said: Arc<Mutex<Vec<Value>>> = Arc::default();
        let heard = Arc::clone(&said);
        let saying = std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("each line is JSON");
                heard.lock().expect("nobody panics").push(line);
            }
        });
        let mut reader = Self { child, said, saying: Some(saying), port: 0 };
        wait_until("the reader listens", || {
            let ended = reader.child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "the reader ended at once: {ended:?}");
            reader.port = reader.said.lock().expect("nobody panics").first().map_or(0, |first| number(&first["port"]));
            reader.port > 0
        });
        reader
    }

    /// Where it listens, as the configuration wants it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The spans that have come so far; fails if something came that is no span.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let spans = self.said.lock().expect("nobody panics")[1..].to_vec();
        assert!(spans.iter().all(|span| span.get("wrong").is_none()), "{spans:#?}");
        spans
    }

    /// All spans that have come, once no more are to come.
    pub(crate) fn end(mut self) -> Vec<Value> {
        end(&mut self.child);
        self.saying.take().expect("it ends once").join().expect("nobody panics");
        self.spans()
    }

    /// Waits until there are so many.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Value> {
        wait_until(&format!("{count} spans are there"), || self.spans().len() >= count);
        self.spans()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// rotel, a collector in Rust: takes spans over OTLP and passes them on over OTLP, until it is dropped.
pub(crate) struct Rotel {
    child: Child,
    address: SocketAddr,
    // Holds its log.
    _folder: TempDir,
}

impl Rotel {
    /// One that passes on to that reader.
    pub(crate) fn before(reader: &Reader) -> Self {
        let folder = tempfile::tempdir().expect("a folder for its log");
        // It cannot be told to take a free port and say which.
        let [address, other] = [address_of_its_own(), address_of_its_own()];
        let mut command = Command::new(rotel());
        command
            .arg("start")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.args([
            "--pid-file",
            "pid",
            "--log-file",
            "log",
            "--exporter",
            "otlp",
            "--otlp-exporter-protocol",
            "http",
        ]);
        command.args(["--otlp-exporter-endpoint", &reader.url()]);
        command.args(["--otlp-http-endpoint", &address.to_string(), "--otlp-grpc-endpoint", &other.to_string()]);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut rotel = Self { child, address, _folder: folder };
        wait_until("the collector listens", || {
            let ended = rotel.child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "{command:?} ended at once: {ended:?}");
            TcpStream::connect(address).is_ok()
        });
        rotel
    }

    /// Where it listens, as the configuration wants it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _gone = child.kill();
    let _reaped = child.wait();
}

/// A number in JSON.
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn python() -> PathBuf {
    python::environment("tracing", &beside("requirements.txt"))
}

/// The binary inside of rotel's package.
fn rotel() -> PathBuf {
    // The package is asked for its place, not loaded: it wants another one, which its binary does not.
    let find = "import importlib.util; print(importlib.util.find_spec('rotel').submodule_search_locations[0])";
    Path::new(python::run(Command::new(python()).args(["-c", find])).trim()).join("rotel-agent")
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tracing").join(name)
}
