//! Binds the sockets: for each address one a worker, among which the kernel spreads new connections.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// So many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Binds an address once for each worker. Port 0 takes one free port for all of them.
///
/// # Errors
///
/// If the address cannot be bound; also if another process listens there in a way that would allow sharing it:
/// two load balancers on one port would each get half of the connections, and nobody would know why.
pub(crate) fn bind(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    if address.port() != 0 {
        let alone = socket(address)?;
        alone.bind(&address.into())?;
        alone.listen(1)?;
    }
    let first = shared(address)?;
    let address = first.local_addr()?;
    let mut all = vec![first];
    for _ in 1..workers {
        all.push(shared(address)?);
    }
    Ok(all)
}

fn shared(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier run that linger in TIME_WAIT do not keep the port.
    socket.set_reuse_address(true)?;
    // [::] and 0.0.0.0 are two addresses here, whatever the system's setting.
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_share_the_one_free_port() {
        let sockets = bind("127.0.0.1:0".parse().expect("an address"), 3).expect("a free port");
        let mut ports: Vec<_> = sockets.iter().filter_map(|s| s.local_addr().ok()).map(|a| a.port()).collect();
        ports.dedup();
        assert_eq!((sockets.len(), ports.len()), (3, 1));
    }

    #[test]
    fn a_port_that_another_balancer_shares_among_its_workers_is_taken() {
        let sockets = bind("127.0.0.1:0".parse().expect("an address"), 2).expect("a free port");
        let taken = sockets[0].local_addr().expect("it is bound");
        assert_eq!(bind(taken, 2).expect_err("it is taken").kind(), io::ErrorKind::AddrInUse);
    }
}
