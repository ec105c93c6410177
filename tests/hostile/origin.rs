//! An endpoint that keeps every byte it gets, and reads it strictly.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::strict::{self, Flaw, Message, Rules};

/// It listens until the test's process ends.
pub(crate) struct Origin {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What has come since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Whole requests, in order.
    pub(crate) arrived: Vec<Message>,
    /// What nobody should have sent to an endpoint: what is wrong with it, and its bytes.
    pub(crate) violations: Vec<(Flaw, Vec<u8>)>,
    /// Connections that ended within a request that was right so far. Who streams bodies cannot but do this to a body that
    /// turns out to be wrong.
    pub(crate) cut: usize,
    /// Connections that are within a request now.
    within: usize,
}

/// A connection within a request that is silent for longer belongs to a proxy that has forgotten it.
const SILENCE: Duration = Duration::from_secs(5);

impl Origin {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::default();
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether no connection is within a request.
    pub(crate) fn is_quiet(&self) -> bool {
        self.seen.lock().expect("no connection panics").within == 0
    }

    /// What has come since this was last asked.
    pub(crate) fn take(&self) -> Seen {
        let mut seen = self.seen.lock().expect("no connection panics");
        let within = seen.within;
        std::mem::replace(&mut *seen, Seen { within, ..Seen::default() })
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Seen>) {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    let mut within = false;
    loop {
        // An idle connection may be kept for as long as the proxy likes.
        let patience = if bytes.is_empty() { None } else { Some(SILENCE) };
        let length = stream.set_read_timeout(patience).and_then(|()| stream.read(&mut piece)).unwrap_or(0);
        bytes.extend_from_slice(&piece[..length]);
        let mut now = seen.lock().expect("no connection panics");
        now.within -= usize::from(std::mem::take(&mut within));
        if length == 0 {
            now.cut += usize::from(!bytes.is_empty());
            return;
        }
        let mut answers = Vec::new();
        let flaw = loop {
            match strict::read(&bytes, Rules::Proxy) {
                Ok(Some((message, length))) => {
                    bytes.drain(..length);
                    now.arrived.push(message);
                    answers.extend(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
                Ok(None) => break None,
                Err(flaw) => break Some(flaw),
            }
            if bytes.is_empty() {
                break None;
            }
        };
        if let Some(flaw) = flaw {
            now.violations.push((flaw, bytes));
            drop(now);
            // An answer that is right, so that nothing is sent again; then the end, since nobody knows where that request ends.
            answers.extend(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            let _gone = stream.write_all(&answers);
            return;
        }
        within = !bytes.is_empty();
        now.within += usize::from(within);
        drop(now);
        // Who has gone before the answer is noticed by the next read.
        let _gone = stream.write_all(&answers);
    }
}
