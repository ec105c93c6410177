//! A cluster's `timeouts`.

use lb_proxy::Timeouts;

use crate::config::table::Table;

/// All but the time for an attempt, which `retry` tells.
pub(super) fn read(table: &Table<'_>, preset: Timeouts) -> Timeouts {
    let Some(table) = table.optional("timeouts").and_then(|value| value.table("timeouts")) else { return preset };
    let timeouts = Timeouts {
        connect: table.duration("connect", preset.connect),
        response: table.duration("response", preset.response),
        request: table.optional("request").and_then(|value| value.duration()).or(preset.request),
        attempt: preset.attempt,
        body: table.duration("body", preset.body),
        idle: table.duration("idle", preset.idle),
        tunnel: table.duration("tunnel", preset.tunnel),
    };
    table.finish();
    timeouts
}
