//! HTTP/1.1 as the fault suite needs it on both ends: heads as they came, and bodies that say whose they are.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A body is this line again and again, so that any piece of it tells its request and its place.
const LINE: usize = 64;

/// A head, its first line apart; names in lower case.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    fields: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What Content-Length says, if it is there and a number.
    pub(crate) fn length(&self) -> Option<usize> {
        self.field("content-length").and_then(|length| length.parse().ok())
    }
}

/// `length` bytes of the body that belongs to `id`, from `offset` on.
pub(crate) fn piece(id: &str, offset: usize, length: usize) -> Vec<u8> {
    let start = offset % LINE;
    let lines = format!("{id:->width$}\n", width = LINE - 1).repeat((start + length).div_ceil(LINE));
    lines.as_bytes()[start..start + length].to_vec()
}

/// Reads on until `buffer` holds a whole head and takes it out; what follows it stays in the buffer.
///
/// `Ok(None)` is an end before the first byte; an end within the head is an error like a reset.
pub(crate) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<Head>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = buffer.drain(..end + 4).collect::<Vec<_>>();
            return Ok(Some(parse(&String::from_utf8_lossy(&head))));
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}

fn parse(head: &str) -> Head {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let fields = lines.filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Head { first, fields }
}
