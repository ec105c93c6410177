//! What happens in a drill, as people write it: `at 10s kill 30% for 20s`.
//!
//! ```text
//! at TIME kill WHICH [for TIME]                   connections are refused
//! at TIME hang WHICH [for TIME]                   requests are never answered
//! at TIME errors STATUS [SHARE] WHICH [for TIME]  all requests, or that share of them, are answered so
//! at TIME slow FACTORx WHICH [for TIME]           answers take so many times as long
//! at TIME latency TIME WHICH [for TIME]           answers take just so long
//! at TIME rate NUMBER                             so many requests a second from then on
//! ```
//!
//! WHICH is `all`, a share (`30%`), a number (`3`), or names (`web1,web3`).

use std::str::FromStr;
use std::time::Duration;

use lb_sim::FaultKind;

use crate::config::parse_time;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// When, from the start.
    pub(crate) at: Duration,
    /// What.
    pub(crate) action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Some endpoints misbehave, for so long or to the end.
    Fault { kind: FaultKind, which: Which, lasts: Option<Duration> },
    /// So many requests a second come from then on.
    Rate(f64),
}

/// Some of the endpoints.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Which {
    All,
    /// 0 to 1; drawn by the seed.
    Share(f64),
    /// Drawn by the seed.
    Count(u32),
    Names(Vec<String>),
}

/// Why the words are not those of a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadStep {
    #[error("a step begins with `at` and a time, as in \"at 10s kill 30% for 20s\"")]
    NoTime,
    #[error("{0:?} is not a time; write a number with a unit, as in \"10s\"")]
    Time(String),
    #[error("{0:?} is nothing that can happen; it takes kill, hang, errors, slow, latency and rate")]
    Action(String),
    #[error("{0:?} does not say which endpoints; it takes all, a share (30%), a number (3) or names (web1,web3)")]
    Which(String),
    #[error("{0:?} is not a status from 400 to 599")]
    Status(String),
    #[error("{0:?} is not a share from 0% to 100%")]
    Share(String),
    #[error("{0:?} is not a factor from 0.01x to 1000x, as in \"4x\"")]
    Factor(String),
    #[error("{0:?} is not a number of requests a second, from 0.001 to 10000000")]
    Rate(String),
    #[error("{0} takes {1}")]
    Words(&'static str, &'static str),
}

impl FromStr for Step {
    type Err = BadStep;

    fn from_str(text: &str) -> Result<Self, BadStep> {
        let words: Vec<_> = text.split_whitespace().collect();
        let ["at", at, ref rest @ ..] = words[..] else { return Err(BadStep::NoTime) };
        let at = time(at)?;
        if let ["rate", ref rest @ ..] = *rest {
            let [rate] = *rest else { return Err(BadStep::Words("rate", "a number of requests a second")) };
            return Ok(Self {
                at,
                action: Action::Rate(number(rate, 0.001..=1e7).ok_or_else(|| BadStep::Rate(rate.to_owned()))?),
            });
        }
        let (rest, lasts) = match rest {
            [rest @ .., "for", lasts] => (rest, Some(time(lasts)?)),
            rest => (rest, None),
        };
        let (kind, which) = match *rest {
            ["kill", which] => (FaultKind::Kill, which),
            ["hang", which] => (FaultKind::Hang, which),
            ["errors", status, which] => (errors(status, "100%")?, which),
            ["errors", status, share, which] => (errors(status, share)?, which),
            ["slow", factor, which] => (FaultKind::Slow { factor: slowness(factor)? }, which),
            ["latency", latency, which] => (FaultKind::Fixed { latency: time(latency)? }, which),
            ["kill", ..] => return Err(BadStep::Words("kill", "which endpoints, as in \"kill 30%\"")),
            ["hang", ..] => return Err(BadStep::Words("hang", "which endpoints, as in \"hang 1\"")),
            ["errors", ..] => {
                return Err(BadStep::Words("errors", "a status and which endpoints, as in \"errors 503 web2\""));
            }
            ["slow", ..] => return Err(BadStep::Words("slow", "a factor and which endpoints, as in \"slow 4x web2\"")),
            ["latency", ..] => {
                return Err(BadStep::Words("latency", "a time and which endpoints, as in \"latency 2s web2\""));
            }
            [other, ..] => return Err(BadStep::Action(other.to_owned())),
            [] => return Err(BadStep::Action(String::new())),
        };
        Ok(Self { at, action: Action::Fault { kind, which: which.parse()?, lasts } })
    }
}

