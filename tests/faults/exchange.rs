//! One request and its answer, every byte of which is compared with what it should be.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::message::{Head, piece, read_head};

/// What a request came to, seen by its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// The client knows that it failed, and how.
    Failed(String),
    /// It was answered with what belongs to nobody, or to another.
    Garbage(String),
    /// Its answer is too short, and ended as if it were whole.
    Truncated,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'static str,
    pub(crate) id: &'a str,
    /// Bytes of its body.
    pub(crate) upload: usize,
    /// Bytes that the answer's body is to have.
    pub(crate) size: usize,
    /// The wait after each piece that is sent or read, for those that are to be slow.
    pub(crate) pace: Option<Duration>,
}

/// So many bytes are sent or read at once.
const PIECE: usize = 64 * 1024;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    reusable: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), reusable: true })
    }

    /// Whether its last answer leaves it fit for another request.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Whether it is open and nothing has come on it unasked, which would be garbage.
    pub(crate) fn is_quiet(&self) -> Result<bool, Outcome> {
        match self.stream.try_read(&mut [0; 1]) {
            Ok(0) => Ok(false),
            Ok(_) => Err(Outcome::Garbage("bytes on an idle connection".to_owned())),
            Err(error) => Ok(error.kind() == std::io::ErrorKind::WouldBlock),
        }
    }

    async fn more(&mut self, at_most: usize) -> std::io::Result<usize> {
        let mut bytes = vec![0; at_most];
        let count = self.stream.read(&mut bytes).await?;
        self.buffer.extend(&bytes[..count]);
        Ok(count)
    }
}

/// Sends the request and reads its answer to the end.
pub(crate) async fn ask(connection: &mut Connection, what: &Ask<'_>) -> Outcome {
    connection.reusable = false;
    if let Err(error) = send(connection, what).await {
        // Who refuses a body may say why before he closes, so the answer is looked for all the same.
        if connection.stream.readable().await.is_err() {
            return Outcome::Failed(format!("the request could not be sent: {error}"));
        }
    }
    let head = match read_head(&mut connection.stream, &mut connection.buffer).await {
        Ok(Some(head)) => head,
        Ok(None) => return Outcome::Failed("closed without an answer".to_owned()),
        Err(error) => return Outcome::Failed(format!("no answer: {}", error.kind())),
    };
    let Some(status) = status(&head) else { return Outcome::Garbage("a head that is not HTTP's".to_owned()) };
    if status != 200 {
        return Outcome::Failed(match head.field("lb-reject") {
            Some(reason) => format!("status {status} ({reason})"),
            None => format!("status {status}"),
        });
    }
    if head.field("x-id") != Some(what.id) {
        return Outcome::Garbage(format!("the answer of {}", head.field("x-id").unwrap_or("nobody")));
    }
    let outcome = read_body(connection, &head, what).await;
    if outcome == Outcome::Ok {
        if !connection.buffer.is_empty() {
            return Outcome::Garbage("bytes behind the answer".to_owned());
        }
        let says_close = head.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let framed = head.length().is_some() || head.field("transfer-encoding").is_some();
        connection.reusable = framed && !says_close;
    }
    outcome
}

async fn send(connection: &mut Connection, what: &Ask<'_>) -> std::io::Result<()> {
    let Ask { method, id, upload, size, pace } = what;
    let length = if *upload > 0 { format!("Content-Length: {upload}\r\n") } else { String::new() };
    let head = format!("{method} /{id}/{size} HTTP/1.1\r\nHost: faults.test\r\nx-id: {id}\r\n{length}\r\n");
    connection.stream.write_all(head.as_bytes()).await?;
    let mut done = 0;
    while done < *upload {
        let length = PIECE.min(upload - done);
        connection.stream.write_all(&piece(id, done, length)).await?;
        done += length;
        if let Some(pace) = pace {
            tokio::time::sleep(*pace).await;
        }
    }
    Ok(())
}

fn status(head: &Head) -> Option<u16> {
    let (version, rest) = head.first.split_once(' ')?;
    (version == "HTTP/1.1").then(|| rest.get(..3)?.parse().ok())?
}

/// How a body said that it is over.
enum End {
    Whole,
    /// The connection ended or broke before that.
    Cut(String),
    /// The framing is broken.
    Nonsense,
}

async fn read_body(connection: &mut Connection, head: &Head, what: &Ask<'_>) -> Outcome {
    let mut body = Body { id: what.id, read: 0, right: true };
    let chunked = head.field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let end = if chunked {
        chunks(connection, &mut body, what).await
    } else if let Some(length) = head.length() {
        exactly(connection, &mut body, length, what).await
    } else {
        match exactly(connection, &mut body, usize::MAX, what).await {
            // Only a reset would have told that something is missing.
            End::Cut(why) if why == ENDED => End::Whole,
            end => end,
        }
    };
    match end {
        _ if !body.right => Outcome::Garbage("a wrong byte in the body".to_owned()),
        End::Nonsense => Outcome::Garbage("broken chunks".to_owned()),
        End::Cut(why) => Outcome::Failed(format!("cut in mid-body, {why}")),
        End::Whole if body.read < what.size => Outcome::Truncated,
        End::Whole if body.read > what.size => Outcome::Garbage("a body that is too long".to_owned()),
        End::Whole => Outcome::Ok,
    }
}

const ENDED: &str = "by an end";

/// A body as far as it has been read.
struct Body<'a> {
    id: &'a str,
    read: usize,
    /// That each byte was the right one.
    right: bool,
}

impl Body<'_> {
    fn take(&mut self, bytes: &[u8]) {
        self.right &= piece(self.id, self.read, bytes.len()) == bytes;
        self.read += bytes.len();
    }
}

async fn exactly(connection: &mut Connection, body: &mut Body<'_>, length: usize, what: &Ask<'_>) -> End {
    let mut left = length;
    while left > 0 {
        if connection.buffer.is_empty() {
            match connection.more(PIECE).await {
                Ok(0) => return End::Cut(ENDED.to_owned()),
                Ok(_) => {}
                Err(error) => return End::Cut(format!("by an error: {}", error.kind())),
            }
            if let Some(pace) = what.pace {
                tokio::time::sleep(pace).await;
            }
        }
        let taken = connection.buffer.len().min(left);
        body.take(&connection.buffer[..taken]);
        connection.buffer.drain(..taken);
        left -= taken;
    }
    End::Whole
}

async fn chunks(connection: &mut Connection, body: &mut Body<'_>, what: &Ask<'_>) -> End {
    loop {
        let line = match line(connection).await {
            Ok(line) => line,
            Err(end) => return end,
        };
        let Ok(size) = usize::from_str_radix(&line, 16) else { return End::Nonsense };
        if size > 0 {
            match exactly(connection, body, size, what).await {
                End::Whole => {}
                end => return end,
            }
        }
        match self::line(connection).await {
            Ok(line) if line.is_empty() => {}
            Ok(_) => return End::Nonsense,
            Err(end) => return end,
        }
        if size == 0 {
            return End::Whole;
        }
    }
}

async fn line(connection: &mut Connection) -> Result<String, End> {
    loop {
        if let Some(end) = connection.buffer.windows(2).position(|bytes| bytes == b"\r\n") {
            let line = connection.buffer.drain(..end + 2).collect::<Vec<_>>();
            return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
        }
        match connection.more(PIECE).await {
            Ok(0) => return Err(End::Cut(ENDED.to_owned())),
            Ok(_) => {}
            Err(error) => return Err(End::Cut(format!("by an error: {}", error.kind()))),
        }
    }
}
