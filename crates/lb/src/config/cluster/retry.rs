//! A cluster's `retry`.

use std::num::NonZeroU32;

use lb_balance::{RetryOn, RetryPolicy};
use lb_proxy::Hedge;

use crate::config::defaults;
use crate::config::table::{Table, closest};
use crate::config::waiting;

/// The words that `retry.on` takes beside status codes.
const CONDITIONS: [&str; 3] = ["error", "timeout", "invalid-header"];

pub(super) fn read(table: &Table<'_>) -> (RetryPolicy, u64, Option<Hedge>) {
    let mut on = RetryOn::default();
    let value = table.optional("retry").and_then(|value| value.table("retry"));
    let retry = value.as_ref();
    match retry.and_then(|retry| retry.optional("on")) {
        None => defaults::RETRY_ON.iter().for_each(|word| add_condition(&mut on, word).unwrap_or_default()),
        Some(list) => {
            for item in list.array().unwrap_or_default() {
                let Some(word) = item.string() else { continue };
                if add_condition(&mut on, word).is_none() {
                    let hint = closest(word, CONDITIONS.into_iter()).map_or_else(
                        || "it takes \"error\", \"timeout\", \"invalid-header\" and status codes from \"400\" to \"599\"".to_owned(),
                        |meant| format!("did you mean {meant:?}?"),
                    );
                    item.problem(&format!("there is no retry condition {word:?}"), &hint);
                }
            }
        }
    }
    let attempts = retry.map_or(defaults::ATTEMPTS, |retry| retry.integer("attempts", 1..=100, defaults::ATTEMPTS));
    let policy = RetryPolicy {
        on,
        attempts: u32::try_from(attempts).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
        timeout: retry.map_or(defaults::RETRY_TIMEOUT, |retry| retry.duration("timeout", defaults::RETRY_TIMEOUT)),
        non_idempotent: retry.and_then(|retry| retry.optional("non-idempotent")?.boolean()).unwrap_or(false),
        backoff: defaults::BACKOFF,
    };
    let limit = retry.and_then(|retry| retry.optional("body-limit")?.size()).unwrap_or(defaults::BODY_LIMIT);
    let hedge = retry.and_then(|retry| waiting::read_hedge(retry, attempts));
    if let Some(retry) = value {
        retry.finish();
    }
    (policy, limit, hedge)
}

fn add_condition(on: &mut RetryOn, word: &str) -> Option<()> {
    match word {
        "error" => on.error = true,
        "timeout" => on.timeout = true,
        "invalid-header" => on.invalid_header = true,
        status => on.statuses.push(
            Some(status)
                .filter(|status| status.len() == 3)?
                .parse()
                .ok()
                .filter(|status| (400..=599).contains(status))?,
        ),
    }
    Some(())
}
