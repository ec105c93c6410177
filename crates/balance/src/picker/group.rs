//! Endpoints that are equally preferred, and how the requests are shared among such groups: a group of lower priority is
//! for when those before it have nobody available, and other zones take what one's own has become too weak for.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::Standing;
use super::chooser::{Chooser, Choosing};
use crate::EndpointId;
use crate::entropy::high;

/// How much an endpoint is preferred to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preference {
    /// 0 is asked first; 1 is for when nobody of 0 is available.
    pub(crate) priority: u8,
    /// Whether it is in another zone than this balancer.
    pub(crate) elsewhere: bool,
}

/// What a picker needs to know of one endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) weight: u32,
    pub(crate) standing: Standing,
    /// Its group's place among the groups.
    pub(crate) group: usize,
    /// At most so many requests in flight.
    pub(crate) most: Option<NonZeroU32>,
}

/// Endpoints that are equally preferred.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) chooser: Chooser,
    pub(super) trials: Box<[(EndpointId, bool)]>,
    /// Whether requests would come here if its trials went well: nobody is tried out who is not needed.
    pub(super) is_wanted: bool,
    // The group is the first to be asked for a request whose 32 random bits are below this, and not below that of the
    // group before it.
    below: u64,
}

/// One's own zone keeps all requests as long as it has this part of its weight available, in percent; below it, the other
/// zones take what is missing. As with Envoy's overprovisioning factor of 1.4.
const ENOUGH_PERCENT: u64 = 71;

const ALL: u64 = 1 << 32;

/// Lays out the groups. `chosen` says which standings take turns.
pub(super) fn lay_out(
    choosing: &Choosing,
    preferences: &[Preference],
    candidates: &[Candidate],
    chosen: impl Fn(Standing) -> bool,
) -> Box<[Group]> {
    let ids = || (0u32..).map(EndpointId).zip(candidates);
    let mut below = 0;
    let shares = shares(preferences, candidates, &chosen);
    let groups = shares.into_iter().enumerate().map(|(group, share)| {
        let ours = |candidate: &Candidate| candidate.group == group;
        let members: Vec<_> = ids()
            .filter(|(_, candidate)| ours(candidate) && chosen(candidate.standing))
            .map(|(id, candidate)| (id, candidate.weight))
            .collect();
        let trials = ids().filter_map(|(id, candidate)| match candidate.standing {
            Standing::Trial { any } if ours(candidate) => Some((id, any)),
            Standing::Available | Standing::Trial { .. } | Standing::Draining | Standing::Out(_) => None,
        });
        below += share;
        let is_wanted = is_wanted(group, preferences, candidates, &chosen);
        Group { chooser: Chooser::new(choosing, &members), trials: trials.collect(), is_wanted, below }
    });
    groups.collect()
}

/// Whether those that are preferred to the group leave anything for it.
fn is_wanted(
    group: usize,
    preferences: &[Preference],
    candidates: &[Candidate],
    chosen: impl Fn(Standing) -> bool,
) -> bool {
    let here = preferences[group];
    let weight = |is_one: &dyn Fn(&Candidate) -> bool| -> u64 {
        candidates.iter().filter(|candidate| is_one(candidate)).map(|candidate| u64::from(candidate.weight)).sum()
    };
    let preferred = |other: usize| preferences[other].priority < here.priority;
    if weight(&|c| preferred(c.group) && chosen(c.standing)) > 0 {
        return false;
    }
    // One's own zone, if the group is another one.
    let own = |c: &Candidate| preferences[c.group].priority == here.priority && c.group < group;
    let (available, all) = (weight(&|c| own(c) && chosen(c.standing)), weight(&own));
    all == 0 || available * 100 < all * ENOUGH_PERCENT
}

/// Which of the groups is the first to be asked.
pub(super) fn first(groups: &[Group], entropy: u64) -> usize {
    if groups.len() < 2 {
        return 0;
    }
    let drawn = u64::from(high(entropy));
    groups.iter().position(|group| drawn < group.below).unwrap_or(0)
}

