//! A client that sends just the bytes it is told to and shows just what came back. Follows nothing, retries nothing.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// One answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case; of fields that came more than once, the last.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// One GET on a connection of its own.
pub(crate) fn get(address: SocketAddr, target: &str) -> Answer {
    Client::connect(address).get(target)
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens there");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("Nagle can be turned off");
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.get_with(target, "")
    }

    /// A GET with more header lines, each ended by CRLF.
    pub(crate) fn get_with(&mut self, target: &str, lines: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n{lines}\r\n").as_bytes());
        self.answer().expect("an answer")
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the connection takes bytes");
    }

    /// The next answer; an error if the connection ends before it is whole.
    pub(crate) fn answer(&mut self) -> std::io::Result<Answer> {
        self.answer_to("GET")
    }

    /// The next answer, to a request of that method.
    pub(crate) fn answer_to(&mut self, method: &str) -> std::io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("not a status line: {status_line:?}")))?;
        let mut headers = HashMap::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| std::io::Error::other("not a header field"))?;
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        if status == 100 {
            return self.answer_to(method);
        }
        let body = if method == "HEAD" || status == 204 || status == 304 {
            Vec::new()
        } else if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            self.chunked()?
        } else if let Some(length) = headers.get("content-length") {
            let mut body = vec![0; length.parse().map_err(std::io::Error::other)?];
            self.stream.read_exact(&mut body)?;
            body
        } else {
            let mut body = Vec::new();
            self.stream.read_to_end(&mut body)?;
            body
        };
        Ok(Answer { status, headers, body })
    }

    /// Whether the other side has ended the connection and sent nothing more.
    pub(crate) fn is_ended(&mut self) -> bool {
        match self.stream.fill_buf() {
            Ok(more) => more.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    fn chunked(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).map_err(std::io::Error::other)?;
            let start = body.len();
            body.resize(start + size, 0);
            self.stream.read_exact(&mut body[start..])?;
            let end = self.line()?;
            if size == 0 {
                return Ok(body);
            }
            assert!(end.is_empty(), "a chunk ends with CRLF");
        }
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
