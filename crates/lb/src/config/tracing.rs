//! `[tracing]`: how requests are marked so that others find them again, and where their spans go.

use lb_proxy::Marking;

use super::defaults;
use super::table::{Table, Value};

/// How requests are marked, and where their spans go.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TracingConfig {
    /// How requests are marked.
    pub(crate) marking: Marking,
    /// Where spans are sent: the receiver's address without a path, `http://host:port`; `None`: nowhere.
    pub(crate) otlp: Option<String>,
    /// What this service is called there.
    pub(crate) service: String,
}

pub(super) fn read(top: &Table<'_>) -> TracingConfig {
    let mut config = TracingConfig { service: defaults::SERVICE.to_owned(), ..TracingConfig::default() };
    let Some(table) = top.optional("tracing").and_then(|value| value.table("tracing")) else { return config };
    config.otlp = table.optional("otlp").and_then(|value| read_address(&value));
    config.marking = Marking {
        request_id: table.optional("request-id").and_then(|value| read_field(&value)),
        propagate: table.boolean("propagate", config.otlp.is_some()),
        sample: table.optional("sample").and_then(|value| value.fraction()).unwrap_or(defaults::SPANS_SAMPLE),
    };
    if let Some(name) = table.optional("service").and_then(|value| value.name()) {
        name.clone_into(&mut config.service);
    }
    if config.otlp.is_some() && !config.marking.propagate {
        table.problem("spans need a trace that they belong to", "leave propagate out, or otlp");
    }
    table.finish();
    config
}

fn read_field(value: &Value<'_>) -> Option<String> {
    let name = value.string()?;
    // Any other field has a meaning that a random value would spoil, or is one that `lb` writes itself.
    let is_for_ids = |name: &str| name.ends_with("-id") && name != "last-event-id" && !name.contains('_');
    let is_good = http::HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| is_for_ids(name.as_str()));
    if !is_good {
        value.problem("this is not a field for a request id", "its name ends with -id, as in \"x-request-id\"");
    }
    is_good.then(|| name.to_owned())
}

fn read_address(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let uri = http::Uri::try_from(text).ok();
    let is_good = |uri: &http::Uri| {
        uri.scheme_str() == Some("http")
            // Of a name and a password, as of a fragment, nothing would reach the receiver.
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && !text.contains('#')
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
    };
    if !uri.as_ref().is_some_and(is_good) {
        let hint = "write it as \"http://127.0.0.1:4318\"; /v1/traces comes after it by itself";
        value.problem("this is not the address of a receiver of OTLP over HTTP", hint);
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}
