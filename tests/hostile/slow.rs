//! Clients that are slow on purpose, hundreds at once: everybody else must not notice.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::support::{Client, Endpoint, Lb, Reply, config};

/// How long each attack takes, in seconds.
const SECONDS: &str = "5";

/// What is slow, and how that is said: heads, bodies, reading.
const ATTACKS: [(&str, &[&str]); 3] = [
    ("slow heads", &["-H", "-i", "1"]),
    ("slow bodies", &["-B", "-i", "1", "-s", "8192"]),
    // It asks for a large answer, and reads 16 bytes a second of it.
    ("slow reading", &["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "16"]),
];

/// Runs an attack to its end, and returns what it says of it.
fn attack(proxy: SocketAddr, options: &[&str]) -> String {
    let mut command = Command::new("slowhttptest");
    command.args(options).args(["-c", "200", "-r", "200", "-l", SECONDS, "-p", "3"]);
    let output = command.arg("-u").arg(format!("http://{proxy}/large")).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}. hint: tests/run installs it"));
    // It colours what it says.
    let said = String::from_utf8_lossy(&output.stdout);
    said.split('\x1b').map(|part| part.split_once('m').map_or(part, |(_, text)| text)).collect()
}

#[test]
fn six_hundred_slow_clients_keep_nobody_waiting() {
    let large = "x".repeat(1 << 20);
    let endpoint = Endpoint::new(move |request| {
        let is_large = request.line.contains(" /large");
        Reply::Status(200, if is_large { large.clone() } else { "yes".to_owned() })
    });
    let lb = Lb::with_config(&config::cluster(&[endpoint.address()], ""));
    let address = lb.address();
    let under_way = AtomicBool::new(true);
    let (said, waits) = std::thread::scope(|scope| {
        let attacks = ATTACKS.map(|(_, options)| scope.spawn(move || attack(address, options)));
        let everybody = scope.spawn(|| {
            let (mut kept, mut waits) = (Client::connect(address), Vec::new());
            while under_way.load(Relaxed) {
                for fresh in [false, true] {
                    let began = Instant::now();
                    let answer = if fresh { Client::connect(address).get("/") } else { kept.get("/") };
                    waits.push(began.elapsed());
                    assert_eq!((answer.status, answer.text()), (200, "yes"));
                }
                std::thread::park_timeout(Duration::from_millis(20));
            }
            waits
        });
        let said = attacks.map(ScopedJoinHandle::join);
        under_way.store(false, Relaxed);
        (said.map(|said| said.expect("the attack came to its end")), everybody.join().expect("everybody was served"))
    });
    for ((name, _), said) in ATTACKS.iter().zip(&said) {
        let last = said.rfind("service available:").map_or("", |at| &said[at..]);
        assert!(last.contains("YES"), "{name}:\n{said}");
        // Told, since an attack that was thrown out at once would show little.
        let connected = said.rfind("connected:").map_or("", |at| &said[at..]);
        let connected = connected.split_whitespace().nth(1).and_then(|count| count.parse::<u32>().ok());
        println!("{name}: {connected:?} connections were still there at the end");
    }
    let longest = waits.iter().max().expect("somebody asked");
    println!("{} requests beside 600 slow clients, the longest took {longest:?}", waits.len());
    assert!(waits.len() > 50, "there was time for more than {} requests", waits.len());
    // Who has to wait for slow clients waits for as long as they are there, which is longer.
    assert!(*longest < Duration::from_secs(3), "somebody waited for {longest:?}");
}