/// Each group's part of the requests, in 2^32ths.
fn shares(preferences: &[Preference], candidates: &[Candidate], chosen: impl Fn(Standing) -> bool) -> Vec<u64> {
    let weight_of = |group: usize, may: &dyn Fn(Standing) -> bool| -> u64 {
        let ours = candidates.iter().filter(|candidate| candidate.group == group && may(candidate.standing));
        ours.map(|candidate| u64::from(candidate.weight)).sum()
    };
    let mut shares: Vec<u64> = preferences.iter().map(|_| 0).collect();
    let Some(group) = (0..preferences.len()).find(|group| weight_of(*group, &chosen) > 0) else { return shares };
    let here = preferences[group];
    let elsewhere = preferences.get(group + 1).filter(|next| next.priority == here.priority && !here.elsewhere);
    if elsewhere.is_none() || weight_of(group + 1, &chosen) == 0 {
        shares[group] = ALL;
        return shares;
    }
    let (available, all) = (weight_of(group, &chosen), weight_of(group, &|_| true));
    let share = u128::from(ALL) * u128::from(available) * 100 / (u128::from(all) * u128::from(ENOUGH_PERCENT));
    shares[group] = u64::try_from(share).unwrap_or(ALL).min(ALL);
    shares[group + 1] = ALL - shares[group];
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PassedOver;
    use alloc::vec;

    const HERE: Preference = Preference { priority: 0, elsewhere: false };
    const ELSEWHERE: Preference = Preference { priority: 0, elsewhere: true };
    const BACKUP: Preference = Preference { priority: 1, elsewhere: false };

    /// The groups' parts in percent; of each group so many endpoints are there, and so many of them available.
    fn percent(groups: &[(Preference, usize, usize)]) -> Vec<u64> {
        let preferences: Vec<_> = groups.iter().map(|(preference, ..)| *preference).collect();
        let mut candidates = vec![];
        for (group, (_, all, available)) in groups.iter().enumerate() {
            for n in 0..*all {
                let standing = if n < *available { Standing::Available } else { Standing::Out(PassedOver::Down) };
                candidates.push(Candidate { weight: 1, standing, group, most: None });
            }
        }
        let shares = shares(&preferences, &candidates, |standing| standing == Standing::Available);
        shares.iter().map(|share| (share * 100 + ALL / 2) / ALL).collect()
    }

    #[test]
    fn a_backup_gets_nothing_until_nobody_else_is_available() {
        assert_eq!(percent(&[(HERE, 4, 4), (BACKUP, 1, 1)]), [100, 0]);
        assert_eq!(percent(&[(HERE, 4, 1), (BACKUP, 1, 1)]), [100, 0]);
        assert_eq!(percent(&[(HERE, 4, 0), (BACKUP, 1, 1)]), [0, 100]);
    }

    #[test]
    fn ones_own_zone_spills_over_as_it_weakens() {
        let shares = |available| percent(&[(HERE, 10, available), (ELSEWHERE, 20, 20)]);
        assert_eq!(shares(10), [100, 0]);
        assert_eq!(shares(8), [100, 0]);
        assert_eq!(shares(5), [70, 30]);
        assert_eq!(shares(1), [14, 86]);
        assert_eq!(shares(0), [0, 100]);
    }

    #[test]
    fn a_weak_zone_keeps_everything_if_there_is_nobody_else() {
        assert_eq!(percent(&[(HERE, 10, 1), (ELSEWHERE, 5, 0)]), [100, 0]);
        assert_eq!(percent(&[(HERE, 10, 1), (BACKUP, 5, 5)]), [100, 0]);
        assert_eq!(percent(&[(HERE, 10, 0), (ELSEWHERE, 5, 0)]), [0, 0]);
    }
}
