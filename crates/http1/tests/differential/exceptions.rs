//! What `lb-http1` rightly accepts although hyper does not, or rightly reads in another way. Each is as narrow as it can be said,
//! and has the section that is on our side.

use super::reading::Message;

/// Makes of hyper's reading what it should be, if it can; whether it did.
type Correct = fn(&mut Message) -> bool;

/// What hyper reads in another way.
const CORRECTIONS: [(&str, Correct); 2] = [
    ("OPTIONS of a host without a path asks for all of the server (RFC 9112 §3.2.4); hyper says `/`", ask_for_all),
    (
        "an option is one whatever stands beside it (RFC 9110 §5.5, §7.6.1); hyper reads no list with bytes above 127",
        see_close_beside_obs_text,
    ),
];

/// Hyper's reading as it should be, and the names of the exceptions that make it so. Nothing is corrected unless it makes the
/// two alike in that.
pub(crate) fn corrected(ours: &Message, theirs: &Message) -> (Message, Vec<&'static str>) {
    let (mut corrected, mut names) = (theirs.clone(), Vec::new());
    for (name, correct) in CORRECTIONS {
        let mut other = corrected.clone();
        let is_closer = |other: &Message| {
            (other.start == ours.start && corrected.start != ours.start)
                || (other.goes_on == ours.goes_on && corrected.goes_on != ours.goes_on)
        };
        if correct(&mut other) && is_closer(&other) {
            corrected = other;
            names.push(name);
        }
    }
    (corrected, names)
}

/// The exception for what hyper refuses for that reason, if there is one.
pub(crate) fn refused(ours: &Message, why: &str) -> Option<&'static str> {
    let is_so_large = |value: &[u8]| {
        let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok());
        number.is_some_and(|number| number >= u64::MAX - 1)
    };
    let has_one = ours.fields.iter().any(|(name, value)| name == "content-length" && is_so_large(value));
    (why.contains("Parse(TooLarge)") && has_one)
        .then_some("a length may be any number (RFC 9110 §8.6); hyper keeps the two largest for itself")
}

fn ask_for_all(message: &mut Message) -> bool {
    let applies = message.start[0] == "OPTIONS" && message.start[2] == "/";
    if applies {
        "*".clone_into(&mut message.start[2]);
    }
    applies
}

fn see_close_beside_obs_text(message: &mut Message) -> bool {
    let has_obs_text = |value: &[u8]| value.iter().any(|byte| *byte > 127);
    let connection = || message.fields.iter().filter(|(name, _)| name == "connection").map(|(_, value)| &value[..]);
    let mut options =
        connection().filter(|value| has_obs_text(value)).flat_map(|value| value.split(|byte| *byte == b','));
    let is_option = |option: &[u8], name: &str| option.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    match message.goes_on {
        Some(true) if options.any(|option| is_option(option, "close")) => message.goes_on = Some(false),
        Some(false) if options.any(|option| is_option(option, "keep-alive")) => message.goes_on = Some(true),
        _ => return false,
    }
    true
}
