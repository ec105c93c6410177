//! Faults that `lb` plays on demand, to see what comes of them. Each ends by itself, also if whoever began it has gone. Who may
//! begin one, and how many there may be, is not decided here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use lb_balance::{EndpointId, Timestamp};

use crate::ClusterId;

/// Those that are played now.
#[derive(Debug, Default)]
pub struct Faults {
    // Looked at by every request; the list only where this says so.
    any: AtomicBool,
    list: ArcSwap<Vec<Arc<Fault>>>,
}

/// One fault.
#[derive(Debug)]
pub struct Fault {
    /// Its number.
    pub id: u64,
    /// Where it is played.
    pub place: FaultPlace,
    /// Of a million requests or attempts there, how many it happens to.
    pub per_million: u32,
    /// What happens.
    pub kind: FaultKind,
    /// When it ends.
    pub until: Timestamp,
    played: AtomicU64,
}

/// Where a fault is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPlace {
    /// To requests of a route, which is known by its place in the configuration.
    Route(usize),
    /// To attempts at an endpoint; what comes of them is judged as if the endpoint had done it.
    Endpoint(ClusterId, EndpointId),
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It waits first, for a time drawn evenly from between the two.
    Delay(Duration, Duration),
    /// It is answered with this status, 400 to 599, and nobody is asked.
    Abort(u16),
    /// The connection breaks without an answer.
    Reset,
}

/// What is to be done now to one request or attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Played {
    Delay(Duration),
    Abort(u16),
    Reset,
}

impl Fault {
    /// One that has not happened yet.
    pub fn new(id: u64, place: FaultPlace, per_million: u32, kind: FaultKind, until: Timestamp) -> Self {
        Self { id, place, per_million, kind, until, played: AtomicU64::new(0) }
    }

    /// How often it has happened.
    pub fn played(&self) -> u64 {
        self.played.load(Ordering::Relaxed)
    }
}

impl Faults {
    /// Plays those and no others.
    pub fn set(&self, faults: Vec<Arc<Fault>>) {
        let any = !faults.is_empty();
        self.list.store(Arc::new(faults));
        self.any.store(any, Ordering::Release);
    }

    /// Those that are played.
    pub fn list(&self) -> Vec<Arc<Fault>> {
        self.list.load().to_vec()
    }

    /// What happens there now; of several faults, the first that is drawn.
    pub(crate) fn draw(&self, place: FaultPlace, now: impl FnOnce() -> Timestamp) -> Option<Played> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let (list, now) = (self.list.load(), now());
        let mut here = list.iter().filter(|fault| fault.place == place && now < fault.until);
        let fault = here.find(|fault| fastrand::u32(0..1_000_000) < fault.per_million)?;
        fault.played.fetch_add(1, Ordering::Relaxed);
        Some(match fault.kind {
            FaultKind::Delay(least, most) => {
                let spread = u64::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u64::MAX);
                Played::Delay(least + Duration::from_micros(fastrand::u64(0..=spread)))
            }
            FaultKind::Abort(status) => Played::Abort(status),
            FaultKind::Reset => Played::Reset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_where_it_is_played_as_often_as_it_is_to_and_ends_by_itself() {
        let at = |seconds| Timestamp::after_origin(Duration::from_secs(seconds));
        let faults = Faults::default();
        assert_eq!(faults.draw(FaultPlace::Route(0), || at(1)), None);
        let fault = Arc::new(Fault::new(1, FaultPlace::Route(0), 500_000, FaultKind::Abort(503), at(10)));
        faults.set(vec![Arc::clone(&fault)]);
        let drawn = (0..1000).filter(|_| faults.draw(FaultPlace::Route(0), || at(1)).is_some()).count();
        assert!((400..=600).contains(&drawn), "{drawn}");
        assert_eq!(fault.played(), drawn as u64);
        assert_eq!(faults.draw(FaultPlace::Route(1), || at(1)), None);
        assert!((0..100).all(|_| faults.draw(FaultPlace::Route(0), || at(10)).is_none()));
    }
}
