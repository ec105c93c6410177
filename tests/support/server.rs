//! One of the demo's servers as a process of its own, so that it can be killed.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use super::{address_of_its_own, get, wait_until};

/// Set in such a process: what the server is called, and where it listens.
const NAME: &str = "LB_TEST_SERVER_NAME";
const ADDRESS: &str = "LB_TEST_SERVER_ADDRESS";

/// A server that runs until it is killed or dropped.
pub(crate) struct Server {
    name: String,
    address: SocketAddr,
    child: Child,
}

impl Server {
    pub(crate) fn start(name: &str) -> Self {
        let address = address_of_its_own();
        Self { name: name.to_owned(), address, child: start(name, address) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it as `kill -9` does. Whoever connects is refused from then on.
    pub(crate) fn kill(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// A new process in the place of one that was killed.
    pub(crate) fn restart(&mut self) {
        self.child = start(&self.name, self.address);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// This test's own program, which becomes a server instead of testing one; it serves once this returns.
fn start(name: &str, address: SocketAddr) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("the tests have a path"));
    command.args(["--exact", "support::server::a_server_that_was_killed_can_be_started_again", "--nocapture"]);
    command.env(NAME, name).env(ADDRESS, address.to_string());
    let quiet = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = quiet.spawn().expect("the tests can be started");
    wait_until("a server listens", || {
        let ended = child.try_wait().expect("it can be waited for");
        assert!(ended.is_none(), "{name} ended at once: {ended:?}");
        TcpStream::connect(address).is_ok()
    });
    child
}

/// Serves until standard input ends, which it does with the test.
fn serve(name: String, address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _all = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _nobody_waits = ended.send(());
    });
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("the address is free");
        let stop = async {
            let _ended = end.await;
        };
        lb_backend::serve(listener, lb_backend::Backend::new(name), stop).await.expect("it can serve");
    });
}

#[test]
fn a_server_that_was_killed_can_be_started_again() {
    if let (Ok(name), Ok(address)) = (std::env::var(NAME), std::env::var(ADDRESS)) {
        return serve(name, address.parse().expect("an address"));
    }
    let mut server = Server::start("web2");
    let says = |server: &Server| get(server.address(), "/api").text().to_owned();
    assert!(says(&server).contains("web2"), "{}", says(&server));
    server.kill();
    assert!(TcpStream::connect(server.address()).is_err());
    server.restart();
    assert!(says(&server).contains("web2"), "{}", says(&server));
}
