//! A backend that can be broken: a process of its own, so that it can be killed and stopped as well.
//!
//! Each answer says whose it is, in the field `x-id` and in every line of its body. Orders come line by line on standard
//! input, reports go to standard output. The process ends with its standard input, so that none survives the suite.

use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::message::{Head, piece, read_head};

/// What a backend does instead of answering well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Reads the request, does what it asks, and resets the connection.
    ResetBeforeAnswer,
    /// Ends in mid-body, in five ways in turn: by a reset or an end, whichever framing.
    CutInMidBody,
    /// Answers 503.
    Busy,
    /// Answers after three seconds.
    Slow,
    /// Answers with what is not HTTP.
    Garbage,
    /// Answers well and closes within a few milliseconds, without having said so and without reading on: the next request
    /// may be on its way.
    CloseAfterAnswer,
    /// Answers well, says that it closes, and does: each request needs a connection of its own.
    NoKeepAlive,
    /// Sends a second answer, for which nobody asked, right behind the first.
    ExtraAnswer,
}

const FAULTS: [Fault; 9] = [
    Fault::None,
    Fault::ResetBeforeAnswer,
    Fault::CutInMidBody,
    Fault::Busy,
    Fault::Slow,
    Fault::Garbage,
    Fault::CloseAfterAnswer,
    Fault::NoKeepAlive,
    Fault::ExtraAnswer,
];

impl Fault {
    /// The order that makes a backend do so.
    pub(crate) fn order(self) -> String {
        format!("{self:?}")
    }
}

/// Serves on this port, 0 for a free one, until standard input ends.
pub(crate) fn serve(port: u16) {
    let fault = Arc::new(AtomicUsize::new(0));
    let ordered = Arc::clone(&fault);
    std::thread::spawn(move || {
        for order in std::io::stdin().lock().lines().map_while(Result::ok) {
            let known = FAULTS.iter().position(|fault| fault.order() == order);
            ordered.store(known.expect("orders are written by `order`"), Ordering::SeqCst);
            report(&format!("obeyed {order}"));
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let listener = listen(port).expect("the port is free");
        report(&format!("listens on {}", listener.local_addr().expect("it is bound")));
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, Arc::clone(&fault)));
        }
    });
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // A backend that comes back takes its old port, on which connections of before may still linger.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    socket.listen(1024)
}

/// One line to whoever started this process. A test harness may have begun a line of its own.
fn report(what: &str) {
    let mut out = std::io::stdout().lock();
    let _nobody_listens_any_more = out.write_all(format!("\n{what}\n").as_bytes()).and_then(|()| out.flush());
}

async fn talk(mut stream: TcpStream, fault: Arc<AtomicUsize>) {
    let mut buffer = Vec::new();
    let _no_delay = stream.set_nodelay(true);
    while let Ok(Some(head)) = read_head(&mut stream, &mut buffer).await {
        let Some(request) = Request::read(&head, &mut stream, &mut buffer).await else { return };
        let now = FAULTS[fault.load(Ordering::SeqCst)];
        match request.answer(now, &mut stream).await {
            Ok(Next::Request) => {}
            Ok(Next::Close) | Err(_) => return,
            Ok(Next::Reset) => {
                let _reset = stream.set_zero_linger();
                return;
            }
        }
    }
}

/// What becomes of a connection after an answer.
enum Next {
    Request,
    Close,
    Reset,
}

struct Request {
    id: String,
    /// How long a body is asked for.
    size: usize,
    /// That its own body is what its id says.
    whole: bool,
}

impl Request {
    /// `METHOD /ID/SIZE`, and a body that belongs to the id. A POST that came whole is executed here, which is reported.
    async fn read(head: &Head, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Self> {
        let mut words = head.first.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        let (id, size) = path.strip_prefix('/')?.split_once('/')?;
        let id = id.to_owned();
        let length = head.length().unwrap_or(0);
        let mut whole = head.field("x-id") == Some(&id) && head.field("transfer-encoding").is_none();
        let mut done = 0;
        while done < length {
            if buffer.is_empty() && stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
            let taken = buffer.drain(..buffer.len().min(length - done)).collect::<Vec<_>>();
            whole &= piece(&id, done, taken.len()) == taken;
            done += taken.len();
        }
        if method == "POST" {
            report(&format!("executed {id}"));
        }
        Some(Self { id, size: size.parse().ok()?, whole })
    }

    async fn answer(&self, fault: Fault, stream: &mut TcpStream) -> std::io::Result<Next> {
        if fault != Fault::None {
            report("struck");
        }
        match fault {
            Fault::ResetBeforeAnswer => return Ok(Next::Reset),
            Fault::CutInMidBody => return self.cut(stream).await,
            Fault::Busy => {
                stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy").await?;
                return Ok(Next::Request);
            }
            Fault::Garbage => {
                stream.write_all(b"\x16\x03\x01 this is the wrong port\r\n\r\n").await?;
                return Ok(Next::Close);
            }
            Fault::Slow => tokio::time::sleep(Duration::from_secs(3)).await,
            Fault::None | Fault::CloseAfterAnswer | Fault::NoKeepAlive | Fault::ExtraAnswer => {}
        }
        let close = if fault == Fault::NoKeepAlive { "Connection: close\r\n" } else { "" };
        let mut bytes = self.head(&format!("Content-Length: {}\r\n{close}", self.size)).into_bytes();
        bytes.extend(self.body(self.size));
        if fault == Fault::ExtraAnswer {
            bytes.extend(b"HTTP/1.1 200 OK\r\nx-id: nobody\r\nContent-Length: 6\r\n\r\nnobody");
        }
        stream.write_all(&bytes).await?;
        if fault == Fault::CloseAfterAnswer {
            tokio::time::sleep(Duration::from_millis(self.number() % 12)).await;
            return Ok(Next::Close);
        }
        Ok(if fault == Fault::NoKeepAlive { Next::Close } else { Next::Request })
    }

    /// Requests are numbered, so that what a backend does can differ from one to the next.
    fn number(&self) -> u64 {
        self.id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
    }

    /// Half of an answer, and an end that a reader can tell from a whole one, except where nothing said its length: that
    /// one is reset.
    async fn cut(&self, stream: &mut TcpStream) -> std::io::Result<Next> {
        let way = self.number() % 5;
        let framing = match way {
            0 | 1 => format!("Content-Length: {}\r\n", self.size),
            2 | 3 => "Transfer-Encoding: chunked\r\n".to_owned(),
            _ => "Connection: close\r\n".to_owned(),
        };
        let mut bytes = self.head(&framing).into_bytes();
        let half = self.body(self.size / 2);
        if framing.starts_with('T') {
            bytes.extend(format!("{:x}\r\n", half.len()).into_bytes());
        }
        bytes.extend(&half);
        if framing.starts_with('T') {
            bytes.extend(b"\r\n");
        }
        stream.write_all(&bytes).await?;
        // A reset overtakes what has not been read yet. This lets the half arrive, so that it is cut in mid-body indeed.
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(if matches!(way, 1 | 3) { Next::Close } else { Next::Reset })
    }

    fn head(&self, framing: &str) -> String {
        // An answer to a request that came changed is nobody's, so that the client sees it.
        let id = if self.whole { &self.id } else { "changed" };
        format!("HTTP/1.1 200 OK\r\nx-id: {id}\r\n{framing}\r\n")
    }

    fn body(&self, length: usize) -> Vec<u8> {
        piece(&self.id, 0, length)
    }
}
