//! Weighted round robin by what each endpoint reports of itself: its requests a second over its utilisation.

use std::time::Duration;

use lb_balance::Timestamp;

use crate::player::Load;

#[derive(Debug)]
pub(crate) struct Weighted {
    weights: Vec<f64>,
    credit: Vec<f64>,
    seen: Vec<(u64, f64)>,
    next: Timestamp,
}

const EVERY: Duration = Duration::from_secs(1);

/// The weight of the newest second.
const ALPHA: f64 = 0.3;

impl Weighted {
    pub(super) fn new(endpoints: usize) -> Self {
        let credit = (0..endpoints).map(|n| n as f64 / endpoints as f64).collect();
        Self { weights: vec![1.0; endpoints], credit, seen: vec![(0, 0.0); endpoints], next: Timestamp::ORIGIN + EVERY }
    }

    pub(super) fn pick(&mut self, now: Timestamp, load: impl Fn(usize) -> Load) -> usize {
        if now >= self.next {
            self.next = now + EVERY;
            self.update(load);
        }
        // The smooth order: everybody gains its weight, the richest goes and pays.
        let sum: f64 = self.weights.iter().sum();
        for (credit, weight) in self.credit.iter_mut().zip(&self.weights) {
            *credit += weight;
        }
        let richest = (0..self.credit.len()).max_by(|a, b| self.credit[*a].total_cmp(&self.credit[*b]));
        let richest = richest.unwrap_or_default();
        self.credit[richest] -= sum;
        richest
    }

    fn update(&mut self, load: impl Fn(usize) -> Load) {
        let mut latest = Vec::with_capacity(self.weights.len());
        for (index, seen) in self.seen.iter_mut().enumerate() {
            let Load { finished, used, .. } = load(index);
            let (done, utilised) = ((finished - seen.0) as f64, used - seen.1);
            *seen = (finished, used);
            latest.push((done > 0.0 && utilised > 0.0).then(|| done / utilised));
        }
        let known: Vec<f64> = latest.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / (known.len().max(1) as f64);
        if mean > 0.0 {
            for (weight, latest) in self.weights.iter_mut().zip(latest) {
                *weight += ALPHA * (latest.unwrap_or(mean) / mean - *weight);
            }
        }
    }
}
