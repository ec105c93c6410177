//! A cluster's `probe`.

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method};
use lb_balance::{FirstProbe, ProbePolicy, StatusSet};
use lb_proxy::{HttpProbe, ProbeConfig, ProbeKind};

use crate::config::defaults;
use crate::config::table::{Table, Value, closest};

/// The keys that only a probe over HTTP has.
const OF_HTTP: [&str; 5] = ["method", "path", "host", "statuses", "body"];

const METHODS: [Method; 4] = [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST];

pub(super) fn read(value: &Value<'_>) -> Option<(ProbeConfig, ProbePolicy)> {
    let probe = value.table("probe")?;
    let over_tcp = read_word(&probe, "kind", [("http", false), ("tcp", true)], false);
    let (kind, statuses) = if over_tcp {
        for value in OF_HTTP.into_iter().filter_map(|key| probe.optional(key)) {
            value.problem("a probe over TCP asks for nothing but a connection", "remove it, or say kind = \"http\"");
        }
        (Some(ProbeKind::Tcp), StatusSet::NONE)
    } else {
        let statuses = probe.optional("statuses").map_or_else(StatusSet::success, |value| read_statuses(&value));
        (read_http(&probe).map(ProbeKind::Http), statuses)
    };
    let policy = ProbePolicy {
        interval: probe.duration("interval", defaults::PROBE_INTERVAL),
        jitter_percent: probe.share("jitter", defaults::PROBE_JITTER_PERCENT),
        fall: probe.integer("fall", 1..=100, defaults::PROBE_FALL),
        rise: probe.integer("rise", 1..=100, defaults::PROBE_RISE),
        statuses,
        first: read_word(
            &probe,
            "first",
            [("trust", FirstProbe::Trust), ("wait", FirstProbe::Wait)],
            defaults::FIRST_PROBE,
        ),
        spare_busy: probe.boolean("spare-busy", defaults::SPARE_BUSY),
    };
    let timeout = probe.duration("timeout", defaults::PROBE_TIMEOUT);
    probe.finish();
    Some((ProbeConfig { timeout, kind: kind? }, policy))
}

/// One of two words.
fn read_word<T: Copy>(table: &Table<'_>, key: &'static str, words: [(&str, T); 2], default: T) -> T {
    let Some(value) = table.optional(key) else { return default };
    let Some(word) = value.string() else { return default };
    if let Some((_, meant)) = words.iter().find(|(candidate, _)| *candidate == word) {
        return *meant;
    }
    let [one, other] = words.map(|(word, _)| word);
    value.problem(&format!("`{key}` is not {word:?}"), &format!("it is {one:?} or {other:?}"));
    default
}

fn read_http(probe: &Table<'_>) -> Option<HttpProbe> {
    let method = probe.optional("method").map_or(Some(defaults::PROBE_METHOD), |value| read_method(&value));
    let path = probe.optional("path").map_or(Some(defaults::PROBE_PATH), |value| read_path(&value));
    let host = probe.optional("host").map(|value| read_host(&value));
    let body = probe.optional("body").map(|value| {
        if method == Some(Method::HEAD) {
            value.problem("an answer to HEAD has no body", "say method = \"GET\", or remove `body`");
        }
        read_text(&value)
    });
    Some(HttpProbe {
        method: method?,
        path: PathAndQuery::try_from(path?).ok()?,
        host: host.map_or(Some(None), |host| host.map(Some))?,
        body: body.map_or(Some(None), |body| body.map(Some))?,
    })
}

fn read_method(value: &Value<'_>) -> Option<Method> {
    let name = value.string()?;
    let found = METHODS.into_iter().find(|method| method.as_str() == name);
    if found.is_none() {
        let hint = match closest(&name.to_ascii_uppercase(), METHODS.iter().map(Method::as_str)) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => format!("it is one of {}", METHODS.map(|method| method.to_string()).join(", ")),
        };
        value.problem(&format!("probes do not ask with {name:?}"), &hint);
    }
    found
}

fn read_path<'a>(value: &Value<'a>) -> Option<&'a str> {
    let text = value.string()?;
    let good = text.starts_with('/') && PathAndQuery::try_from(text).is_ok();
    if !good {
        value.problem("this is not a path", "it begins with a slash, as in \"/health\"");
    }
    good.then_some(text)
}

fn read_host(value: &Value<'_>) -> Option<HeaderValue> {
    let host = value.string()?;
    let good = Authority::try_from(host).is_ok_and(|authority| !authority.as_str().contains('@'));
    if !good {
        value.problem("this is not a host", "write a name, with a port if need be, as in \"www.example.com\"");
    }
    HeaderValue::from_str(host).ok().filter(|_| good)
}

/// A text as long as anybody would look for.
fn read_text(value: &Value<'_>) -> Option<Bytes> {
    let text = value.string()?;
    let good = (1..=1024).contains(&text.len());
    if !good {
        value.problem("this is no text of 1 to 1024 bytes", "write a word or two that only a good answer has");
    }
    good.then(|| Bytes::copy_from_slice(text.as_bytes()))
}

fn read_statuses(value: &Value<'_>) -> StatusSet {
    let items = value.array().unwrap_or_default();
    if items.is_empty() {
        value.problem("no answer could ever be good", "name statuses, as in [\"200-299\", \"401\"]");
    }
    let mut statuses = StatusSet::NONE;
    for item in items {
        let Some(text) = item.string() else { continue };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (read_status(first), read_status(last)) {
            (Some(first), Some(last)) if first <= last => statuses = statuses.with(first..=last),
            _ => item.problem("these are no statuses from 200 to 599", "write \"204\", or a range as in \"200-299\""),
        }
    }
    statuses
}

fn read_status(digits: &str) -> Option<u16> {
    let status = Some(digits).filter(|digits| digits.len() == 3)?.parse().ok()?;
    (200..=599).contains(&status).then_some(status)
}
