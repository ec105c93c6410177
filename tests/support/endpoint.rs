//! Scripted endpoints: each request is answered as the test says, and remembered as it came.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it reached an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    /// Names in lower case; of fields that came more than once, all with a comma between.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
}

/// What an endpoint does with a request.
pub(crate) enum Reply {
    /// Answers with a status and a body.
    Status(u16, String),
    /// Writes just these bytes and goes on.
    Bytes(Vec<u8>),
    /// Writes just these bytes and ends the connection.
    BytesAndEnd(Vec<u8>),
    /// Says nothing until the other side gives up.
    Hang,
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// An endpoint that listens until the test's process ends.
pub(crate) struct Endpoint {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Endpoint {
    pub(crate) fn new(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::default();
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&requests));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, connection, &*script, &seen));
            }
        });
        Self { address, requests }
    }

    /// Answers every request with 200 and this text.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::new(move |_| Reply::Status(200, text.to_owned()))
    }

    /// Answers every request with this status and text.
    pub(crate) fn answering(status: u16, text: &'static str) -> Self {
        Self::new(move |_| Reply::Status(status, text.to_owned()))
    }

    /// An address at which nobody listens until the test's process ends: whoever connects is refused.
    pub(crate) fn nobody() -> SocketAddr {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        // Bound for good, though it never listens: no other test is given its port and answers there.
        std::mem::forget(socket);
        address
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that have come so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no script panics").clone()
    }

    /// How many have come so far.
    pub(crate) fn count(&self) -> usize {
        self.requests.lock().expect("no script panics").len()
    }
}

fn serve(stream: TcpStream, connection: usize, script: &Script, seen: &Mutex<Vec<Request>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream, connection)?;
        let reply = script(&request);
        let head = request.line.starts_with("HEAD ");
        seen.lock().expect("no script panics").push(request);
        let out = stream.get_mut();
        match reply {
            Reply::Status(status, body) => {
                let length = body.len();
                let body = if head { "" } else { &body };
                let answer = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\n\r\n{body}");
                // In one piece: the second of two would wait for the first to be acknowledged.
                out.write_all(answer.as_bytes()).ok()?;
            }
            Reply::Bytes(bytes) => out.write_all(&bytes).ok()?,
            Reply::BytesAndEnd(bytes) => {
                out.write_all(&bytes).ok()?;
                return None;
            }
            Reply::Hang => {
                let _until_it_leaves = stream.read_to_end(&mut Vec::new());
                return None;
            }
        }
    }
}

/// Accepts a connection and reads one request without a body from it.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("lb connects");
    let mut reader = BufReader::new(stream);
    read(&mut reader, 0).expect("a request comes");
    reader.into_inner()
}

/// Accepts a connection and reads the head of one request from it, not its body.
pub(crate) fn accept_head(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("lb connects");
    let mut reader = BufReader::new(stream);
    while read_line(&mut reader).is_some_and(|line| !line.is_empty()) {}
    reader.into_inner()
}

fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Request> {
    let line = read_line(stream)?;
    let mut headers: HashMap<String, String> = HashMap::new();
    loop {
        let field = read_line(stream)?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':')?;
        let entry = headers.entry(name.to_ascii_lowercase()).or_default();
        if !entry.is_empty() {
            entry.push_str(", ");
        }
        entry.push_str(value.trim());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        body.resize(length.parse().ok()?, 0);
        stream.read_exact(&mut body).ok()?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let size = usize::from_str_radix(&read_line(stream)?, 16).ok()?;
            let start = body.len();
            body.resize(start + size, 0);
            stream.read_exact(&mut body[start..]).ok()?;
            read_line(stream)?;
            if size == 0 {
                break;
            }
        }
    }
    Some(Request { line, headers, body, connection })
}

fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).ok()? > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
