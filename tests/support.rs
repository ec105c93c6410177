//! What the end-to-end tests share: the load balancer as a process, scripted endpoints, a client that hides nothing.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod endpoint;
pub(crate) mod lb;
pub(crate) mod peer;
pub(crate) mod python;
pub(crate) mod server;

pub(crate) use client::{Client, get};
pub(crate) use endpoint::{Endpoint, Reply};
pub(crate) use lb::Lb;
pub(crate) use peer::Peer;
pub(crate) use server::Server;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// No condition that a test waits for takes longer, unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until it is so; panics with what it was waiting for if it never is.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// For a program that cannot be told to take a free port and say which: an address with a port that nobody has. Each is on a
/// loopback host of its own, named after this process, so that no other test is given the port before the program binds it.
pub(crate) fn address_of_its_own() -> SocketAddr {
    static GIVEN: AtomicU8 = AtomicU8::new(0);
    // 127.128.0.1 to 127.255.255.254: the lower half of the loopback network is for what is written in tests.
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = [127, 128 | high, low, 1 + GIVEN.fetch_add(1, Relaxed) % 254];
    let listener = TcpListener::bind(SocketAddr::from((host, 0))).expect("a free port");
    listener.local_addr().expect("it is bound")
}
