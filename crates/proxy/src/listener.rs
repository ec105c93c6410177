//! Binds the sockets: for each address one a worker, among which the kernel spreads new connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// So many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Bound sockets, a share of them for each worker.
#[derive(Debug)]
pub struct Sockets(Vec<Bound>);

/// The sockets of one address.
#[derive(Debug)]
struct Bound {
    // As it is configured, perhaps with port 0.
    configured: SocketAddr,
    address: SocketAddr,
    // What the workers have copies of: so long a socket is open, its queue of connections is there, whoever accepts them.
    kept: Vec<TcpListener>,
    // So many of them are listened on; the others were added to those of before, and would take connections from now on.
    listening: usize,
    for_workers: Vec<Vec<TcpListener>>,
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    /// Which one.
    pub address: SocketAddr,
    /// Why not.
    #[source]
    pub error: io::Error,
}

impl Sockets {
    /// Binds these addresses for so many workers. Port 0 takes one free port for all of them. Where `before` has a socket for an
    /// address already, it is shared with it, so that no connection is lost between the two.
    ///
    /// # Errors
    ///
    /// [`BindError`] if an address cannot be bound; also if another process listens there in a way that would allow sharing it:
    /// two load balancers on one port would each get half of the connections, and nobody would know why.
    pub fn bind(addresses: &[SocketAddr], workers: NonZeroUsize, before: Option<&Self>) -> Result<Self, BindError> {
        // Port 0 may be there more than once, each time for another port.
        let mut left: Vec<&Bound> = before.iter().flat_map(|before| &before.0).collect();
        let bind = |&configured: &SocketAddr| {
            let old = left.iter().position(|bound| bound.configured == configured).map(|index| left.remove(index));
            Bound::new(configured, workers.get(), old).map_err(|error| BindError { address: configured, error })
        };
        addresses.iter().map(bind).collect::<Result<_, _>>().map(Self)
    }

    /// The addresses in the order in which they were told, with real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|bound| bound.address).collect()
    }

    /// Listens on what is bound and was not listened on yet: on an address that was there before, with more workers.
    pub(crate) fn listen(&mut self) -> Result<(), BindError> {
        for bound in &mut self.0 {
            let fail = |error| BindError { address: bound.address, error };
            for socket in &bound.kept[bound.listening..] {
                SockRef::from(socket).listen(BACKLOG).map_err(fail)?;
            }
            bound.listening = bound.kept.len();
        }
        Ok(())
    }

    /// What each worker is to accept from.
    pub(crate) fn take_for_workers(&mut self) -> Vec<Vec<TcpListener>> {
        let mut workers: Vec<Vec<_>> = Vec::new();
        for bound in &mut self.0 {
            let shares = std::mem::take(&mut bound.for_workers);
            workers.resize_with(shares.len(), Vec::new);
            workers.iter_mut().zip(shares).for_each(|(sockets, share)| sockets.extend(share));
        }
        workers
    }
}

impl Bound {
    fn new(configured: SocketAddr, workers: usize, before: Option<&Self>) -> io::Result<Self> {
        let mut kept = match before {
            Some(before) => before.kept.iter().map(TcpListener::try_clone).collect::<io::Result<Vec<_>>>()?,
            None => vec![first(configured)?],
        };
        let address = kept[0].local_addr()?;
        let listening = kept.len();
        while kept.len() < workers {
            kept.push(shared(address)?);
        }
        let mut for_workers: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        // There may be more of them than workers: each has its own queue of connections, which somebody has to accept.
        for (index, socket) in kept.iter().enumerate() {
            for_workers[index % workers].push(socket.try_clone()?);
        }
        Ok(Self { configured, address, kept, listening, for_workers })
    }
}

/// The first socket of an address on which nobody else listens.
fn first(address: SocketAddr) -> io::Result<TcpListener> {
    if address.port() != 0 {
        let alone = socket(address)?;
        alone.bind(&address.into())?;
        alone.listen(1)?;
    }
    let socket = shared(address)?;
    SockRef::from(&socket).listen(BACKLOG)?;
    Ok(socket)
}

fn shared(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
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

    fn bind(address: &str, workers: usize, before: Option<&Sockets>) -> Result<Sockets, BindError> {
        let address = address.parse().expect("an address");
        Sockets::bind(&[address], NonZeroUsize::new(workers).expect("at least one"), before)
    }

    #[test]
    fn all_workers_share_the_one_free_port() {
        let mut sockets = bind("127.0.0.1:0", 3, None).expect("a free port");
        let address = sockets.addresses()[0];
        let workers = sockets.take_for_workers();
        assert_eq!(workers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(workers.iter().flatten().all(|socket| socket.local_addr().is_ok_and(|own| own == address)));
    }

    #[test]
    fn a_port_that_another_balancer_shares_among_its_workers_is_taken() {
        let sockets = bind("127.0.0.1:0", 2, None).expect("a free port");
        let taken = sockets.addresses()[0].to_string();
        assert_eq!(bind(&taken, 2, None).expect_err("it is taken").error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn whoever_comes_after_shares_the_sockets_however_many_workers_there_are() {
        let before = bind("127.0.0.1:0", 2, None).expect("a free port");
        for (workers, shares) in [(1, vec![2]), (2, vec![1, 1]), (3, vec![1, 1, 1])] {
            let mut after = bind("127.0.0.1:0", workers, Some(&before)).expect("they are shared");
            assert_eq!(after.addresses(), before.addresses());
            assert_eq!(after.take_for_workers().iter().map(Vec::len).collect::<Vec<_>>(), shares);
        }
    }

    #[test]
    fn each_of_several_free_ports_stays_what_it_was() {
        let (address, one) = ("127.0.0.1:0".parse().expect("an address"), NonZeroUsize::MIN);
        let before = Sockets::bind(&[address, address], one, None).expect("free ports");
        let after = Sockets::bind(&[address, address, address], one, Some(&before)).expect("they are shared");
        assert_eq!(after.addresses()[..2], before.addresses()[..]);
        assert!(!before.addresses().contains(&after.addresses()[2]));
    }

    #[test]
    fn a_connection_that_waits_in_the_queue_is_there_for_whoever_comes_after() {
        let before = bind("127.0.0.1:0", 1, None).expect("a free port");
        let mut after = bind("127.0.0.1:0", 1, Some(&before)).expect("it is shared");
        let client = std::net::TcpStream::connect(before.addresses()[0]).expect("it is listened to");
        drop(before);
        let (_, address) = after.take_for_workers()[0][0].accept().expect("it waits there");
        assert_eq!(client.local_addr().expect("it is connected"), address);
    }
}
