//! HTTP/1.1 messages, read strictly and written plainly (RFC 9110, RFC 9112).
//!
//! This crate does *not* do any I/O, knows no time, and decides nothing that is not the protocol's to say: it is given
//! bytes, and gives back heads, pieces of bodies, and reasons to refuse. It is as strict as a proxy has to be: where two
//! servers may read a message differently, the message is refused, never repaired.
//!
//! ```text
//!   bytes ─▶ HeadEnd::find ─▶ RequestHead::read   ─▶ method, target, Fields, Framing
//!                             ResponseHead::read  ─▶ status, Fields, Framing
//!   bytes ─▶ BodyReader::next ─▶ Piece: data, more, end (with trailers)
//! ```
//!
//! A head owns its text, one copy of the bytes as they came, and knows its fields as ranges of it: what passes is copied
//! on as it is, with names in the case and order in which they came.

mod body;
mod chunked;
mod fields;
mod framing;
mod head_end;
mod limits;
mod lines;
mod refusal;
mod request;
mod response;
mod target;
mod text;
mod write;

pub use body::{BodyReader, Piece};
pub use fields::{Field, Fields, Known};
pub use framing::{BodyFlaw, Framing};
pub use head_end::HeadEnd;
pub use limits::Limits;
pub use refusal::{Flaw, Refusal};
pub use request::{RequestHead, Version};
pub use response::ResponseHead;
pub use write::{LAST_CHUNK, push_chunk, push_chunk_size, push_decimal};
