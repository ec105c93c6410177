//! Judges two readings of the same bytes. What both accept they must read alike, and what hyper refuses `lb-http1` has to refuse,
//! too; it may be stricter.

use std::collections::BTreeMap;

use super::exceptions;
use super::reading::{Message, Reading};

/// What came of many inputs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Messages that both read to their ends, and alike.
    pub(crate) alike: usize,
    /// Messages whose heads both accepted and whose bodies neither read to an end.
    pub(crate) broken_for_both: usize,
    /// What hyper accepts and `lb-http1` does not, by its reason.
    pub(crate) only_theirs: BTreeMap<String, usize>,
    /// What a named exception excuses.
    pub(crate) excused: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Takes one input into account.
    ///
    /// # Errors
    ///
    /// What only `lb-http1` accepts, or what the two read differently.
    pub(crate) fn compare(&mut self, ours: &Reading, theirs: &Reading) -> Result<(), String> {
        let mut pairs = 0..ours.messages.len().max(theirs.messages.len());
        pairs
            .try_for_each(|at| match (ours.messages.get(at), theirs.messages.get(at)) {
                (None, _) => {
                    *self.only_theirs.entry(ours.why.clone()).or_default() += 1;
                    Err(None)
                }
                (Some(message), other) => self.pair(message, other, ours, theirs),
            })
            .or_else(|stopped: Option<String>| stopped.map_or(Ok(()), Err))
    }

    /// Compares one message; an error ends the comparison, for nothing if it is `None`.
    fn pair(
        &mut self,
        message: &Message,
        other: Option<&Message>,
        ours: &Reading,
        theirs: &Reading,
    ) -> Result<(), Option<String>> {
        let Some(other) = other else {
            let Some(name) = exceptions::refused(message, &theirs.why) else {
                return Err(Some(format!("only lb-http1 accepts it; hyper: {}\n  lb-http1: {message:?}", theirs.why)));
            };
            *self.excused.entry(name).or_default() += 1;
            return Err(None);
        };
        let hyper_stops = other.goes_on == Some(false);
        let (other, names) = exceptions::corrected(message, other);
        for name in names {
            *self.excused.entry(name).or_default() += 1;
        }
        match difference(message, &other, &theirs.why) {
            Some(difference) => Err(Some(format!("{difference}\n  lb-http1: {message:?}\n  hyper:    {other:?}"))),
            None if other.is_whole && !message.is_whole => {
                *self.only_theirs.entry(ours.why.clone()).or_default() += 1;
                Err(None)
            }
            None if message.is_whole => {
                self.alike += 1;
                if message.goes_on == Some(false) || hyper_stops { Err(None) } else { Ok(()) }
            }
            None => {
                self.broken_for_both += 1;
                Err(None)
            }
        }
    }
}

/// What tells two readings of one message apart, if they must not differ in it.
fn difference(ours: &Message, theirs: &Message, why: &str) -> Option<String> {
    let both_whole = ours.is_whole && theirs.is_whole;
    let begins_alike = ours.data.starts_with(&theirs.data) || theirs.data.starts_with(&ours.data);
    let rules = [
        (ours.start == theirs.start, "they read different first lines"),
        (ours.fields == theirs.fields, "they read different fields"),
        (begins_alike, "they read different bodies"),
        (theirs.is_whole || !ours.is_whole, "only lb-http1 finds an end of the body"),
        (!both_whole || ours.data == theirs.data, "one reads more of a body"),
        (!both_whole || ours.trailers == theirs.trailers, "they read different trailers"),
        (!both_whole || ours.goes_on == theirs.goes_on, "they differ in whether the connection goes on"),
        (!both_whole || ours.left == theirs.left, "they differ in where the message ends"),
    ];
    rules.iter().find(|(holds, _)| !holds).map(|(_, rule)| format!("{rule}; hyper: {why}"))
}
