//! The only reader of time. Follows tokio's clock, so that a test that pauses it pauses everything.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lb_balance::Timestamp;
use tokio::time::Instant;

/// Time since the process began to balance, and how to tell it to people.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    // Of the wall clock at the origin. Later times of day are computed from it, so that a step of the wall clock
    // moves no deadline and reorders no event.
    origin_since_epoch: Duration,
}

impl Clock {
    /// A clock whose origin is now.
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn start() -> Self {
        let origin_since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: Instant::now(), origin_since_epoch }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        Timestamp::after_origin(self.origin.elapsed())
    }

    /// The moment as tokio's timers take it; one too far away is as far as can be waited for.
    pub(crate) fn deadline(&self, at: Timestamp) -> Instant {
        const FAR: Duration = Duration::from_hours(24 * 365);
        self.origin.checked_add(at.since_origin()).unwrap_or_else(|| self.origin + FAR)
    }

    /// Appends a Date field that says now, to the second (RFC 9110 §6.6.1).
    pub(crate) fn push_date(&self, into: &mut Vec<u8>) {
        thread_local! {
            // The second that was written last, and its text: writing it anew for each answer costs more than the rest of
            // the head.
            static LAST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
        }
        let second = self.unix_ms(self.now()) / 1000;
        LAST.with_borrow_mut(|(last, text)| {
            if *last != second {
                *text = format!("Date: {}\r\n", httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second)));
                *last = second;
            }
            into.extend_from_slice(text.as_bytes());
        });
    }

    /// The moment as a time of day: how long after the Unix epoch.
    pub fn since_epoch(&self, at: Timestamp) -> Duration {
        self.origin_since_epoch + at.since_origin()
    }

    /// The moment as a time of day: milliseconds since the Unix epoch.
    pub fn unix_ms(&self, at: Timestamp) -> u64 {
        u64::try_from(self.since_epoch(at).as_millis()).unwrap_or(u64::MAX)
    }
}
