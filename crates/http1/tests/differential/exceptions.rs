//! What `lb-http1` rightly accepts although hyper does not, or rightly reads in another way. Each is as narrow as it can be said,
//! and has the section that is on our side.

use super::compare::difference;
use super::reading::Message;

type Applies = fn(&Message, Option<&Message>, &str) -> bool;

const EXCEPTIONS: [(&str, Applies); 3] = [
    ("OPTIONS of a host without a path asks for all of the server (RFC 9112 §3.2.4); hyper says `/`", is_for_all),
    (
        "a length may be any number (RFC 9110 §8.6); hyper keeps the two largest for itself",
        has_one_of_the_largest_lengths,
    ),
    (
        "an option is one whatever stands beside it (RFC 9110 §7.6.1, §5.5); hyper reads no list with bytes above 127",
        is_beside_obs_text,
    ),
];

/// The exception that excuses what hyper makes of it, if there is one; `why` is hyper's reason to read no further.
pub(crate) fn excuse(ours: &Message, theirs: Option<&Message>, why: &str) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|(_, applies)| applies(ours, theirs, why)).map(|(name, _)| *name)
}

/// Whether two readings agree but for what an exception has made alike.
fn is_else_alike(ours: &Message, theirs: &Message) -> bool {
    difference(ours, theirs, "").is_none()
}

fn is_for_all(ours: &Message, theirs: Option<&Message>, _: &str) -> bool {
    theirs.is_some_and(|theirs| {
        let [method, authority, path, version] = &theirs.start[..] else { return false };
        let start = vec![method.clone(), authority.clone(), "*".to_owned(), version.clone()];
        method == "OPTIONS" && path == "/" && is_else_alike(ours, &Message { start, ..theirs.clone() })
    })
}

fn is_beside_obs_text(ours: &Message, theirs: Option<&Message>, _: &str) -> bool {
    let has_obs_text =
        ours.fields.iter().any(|(name, value)| name == "connection" && value.iter().any(|byte| *byte > 127));
    theirs
        .is_some_and(|theirs| has_obs_text && is_else_alike(ours, &Message { goes_on: ours.goes_on, ..theirs.clone() }))
}

fn has_one_of_the_largest_lengths(ours: &Message, theirs: Option<&Message>, why: &str) -> bool {
    let is_so_large = |value: &[u8]| {
        let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok());
        number.is_some_and(|number| number >= u64::MAX - 1)
    };
    let has_one = ours.fields.iter().any(|(name, value)| name == "content-length" && is_so_large(value));
    theirs.is_none() && why.contains("Parse(TooLarge)") && has_one
}
