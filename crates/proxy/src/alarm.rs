//! A time limit that is cheap to move: a connection's, used for one limit after another.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings once a moment is there. Setting a timer costs more than a look at it, and nearly no limit is ever reached: so it
/// stays set for an earlier moment as long as that is not there, and is set anew only when it rings too early.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when it is `by` or later.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, by: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(by)));
        if sleep.deadline() > by {
            sleep.as_mut().reset(by);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() == by {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::in_paused_time;
    use std::future::poll_fn;
    use std::time::Duration;

    #[test]
    fn it_rings_when_it_was_last_told_to() {
        in_paused_time(async {
            let (mut alarm, began) = (Alarm::default(), Instant::now());
            for seconds in [5, 7, 6, 20, 1] {
                let by = began + Duration::from_secs(seconds);
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    alarm.poll(cx, by)
                })
                .await;
                assert!(Instant::now() >= by && polls <= 3, "{seconds}");
            }
            assert_eq!(began.elapsed().as_secs(), 20);
        });
    }
}
