//! What a drill expects of its figures, as people write it: `error-rate < 0.1%`, `recovery < 15s`.

use std::str::FromStr;

use super::Figures;
use crate::config::parse_time;
use crate::simulation::percent;

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
    fn of(self, figures: &Figures) -> f64 {
        match self {
            Self::ErrorRate => figures.error_rate,
            Self::SuccessRate => figures.success_rate,
            Self::Mean => figures.latency_ms.mean,
            Self::P50 => figures.latency_ms.p50,
            Self::P90 => figures.latency_ms.p90,
            Self::P99 => figures.latency_ms.p99,
            Self::P999 => figures.latency_ms.p999,
            Self::Max => figures.latency_ms.max,
            Self::Recovery => figures.recovery_ms,
            Self::RetriesPerRequest => figures.retries_per_request,
            Self::AttemptsPerRequest => figures.attempts_per_request,
            Self::Ejections => figures.ejections as f64,
            Self::Requests => figures.requests as f64,
        }
    }

    /// Whether it only ever grows while a drill goes on.
    fn grows(self) -> bool {
        matches!(self, Self::Max | Self::Recovery | Self::Ejections | Self::Requests)
    }

    /// Whether it is of the requests that succeeded, so that there is none before one has.
    fn is_latency(self) -> bool {
        matches!(self, Self::Mean | Self::P50 | Self::P90 | Self::P99 | Self::P999 | Self::Max)
    }
}

impl Expectation {
    /// Whether it is met, and the figure in words.
    pub(crate) fn judge(&self, figures: &Figures) -> (bool, String) {
        let figure = self.figure.of(figures);
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

    /// The same while the drill goes on: whether it is met so far, `None` if that cannot be said yet, and the figure in words, if
    /// there is one.
    pub(crate) fn judge_so_far(&self, figures: &Figures) -> (Option<bool>, Option<String>) {
        let is_measured = match figures {
            Figures { requests: 0, .. } => false,
            _ if self.figure.is_latency() => figures.success_rate > 0.0,
            // No request makes do without an attempt, so none has been counted.
            _ if self.needs_counts() => figures.attempts_per_request > 0.0,
            _ => true,
        };
        if !is_measured {
            return (None, None);
        }
        let (met, told) = self.judge(figures);
        // What only grows may still reach a limit that it is to reach, and does not fall below one that it has passed.
        let may_come = self.figure.grows() && matches!(self.comparison, Comparison::More | Comparison::AtLeast);
        ((met || !may_come).then_some(met), Some(told))
    }

    /// Whether it is about what `lb` counts itself, rather than about what clients see.
    pub(crate) fn needs_counts(&self) -> bool {
        matches!(self.figure, Figure::RetriesPerRequest | Figure::AttemptsPerRequest)
    }

    /// Whether it is about how many requests fail.
    pub(crate) fn is_of_failures(&self) -> bool {
        matches!(self.figure, Figure::ErrorRate | Figure::SuccessRate)
    }

    /// For people: `error rate below 0.1 %`.
    pub(crate) fn in_words(&self) -> String {
        let words: Vec<_> = self.text.split(' ').collect();
        let [name, _, limit] = words[..] else { return self.text.clone() };
        let name = match self.figure {
            Figure::Max => "longest latency".to_owned(),
            Figure::Mean => "mean latency".to_owned(),
            _ => name.replace('-', " "),
        };
        let comparison = match self.comparison {
            Comparison::Less => "below",
            Comparison::AtMost => "at most",
            Comparison::More => "above",
            Comparison::AtLeast => "at least",
        };
        let unit = limit.find(|letter: char| letter == '%' || letter.is_ascii_alphabetic());
        let (number, unit) = limit.split_at(unit.unwrap_or(limit.len()));
        format!("{name} {comparison} {number} {unit}").trim_end().to_owned()
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
    fn an_expectation_is_told_in_words() {
        for (text, expected) in [
            ("error-rate < 0.1%", "error rate below 0.1 %"),
            ("p99.9 <= 200ms", "p99.9 at most 200 ms"),
            ("max > 1s", "longest latency above 1 s"),
            ("attempts-per-request >= 1.05", "attempts per request at least 1.05"),
        ] {
            assert_eq!(text.parse::<Expectation>().expect("it is one").in_words(), expected);
        }
    }

    #[test]
    fn what_may_still_come_is_not_broken_yet_and_what_cannot_get_better_is() {
        let so_far =
            |text: &str, figures: &Figures| text.parse::<Expectation>().expect("it is one").judge_so_far(figures);
        let figures = Figures { requests: 10, ejections: 2, success_rate: 1.0, ..Figures::default() };
        assert_eq!(so_far("ejections >= 3", &figures), (None, Some("2".to_owned())));
        assert_eq!(so_far("ejections >= 2", &figures).0, Some(true));
        assert_eq!(so_far("ejections < 2", &figures).0, Some(false));
        assert_eq!(so_far("error-rate < 1%", &figures).0, Some(true));
        assert_eq!(so_far("error-rate < 1%", &Figures::default()), (None, None), "nothing has been measured");
        let failed = Figures { success_rate: 0.0, error_rate: 1.0, ..figures };
        assert_eq!(so_far("p99 < 1s", &failed), (None, None), "nothing has succeeded");
        assert_eq!(so_far("retries-per-request < 1", &failed), (None, None), "nothing has been counted");
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
