//! What an open page asks of `lb`: its stream of events, and once a second the traces.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How long is waited for something to read.
const PATIENCE: Duration = Duration::from_millis(100);

/// An open page. Dropping it closes it.
pub(crate) struct Page {
    is_closed: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Page {
    pub(crate) fn open(lb: SocketAddr) -> Result<Self> {
        let (mut stream, mut traces) = (ask(lb, "/lb/v1/events")?, TcpStream::connect(lb)?);
        let mut first = [0; 12];
        stream.set_read_timeout(None)?;
        stream.read_exact(&mut first)?;
        ensure!(&first == b"HTTP/1.1 200", "the page's stream does not open");
        stream.set_read_timeout(Some(PATIENCE))?;
        traces.set_read_timeout(Some(PATIENCE))?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let reader = thread::spawn(move || {
            let (mut buffer, mut asked) = (vec![0; 256 * 1024], Instant::now());
            while !closed.load(Ordering::Relaxed) {
                // Nothing to read is no matter; a stream that ended shows in what is measured.
                let _said = stream.read(&mut buffer);
                if asked.elapsed() >= Duration::from_secs(1) {
                    asked = Instant::now();
                    let request = "GET /lb/v1/traces HTTP/1.1\r\nHost: lb\r\n\r\n";
                    let _asked = traces.write_all(request.as_bytes()).and_then(|()| traces.read(&mut buffer));
                }
            }
        });
        Ok(Self { is_closed, reader: Some(reader) })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ended = reader.join();
        }
    }
}

fn ask(lb: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(lb)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: lb\r\n\r\n")?;
    Ok(stream)
}
