//! The two text formats: Prometheus' own (version 0.0.4) and `OpenMetrics` 1.0. They differ in how counters are named in their
//! heads, in units, and in how they end.

use std::fmt::Write as _;

use lb_proxy::Histogram;

use super::format::Format;

/// What a family's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A text that is being written.
pub(super) struct Exposition {
    format: Format,
    text: String,
    // The family that is being written, without `_total`.
    family: &'static str,
    kind: Kind,
}

/// The histogram's borders that are told: one a power of two, from 64 µs to half a minute. Every fourth internal border is one.
const BORDERS: std::ops::RangeInclusive<usize> = 2..=21;

impl Exposition {
    pub(super) fn new(format: Format) -> Self {
        Self { format, text: String::new(), family: "", kind: Kind::Gauge }
    }

    /// Begins a family; a counter's name is without `_total`.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        (self.family, self.kind) = (name, kind);
        let total = if kind == Kind::Counter && self.format == Format::Text { "_total" } else { "" };
        let (word, unit) = match kind {
            Kind::Counter => ("counter", unit(name)),
            Kind::Gauge => ("gauge", unit(name)),
            Kind::Histogram => ("histogram", unit(name)),
        };
        let _infallible = writeln!(self.text, "# HELP {name}{total} {help}");
        let _infallible = writeln!(self.text, "# TYPE {name}{total} {word}");
        if let Some(unit) = unit.filter(|_| self.format == Format::OpenMetrics) {
            let _infallible = writeln!(self.text, "# UNIT {name} {unit}");
        }
    }

    /// One number of the family.
    pub(super) fn number(&mut self, labels: &[(&str, &str)], value: impl Into<Number>) {
        let suffix = if self.kind == Kind::Counter { "_total" } else { "" };
        self.sample(suffix, labels, None, value.into());
    }

    /// One histogram of the family.
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut below = 0;
        let mut counted = 0;
        for border in BORDERS {
            let bucket = border * 4;
            below += histogram.counts[counted..bucket].iter().sum::<u64>();
            counted = bucket;
            let seconds = Histogram::start_us(bucket) as f64 / 1e6;
            self.sample("_bucket", labels, Some(&format!("{seconds}")), Number::Whole(below));
        }
        let all = histogram.count();
        self.sample("_bucket", labels, Some("+Inf"), Number::Whole(all));
        self.sample("_sum", labels, None, Number::Part(histogram.sum_us as f64 / 1e6));
        self.sample("_count", labels, None, Number::Whole(all));
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], border: Option<&str>, value: Number) {
        let _infallible = write!(self.text, "{}{suffix}", self.family);
        let mut separator = '{';
        for (name, label) in labels.iter().copied().chain(border.map(|border| ("le", border))) {
            let _infallible = write!(self.text, "{separator}{name}=\"");
            push_escaped(&mut self.text, label);
            self.text.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        let _infallible = match value {
            Number::Whole(number) => writeln!(self.text, " {number}"),
            Number::Part(number) => writeln!(self.text, " {number}"),
        };
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Whole(u64),
    Part(f64),
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(number as u64)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Part(number)
    }
}

/// The unit that a family's name ends with.
fn unit(name: &str) -> Option<&'static str> {
    ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(unit))
}

fn push_escaped(text: &mut String, label: &str) {
    for character in label.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}
