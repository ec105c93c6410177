//! A client of the admin API: it asks and tells, and shows what came back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use lb_common::api::{
    EVENTS_PATH, Event, FAULTS_PATH, Fault, Problem, TIMELINE_PATH, TRACES_PATH, Timeline, Traces, What,
};
use serde::de::DeserializeOwned;

use crate::support::client::Answer;
use crate::support::{Client, Lb, PATIENCE, config, wait_until};

/// The admin API of one `lb`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api(SocketAddr);

/// An `lb` before one cluster whose admin API has an address of its own, and what asks it there: requests to that address are
/// not among those that it tells of.
pub(super) fn apart(endpoints: &[SocketAddr], more: &str, admin: &str) -> (Lb, Api) {
    let lb = Lb::with_config(&apart_text(endpoints, more, admin));
    let address = own_address(&lb);
    (lb, Api(address))
}

/// The configuration of that.
pub(super) fn apart_text(endpoints: &[SocketAddr], more: &str, admin: &str) -> String {
    format!("{}\n[admin]\nbind = \"127.0.0.1:0\"\n{admin}", config::cluster(endpoints, more))
}

/// Where the admin API's own listener is.
pub(super) fn own_address(lb: &Lb) -> SocketAddr {
    let log = lb.log();
    let line = log.lines().find_map(|line| line.split_once("the admin API listens on ")).expect("it is said");
    line.1.parse().expect("an address")
}

impl Api {
    /// Through the listener's route.
    pub(super) fn through(lb: &Lb) -> Self {
        Self(lb.address())
    }

    /// At an address of its own.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    /// A request with a body, or without one, and more header lines, each ended by CRLF.
    pub(super) fn send(self, method: &str, path: &str, lines: &str, body: &str) -> Answer {
        let mut client = Client::connect(self.0);
        let (host, length) = (self.0, body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {length}\r\n\r\n");
        client.send(format!("{head}{body}").as_bytes());
        client.answer_to(method).expect("an answer")
    }

    /// A request with JSON.
    pub(super) fn tell(self, method: &str, path: &str, json: &str) -> Answer {
        self.send(method, path, "Content-Type: application/json\r\n", json)
    }

    /// What is asked for; panics if it is not answered with 200 and that.
    pub(super) fn ask<T: DeserializeOwned>(self, path: &str) -> T {
        let answer = self.send("GET", path, "", "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.text()))
    }

    /// The traces that pass this query.
    pub(super) fn traces(self, query: &str) -> Traces {
        self.ask(&format!("{TRACES_PATH}?{query}"))
    }

    /// The traces that pass this query, once there are so many of them.
    pub(super) fn traces_once(self, count: usize, query: &str) -> Traces {
        wait_until(&format!("there are {count} traces of {query:?}"), || self.traces(query).traces.len() >= count);
        self.traces(query)
    }

    /// The events that are kept.
    pub(super) fn timeline(self) -> Vec<Event> {
        self.ask::<Timeline>(TIMELINE_PATH).events
    }

    /// The first event that is like this, once there is one.
    pub(super) fn event(self, what: &str, is_it: impl Fn(&What) -> bool) -> Event {
        let mut found = None;
        wait_until(what, || {
            found = self.timeline().into_iter().find(|event| is_it(&event.what));
            found.is_some()
        });
        found.expect("it was waited for")
    }

    /// Begins a fault.
    pub(super) fn begin(self, fault: &str) -> Fault {
        let answer = self.tell("POST", FAULTS_PATH, fault);
        assert_eq!(answer.status, 201, "{fault}: {}", answer.text());
        serde_json::from_slice(&answer.body).expect("a fault")
    }

    /// The stream of events.
    pub(super) fn stream(self, query: &str, lines: &str) -> Stream {
        let mut stream = TcpStream::connect(self.0).expect("lb listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        write!(stream, "GET {EVENTS_PATH}?{query} HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", self.0).expect("it is taken");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).expect("a head comes");
        }
        Stream { chunks: stream, text: Vec::new(), deadline: Instant::now() + PATIENCE }
    }
}

/// What is wrong, as the answer says.
pub(super) fn problem(answer: &Answer) -> Problem {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// A stream of Server-Sent Events, without the chunks that it came in.
pub(super) struct Stream {
    chunks: BufReader<TcpStream>,
    text: Vec<u8>,
    // A status every second keeps the connection alive, whatever else does not come.
    deadline: Instant,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) id: Option<u64>,
    pub(super) data: String,
}

impl Stream {
    /// The next one.
    pub(super) fn next(&mut self) -> Told {
        self.next_or_end().expect("the stream goes on")
    }

    /// The next one; `None`: the stream has ended in order.
    pub(super) fn next_or_end(&mut self) -> Option<Told> {
        let (mut name, mut id, mut data) = (String::new(), None, None);
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some(("event", text)) => text.clone_into(&mut name),
                Some(("id", text)) => id = text.parse().ok(),
                Some(("data", text)) => data = Some(text.to_owned()),
                // A comment keeps the connection alive.
                _ => {}
            }
            if line.is_empty()
                && let Some(data) = data.take()
            {
                return Some(Told { name, id, data });
            }
        }
    }

    /// The next one of that name, as what it is.
    pub(super) fn next_of<T: DeserializeOwned>(&mut self, name: &str) -> T {
        loop {
            let told = self.next();
            if told.name == name {
                return serde_json::from_str(&told.data).unwrap_or_else(|error| panic!("{error}: {told:?}"));
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line = self.text.drain(..=end).collect::<Vec<_>>();
                return Some(String::from_utf8(line).expect("it is text").trim_end().to_owned());
            }
            let mut size = String::new();
            assert!(Instant::now() < self.deadline, "waited {PATIENCE:?} in vain for an event");
            self.chunks.read_line(&mut size).expect("the stream goes on");
            let size = usize::from_str_radix(size.trim_end(), 16).expect("the size of a chunk");
            if size == 0 {
                return None;
            }
            let mut chunk = vec![0; size + 2];
            self.chunks.read_exact(&mut chunk).expect("a chunk comes whole");
            self.text.extend_from_slice(&chunk[..size]);
        }
    }
}
