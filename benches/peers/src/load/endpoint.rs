//! The endpoints: they check what a proxy made of each request, and answer with as many bytes as it asks for. Some of them may
//! be made to fail now and then.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::ENDPOINTS;
use crate::case::ANSWERS;
use crate::wire;

/// Those that fail, if any are to: the others never do, so that each request can be answered.
const FLAWED: usize = ENDPOINTS / 2;

/// Of the requests to them each of this number fails.
const FLAW_EVERY: u64 = 10;

/// The answer that is none: a 503, and the end of the connection.
const FLAW: usize = ANSWERS.len();

pub(super) struct Endpoints {
    listeners: [TcpListener; ENDPOINTS],
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    desk: Desk,
}

/// What all connections share.
struct Desk {
    pattern: Rc<[u8]>,
    /// By the length of the body; then the flaw.
    answers: Vec<Vec<u8>>,
    /// How many requests each endpoint has answered.
    answered: [u64; ENDPOINTS],
    is_flawed: bool,
}

/// A connection from a proxy.
struct Connection {
    stream: TcpStream,
    endpoint: usize,
    phase: Phase,
    /// The beginning of a head that came in pieces.
    partial: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Head,
    /// So much of a body has come, of so much; then that answer is due.
    Body {
        have: usize,
        of: usize,
        answer: usize,
    },
    /// So much of that answer is sent.
    Answer {
        sent: usize,
        answer: usize,
    },
    /// To be closed.
    Over,
}

impl Endpoints {
    pub(super) fn listen(registry: &Registry, pattern: &Rc<[u8]>) -> Result<Self> {
        let mut listeners = Vec::new();
        for index in 0..ENDPOINTS {
            let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            registry.register(&mut listener, Token(index), Interest::READABLE)?;
            listeners.push(listener);
        }
        Ok(Self {
            listeners: listeners.try_into().expect("as many were made"),
            connections: Vec::new(),
            free: Vec::new(),
            desk: Desk {
                pattern: Rc::clone(pattern),
                answers: ANSWERS.iter().map(|length| wire::answer(*length, pattern)).chain([wire::flaw()]).collect(),
                answered: [0; ENDPOINTS],
                is_flawed: false,
            },
        })
    }

    /// Some answer each tenth request with a 503 and close the connection then, or no longer so. A proxy may also leave before
    /// it has its answer then: it may have had one from elsewhere.
    pub(super) fn flaw(&mut self, is_flawed: bool) {
        self.desk.is_flawed = is_flawed;
    }

    /// How many requests each has answered.
    pub(super) fn answered(&self) -> [u64; ENDPOINTS] {
        self.desk.answered
    }

    pub(super) fn addresses(&self) -> [SocketAddr; ENDPOINTS] {
        self.listeners.each_ref().map(|listener| listener.local_addr().expect("it is bound"))
    }

    pub(super) fn close(&mut self) {
        self.connections.clear();
        self.free.clear();
    }

    pub(super) fn handle(&mut self, event: &Event, registry: &Registry, scratch: &mut [u8]) -> Result<()> {
        let Token(token) = event.token();
        if token < ENDPOINTS {
            return self.accept(token, registry);
        }
        let slot = token - ENDPOINTS;
        // One that was closed may have left an event behind.
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else { return Ok(()) };
        if !connection.handle(event, scratch, &mut self.desk)? {
            self.connections[slot] = None;
            self.free.push(slot);
        }
        Ok(())
    }

    fn accept(&mut self, endpoint: usize, registry: &Registry) -> Result<()> {
        loop {
            let mut stream = match self.listeners[endpoint].accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("an endpoint cannot accept"),
            };
            stream.set_nodelay(true)?;
            let slot = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            registry.register(&mut stream, Token(ENDPOINTS + slot), Interest::READABLE | Interest::WRITABLE)?;
            self.connections[slot] = Some(Connection { stream, endpoint, phase: Phase::Head, partial: Vec::new() });
        }
    }
}

impl Connection {
    /// Does what can be done; whether the connection is still of use.
    fn handle(&mut self, event: &Event, scratch: &mut [u8], desk: &mut Desk) -> Result<bool> {
        if event.is_writable() {
            self.send(desk)?;
        }
        if let Phase::Over = self.phase {
            return Ok(false);
        }
        while event.is_readable() {
            let read = match self.stream.read(scratch) {
                // A proxy may close what is idle, and nothing else.
                Ok(0) => {
                    ensure!(self.may_be_left(desk), "a proxy left at {:?}", self.phase);
                    return Ok(false);
                }
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset && self.may_be_left(desk) => return Ok(false),
                Err(error) => return Err(error).context("an endpoint cannot read"),
            };
            self.take(&scratch[..read], desk)?;
            self.send(desk)?;
            if let Phase::Over = self.phase {
                return Ok(false);
            }
            if read < scratch.len() && !event.is_read_closed() {
                break;
            }
        }
        Ok(true)
    }

    fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head) && self.partial.is_empty()
    }

    fn may_be_left(&self, desk: &Desk) -> bool {
        self.is_idle() || desk.is_flawed
    }

    /// Takes in what came.
    fn take(&mut self, bytes: &[u8], desk: &Desk) -> Result<()> {
        let mut rest = bytes;
        if let Phase::Head = self.phase {
            let first = self.partial.is_empty();
            if !first {
                self.partial.extend_from_slice(bytes);
            }
            let Some(asked) = wire::asked(if first { bytes } else { &self.partial })? else {
                if first {
                    self.partial.extend_from_slice(bytes);
                }
                return Ok(());
            };
            let all = if first { bytes.len() } else { self.partial.len() };
            rest = &bytes[bytes.len() - (all - asked.head)..];
            self.partial.clear();
            let fails =
                desk.is_flawed && self.endpoint < FLAWED && desk.answered[self.endpoint].is_multiple_of(FLAW_EVERY);
            let answer = ANSWERS.iter().position(|length| *length == asked.answer).context("an unknown answer")?;
            let answer = if fails { FLAW } else { answer };
            self.phase = Phase::Body { have: 0, of: asked.body, answer };
        }
        let Phase::Body { have: had, of, answer } = self.phase else { anyhow::bail!("a second request came early") };
        let have = had + rest.len();
        ensure!(have <= of && *rest == desk.pattern[had..have], "a request's body has wrong bytes after {had}");
        self.phase = if have == of { Phase::Answer { sent: 0, answer } } else { Phase::Body { have, of, answer } };
        Ok(())
    }

    /// Sends as much of an answer that is due as the socket takes.
    fn send(&mut self, desk: &mut Desk) -> Result<()> {
        while let Phase::Answer { sent, answer } = self.phase {
            match self.stream.write(&desk.answers[answer][sent..]) {
                Ok(more) if sent + more == desk.answers[answer].len() => {
                    self.phase = if answer == FLAW { Phase::Over } else { Phase::Head };
                    desk.answered[self.endpoint] += 1;
                }
                Ok(more) => self.phase = Phase::Answer { sent: sent + more, answer },
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) if desk.is_flawed => self.phase = Phase::Over,
                Err(error) => return Err(error).context("an endpoint cannot answer"),
            }
        }
        Ok(())
    }
}
