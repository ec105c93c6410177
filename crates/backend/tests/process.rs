//! Runs the real binary: its environment, its log, its signals and its exit codes.
//!
//! What it answers is tested in the library, without a process.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

/// Far more than any answer takes; a hanging backend fails the test instead of stopping the run.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary, deaf to the environment in which the tests run.
fn lb_backend() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lb-backend"));
    for variable in ["SERVER_NAME", "BIND", "PORT", "LB_LOG"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

fn fails(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = lb_backend().envs(variables.iter().copied()).output().expect("the binary runs");
    (status.code(), String::from_utf8(stderr).expect("the log is UTF-8"))
}

/// A backend on a port of its own, ended with the test.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Running {
    fn start() -> Self {
        let mut child = lb_backend()
            .envs([("SERVER_NAME", "web1"), ("BIND", "127.0.0.1"), ("PORT", "0")])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let log = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut running = Self { child, log, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        let line = running.log_line("web1 listens on ");
        let (_, address) = line.rsplit_once(' ').expect("the address is the last word");
        running.address = address.parse().expect("the last word is an address");
        running
    }

    /// The next line of the log that has this in it.
    fn log_line(&mut self, part: &str) -> String {
        let mut line = String::new();
        while self.log.read_line(&mut line).expect("the log is UTF-8") > 0 {
            if line.contains(part) {
                return line.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("the log ended without a line with {part:?}");
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).expect("the backend listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        client
    }

    fn get(&self, path: &str) -> String {
        let mut client = self.connect();
        write!(client, "GET {path} HTTP/1.1\r\nhost: web1\r\nconnection: close\r\n\r\n").expect("the backend reads");
        rest(client)
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().expect("it is our child").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if the test has already seen the end of it, and that is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything until the backend closes the connection.
fn rest(mut client: TcpStream) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("the backend answers in UTF-8 and closes");
    answer
}

#[test]
fn it_answers_under_its_name_and_can_be_switched_off() {
    let web1 = Running::start();
    let answer = web1.get("/api");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nResponse from server: web1"), "{answer}");

    let answer = web1.get("/control/toggle?target=web1&active=false");
    assert!(answer.ends_with("\r\n\r\nSTATUS UPDATED: web1 is now INACTIVE"), "{answer}");
    assert!(web1.get("/api").starts_with("HTTP/1.1 503 "));
    assert!(web1.get("/health").starts_with("HTTP/1.1 503 "));
}

#[test]
fn it_logs_a_line_for_each_request() {
    let mut web1 = Running::start();
    web1.get("/nowhere?q=1");
    let line = web1.log_line("answered");
    for part in ["server=\"web1\"", "method=GET", "path=\"/nowhere?q=1\"", "status=404", "us="] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains('\u{1b}'), "colours in a log that is no terminal: {line:?}");
}

#[test]
fn without_a_name_it_has_the_hostname() {
    let mut child = lb_backend()
        .envs([("BIND", "127.0.0.1"), ("PORT", "0")])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut line = String::new();
    let read = BufReader::new(child.stderr.take().expect("stderr is piped")).read_line(&mut line);
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
    read.expect("the log is UTF-8");
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux tells the hostname");
    assert!(line.contains(&format!(" {} listens on 127.0.0.1:", hostname.trim())), "{line}");
}

#[test]
fn sigterm_ends_it_with_0() {
    let mut web1 = Running::start();
    web1.signal("TERM");
    assert_eq!(web1.exit_code(), Some(0));
}

#[test]
fn sigint_ends_it_with_0() {
    let mut web1 = Running::start();
    web1.signal("INT");
    assert_eq!(web1.exit_code(), Some(0));
}

#[test]
fn a_request_in_flight_is_finished_after_sigterm_while_new_clients_are_refused() {
    let mut web1 = Running::start();
    let mut client = web1.connect();
    let head = "POST /api HTTP/1.1\r\nhost: web1\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    client.write_all(head.as_bytes()).expect("the backend reads");
    // It asks for the body (RFC 9110 §10.1.1), so the request is in its hands.
    let mut interim = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    client.read_exact(&mut interim).expect("the backend answers");
    assert!(interim.starts_with(b"HTTP/1.1 100 "));

    web1.signal("TERM");
    web1.log_line("web1 stops");
    // The line comes just before the listener is closed. Each try is an answer, so there is nothing to sleep for; only
    // a SYN that meets the closing listener is lost, and Linux would repeat it after a whole second. The loop ends in
    // any case: after its grace the backend exits.
    let refused = || {
        let tried = TcpStream::connect_timeout(&web1.address, Duration::from_millis(50));
        tried.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    while !refused() {}

    client.write_all(b"body").expect("the backend reads");
    let answer = rest(client);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nResponse from server: web1"), "{answer}");
    assert_eq!(web1.exit_code(), Some(0));
}

#[test]
fn a_bad_port_ends_it_with_2_and_says_so() {
    let (code, says) = fails(&[("PORT", "http")]);
    assert_eq!(code, Some(2));
    assert_eq!(says, "lb-backend: PORT is \"http\": expected a port number from 0 to 65535 (0: the system chooses)\n");
}

#[test]
fn an_address_in_use_ends_it_with_1_and_is_named() {
    let web1 = Running::start();
    let port = web1.address.port().to_string();
    let (code, says) = fails(&[("BIND", "127.0.0.1"), ("PORT", &port)]);
    assert_eq!(code, Some(1));
    assert!(says.starts_with(&format!("lb-backend: cannot listen on {}: ", web1.address)), "{says}");
}
