//! What is wrong with a configuration, told so that it can be mended: where, what, and what to do.

use std::fmt;
use std::ops::Range;

/// Everything that is wrong, in the order of the file.
#[derive(Debug)]
pub(crate) struct Problems(Vec<Diagnostic>);

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Diagnostic {
    origin: String,
    /// Line and column, both from 1; the column counts characters.
    place: Option<(usize, usize)>,
    message: String,
    hint: String,
}

impl Problems {
    /// The file itself cannot be read.
    pub(super) fn unreadable(origin: &str, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::InvalidData => "it is not text: save it as UTF-8",
            _ => "name another file with --config, or try `lb demo`, which needs none",
        };
        let message = format!("cannot be read: {error}");
        Self(vec![Diagnostic { origin: origin.to_owned(), place: None, message, hint: hint.to_owned() }])
    }

    pub(super) fn in_order(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.place);
        diagnostics.dedup();
        Self(diagnostics)
    }
}

impl Diagnostic {
    /// About the part of `text` that begins at `span`.
    pub(super) fn new(origin: &str, text: &str, span: &Range<usize>, message: &str, hint: &str) -> Self {
        let before = &text[..text.floor_char_boundary(span.start)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let (message, hint) = (message.to_owned(), hint.to_owned());
        Self { origin: origin.to_owned(), place: Some((line, column)), message, hint }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Diagnostic { origin, place, message, hint } in &self.0 {
            match place {
                Some((line, column)) => writeln!(f, "{origin}:{line}:{column}: {message}")?,
                None => writeln!(f, "{origin}: {message}")?,
            }
            if !hint.is_empty() {
                writeln!(f, "  hint: {hint}")?;
            }
        }
        Ok(())
    }
}
