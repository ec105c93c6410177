//! A client: one connection that sends the same request again and again, and looks at every byte of its answers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::case::Case;
use crate::wire;

/// What clients do.
pub(crate) struct Job {
    address: SocketAddr,
    request: Vec<u8>,
    answer: usize,
    /// Whether each request comes on a connection of its own.
    pub(crate) fresh: bool,
}

impl Job {
    pub(crate) fn new(case: &Case, address: SocketAddr, pattern: &[u8]) -> Self {
        Self { address, request: wire::request(case, pattern), answer: case.answer, fresh: case.fresh }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// The request is being sent, or its answer's head is awaited.
    Head,
    /// So much of the answer's body has come.
    Body(usize),
    /// The whole answer is there, and the proxy is to close.
    End,
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    phase: Phase,
    /// How much of the request is sent.
    sent: usize,
    /// The beginning of a head that came in pieces.
    partial: Vec<u8>,
    /// When the request was to be sent.
    pub(crate) due: Instant,
}

impl Client {
    /// Begins to connect; once the connection is there, the request goes out.
    pub(crate) fn connect(job: &Job, registry: &Registry, token: Token) -> Result<Self> {
        let mut stream = TcpStream::connect(job.address)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, phase: Phase::Head, sent: 0, partial: Vec::new(), due: Instant::now() })
    }

    /// Sends the next request.
    pub(crate) fn ask(&mut self, job: &Job) -> Result<()> {
        debug_assert_eq!(self.phase, Phase::Idle, "one request at a time");
        self.phase = Phase::Head;
        self.sent = 0;
        self.send(job)
    }

    fn send(&mut self, job: &Job) -> Result<()> {
        while self.sent < job.request.len() {
            match self.stream.write(&job.request[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Does what can be done; whether the answer is there.
    pub(crate) fn handle(&mut self, event: &Event, job: &Job, scratch: &mut [u8], pattern: &[u8]) -> Result<bool> {
        if event.is_writable() && self.phase == Phase::Head && self.sent < job.request.len() {
            if let Some(error) = self.stream.take_error()? {
                return Err(error.into());
            }
            self.send(job)?;
        }
        if !event.is_readable() {
            return Ok(false);
        }
        let mut done = false;
        loop {
            let read = match self.stream.read(scratch) {
                Ok(0) if self.phase == Phase::End => {
                    self.phase = Phase::Idle;
                    return Ok(true);
                }
                // Both sides have closed by now, which is an event of its own.
                Ok(0) if self.phase == Phase::Idle && job.fresh => return Ok(false),
                Ok(0) => bail!("the proxy closed the connection while the client was at {:?}", self.phase),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(done),
                Err(error) => return Err(error.into()),
            };
            self.take(job, &scratch[..read], pattern)?;
            // With a fresh connection the answer is not all: the end is to come, and may be there already.
            done = self.phase == Phase::Idle;
            if read < scratch.len() && !job.fresh {
                return Ok(done);
            }
        }
    }

    /// Takes in what came.
    fn take(&mut self, job: &Job, bytes: &[u8], pattern: &[u8]) -> Result<()> {
        let (had, body) = match self.phase {
            Phase::Head if self.partial.is_empty() => {
                let Some(head) = wire::answered(bytes, job.answer)? else {
                    self.partial.extend_from_slice(bytes);
                    return Ok(());
                };
                (0, &bytes[head..])
            }
            Phase::Head => {
                self.partial.extend_from_slice(bytes);
                let Some(head) = wire::answered(&self.partial, job.answer)? else { return Ok(()) };
                let rest = self.partial.len() - head;
                self.partial.clear();
                ensure!(rest <= bytes.len(), "a head was complete before its last byte came");
                (0, &bytes[bytes.len() - rest..])
            }
            Phase::Body(had) => (had, bytes),
            Phase::Idle | Phase::End => bail!("{} bytes came after an answer", bytes.len()),
        };
        let have = had + body.len();
        ensure!(have <= job.answer && body == &pattern[had..have], "an answer has wrong bytes after {had}");
        self.phase = match have == job.answer {
            false => Phase::Body(have),
            true if job.fresh => Phase::End,
            true => Phase::Idle,
        };
        ensure!(have < job.answer || self.sent == job.request.len(), "an answer came before its request was sent");
        Ok(())
    }
}
