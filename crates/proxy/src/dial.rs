//! Opens connections to endpoints. A trait, so that tests can hand out pipes instead.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::Address;

/// Opens a connection to an endpoint.
pub(crate) trait Dial: Clone + 'static {
    /// What carries the bytes.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    /// Opens one; the caller sets the time limit.
    fn dial(&self, address: &Address) -> impl Future<Output = io::Result<Self::Stream>>;
}

/// Over TCP. A name is looked up at each new connection, so that an endpoint which came back under another
/// number is found, and one whose name is gone fails alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tcp;

impl Dial for Tcp {
    type Stream = TcpStream;

    async fn dial(&self, address: &Address) -> io::Result<TcpStream> {
        let stream = match (address.as_socket(), address.as_name()) {
            (Some(socket), _) => TcpStream::connect(socket).await?,
            (None, Some(name)) => TcpStream::connect(name).await?,
            (None, None) => unreachable!("an address is a number or a name"),
        };
        // Heads and small bodies are written whole; waiting for more (Nagle) would only delay them.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
