//! Sends each entry through a proxy and says what came of it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::entries::Entry;
use super::origin::{Origin, Seen};
use super::strict::{self, End, Message, Rules, Walk};
use crate::support::{PATIENCE, wait_until};

/// What came of a corpus. The lists tell the entries by name, with their bytes.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) corpus: String,
    pub(crate) sent: usize,
    /// At least the entry's first request arrived.
    pub(crate) forwarded: usize,
    /// Nothing of it arrived.
    pub(crate) refused: usize,
    /// Upstream connections that ended within a request.
    pub(crate) cut: usize,
    /// Requests that arrived with a target as only browsers write it.
    pub(crate) raw_targets: usize,
    /// What no endpoint should get.
    pub(crate) violations: Vec<String>,
    /// What arrived is not what was sent, or the proxy went on after what was no request and so guessed where the next one began.
    pub(crate) desyncs: Vec<String>,
    /// Requests that RFC 9112 allows, and that did not arrive.
    pub(crate) valid_refused: Vec<String>,
    /// What RFC 9112 does not allow, and that arrived all the same, repaired or not.
    pub(crate) malformed_forwarded: Vec<String>,
    /// Of these, what its collectors say is dangerous.
    pub(crate) severe_forwarded: Vec<String>,
}

/// A connection on which nothing comes for so long waits for more of a request; it is told that nothing more will come.
const SILENCE: Duration = Duration::from_secs(2);

/// One connection an entry, one after the other, so that whatever arrives belongs to the entry that was sent last.
pub(crate) fn judge(proxy: SocketAddr, origin: &Origin, corpus: &str, entries: &[Entry]) -> Row {
    let mut row = Row { corpus: corpus.to_owned(), ..Row::default() };
    for (number, entry) in entries.iter().enumerate() {
        let marker = format!("GET /marker-{number} HTTP/1.1\r\nHost: marker\r\nConnection: close\r\n\r\n");
        let bytes = [&with_number(&entry.bytes, number)[..], marker.as_bytes()].concat();
        send(proxy, &bytes);
        wait_until("the origin is within no request", || origin.is_quiet());
        row.add(entry, &strict::walk(&bytes, Rules::Client), &origin.take(), &format!("/marker-{number}"));
    }
    row
}

impl Row {
    fn add(&mut self, entry: &Entry, sent: &Walk, seen: &Seen, marker: &str) {
        let told = || format!("{}: {}", entry.name, escaped(&entry.bytes));
        let own = seen.arrived.iter().filter(|message| message.target != marker).count() + seen.violations.len();
        self.sent += 1;
        self.forwarded += usize::from(own > 0);
        self.refused += usize::from(own == 0);
        self.cut += seen.cut;
        self.raw_targets += seen.arrived.iter().filter(|message| message.raw_target).count();
        for (flaw, bytes) in &seen.violations {
            self.violations.push(format!("{flaw}: {} became {}", told(), escaped(bytes)));
        }
        // Nobody has to offer CONNECT.
        let mut expected = sent.messages.iter().filter(|message| message.method != "CONNECT");
        let is_unknown = |arrived: &&Message| {
            let mut further = expected.clone();
            let known = further.any(|sent| is_same(arrived, sent));
            if known {
                expected = further;
            }
            !known
        };
        let unknown: Vec<_> = seen.arrived.iter().filter(is_unknown).collect();
        // What follows it is the tunnel's (RFC 9110 §9.3.6), and need not be read as a request if there is none.
        let whole = sent.messages.iter().take_while(|message| message.method != "CONNECT").count();
        let smuggled = unknown.iter().any(|message| message.target == "/smuggled");
        let guessed = unknown.first().is_some_and(|message| message.target == marker) && seen.violations.is_empty();
        let is_valid = sent.end == End::Clean;
        if smuggled || guessed || (is_valid && !unknown.is_empty()) {
            let unknown: Vec<_> =
                unknown.iter().map(|message| format!("{} {}", message.method, message.target)).collect();
            self.desyncs.push(format!("{} became {}", told(), unknown.join(", ")));
        } else if is_valid && seen.arrived.len() < whole && seen.violations.is_empty() {
            self.valid_refused.push(told());
        } else if !is_valid && (!unknown.is_empty() || !seen.violations.is_empty()) {
            self.malformed_forwarded.push(told());
        }
        if entry.severe && own > 0 {
            self.severe_forwarded.push(told());
        }
    }
}

fn is_same(arrived: &Message, sent: &Message) -> bool {
    (&arrived.method, &arrived.target, &arrived.body) == (&sent.method, &sent.target, &sent.body)
}

/// The entry with a path of its own, if its first line has a path.
fn with_number(bytes: &[u8], number: usize) -> Vec<u8> {
    let line = bytes.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(bytes.len());
    let path = bytes[..line].windows(2).position(|pair| pair == b" /");
    let mut bytes = bytes.to_vec();
    if let Some(path) = path {
        bytes.splice(path + 1..=path + 1, format!("/e{number}/").into_bytes());
    }
    bytes
}

/// Sends it all, whether somebody wants it or not, and waits until the other side has ended the connection.
fn send(proxy: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(proxy).expect("the proxy listens");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
    // Who refuses an entry need not read it to its end.
    let _refused = stream.write_all(bytes);
    stream.set_read_timeout(Some(SILENCE)).expect("a timeout can be set");
    let mut silent = false;
    loop {
        match stream.read(&mut [0; 4096]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                assert!(!silent, "the proxy holds a connection that is over: {}", escaped(bytes));
                silent = true;
                let _gone = stream.shutdown(Shutdown::Write);
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
            }
            Err(_) => break,
        }
    }
}

/// At most the first bytes of it, as in a Rust literal.
fn escaped(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    let more = if bytes.len() > MOST { format!("… ({} bytes)", bytes.len()) } else { String::new() };
    format!("\"{}\"{more}", bytes[..bytes.len().min(MOST)].escape_ascii())
}

/// The rows as a table.
pub(crate) fn table(rows: &[(&str, Row)]) -> String {
    let heads = [
        "proxy",
        "corpus",
        "sent",
        "forwarded",
        "refused",
        "cut",
        "raw",
        "violations",
        "desyncs",
        "valid-",
        "malformed+",
        "severe+",
    ];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    for (proxy, row) in rows {
        let counts =
            [row.sent, row.forwarded, row.refused, row.cut, row.raw_targets, row.violations.len(), row.desyncs.len()];
        let faults = [row.valid_refused.len(), row.malformed_forwarded.len(), row.severe_forwarded.len()];
        let counts = counts.into_iter().chain(faults).map(|count| count.to_string());
        lines.push([(*proxy).to_owned(), row.corpus.clone()].into_iter().chain(counts).collect());
    }
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let written = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    });
    written.collect::<Vec<_>>().join("\n")
}