impl FromStr for Which {
    type Err = BadStep;

    fn from_str(text: &str) -> Result<Self, BadStep> {
        if text == "all" {
            return Ok(Self::All);
        }
        if text.ends_with('%') {
            return share(text).map(Self::Share);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Count).map_err(|_| BadStep::Which(text.to_owned()));
        }
        let names: Vec<_> = text.split(',').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err(BadStep::Which(text.to_owned()));
        }
        Ok(Self::Names(names))
    }
}

fn time(word: &str) -> Result<Duration, BadStep> {
    // The start is a time, too.
    if word == "0s" { Some(Duration::ZERO) } else { parse_time(word) }.ok_or_else(|| BadStep::Time(word.to_owned()))
}

fn number(word: &str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
    word.parse().ok().filter(|number| range.contains(number))
}

fn share(word: &str) -> Result<f64, BadStep> {
    let percent = word.strip_suffix('%').and_then(|percent| number(percent, 0.0..=100.0));
    percent.map(|percent| percent / 100.0).ok_or_else(|| BadStep::Share(word.to_owned()))
}

fn slowness(word: &str) -> Result<f64, BadStep> {
    let factor = word.strip_suffix('x').and_then(|factor| number(factor, 0.01..=1000.0));
    factor.ok_or_else(|| BadStep::Factor(word.to_owned()))
}

fn errors(status: &str, part: &str) -> Result<FaultKind, BadStep> {
    let number = status.parse().ok().filter(|status| (400..=599).contains(status));
    let status = number.ok_or_else(|| BadStep::Status(status.to_owned()))?;
    Ok(FaultKind::Errors { status, part: share(part)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Step, String> {
        text.parse().map_err(|bad: BadStep| bad.to_string())
    }

    fn fault(at: u64, kind: FaultKind, which: Which, lasts: Option<u64>) -> Step {
        let lasts = lasts.map(Duration::from_secs);
        Step { at: Duration::from_secs(at), action: Action::Fault { kind, which, lasts } }
    }

    #[test]
    fn a_step_says_when_what_where_and_for_how_long() {
        let names = |names: &[&str]| Which::Names(names.iter().map(|&name| name.to_owned()).collect());
        let errors = |part| FaultKind::Errors { status: 503, part };
        let fixed = FaultKind::Fixed { latency: Duration::from_secs(2) };
        for (text, expected) in [
            ("at 10s kill 30% for 20s", fault(10, FaultKind::Kill, Which::Share(0.3), Some(20))),
            ("at 0s hang 1", fault(0, FaultKind::Hang, Which::Count(1), None)),
            ("at 1m errors 503 web1,web3", fault(60, errors(1.0), names(&["web1", "web3"]), None)),
            ("at 5s errors 503 20% all", fault(5, errors(0.2), Which::All, None)),
            ("at 5s slow 2.5x web2 for 1s", fault(5, FaultKind::Slow { factor: 2.5 }, names(&["web2"]), Some(1))),
            ("at 5s latency 2s web2", fault(5, fixed, names(&["web2"]), None)),
            ("at 5s rate 2000", Step { at: Duration::from_secs(5), action: Action::Rate(2000.0) }),
        ] {
            assert_eq!(parsed(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_wrong_step_is_told_which_word_is_wrong() {
        for (text, expected) in [
            ("kill 30%", "begins with `at`"),
            ("at ten kill 30%", "\"ten\" is not a time"),
            ("at 10s explode web1", "\"explode\" is nothing that can happen"),
            ("at 10s kill", "kill takes which endpoints"),
            ("at 10s kill 130%", "\"130%\" is not a share"),
            ("at 10s kill web1,", "does not say which endpoints"),
            ("at 10s errors 200 web1", "\"200\" is not a status"),
            ("at 10s slow 4 web1", "\"4\" is not a factor"),
            ("at 10s kill web1 for ever", "\"ever\" is not a time"),
            ("at 10s rate many", "\"many\" is not a number"),
        ] {
            let told = parsed(text).expect_err(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
