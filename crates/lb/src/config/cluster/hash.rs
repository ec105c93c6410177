//! A cluster's `hash`.

use http::HeaderName;
use lb_balance::Algorithm;
use lb_proxy::Key;

use crate::config::defaults;
use crate::config::table::{Table, Value};

/// How a cluster hashes.
pub(super) struct Hash {
    pub(super) key: Key,
    pub(super) bound_percent: u32,
}

pub(super) fn read(table: &Table<'_>, algorithm: Option<Algorithm>) -> Hash {
    let mut hash = Hash { key: defaults::KEY, bound_percent: defaults::BOUND_PERCENT };
    let Some(value) = table.optional("hash") else { return hash };
    if let Some(algorithm) = algorithm.filter(|algorithm| !algorithm.is_hash()) {
        let hint = "say algorithm = \"ring\" or \"maglev\", or remove it";
        value.problem(&format!("{:?} looks at no key of a request", algorithm.name()), hint);
    }
    if let Some(table) = value.table("hash") {
        hash.key = read_key(&table).unwrap_or(hash.key);
        let bound = table.optional("bound").and_then(|value| value.percent(101..=1000));
        hash.bound_percent = bound.unwrap_or(hash.bound_percent);
        table.finish();
    }
    hash
}

fn read_key(table: &Table<'_>) -> Option<Key> {
    let said: Vec<_> = ["client", "path", "header", "cookie", "query"]
        .into_iter()
        .filter_map(|kind| table.optional(kind).map(|value| (kind, value)))
        .collect();
    if let [_, (_, second), ..] = said[..] {
        let hint = "keep one of `client`, `path`, `header`, `cookie` and `query`";
        second.problem("a request has one key", hint);
    }
    let (kind, value) = said.first()?;
    match *kind {
        "client" => read_true(value).then_some(Key::Client),
        "path" => read_true(value).then_some(Key::Path),
        "header" => read_field_name(value).map(Key::Header),
        "cookie" => read_cookie_name(value).map(Key::Cookie),
        _ => read_parameter(value).map(Key::Query),
    }
}

fn read_true(value: &Value<'_>) -> bool {
    let said = value.boolean();
    if said == Some(false) {
        value.problem("this says of no key what it is", "remove it, or say true");
    }
    said == Some(true)
}

fn read_field_name(value: &Value<'_>) -> Option<HeaderName> {
    let name = HeaderName::try_from(value.string()?).ok();
    if name.is_none() {
        value.problem("this is not the name of a header field", "write it without colon, as in \"x-user\"");
    }
    name
}

/// A token (RFC 6265 §4.1.1).
pub(super) fn read_cookie_name(value: &Value<'_>) -> Option<String> {
    let name = value.string()?;
    // The names of header fields are tokens, too.
    let good = HeaderName::try_from(name).is_ok();
    if !good {
        value.problem("this is not the name of a cookie", "write letters, digits and hyphens, as in \"session\"");
    }
    good.then(|| name.to_owned())
}

fn read_parameter(value: &Value<'_>) -> Option<String> {
    let name = value.string()?;
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'&' | b'=' | b'#'));
    if !good {
        value.problem("this is not the name of a query parameter", "write it as it stands in URLs, as in \"user\"");
    }
    good.then(|| name.to_owned())
}
