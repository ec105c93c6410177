//! One input: what a client says, and what its endpoint answers to each request.

use lb_http1::{BodyReader, HeadEnd, Limits, Piece, RequestHead, Version};
use tokio::runtime::{Builder, LocalOptions};

use crate::answers::{self, Then};
use crate::joined::{self, Answer, Heard};

/// What parts the two; no message has it in its head, and in a body it does no harm.
const PARTS: &[u8] = b"\0\0";
/// What an answer begins with whose endpoint does not wait for the rest of a request.
const EARLY: &[u8] = b"!";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A request, as `lb-http1` reads it.
struct Said {
    method: Vec<u8>,
    target: Vec<u8>,
    is_old: bool,
    // None if it did not end.
    body: Option<Vec<u8>>,
}

/// Lets a client and an endpoint say these bytes to the proxy between them.
///
/// # Panics
///
/// If the proxy says to either of them what it must not say.
pub fn exchange(bytes: &[u8]) {
    let at = bytes.windows(PARTS.len()).position(|two| two == PARTS);
    let (client_says, answer) = at.map_or((bytes, OK), |at| (&bytes[..at], &bytes[at + PARTS.len()..]));
    let early = answer.strip_prefix(EARLY);
    let answer = Answer { bytes: early.unwrap_or(answer), is_early: early.is_some() };
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build_local(LocalOptions::default());
    let (told, heard) = runtime.expect("an event loop").block_on(joined::join(client_says, answer));
    let said = said(client_says);
    let failure = judge_answers(&told, &said, answer.bytes).and_then(|()| judge_requests(&heard, &said));
    if let Err(failure) = failure {
        let show = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let (client_says, answer, told) = (show(client_says), show(answer.bytes), show(&told));
        panic!(
            "{failure}\n  client:   b\"{client_says}\"\n  endpoint: b\"{answer}\"\n  told:     b\"{told}\"\n  heard:    {heard:?}"
        );
    }
}

/// The requests that a client sends, as far as they can be read.
fn said(mut bytes: &[u8]) -> Vec<Said> {
    let mut said = Vec::new();
    let mut head = RequestHead::default();
    loop {
        match HeadEnd::default().find(bytes) {
            Ok(Some(HeadEnd::BLANK)) => bytes = &bytes[HeadEnd::BLANK..],
            Ok(Some(length)) if head.read(&bytes[..length], &Limits::DEFAULT).is_ok() => {
                bytes = &bytes[length..];
                let body = body(&head, &mut bytes);
                let goes_on = body.is_some() && !head.wants_close();
                let (method, target) = (head.method().to_vec(), head.path_and_query().to_vec());
                said.push(Said { method, target, is_old: head.version() == Version::Http10, body });
                if !goes_on {
                    return said;
                }
            }
            Ok(_) | Err(_) => return said,
        }
    }
}

fn body(head: &RequestHead, bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let (mut reader, mut body) = (BodyReader::new(head.framing()), Vec::new());
    loop {
        match reader.next(bytes).ok()? {
            Piece::Data { start, end } => {
                body.extend_from_slice(&bytes[start..end]);
                *bytes = &bytes[end..];
            }
            Piece::End { consumed } => {
                *bytes = &bytes[consumed..];
                return Some(body);
            }
            Piece::More { .. } => return None,
        }
    }
}

fn judge_answers(mut told: &[u8], said: &[Said], answer: &[u8]) -> Result<(), String> {
    let mut requests = said.iter();
    while !told.is_empty() {
        let request = requests.next();
        let (method, is_old) = request.map_or((&b""[..], false), |request| (&request.method[..], request.is_old));
        match answers::read(&mut told, method, is_old) {
            Ok(then) if (then == Then::Last || request.is_none()) && !told.is_empty() => {
                return Err("the client is told more than it asked for".to_owned());
            }
            Ok(_) => {}
            // An answer that its endpoint broke off ends with the connection.
            Err(why) if joined::is_unfinished(&why) && !is_whole(answer, method) => return Ok(()),
            Err(why) => return Err(format!("a client is told what is no answer: {why}")),
        }
    }
    Ok(())
}

/// Whether an endpoint says exactly one answer, and all of it.
fn is_whole(mut answer: &[u8], method: &[u8]) -> bool {
    answers::read(&mut answer, method, false).is_ok() && answer.is_empty()
}

fn judge_requests(heard: &[Heard], said: &[Said]) -> Result<(), String> {
    let mut at = 0;
    for heard in heard {
        // One may come again, since it is tried again; none comes before an earlier one.
        let is_it = |said: &Said| {
            said.method == heard.method && said.target == heard.target && said.body.as_ref() == Some(&heard.body)
        };
        let Some(later) = said[at..].iter().position(is_it) else {
            return Err(format!("an endpoint hears what no client said: {heard:?}"));
        };
        at += later;
    }
    Ok(())
}
