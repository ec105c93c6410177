//! Reads with hyper.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap};
use hyper::{Request, Response, StatusCode, client, server};
use lb_http1::Limits;

use super::reading::{Lines, Message, Reading, escaped, grouped};
use super::script::{self, Script};

/// Reads requests until one of them ends the connection, or cannot be read.
pub(crate) fn requests(pieces: &[Vec<u8>]) -> Reading {
    let seen: Rc<RefCell<Reading>> = Rc::default();
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let (head, body) = request.into_parts();
            // What the target does not say, the Host field does.
            let host = || head.headers.get(HOST).map_or(String::new(), |host| escaped(host.as_bytes()));
            let path = head.uri.path_and_query().map_or("", hyper::http::uri::PathAndQuery::as_str);
            let message = Message {
                start: vec![
                    escaped(head.method.as_str().as_bytes()),
                    head.uri.authority().map_or_else(host, |authority| escaped(authority.as_str().as_bytes())),
                    escaped(path.as_bytes()),
                    format!("{:?}", head.version),
                ],
                fields: lines(&head.headers),
                ..Message::default()
            };
            seen.borrow_mut().messages.push(message);
            read_body(body, |read| read(seen.borrow_mut().messages.last_mut().expect("it was pushed"))).await;
            // Nothing follows an agreement to CONNECT, so nobody agrees.
            let mut answer = Response::new(Empty::<Bytes>::new());
            *answer.status_mut() = StatusCode::NOT_FOUND;
            Ok::<_, Infallible>(answer)
        }
    });
    let script = Script::new(pieces, false);
    let connection = server::conn::http1::Builder::new()
        .half_close(true)
        .auto_date_header(false)
        .max_headers(Limits::DEFAULT.fields)
        .serve_connection(script.clone(), service);
    let mut connection = pin!(connection);
    let mut ended = script::run(|cx| connection.as_mut().poll(cx));
    if ended.is_pending() {
        script.end();
        ended = script::run(|cx| connection.as_mut().poll(cx));
    }
    let mut reading = seen.take();
    reading.why = match ended {
        Poll::Ready(Err(error)) => format!("{error:?}"),
        Poll::Ready(Ok(())) => "the connection ended".to_owned(),
        Poll::Pending => "it waits for something".to_owned(),
    };
    for (message, answer) in reading.messages.iter_mut().zip(answers(&script.written())) {
        message.goes_on = message.is_whole.then_some(match &message.start[3][..] {
            "HTTP/1.0" => answer.contains("connection: keep-alive"),
            _ => !answer.contains("connection: close"),
        });
    }
    reading
}

/// The final answers that hyper wrote. None of them has a body.
fn answers(written: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(written);
    let is_final = |head: &&str| !head.is_empty() && !head.starts_with("HTTP/1.1 100");
    text.split("\r\n\r\n").filter(is_final).map(str::to_owned).collect()
}

/// Reads one answer to a request of that method; interim ones are read over.
pub(crate) fn answer(method: &str, pieces: &[Vec<u8>]) -> Reading {
    let script = Script::new(pieces, true);
    let mut builder = client::conn::http1::Builder::new();
    builder.max_headers(Limits::DEFAULT.fields);
    let mut shaking = pin!(builder.handshake::<_, Empty<Bytes>>(script.clone()));
    let Poll::Ready(Ok((mut sender, mut connection))) = script::run(|cx| shaking.as_mut().poll(cx)) else {
        panic!("a handshake of HTTP/1 says nothing and waits for nothing");
    };
    let request = Request::builder().method(method).uri("/").header(HOST, "h").body(Empty::new());
    let sent = sender.send_request(request.expect("it is well made"));
    let (seen, why) = (RefCell::new(Reading::default()), RefCell::new(String::new()));
    let mut exchange = pin!(async {
        match sent.await {
            Err(error) => *why.borrow_mut() = format!("{error:?}"),
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                let reason = head.extensions.get::<hyper::ext::ReasonPhrase>();
                // hyper keeps the words only if they are not the usual ones.
                let usual = || head.status.canonical_reason().unwrap_or_default().as_bytes();
                let reason = reason.map_or_else(usual, hyper::ext::ReasonPhrase::as_bytes);
                let message = Message {
                    start: vec![format!("{:?}", head.version), head.status.as_str().to_owned(), escaped(reason)],
                    fields: lines(&head.headers),
                    ..Message::default()
                };
                seen.borrow_mut().messages.push(message);
                read_body(body, |read| read(seen.borrow_mut().messages.last_mut().expect("it was pushed"))).await;
            }
        }
    });
    let (mut has_ended, mut is_read) = (false, false);
    let mut poll_both = |cx: &mut std::task::Context<'_>| {
        has_ended = has_ended || connection.poll_without_shutdown(cx).is_ready();
        is_read = is_read || exchange.as_mut().poll(cx).is_ready();
        // A connection that may be used again is never ready, and stops when nothing moves.
        if has_ended && is_read { Poll::Ready(()) } else { Poll::Pending }
    };
    let _stopped = script::run(&mut poll_both);
    let is_whole = seen.borrow().messages.last().is_some_and(|message| message.is_whole);
    let goes_on = is_whole.then(|| sender.is_ready());
    if !is_whole {
        script.end();
        let _stopped = script::run(&mut poll_both);
    }
    let left = connection.into_parts().read_buf.len() + script.left();
    let mut reading = seen.take();
    reading.why = why.take();
    if let Some(message) = reading.messages.last_mut().filter(|message| message.is_whole) {
        message.left = Some(left);
        message.goes_on = goes_on.filter(|_| left == 0 && message.start[1] != "101");
    }
    reading
}

/// Reads a body into a message that is borrowed for each piece of it.
async fn read_body(body: Incoming, mut into: impl FnMut(&mut dyn FnMut(&mut Message))) {
    let mut body = Pin::from(Box::new(body));
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        match frame.into_data() {
            Ok(data) => into(&mut |message| message.data.extend_from_slice(&data)),
            Err(frame) => {
                let trailers = frame.into_trailers().expect("a frame is data or trailers");
                into(&mut |message| message.trailers = lines(&trailers));
            }
        }
    }
    into(&mut |message| message.is_whole = true);
}

fn lines(fields: &HeaderMap) -> Lines {
    grouped(fields.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())))
}
