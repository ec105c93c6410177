//! A cluster's `timeouts`.

use lb_proxy::Timeouts;

use crate::config::defaults;
use crate::config::table::Table;

pub(super) fn read(table: &Table<'_>) -> Timeouts {
    let mut timeouts = Timeouts {
        connect: defaults::CONNECT_TIMEOUT,
        response: defaults::RESPONSE_TIMEOUT,
        attempt: None,
        body: defaults::BODY_TIMEOUT,
        idle: defaults::IDLE_TIMEOUT,
    };
    if let Some(table) = table.optional("timeouts").and_then(|value| value.table("timeouts")) {
        timeouts.connect = table.duration("connect", timeouts.connect);
        timeouts.response = table.duration("response", timeouts.response);
        timeouts.body = table.duration("body", timeouts.body);
        timeouts.idle = table.duration("idle", timeouts.idle);
        table.finish();
    }
    timeouts
}
