//! nginx's format `combined`, as nginx writes it:
//!
//! ```text
//! $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
//! ```
//!
//! The time is UTC. `lb` authenticates nobody, so the user is `-`.

use std::fmt::Write as _;

use lb_proxy::{Clock, Story};

/// nginx's status for a client that left before there was an answer.
const CLIENT_LEFT: u16 = 499;

pub(super) fn push(into: &mut String, story: &Story, clock: Clock) {
    let _infallible = write!(into, "{} - - [", story.client.to_canonical());
    // nginx logs when it is done.
    super::time::push_nginx(into, clock.unix_ms(story.began + story.took));
    into.push_str("] \"");
    let asked = &story.asked;
    if !asked.method.is_empty() {
        push_escaped(into, &asked.method);
        into.push(' ');
        push_escaped(into, &asked.target);
        let _infallible = write!(into, " HTTP/{}", asked.version);
    }
    let _infallible = write!(into, "\" {} {} \"", story.status.unwrap_or(CLIENT_LEFT), story.body_bytes_out);
    push_or_hyphen(into, asked.referer.as_deref());
    into.push_str("\" \"");
    push_or_hyphen(into, asked.user_agent.as_deref());
    into.push_str("\"\n");
}

fn push_or_hyphen(into: &mut String, value: Option<&str>) {
    match value {
        Some(value) => push_escaped(into, value),
        None => into.push('-'),
    }
}

/// What would end the field or the line, or is no visible ASCII, is written as nginx writes it: `\x22`.
fn push_escaped(into: &mut String, value: &str) {
    for byte in value.bytes() {
        if matches!(byte, b'"' | b'\\' | ..=0x1f | 0x7f..) {
            let _infallible = write!(into, "\\x{byte:02X}");
        } else {
            into.push(char::from(byte));
        }
    }
}
