//! Three backends as processes: started, broken, stopped, killed and brought back.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};

use super::backend::Fault;

/// No process takes longer to do what it is told, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all backends of a stage have done.
#[derive(Default)]
struct Done {
    /// How often each POST was executed, by its id.
    executed: HashMap<String, usize>,
    /// How many requests met a fault.
    struck: usize,
}

type Deeds = Arc<Mutex<Done>>;

/// The command that becomes a backend on a port.
pub(crate) type Become = fn(u16) -> Command;

/// A backend's process. Dropping it kills it.
pub(crate) struct Backend {
    child: Child,
    become_one: Become,
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    deeds: Deeds,
}

/// What one process has reported.
#[derive(Default)]
struct Seen {
    address: Option<SocketAddr>,
    obeyed: usize,
}

impl Backend {
    fn on(port: u16, become_one: Become, deeds: &Deeds) -> Self {
        let mut command = become_one(port);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a backend starts");
        let seen = Arc::<Mutex<Seen>>::default();
        let (out, heard, counts) = (child.stdout.take().expect("it is piped"), Arc::clone(&seen), Arc::clone(deeds));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let mut heard = heard.lock().expect("no reader panics");
                match line.split_once(' ') {
                    Some(("listens", rest)) => heard.address = rest.trim_start_matches("on ").parse().ok(),
                    Some(("obeyed", _)) => heard.obeyed += 1,
                    Some(("executed", id)) => {
                        *counts.lock().expect("no reader panics").executed.entry(id.to_owned()).or_default() += 1;
                    }
                    None if line == "struck" => counts.lock().expect("no reader panics").struck += 1,
                    _ => {}
                }
            }
        });
        let mut address = None;
        await_until("a backend listens", || {
            address = seen.lock().expect("no reader panics").address;
            address.is_some()
        });
        let address = address.expect("it was waited for");
        Self { child, become_one, address, seen, deeds: Arc::clone(deeds) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn kill(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Whether its process runs.
    fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// A new process in the place of one that was killed.
    pub(crate) fn restart(&mut self) {
        let new = Self::on(self.address.port(), self.become_one, &Arc::clone(&self.deeds));
        *self = new;
    }

    /// Sends a signal, as in `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Returns when the backend does so; all that it reported before has been heard then. One that is dead is left alone.
    pub(crate) fn set(&mut self, fault: Fault) {
        if !self.runs() {
            return;
        }
        let before = self.obeyed();
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{}", fault.order()).expect("a backend that runs reads its orders");
        await_until("a backend obeys", || self.obeyed() > before);
    }

    fn obeyed(&self) -> usize {
        self.seen.lock().expect("no reader panics").obeyed
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three backends and what they have done.
pub(crate) struct Backends {
    pub(crate) each: [Backend; 3],
    deeds: Deeds,
}

impl Backends {
    pub(crate) fn start(become_one: Become) -> Self {
        let deeds = Deeds::default();
        Self { each: [(); 3].map(|()| Backend::on(0, become_one, &deeds)), deeds }
    }

    /// All that live serve well again, and have told what they executed.
    pub(crate) fn settle(&mut self) {
        for backend in &mut self.each {
            backend.set(Fault::None);
        }
    }

    /// How many POSTs were executed more than once.
    pub(crate) fn executed_twice(&self) -> usize {
        let done = self.deeds.lock().expect("no reader panics");
        done.executed.values().filter(|&&times| times > 1).count()
    }

    /// How many requests met a fault.
    pub(crate) fn struck(&self) -> usize {
        self.deeds.lock().expect("no reader panics").struck
    }
}

/// An address at which connections are neither accepted nor refused: the queue of its listener is full, and stays so.
pub(crate) struct Blackhole {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
    _runtime: tokio::runtime::Runtime,
}

impl Blackhole {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
            socket.listen(1).expect("it can listen")
        });
        let address = listener.local_addr().expect("it is bound");
        let mut queue = Vec::new();
        // The first that finds no place is not answered: from then on nobody is.
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queue.push(stream);
        }
        Self { address, _listener: listener, _queue: queue, _runtime: runtime }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, name: &str) {
    assert!(try_signal(pid, name), "kill -{name} {pid}");
}

/// Whether there was such a process to send it to.
pub(crate) fn try_signal(pid: u32, name: &str) -> bool {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status();
    sent.expect("there is a kill command").success()
}

/// Asks again and again until it is so; panics with what it was waiting for if it never is.
pub(crate) fn await_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
