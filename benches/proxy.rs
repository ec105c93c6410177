//! What a request costs: through `lb`, and straight to the backend, side by side in one run.
//!
//! Absolute figures say more of the machine than of the program; the ratio between the two is what counts. One
//! connection is latency, sixty-four are throughput.
#![allow(missing_docs, reason = "criterion's macro makes public items")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// The bodies that are asked for: a small one, and one of 64 KiB.
const SIZES: [(&str, usize); 2] = [("small", 24), ("64KiB", 64 * 1024)];

const CONNECTIONS: [usize; 2] = [1, 64];

fn proxy(criterion: &mut Criterion) {
    for (name, size) in SIZES {
        let backend = serve(size);
        let lb = Lb::before(backend);
        for connections in CONNECTIONS {
            let mut group = criterion.benchmark_group(format!("get-{name}/{connections}-connections"));
            group.throughput(Throughput::Elements(1));
            for (path, address) in [("straight", backend), ("through-lb", lb.address)] {
                group.bench_function(BenchmarkId::from_parameter(path), |bencher| {
                    bencher.iter_custom(|requests| time(address, connections, requests));
                });
            }
            group.finish();
        }
    }
}

/// How long so many requests take on so many connections at once, each waiting for its answer.
fn time(address: SocketAddr, connections: usize, requests: u64) -> Duration {
    let mut clients: Vec<_> =
        (0..connections).map(|_| BufReader::new(TcpStream::connect(address).expect("it listens"))).collect();
    for client in &mut clients {
        client.get_ref().set_nodelay(true).expect("Nagle can be turned off");
        // So that the connections behind it are there as well.
        ask(client);
        answer(client);
    }
    let began = Instant::now();
    let mut left = requests;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(connections);
        clients[..now].iter_mut().for_each(ask);
        clients[..now].iter_mut().for_each(answer);
        left -= now as u64;
    }
    began.elapsed()
}

fn ask(client: &mut BufReader<TcpStream>) {
    client.get_mut().write_all(b"GET /api HTTP/1.1\r\nHost: bench\r\n\r\n").expect("it takes a request");
}

fn answer(client: &mut BufReader<TcpStream>) {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        client.read_line(&mut line).expect("an answer");
        if line == "\r\n" {
            break;
        }
        assert!(!line.is_empty() && !line.starts_with("HTTP/1.1 5"), "{line}");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let copied = std::io::copy(&mut client.take(length), &mut std::io::sink()).expect("a body");
    assert_eq!(copied, length);
}

/// A backend that costs as little as can be: a thread a connection, one write an answer.
fn serve(size: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut whole =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n").into_bytes();
    whole.resize(whole.len() + size, b'x');
    let whole: Arc<[u8]> = whole.into();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let whole = Arc::clone(&whole);
            std::thread::spawn(move || {
                stream.set_nodelay(true).ok()?;
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).ok()? == 0 {
                        return None::<()>;
                    }
                    if line == "\r\n" {
                        stream.get_mut().write_all(&whole).ok()?;
                    }
                }
            });
        }
    });
    address
}

/// The load balancer as a process of its own, with one worker.
struct Lb {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Lb {
    fn before(backend: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "workers = 1\n[[listeners]]\nbind = \"127.0.0.1:0\"\n[[routes]]\npath = \"/\"\ncluster = \"web\"\n\
             [clusters.web]\nendpoints = [{{ name = \"e1\", address = \"{backend}\" }}]\n"
        );
        std::fs::write(folder.path().join("lb.toml"), config).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
        let mut child = command.current_dir(folder.path()).stderr(Stdio::piped()).spawn().expect("lb starts");
        let mut line = String::new();
        BufReader::new(child.stderr.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("lb says where it listens");
        let address = line.split_once(" listens on ").and_then(|(_, after)| after.split(',').next()?.parse().ok());
        Self { child, address: address.expect("lb says where it listens"), _folder: folder }
    }
}

impl Drop for Lb {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(5)).sample_size(30);
    targets = proxy
}
criterion_main!(benches);
