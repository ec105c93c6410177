//! Walks a TOML document and collects what is wrong with it. Knows no key of `lb.toml`.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Problems};

/// Collects the problems of one file.
pub(super) struct Reader<'t> {
    origin: &'t str,
    text: &'t str,
    problems: RefCell<Vec<Diagnostic>>,
    content: Cell<bool>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(origin: &'t str, text: &'t str) -> Self {
        Self { origin, text, problems: RefCell::default(), content: Cell::new(true) }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_content(&self) -> bool {
        self.content.get()
    }

    pub(super) fn into_problems(self) -> Problems {
        Problems::in_order(self.problems.into_inner())
    }

    pub(super) fn syntax_error(&self, error: &toml::de::Error) {
        let end = self.text.len();
        self.problem(&error.span().unwrap_or(end..end), error.message(), "see https://toml.io for how TOML is written");
    }

    /// The whole document.
    pub(super) fn root<'a>(&'a self, document: &'a Spanned<DeTable<'a>>) -> Table<'a> {
        Table { reader: self, what: "the file", entries: document.get_ref(), span: 0..0, known: RefCell::default() }
    }

    fn problem(&self, span: &Range<usize>, message: &str, hint: &str) {
        self.content.set(false);
        self.problems.borrow_mut().push(Diagnostic::new(self.origin, self.text, span, message, hint));
    }
}

/// A table that is being read. Each key that is asked for becomes a known one; [`finish`](Self::finish) tells of the others.
pub(super) struct Table<'a> {
    reader: &'a Reader<'a>,
    what: &'static str,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

/// A value that is being read.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    reader: &'a Reader<'a>,
    value: &'a Spanned<DeValue<'a>>,
}

/// A key and its value, where keys are the user's own names.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) value: Value<'a>,
}

impl<'a> Table<'a> {
    /// The value of a key that may be missing.
    pub(super) fn optional(&self, key: &'static str) -> Option<Value<'a>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        let value = self.entries.get(key)?;
        Some(Value { reader: self.reader, value })
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &'static str, hint: &str) -> Option<Value<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.problem(&format!("{} lacks `{key}`", self.what), hint);
        }
        value
    }

    /// Every key with its value, in the order of the file.
    pub(super) fn names(&self) -> Vec<Named<'a>> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let named = |(key, value): (&'a Spanned<_>, _)| Named {
            name: AsRef::<str>::as_ref(key.get_ref()),
            value: Value { reader: self.reader, value },
        };
        entries.into_iter().map(named).collect()
    }

    /// A duration with a default.
    pub(super) fn duration(&self, key: &'static str, default: Duration) -> Duration {
        self.optional(key).and_then(|value| value.duration()).unwrap_or(default)
    }

    /// A whole number with a default.
    pub(super) fn integer(&self, key: &'static str, range: std::ops::RangeInclusive<u32>, default: u32) -> u32 {
        self.optional(key).and_then(|value| value.integer(range)).unwrap_or(default)
    }

    /// A share of the whole with a default, in percent.
    pub(super) fn share(&self, key: &'static str, default: u8) -> u8 {
        self.optional(key).and_then(|value| value.share()).unwrap_or(default)
    }

    /// `true` or `false`, with a default.
    pub(super) fn boolean(&self, key: &'static str, default: bool) -> bool {
        self.optional(key).and_then(|value| value.boolean()).unwrap_or(default)
    }

    /// Something is wrong with the table as a whole.
    pub(super) fn problem(&self, message: &str, hint: &str) {
        self.reader.problem(&self.span, message, hint);
    }

    /// Tells of the keys that nobody asked for.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for (key, _) in self.entries {
            let name: &str = key.get_ref().as_ref();
            if !known.contains(&name) {
                let hint = match closest(name, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("it takes {}", known.join(", ")),
                };
                self.reader.problem(&key.span(), &format!("{} has no key `{name}`", self.what), &hint);
            }
        }
    }
}

impl<'a> Value<'a> {
    /// What it is.
    pub(super) fn get(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// Something is wrong with it.
    pub(super) fn problem(&self, message: &str, hint: &str) {
        self.reader.problem(&self.value.span(), message, hint);
    }

    /// A table; `what` names it in messages.
    pub(super) fn table(&self, what: &'static str) -> Option<Table<'a>> {
        let DeValue::Table(entries) = self.get() else {
            self.problem(&format!("{what} is not a table"), "write it as a [section], or between braces");
            return None;
        };
        Some(Table { reader: self.reader, what, entries, span: self.value.span(), known: RefCell::default() })
    }

    /// Whether it is a list.
    pub(super) fn is_array(&self) -> bool {
        matches!(self.get(), DeValue::Array(_))
    }

    /// A list.
    pub(super) fn array(&self) -> Option<Vec<Value<'a>>> {
        let DeValue::Array(items) = self.get() else {
            self.problem("this is not a list", "write it between square brackets, or as [[sections]]");
            return None;
        };
        Some(items.iter().map(|value| Value { reader: self.reader, value }).collect())
    }
}

/// The name that was probably meant.
pub(super) fn closest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let scored = candidates.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    scored.filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3)).min().map(|(_, candidate)| candidate)
}
