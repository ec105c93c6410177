//! What a drill expects of its figures, as people write it: `error-rate < 0.1%`, `recovery < 15s`.

use std::str::FromStr;

use crate::config::parse_time;
use crate::simulation::{Summary, percent};

/// A figure and a limit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expectation {
    text: String,
    figure: Figure,
    comparison: Comparison,
    limit: f64,
}

/// The figures that can be expected of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    ErrorRate,
    SuccessRate,
    Mean,
    P50,
    P90,
    P99,
    P999,
    Max,
    Recovery,
    RetriesPerRequest,
    AttemptsPerRequest,
    Ejections,
    Requests,
}

/// In what a figure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Share,
    Time,
    Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Why the words are not those of an expectation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadExpectation {
    #[error("an expectation is a figure, a comparison and a limit, as in \"error-rate < 0.1%\"")]
    Words,
    #[error("there is no figure {0:?}; there are {list}", list = names())]
    Figure(String),
    #[error("{0:?} compares nothing; write <, <=, > or >=")]
    Comparison(String),
    #[error("{0:?} is not a share; write a number with a percent sign, as in \"0.1%\"")]
    Share(String),
    #[error("{0:?} is not a time; write a number with a unit, as in \"200ms\" or \"15s\"")]
    Time(String),
    #[error("{0:?} is not a number")]
    Number(String),
}

const FIGURES: [(&str, Figure); 13] = [
    ("error-rate", Figure::ErrorRate),
    ("success-rate", Figure::SuccessRate),
    ("mean", Figure::Mean),
    ("p50", Figure::P50),
    ("p90", Figure::P90),
    ("p99", Figure::P99),
    ("p99.9", Figure::P999),
    ("max", Figure::Max),
    ("recovery", Figure::Recovery),
    ("retries-per-request", Figure::RetriesPerRequest),
    ("attempts-per-request", Figure::AttemptsPerRequest),
    ("ejections", Figure::Ejections),
    ("requests", Figure::Requests),
];

fn names() -> String {
    FIGURES.map(|(name, _)| name).join(", ")
}

impl Figure {
    fn unit(self) -> Unit {
        match self {
            Self::ErrorRate | Self::SuccessRate => Unit::Share,
            Self::Mean | Self::P50 | Self::P90 | Self::P99 | Self::P999 | Self::Max | Self::Recovery => Unit::Time,
            Self::RetriesPerRequest | Self::AttemptsPerRequest | Self::Ejections | Self::Requests => Unit::Number,
        }
    }

    /// Shares from 0 to 1, times in milliseconds.
    fn of(self, summary: &Summary) -> f64 {
        match self {
            Self::ErrorRate => summary.error_rate,
            Self::SuccessRate => summary.success_rate,
            Self::Mean => summary.latency_ms.mean,
            Self::P50 => summary.latency_ms.p50,
            Self::P90 => summary.latency_ms.p90,
            Self::P99 => summary.latency_ms.p99,
            Self::P999 => summary.latency_ms.p999,
            Self::Max => summary.latency_ms.max,
            Self::Recovery => summary.recovery_ms,
            Self::RetriesPerRequest => summary.retries_per_request,
            Self::AttemptsPerRequest => summary.attempts_per_request,
            Self::Ejections => summary.ejections as f64,
            Self::Requests => summary.requests as f64,
        }
    }
}

impl Expectation {
    /// Whether it is met, and the figure in words.
    pub(crate) fn judge(&self, summary: &Summary) -> (bool, String) {
        let figure = self.figure.of(summary);
        let met = match self.comparison {
            Comparison::Less => figure < self.limit,
            Comparison::AtMost => figure <= self.limit,
            Comparison::More => figure > self.limit,
            Comparison::AtLeast => figure >= self.limit,
        };
        let told = match self.figure.unit() {
            Unit::Share => percent(figure),
            Unit::Time if figure >= 1000.0 => format!("{:.1} s", figure / 1000.0),
            Unit::Time => format!("{figure:.1} ms"),
            Unit::Number if figure.fract() == 0.0 => format!("{figure:.0}"),
            Unit::Number => format!("{figure:.4}"),
        };
        (met, told)
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Expectation {
    type Err = BadExpectation;

    fn from_str(text: &str) -> Result<Self, BadExpectation> {
        let words: Vec<_> = text.split_whitespace().collect();
        let [name, comparison, limit] = words[..] else { return Err(BadExpectation::Words) };
        let found = FIGURES.iter().find(|(known, _)| *known == name);
        let (_, figure) = *found.ok_or_else(|| BadExpectation::Figure(name.to_owned()))?;
        let comparison = match comparison {
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            ">=" => Comparison::AtLeast,
            other => return Err(BadExpectation::Comparison(other.to_owned())),
        };
        let number = |word: &str| word.parse().ok().filter(|number: &f64| number.is_finite());
        let limit = match figure.unit() {
            Unit::Share => limit
                .strip_suffix('%')
                .and_then(number)
                .map(|percent| percent / 100.0)
                .ok_or_else(|| BadExpectation::Share(limit.to_owned()))?,
            Unit::Time => parse_time(limit)
                .map(|time| time.as_secs_f64() * 1000.0)
                .ok_or_else(|| BadExpectation::Time(limit.to_owned()))?,
            Unit::Number => number(limit).ok_or_else(|| BadExpectation::Number(limit.to_owned()))?,
        };
        Ok(Self { text: words.join(" "), figure, comparison, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_names_a_figure_a_comparison_and_a_limit_in_its_unit() {
        for good in ["error-rate < 0.1%", "recovery <= 15s", "p99.9 < 200ms", "ejections >= 1", "requests > 100"] {
            assert_eq!(good.parse::<Expectation>().map(|parsed| parsed.text), Ok(good.to_owned()));
        }
    }

    #[test]
    fn a_wrong_expectation_is_told_which_word_is_wrong() {
        for (text, expected) in [
            ("error-rate", "a figure, a comparison and a limit"),
            ("errors < 1%", "there is no figure \"errors\"; there are error-rate, "),
            ("p99 = 5ms", "\"=\" compares nothing"),
            ("error-rate < 0.1", "\"0.1\" is not a share"),
            ("p99 < 5", "\"5\" is not a time"),
            ("ejections < NaN", "\"NaN\" is not a number"),
        ] {
            let told = text.parse::<Expectation>().expect_err(text).to_string();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
