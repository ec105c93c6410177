//! The parameters of `/control/fault`, read and checked.

use std::time::Duration;

use axum::http::StatusCode;

use crate::control::{BadParameter, only};
use crate::fault::{Fault, Kind};

/// The longest that a fault stands.
const MAX_LASTS: Duration = Duration::from_mins(10);

/// The longest that an answer is delayed, and the most that jitter adds to it.
const MAX_DELAY: Duration = Duration::from_mins(1);

type Pairs = [(String, String)];

type ReadKind = fn(&Pairs) -> Result<Kind, BadParameter>;

/// The fault that is asked for; `None` if there shall be none.
pub(super) fn fault(parameters: &Pairs) -> Result<Option<Fault>, BadParameter> {
    let (name, expected) = ("kind", "latency, errors, hang, reset, truncate, garbage or none, once");
    let given = only(parameters, name, expected)?;
    // What the kind takes beside the common ones, and how that is read.
    let (own, kind): (&[&str], ReadKind) = match given {
        "none" => {
            no_strangers(parameters, given, &["target", "kind"])?;
            return Ok(None);
        }
        "latency" => (&["delay", "jitter"], latency),
        "errors" => (&["status"], errors),
        "hang" => (&[], |_| Ok(Kind::Hang)),
        "reset" => (&[], |_| Ok(Kind::Reset)),
        "truncate" => (&[], |_| Ok(Kind::Truncate)),
        "garbage" => (&[], |_| Ok(Kind::Garbage)),
        other => return Err(BadParameter::Unknown { name, value: other.to_owned(), expected }),
    };
    // Before anything that is missing: whoever writes `dely` is to read about that, not about `delay`.
    no_strangers(parameters, given, &[&["target", "kind", "for", "percent", "health"], own].concat())?;
    Ok(Some(Fault {
        lasts: read(parameters, "for", "a duration from 1ms to 10m (units: ms, s, m), once", |text| {
            duration(text, MAX_LASTS)
        })?,
        kind: kind(parameters)?,
        percent: optional(parameters, "percent", "a whole number from 1 to 100, once", percent)?.unwrap_or(100),
        on_health: optional(parameters, "health", "true or false, once", |text| text.parse().ok())?.unwrap_or(false),
    }))
}

fn latency(parameters: &Pairs) -> Result<Kind, BadParameter> {
    let expected = "a duration from 1ms to 60s (units: ms, s, m), once";
    let up_to_a_minute = |text: &str| duration(text, MAX_DELAY);
    Ok(Kind::Latency {
        delay: read(parameters, "delay", expected, up_to_a_minute)?,
        jitter: optional(parameters, "jitter", expected, up_to_a_minute)?.unwrap_or_default(),
    })
}

fn errors(parameters: &Pairs) -> Result<Kind, BadParameter> {
    let status = optional(parameters, "status", "a status from 400 to 599, once", error_status)?;
    Ok(Kind::Errors { status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR) })
}

/// Refuses parameters that this kind does not take: one that is not heard would make a fault that nobody meant.
fn no_strangers(parameters: &Pairs, kind: &str, takes: &[&str]) -> Result<(), BadParameter> {
    match parameters.iter().find(|(name, _)| !takes.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            Err(BadParameter::Stranger { name: name.clone(), of: format!("kind={kind}"), expected: takes.join(", ") })
        }
    }
}

fn read<T>(
    parameters: &Pairs,
    name: &'static str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, BadParameter> {
    let value = only(parameters, name, expected)?;
    parse(value).ok_or_else(|| BadParameter::Unknown { name, value: value.to_owned(), expected })
}

/// `None` where it is not given at all; an empty one is given.
fn optional<T>(
    parameters: &Pairs,
    name: &'static str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, BadParameter> {
    match read(parameters, name, expected, parse) {
        Err(BadParameter::Missing { .. }) => Ok(None),
        result => result.map(Some),
    }
}

/// A whole number with a unit, above zero.
fn duration(text: &str, max: Duration) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number = number.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        _ => return None,
    };
    (!duration.is_zero() && duration <= max).then_some(duration)
}

fn percent(text: &str) -> Option<u8> {
    digits(text)?.parse().ok().filter(|percent| (1..=100).contains(percent))
}

