//! `[admin]`: where the admin API listens, who may ask it, and what it may be told.

use std::net::SocketAddr;
use std::path::Path;

use lb_proxy::Secret;

use super::defaults;
use super::table::{Table, Value};

/// A shorter token could be found by trying.
const SHORTEST_TOKEN: usize = 16;

/// Who may ask the admin API what.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdminConfig {
    /// Where it listens on an address of its own; `None`: only where a route leads to it.
    pub(crate) bind: Option<SocketAddr>,
    /// Whoever asks has to know it; `None`: nobody has to.
    pub(crate) token: Option<Secret>,
    /// Whether changes may come through a route although there is no token.
    pub(crate) open: bool,
    /// Whether faults may be played.
    pub(crate) faults: bool,
    /// Whether drills may be run against the endpoints as they are.
    pub(crate) drills: bool,
}

/// Reads it; gives also the value that names the address, if there is one.
pub(super) fn read<'a>(top: &Table<'a>, folder: &Path) -> (AdminConfig, Option<Value<'a>>) {
    let Some(table) = top.optional("admin").and_then(|value| value.table("admin")) else {
        return (AdminConfig::default(), None);
    };
    let value = table.optional("bind");
    let bind = value.map_or(Some(defaults::ADMIN_BIND), |bind| bind.socket_address());
    let (said, file) = (table.optional("token"), table.optional("token-file"));
    if let (Some(_), Some(file)) = (said, file) {
        file.problem("there are two tokens", "keep one of `token` and `token-file`");
    }
    let token = match (said, file) {
        (Some(value), _) => value.string().and_then(|text| good_token(&value, text.as_bytes())),
        (None, Some(file)) => read_file(&file, folder),
        (None, None) => None,
    };
    let config = AdminConfig {
        bind,
        token,
        open: table.boolean("changes-without-token", false),
        faults: table.boolean("faults", false),
        drills: table.boolean("drills", false),
    };
    table.finish();
    (config, value)
}

fn read_file(value: &Value<'_>, folder: &Path) -> Option<Secret> {
    let path = folder.join(value.string()?);
    match std::fs::read(&path) {
        Ok(bytes) => good_token(value, bytes.trim_ascii()),
        Err(error) => {
            let hint = "relative paths start at the folder of the configuration file";
            value.problem(&format!("{} cannot be read: {error}", path.display()), hint);
            None
        }
    }
}

fn good_token(value: &Value<'_>, bytes: &[u8]) -> Option<Secret> {
    if bytes.len() < SHORTEST_TOKEN || !bytes.iter().all(u8::is_ascii_graphic) {
        let hint = "make one with `openssl rand -hex 32`";
        value.problem(&format!("a token has {SHORTEST_TOKEN} visible ASCII characters at least"), hint);
        return None;
    }
    Some(Secret::new(bytes.to_vec()))
}
