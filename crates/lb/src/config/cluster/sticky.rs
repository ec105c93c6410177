//! A cluster's `sticky`.

use std::path::Path;
use std::time::Duration;

use lb_proxy::{Secret, StickyConfig};

use super::hash;
use crate::config::defaults;
use crate::config::table::{Table, Value};

/// A shorter secret could be found by trying.
const SHORTEST_SECRET: usize = 16;

/// No browser keeps a cookie for longer than 400 days.
const LONGEST_AGE: Duration = Duration::from_hours(400 * 24);

pub(super) fn read(cluster: &Table<'_>, folder: &Path) -> Option<StickyConfig> {
    let table = cluster.optional("sticky")?.table("sticky")?;
    let cookie = table.optional("cookie").and_then(|value| read_cookie_name(&value));
    let (said, file) = (table.optional("secret"), table.optional("secret-file"));
    if let (Some(_), Some(file)) = (said, file) {
        file.problem("there are two secrets", "keep one of `secret` and `secret-file`");
    }
    let secret = match (said, file) {
        (Some(value), _) => value.string().and_then(|text| long_enough(&value, text.as_bytes())),
        (None, Some(file)) => read_file(&file, folder),
        (None, None) => None,
    };
    let max_age = table.optional("max-age").and_then(|value| read_age(&value));
    table.finish();
    Some(StickyConfig { cookie: cookie.unwrap_or_else(|| defaults::SESSION_COOKIE.to_owned()), secret, max_age })
}

/// Browsers take a cookie with one of these prefixes only over TLS, and with attributes that `lb` does not set.
fn read_cookie_name(value: &Value<'_>) -> Option<String> {
    let name = hash::read_cookie_name(value)?;
    let prefix = ["__host-", "__secure-"].into_iter().find(|prefix| name.to_ascii_lowercase().starts_with(prefix));
    if prefix.is_some() {
        value.problem("no browser would keep this cookie", "choose a name without the prefix __Host- or __Secure-");
    }
    prefix.is_none().then_some(name)
}

fn read_file(value: &Value<'_>, folder: &Path) -> Option<Secret> {
    let path = folder.join(value.string()?);
    match std::fs::read(&path) {
        Ok(bytes) => long_enough(value, bytes.trim_ascii_end()),
        Err(error) => {
            let hint = "relative paths start at the folder of the configuration file";
            value.problem(&format!("{} cannot be read: {error}", path.display()), hint);
            None
        }
    }
}

fn long_enough(value: &Value<'_>, bytes: &[u8]) -> Option<Secret> {
    if bytes.len() < SHORTEST_SECRET {
        let hint = "make one with `openssl rand -hex 32`; without one, sessions end with a restart";
        value.problem(&format!("a secret has {SHORTEST_SECRET} bytes at least"), hint);
        return None;
    }
    Some(Secret::new(bytes.to_vec()))
}

fn read_age(value: &Value<'_>) -> Option<Duration> {
    value.duration_within(Duration::from_secs(1)..=LONGEST_AGE, "1s to 9600h")
}
