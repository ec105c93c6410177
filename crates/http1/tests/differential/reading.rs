//! What a reader made of its bytes, said in the same way for both readers.

use std::fmt::{self, Write as _};

/// Names in lower case with their values. The lines of one name stand together, since hyper keeps them so; beyond that the order
/// is that in which they came.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

/// A message, as far as it was read.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Message {
    /// Of a request: method, authority, path and query, version. Of an answer: version, status, reason.
    pub(crate) start: Vec<String>,
    pub(crate) fields: Lines,
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: Lines,
    /// Whether its body came to its end.
    pub(crate) is_whole: bool,
    /// Whether its connection goes on after it; unknown where it is not for the reader to say.
    pub(crate) goes_on: Option<bool>,
    /// Of an answer: how many bytes are left after it; unknown until it is whole.
    pub(crate) left: Option<usize>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |lines: &Lines| -> Vec<String> {
            lines.iter().map(|(name, value)| format!("{name}: {}", escaped(value))).collect()
        };
        f.debug_struct("Message")
            .field("start", &self.start)
            .field("fields", &shown(&self.fields))
            .field("data", &escaped(&self.data))
            .field("trailers", &shown(&self.trailers))
            .field("is_whole", &self.is_whole)
            .field("goes_on", &self.goes_on)
            .field("left", &self.left)
            .finish()
    }
}

/// All that came before a reader had enough.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) messages: Vec<Message>,
    /// Why it read no further, in its own words.
    pub(crate) why: String,
}

/// Puts lines of one name together.
pub(crate) fn grouped<'l>(lines: impl Iterator<Item = (&'l [u8], &'l [u8])>) -> Lines {
    let mut grouped: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for (name, value) in lines {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        match grouped.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value.to_vec()),
            None => grouped.push((name, vec![value.to_vec()])),
        }
    }
    let lines_of = |(name, values): (String, Vec<Vec<u8>>)| values.into_iter().map(move |value| (name.clone(), value));
    grouped.into_iter().flat_map(lines_of).collect()
}

/// Bytes as they are written in a Rust literal, so that a failure can be copied into a test.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// A piece for each cut, all of them in order.
pub(crate) fn pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()).filter(|piece| !piece.is_empty()).collect()
}

/// Where pieces part, for a message that says so.
pub(crate) fn described(bytes: &[u8], pieces: &[Vec<u8>]) -> String {
    let mut text = format!("  b\"{}\"\n  in pieces of", escaped(bytes));
    if pieces.len() == bytes.len() {
        text.push_str(" one byte");
    } else {
        for piece in pieces {
            write!(text, " {}", piece.len()).expect("a string takes all");
        }
    }
    text
}
