//! Choosing by latency and by what is in flight: the endpoint at which one more request is likely to be answered first.
//! What an endpoint costs is counted in its cell.

use super::chooser::{Scene, neighbours};
use super::drawing::Urn;
use crate::EndpointId;
use crate::entropy::{high, stir};

/// The available endpoints.
#[derive(Debug)]
pub(super) struct Quickest {
    urn: Urn,
}

/// Of up to so many endpoints all are looked at: the more, the shorter the tail, and a look costs a few nanoseconds.
const ALL: usize = 128;

/// Of more than those so many are drawn.
const DRAWS: usize = 32;

/// One request of so many is to find out whether an endpoint that was slow and has not been asked for long is still so: few
/// enough not to be seen in the 99th percentile if it is.
const LOOK_EVERY: u32 = 64;

impl Quickest {
    pub(super) fn new(endpoints: &[(EndpointId, u32)]) -> Self {
        Self { urn: Urn::new(endpoints) }
    }

    pub(super) fn members(&self) -> &[(EndpointId, u32)] {
        self.urn.all()
    }

    /// Chooses one that `may` be taken; asks about each once at most.
    pub(super) fn choose(&self, scene: &Scene<'_>, mut may: impl FnMut(EndpointId) -> bool) -> Option<EndpointId> {
        let entropy = scene.wish.entropy;
        let mut refused = None;
        if high(stir(!entropy)).is_multiple_of(LOOK_EVERY) {
            let (drawn, _) = self.urn.draw(entropy)?;
            if scene.cells[drawn.index()].is_worth_a_look(scene.wish.now) {
                if may(drawn) {
                    return Some(drawn);
                }
                refused = Some(drawn);
            }
        }
        if self.members().len() > ALL {
            return self.best_of_some(scene, may, refused);
        }
        // Beginning anywhere, so that equals are chosen alike.
        let start = (u64::from(high(entropy)) * self.members().len() as u64) >> 32;
        let (before, after) = self.members().split_at(usize::try_from(start).unwrap_or_default());
        best(scene, after.iter().chain(before).copied().filter(|(id, _)| Some(*id) != refused), may)
    }

    fn best_of_some(
        &self,
        scene: &Scene<'_>,
        mut may: impl FnMut(EndpointId) -> bool,
        refused: Option<EndpointId>,
    ) -> Option<EndpointId> {
        let mut entropy = scene.wish.entropy;
        let mut chosen: Option<(u64, (EndpointId, u32))> = None;
        for _ in 0..DRAWS {
            entropy = stir(entropy);
            let drawn = self.urn.draw(entropy)?;
            let cost = scene.cost(drawn.0);
            if chosen.is_none_or(|(least, best)| is_less((cost, drawn.1), (least, best.1))) {
                chosen = Some((cost, drawn));
            }
        }
        // Only the best one is asked about: that it may not be taken is rare, and then its neighbours are as good as any.
        let (_, (best, _)) = chosen?;
        if Some(best) != refused && may(best) {
            return Some(best);
        }
        neighbours(self.members(), best).map(|(id, _)| id).find(|id| Some(*id) != refused && may(*id))
    }
}

fn best(
    scene: &Scene<'_>,
    candidates: impl Iterator<Item = (EndpointId, u32)>,
    mut may: impl FnMut(EndpointId) -> bool,
) -> Option<EndpointId> {
    let mut best: Option<(u64, (EndpointId, u32))> = None;
    for candidate in candidates {
        let cost = scene.cost(candidate.0);
        if best.is_none_or(|(least, best)| is_less((cost, candidate.1), (least, best.1))) && may(candidate.0) {
            best = Some((cost, candidate));
        }
    }
    best.map(|(_, (id, _))| id)
}

/// Whether the one costs less than the other, per weight.
fn is_less(one: (u64, u32), other: (u64, u32)) -> bool {
    u128::from(one.0) * u128::from(other.1) < u128::from(other.0) * u128::from(one.1)
}
