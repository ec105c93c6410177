//! A cluster's `retry`.

use std::num::NonZeroU32;
use std::time::Duration;

use lb_balance::{BudgetPolicy, RetryOn, RetryPolicy};
use lb_proxy::Hedge;
use toml::de::DeValue;

use super::preset::Preset;
use crate::config::defaults;
use crate::config::table::{Table, Value, closest};
use crate::config::waiting;

/// The words that `retry.on` takes beside status codes.
const CONDITIONS: [&str; 3] = ["error", "timeout", "invalid-header"];

/// What `retry` tells.
pub(super) struct Retry {
    pub(super) policy: RetryPolicy,
    pub(super) budget: Option<BudgetPolicy>,
    pub(super) hedge: Option<Hedge>,
    pub(super) replay_limit: u32,
    pub(super) attempt_timeout: Option<Duration>,
}

pub(super) fn read(table: &Table<'_>, preset: &Preset) -> Retry {
    let (policy, budget, attempt) = (&preset.retry, preset.budget, preset.timeouts.attempt);
    let Some(retry) = table.optional("retry").and_then(|value| value.table("retry")) else {
        let (policy, replay_limit) = (policy.clone(), defaults::BODY_LIMIT);
        return Retry { policy, budget, hedge: None, replay_limit, attempt_timeout: attempt };
    };
    let attempts = NonZeroU32::new(retry.integer("attempts", 1..=100, policy.attempts.get()));
    let policy = RetryPolicy {
        on: retry.optional("on").map_or_else(|| policy.on.clone(), |list| read_conditions(&list)),
        attempts: attempts.unwrap_or(NonZeroU32::MIN),
        timeout: retry.duration("timeout", policy.timeout),
        non_idempotent: retry.boolean("non-idempotent", policy.non_idempotent),
        backoff: retry.duration("backoff", policy.backoff),
    };
    let attempt_timeout = retry.optional("attempt-timeout").and_then(|value| value.duration()).or(attempt);
    let budget = retry.optional("budget").map_or(budget, |value| read_budget(&value));
    let replay_limit = retry.optional("body-limit").and_then(|value| value.size()).unwrap_or(defaults::BODY_LIMIT);
    let hedge = waiting::read_hedge(&retry, &policy);
    retry.finish();
    Retry { policy, budget, hedge, replay_limit, attempt_timeout }
}

fn read_conditions(list: &Value<'_>) -> RetryOn {
    let mut on = RetryOn::default();
    for item in list.array().unwrap_or_default() {
        let Some(word) = item.string() else { continue };
        if add_condition(&mut on, word).is_none() {
            let hint = closest(word, CONDITIONS.into_iter()).map_or_else(
                || {
                    "it takes \"error\", \"timeout\", \"invalid-header\" and status codes from \"400\" to \"599\""
                        .to_owned()
                },
                |meant| format!("did you mean {meant:?}?"),
            );
            item.problem(&format!("there is no retry condition {word:?}"), &hint);
        }
    }
    on
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

fn read_budget(value: &Value<'_>) -> Option<BudgetPolicy> {
    if let DeValue::String(word) = value.get() {
        if word != "off" {
            value.problem("this is no budget", "write { percent = \"20%\", floor = 10 }, or \"off\" for none");
        }
        return None;
    }
    let table = value.table("budget")?;
    let percent = table.optional("percent").and_then(|value| value.percent(0..=1000));
    let policy = BudgetPolicy {
        percent: percent.unwrap_or(defaults::BUDGET.percent),
        floor: table.integer("floor", 0..=1_000_000, defaults::BUDGET.floor),
    };
    table.finish();
    Some(policy)
}
