//! The one fault that a server may have: set, replaced, cleared, and gone by itself once its time is up.
//!
//! Nothing runs to end a fault. Whoever looks finds it gone, and whoever waits for its end waits for its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Fault, Place};

/// The place for a fault, empty at first.
///
/// A watch, since requests that hang wait for the moment in which their fault is replaced or cleared.
#[derive(Debug)]
pub(crate) struct Slot(watch::Sender<Option<Arc<Standing>>>);

/// A fault from the moment in which it was set. The counts are relaxed: no other data is published through them.
#[derive(Debug)]
pub(crate) struct Standing {
    fault: Fault,
    until: Instant,
    asked_api: AtomicU64,
    asked_health: AtomicU64,
}

impl Default for Slot {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Slot {
    /// From now on this one stands, in the place of any other.
    pub(crate) fn set(&self, fault: Fault) {
        let until = Instant::now() + fault.lasts;
        let standing = Standing { fault, until, asked_api: AtomicU64::new(0), asked_health: AtomicU64::new(0) };
        self.0.send_replace(Some(Arc::new(standing)));
    }

    /// From now on none stands.
    pub(crate) fn clear(&self) {
        self.0.send_replace(None);
    }

    /// The fault that stands now.
    pub(crate) fn standing(&self) -> Option<Arc<Standing>> {
        self.0.borrow().clone().filter(|standing| Instant::now() < standing.until)
    }

    /// Is ready once that fault no longer stands.
    pub(crate) async fn over(&self, standing: &Arc<Standing>) {
        let mut changes = self.0.subscribe();
        let other = changes.wait_for(|now| now.as_ref().is_none_or(|now| !Arc::ptr_eq(now, standing)));
        // Replaced, cleared, or its time is up: all are ends.
        let _ = timeout_at(standing.until, other).await;
    }
}

impl Standing {
    /// What was set.
    pub(crate) fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Whether it hits the request that has just come; each request asks once.
    ///
    /// Hits are spread evenly, the first request among them, and of any hundred in a row exactly `percent` are hit: a
    /// test can count on that, as it could not on dice. Each place has its own turns, or else probes would disturb them.
    pub(super) fn hits(&self, place: Place) -> bool {
        let asked = match place {
            Place::Api => &self.asked_api,
            Place::Health if self.fault.on_health => &self.asked_health,
            Place::Health => return false,
        };
        let percent = u64::from(self.fault.percent);
        asked.fetch_add(1, Ordering::Relaxed) * percent % 100 < percent
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::fault::Kind;

    const LASTS: Duration = Duration::from_secs(30);

    fn fault(percent: u8, on_health: bool) -> Fault {
        Fault { kind: Kind::Hang, percent, on_health, lasts: LASTS }
    }

    fn set(slot: &Slot, fault: Fault) -> Arc<Standing> {
        slot.set(fault);
        slot.standing().expect("it has just been set")
    }

    #[test]
    fn of_any_hundred_requests_in_a_row_exactly_so_many_are_hit() {
        for percent in 1..=100 {
            let standing = set(&Slot::default(), fault(percent, false));
            let hits: Vec<_> = (0..300).map(|_| standing.hits(Place::Api)).collect();
            for hundred in hits.windows(100) {
                assert_eq!(hundred.iter().filter(|hit| **hit).count(), usize::from(percent), "{percent}");
            }
        }
    }

    #[test]
    fn hits_are_spread_and_the_first_request_is_one() {
        let standing = set(&Slot::default(), fault(30, false));
        let hits: String = (0..10).map(|_| if standing.hits(Place::Api) { 'x' } else { '.' }).collect();
        assert_eq!(hits, "x...x..x..");
    }

    #[test]
    fn probes_do_not_disturb_the_turns_of_requests() {
        let standing = set(&Slot::default(), fault(50, true));
        let hits: Vec<_> = (0..4).map(|_| (standing.hits(Place::Health), standing.hits(Place::Api))).collect();
        assert_eq!(hits, [(true, true), (false, false), (true, true), (false, false)]);
    }

    #[test]
    fn probes_are_hit_only_if_that_was_asked_for() {
        let standing = set(&Slot::default(), fault(100, false));
        assert!(!standing.hits(Place::Health));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_ends_by_itself() {
        let slot = Slot::default();
        slot.set(fault(100, false));
        advance(Duration::from_millis(29_999)).await;
        assert!(slot.standing().is_some());
        advance(Duration::from_millis(1)).await;
        assert!(slot.standing().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_its_end_waits_for_its_time() {
        let slot = Slot::default();
        let (began, standing) = (Instant::now(), set(&slot, fault(100, false)));
        slot.over(&standing).await;
        assert!(began.elapsed() >= LASTS, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_is_replaced_or_cleared_is_over_at_once() {
        let slot = Slot::default();
        let ends: [fn(&Slot); 2] = [|slot| slot.set(fault(100, false)), Slot::clear];
        for end in ends {
            let (began, standing) = (Instant::now(), set(&slot, fault(100, false)));
            // Once while somebody waits, once before.
            tokio::join!(slot.over(&standing), async { end(&slot) });
            slot.over(&standing).await;
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    }
}
