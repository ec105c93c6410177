//! Reads with `lb-http1`, as the proxy does.

use lb_http1::{BodyReader, Fields, Framing, HeadEnd, Limits, Piece, RequestHead, ResponseHead, Version};

use super::reading::{Lines, Message, Reading, grouped};

/// What heads of both kinds can do; an error is why they cannot.
trait Head {
    fn read_first(&mut self, bytes: &[u8]) -> Result<Option<usize>, String>;
    fn read_whole(&mut self, bytes: &[u8]) -> Result<(), String>;
}

impl Head for RequestHead {
    fn read_first(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        RequestHead::read_first(self, bytes, &Limits::DEFAULT).map_err(|refusal| format!("{refusal:?}"))
    }

    fn read_whole(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.read(bytes, &Limits::DEFAULT).map_err(|refusal| format!("{refusal:?}"))
    }
}

impl Head for ResponseHead {
    fn read_first(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        ResponseHead::read_first(self, bytes, &Limits::DEFAULT).map_err(|flaw| format!("{flaw:?}"))
    }

    fn read_whole(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.read(bytes, &Limits::DEFAULT).map_err(|flaw| format!("{flaw:?}"))
    }
}

/// Bytes that come in pieces.
struct Input<'p> {
    bytes: Vec<u8>,
    pieces: std::slice::Iter<'p, Vec<u8>>,
}

impl<'p> Input<'p> {
    fn new(pieces: &'p [Vec<u8>]) -> Self {
        Self { bytes: Vec::new(), pieces: pieces.iter() }
    }

    /// Takes the next piece; whether there was one.
    fn fill(&mut self) -> bool {
        self.pieces.next().is_some_and(|piece| {
            self.bytes.extend_from_slice(piece);
            true
        })
    }

    fn consume(&mut self, bytes: usize) {
        self.bytes.drain(..bytes);
    }

    /// Reads the next head, or says why there is none. Empty lines before it are left out if they may be there.
    fn head(&mut self, into: &mut impl Head, may_begin_blank: bool) -> Result<(), String> {
        let mut search = HeadEnd::default();
        loop {
            if search.is_at_start()
                && !self.bytes.is_empty()
                && let Some(length) = into.read_first(&self.bytes)?
            {
                self.consume(length);
                return Ok(());
            }
            match search.find(&self.bytes) {
                Err(flaw) => return Err(format!("{flaw:?}")),
                Ok(Some(HeadEnd::BLANK)) if may_begin_blank => {
                    self.consume(HeadEnd::BLANK);
                    search = HeadEnd::default();
                }
                Ok(Some(length)) => {
                    into.read_whole(&self.bytes[..length])?;
                    self.consume(length);
                    return Ok(());
                }
                Ok(None) if self.bytes.len() >= Limits::DEFAULT.head => return Err("TooLarge".to_owned()),
                Ok(None) if self.fill() => {}
                Ok(None) => return Err("the bytes end within a head".to_owned()),
            }
        }
    }

    /// Reads a body into the message; why it has no end, if it has none.
    fn body(&mut self, reader: &mut BodyReader, message: &mut Message) -> Result<(), String> {
        loop {
            match reader.next(&self.bytes) {
                Err(flaw) => return Err(format!("{flaw:?}")),
                Ok(Piece::Data { start, end }) => {
                    message.data.extend_from_slice(&self.bytes[start..end]);
                    self.consume(end);
                }
                Ok(Piece::End { consumed }) => {
                    self.consume(consumed);
                    message.trailers = reader.trailers().map(lines).unwrap_or_default();
                    break;
                }
                Ok(Piece::More { consumed }) => {
                    self.consume(consumed);
                    if !self.fill() {
                        if reader.may_end_here() {
                            break;
                        }
                        return Err("the bytes end within a body".to_owned());
                    }
                }
            }
        }
        message.is_whole = true;
        Ok(())
    }

    fn left(&self) -> usize {
        self.bytes.len() + self.pieces.clone().map(Vec::len).sum::<usize>()
    }
}

pub(crate) fn lines(fields: &Fields) -> Lines {
    grouped(fields.iter().map(|field| (field.name, field.value)))
}

fn text(bytes: &[u8]) -> String {
    super::reading::escaped(bytes)
}

fn version(version: Version) -> String {
    match version {
        Version::Http10 => "HTTP/1.0".to_owned(),
        Version::Http11 => "HTTP/1.1".to_owned(),
    }
}

/// Reads requests until one of them ends the connection, or cannot be read. Each request is shown when its head is
/// accepted and its body read as far as it goes.
pub(crate) fn requests(
    pieces: &[Vec<u8>],
    mut accepted: impl FnMut(&RequestHead, &Message, Option<&Fields>),
) -> Reading {
    let (mut reading, mut input) = (Reading::default(), Input::new(pieces));
    let mut head = RequestHead::default();
    loop {
        let read = input.head(&mut head, true);
        if let Err(why) = read {
            reading.why = why;
            return reading;
        }
        let mut message = Message {
            start: vec![
                text(head.method()),
                text(head.authority()),
                text(head.path_and_query()),
                version(head.version()),
            ],
            fields: lines(head.fields()),
            goes_on: Some(!head.wants_close()),
            ..Message::default()
        };
        let mut reader = BodyReader::new(head.framing());
        let body = input.body(&mut reader, &mut message);
        accepted(&head, &message, reader.trailers());
        reading.messages.push(message);
        match body {
            Err(why) => reading.why = why,
            Ok(()) if head.wants_close() => "the connection ends".clone_into(&mut reading.why),
            Ok(()) => continue,
        }
        return reading;
    }
}

/// Reads one answer to a request of that method; interim ones are read over.
pub(crate) fn answer(method: &str, pieces: &[Vec<u8>]) -> Reading {
    let (mut reading, mut input) = (Reading::default(), Input::new(pieces));
    let mut head = ResponseHead::default();
    loop {
        let read = input.head(&mut head, false);
        if let Err(why) = read {
            reading.why = why;
            return reading;
        }
        if head.status() == 101 || head.status() >= 200 {
            break;
        }
    }
    let framing = head.framing(method.as_bytes());
    let mut message = Message {
        start: vec![version(head.version()), head.status().to_string(), text(head.reason())],
        fields: lines(head.fields()),
        ..Message::default()
    };
    match input.body(&mut BodyReader::new(framing), &mut message) {
        Ok(()) => {
            message.left = Some(input.left());
            // Whoever switches protocols, or sends until the end, or more than was asked for, has nothing to say of another answer.
            let may_go_on = head.status() != 101 && framing != Framing::UntilClose && input.left() == 0;
            message.goes_on = may_go_on.then(|| !head.wants_close());
        }
        Err(why) => reading.why = why,
    }
    reading.messages.push(message);
    reading
}