fn error_status(text: &str) -> Option<StatusCode> {
    let status = StatusCode::from_bytes(text.as_bytes()).ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

/// The parser of integers takes a sign as well.
fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use crate::ask::get;

    const NAME: &str = "the name of one server, once";
    const FOR: &str = "a duration from 1ms to 10m (units: ms, s, m), once";
    const DELAY: &str = "a duration from 1ms to 60s (units: ms, s, m), once";
    const STATUS: &str = "a status from 400 to 599, once";
    const PERCENT: &str = "a whole number from 1 to 100, once";
    const KIND: &str = "latency, errors, hang, reset, truncate, garbage or none, once";

    /// Every server says so, and keeps the fault that it had.
    async fn is_refused(query: &str, says: &str) {
        for name in ["web1", "web2"] {
            let backend = Backend::new(name);
            get(&backend, &format!("/control/fault?target={name}&kind=garbage&for=10m")).await;
            let answer = get(&backend, &format!("/control/fault{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
            assert_eq!(answer.body, says, "{query}");
            assert_eq!(backend.health().fault.as_deref(), Some("answers garbage on /api"), "{query}");
        }
    }

    #[tokio::test]
    async fn what_is_missing_empty_or_repeated_is_named() {
        let cases = [
            ("", "target is missing", NAME),
            ("?target=&kind=none", "target is empty", NAME),
            ("?target=web2&kind=none&target=web2", "target is given more than once", NAME),
            ("?target=web2", "kind is missing", KIND),
            ("?target=web2&kind=&for=1s", "kind is empty", KIND),
            ("?target=web2&kind=hang&kind=hang&for=1s", "kind is given more than once", KIND),
            ("?target=web2&kind=hang", "for is missing", FOR),
            ("?target=web2&kind=hang&for=", "for is empty", FOR),
            ("?target=web2&kind=hang&for=1s&for=1s", "for is given more than once", FOR),
            ("?target=web2&kind=latency&for=1s", "delay is missing", DELAY),
            ("?target=web2&kind=latency&for=1s&delay", "delay is empty", DELAY),
            ("?target=web2&kind=latency&for=1s&delay=1s&delay=2s", "delay is given more than once", DELAY),
            ("?target=web2&kind=latency&for=1s&delay=1s&jitter=", "jitter is empty", DELAY),
            ("?target=web2&kind=errors&for=1s&status=", "status is empty", STATUS),
            ("?target=web2&kind=errors&for=1s&status=500&status=500", "status is given more than once", STATUS),
            ("?target=web2&kind=hang&for=1s&percent=", "percent is empty", PERCENT),
            ("?target=web2&kind=hang&for=1s&health=", "health is empty", "true or false, once"),
        ];
        for (query, what, expected) in cases {
            is_refused(query, &format!("{what}: expected {expected}")).await;
        }
    }

    #[tokio::test]
    async fn a_value_that_cannot_be_is_named() {
        let mut cases = vec![
            ("?target=web2&for=1s&kind=".to_owned(), "kind", "Hang", KIND),
            ("?target=web2&kind=hang&for=1s&health=".to_owned(), "health", "yes", "true or false, once"),
        ];
        for value in ["30", "s", "0s", "10m1s", "601s", "11m", "1h", "1.5s", "-1s", "1 s", "99999999999999999999s"] {
            cases.push(("?target=web2&kind=hang&for=".to_owned(), "for", value, FOR));
        }
        for value in ["307445734561825861m", "18446744073709551615s", "18446744073709551615ms", "1ä", "ä"] {
            cases.push(("?target=web2&kind=hang&for=".to_owned(), "for", value, FOR));
        }
        for value in ["200", "0ms", "61s", "2m", "60001ms"] {
            cases.push(("?target=web2&kind=latency&for=1s&delay=".to_owned(), "delay", value, DELAY));
            cases.push(("?target=web2&kind=latency&for=1s&delay=1s&jitter=".to_owned(), "jitter", value, DELAY));
        }
        for value in ["200", "399", "600", "1000", "0500", "50", "ok", "-500"] {
            cases.push(("?target=web2&kind=errors&for=1s&status=".to_owned(), "status", value, STATUS));
        }
        for value in ["0", "101", "256", "50.5", "50%", "-1", "+50"] {
            cases.push(("?target=web2&kind=hang&for=1s&percent=".to_owned(), "percent", value, PERCENT));
        }
        for (query, name, value, expected) in cases {
            let encoded = value.replace('%', "%25").replace('+', "%2B").replace(' ', "%20").replace('ä', "%C3%A4");
            is_refused(&format!("{query}{encoded}"), &format!("{name} is {value:?}: expected {expected}")).await;
        }
    }

    #[tokio::test]
    async fn a_parameter_of_another_kind_or_of_none_is_named() {
        let common = "target, kind, for, percent, health";
        let cases = [
            ("kind=errors&for=1s&delay=1s", "delay", "errors", format!("{common}, status")),
            ("kind=errors&for=1s&jitter=1s", "jitter", "errors", format!("{common}, status")),
            ("kind=latency&for=1s&delay=1s&status=503", "status", "latency", format!("{common}, delay, jitter")),
            ("kind=latency&for=1s&dely=1s", "dely", "latency", format!("{common}, delay, jitter")),
            ("kind=hang&for=1s&delay=1s", "delay", "hang", common.to_owned()),
            ("kind=reset&for=1s&FOR=1s", "FOR", "reset", common.to_owned()),
            ("kind=truncate&for=1s&=1", "", "truncate", common.to_owned()),
            ("kind=garbage&for=1s&active=true", "active", "garbage", common.to_owned()),
            ("kind=none&for=1s", "for", "none", "target, kind".to_owned()),
            ("kind=none&percent=50", "percent", "none", "target, kind".to_owned()),
        ];
        for (query, name, kind, expected) in cases {
            let says = format!("{name:?} is no parameter of kind={kind}: expected {expected}");
            is_refused(&format!("?target=web2&{query}"), &says).await;
        }
    }

    #[tokio::test]
    async fn the_borders_are_within() {
        let backend = Backend::new("web2");
        for query in [
            "kind=hang&for=1ms",
            "kind=hang&for=600000ms&percent=1",
            "kind=hang&for=10m&percent=100",
            "kind=latency&for=1s&delay=1ms&jitter=1ms",
            "kind=latency&for=1s&delay=60s&jitter=1m",
            "kind=errors&for=1s&status=400",
            "kind=errors&for=1s&status=599",
        ] {
            let answer = get(&backend, &format!("/control/fault?target=web2&{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        }
    }
}
