//! Prequal: a pool of probes, of which those with many requests in flight are hot; the cold one with the least latency is
//! taken, or the one with the fewest requests in flight if all are hot.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;
use lb_balance::Timestamp;

use crate::player::Load;

#[derive(Debug)]
pub(crate) struct Prequal {
    endpoints: usize,
    pool: VecDeque<Probe>,
    recent: VecDeque<u32>,
    remove_the_worst: bool,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    endpoint: usize,
    in_flight: u32,
    latency: f64,
    at: Timestamp,
    uses: f64,
}

/// The parameters of the paper's testbed.
const POOL: usize = 16;
const PROBES: usize = 3;
const HOT: f64 = 0.840_896;
const AGE: Duration = Duration::from_secs(1);
const REUSE: f64 = 1.32;
const RECENT: usize = 128;

impl Prequal {
    pub(super) fn new(endpoints: usize) -> Self {
        Self { endpoints, pool: VecDeque::new(), recent: VecDeque::new(), remove_the_worst: false }
    }

    pub(super) fn pick(&mut self, now: Timestamp, rng: &mut Rng, load: impl Fn(usize) -> Load) -> usize {
        self.pool.retain(|probe| now.since(probe.at) < AGE && probe.uses > 0.0);
        let chosen = if self.pool.len() < 2 { rng.usize(0..self.endpoints) } else { self.choose() };
        self.remove_one();
        // Probes are sent with a request and used by later ones.
        for _ in 0..PROBES {
            let endpoint = rng.usize(0..self.endpoints);
            let Load { in_flight, latency, .. } = load(endpoint);
            let uses = REUSE.floor() + f64::from(u8::from(rng.f64() < REUSE.fract()));
            self.pool.push_back(Probe { endpoint, in_flight, latency, at: now, uses });
            self.recent.push_back(in_flight);
        }
        while self.pool.len() > POOL {
            self.pool.pop_front();
        }
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        chosen
    }

    fn hot_above(&self) -> u32 {
        let mut sorted: Vec<_> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let place = ((sorted.len() as f64 * HOT) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or(u32::MAX)
    }

    fn choose(&mut self) -> usize {
        let hot_above = self.hot_above();
        let rank = |probe: &Probe| {
            let hot = probe.in_flight > hot_above;
            (hot, if hot { f64::from(probe.in_flight) } else { probe.latency })
        };
        let order = |a: &Probe, b: &Probe| rank(a).0.cmp(&rank(b).0).then(rank(a).1.total_cmp(&rank(b).1));
        let best = self.pool.iter_mut().min_by(|a, b| order(a, b)).expect("two at least");
        best.uses -= 1.0;
        let chosen = best.endpoint;
        for probe in self.pool.iter_mut().filter(|probe| probe.endpoint == chosen) {
            probe.in_flight += 1;
        }
        chosen
    }

    /// In turn the oldest and the worst.
    fn remove_one(&mut self) {
        self.remove_the_worst = !self.remove_the_worst;
        if self.remove_the_worst {
            let hot_above = self.hot_above();
            let rank = |probe: &Probe| {
                let hot = probe.in_flight > hot_above;
                (hot, if hot { f64::from(probe.in_flight) } else { probe.latency })
            };
            let worst = (0..self.pool.len()).max_by(|a, b| {
                let (a, b) = (rank(&self.pool[*a]), rank(&self.pool[*b]));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            });
            worst.and_then(|worst| self.pool.remove(worst));
        } else {
            self.pool.pop_front();
        }
    }
}
