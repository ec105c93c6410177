//! Times of day, in UTC, as logs write them.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// Appends it as nginx does: `26/Nov/2026:02:14:44 +0000`.
pub(super) fn push_nginx(into: &mut String, unix_ms: u64) {
    push(into, unix_ms, "%d/%b/%Y:%H:%M:%S +0000");
}

/// Appends it as RFC 3339 does, with milliseconds: `2026-11-26T02:14:44.123Z`.
pub(super) fn push_rfc3339(into: &mut String, unix_ms: u64) {
    push(into, unix_ms, "%Y-%m-%dT%H:%M:%S%.3fZ");
}

fn push(into: &mut String, unix_ms: u64, form: &str) {
    let timestamp = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let zoned = timestamp.unwrap_or_default().to_zoned(TimeZone::UTC);
    let formatted = BrokenDownTime::from(&zoned).format(form, StdFmtWrite(&mut *into));
    if formatted.is_err() {
        let _infallible = into.write_char('-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_nginx_and_as_rfc_3339_have_them() {
        for (unix_ms, nginx, rfc3339) in [
            (0, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00.000Z"),
            (951_782_400_001, "29/Feb/2000:00:00:00 +0000", "2000-02-29T00:00:00.001Z"),
            (1_795_659_284_123, "26/Nov/2026:02:14:44 +0000", "2026-11-26T02:14:44.123Z"),
        ] {
            let (mut one, mut other) = (String::new(), String::new());
            push_nginx(&mut one, unix_ms);
            push_rfc3339(&mut other, unix_ms);
            assert_eq!((one.as_str(), other.as_str()), (nginx, rfc3339));
        }
    }
}
