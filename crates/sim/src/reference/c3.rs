//! C3: the response time beyond service, plus the service time times the cube of the estimated queue, whose estimate
//! counts each request of one's own once for every client there is.

use std::time::Duration;

use fastrand::Rng;

use crate::player::Load;

#[derive(Debug)]
pub(crate) struct C3 {
    clients: f64,
    replicas: Vec<Replica>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Replica {
    outstanding: u32,
    beyond_service: f64,
    service: f64,
    queue: f64,
}

/// The weight of the newest sample, as the authors' own code has it.
const ALPHA: f64 = 0.9;

impl C3 {
    pub(super) fn new(endpoints: usize, clients: u32) -> Self {
        Self { clients: f64::from(clients), replicas: vec![Replica::default(); endpoints] }
    }

    pub(super) fn pick(&mut self, rng: &mut Rng) -> usize {
        // Ties go to anybody, so that clients without history do not all begin at the same replica.
        let start = rng.usize(0..self.replicas.len());
        let order = (start..self.replicas.len()).chain(0..start);
        let score = |index: usize| {
            let replica = &self.replicas[index];
            let queue = 1.0 + f64::from(replica.outstanding) * self.clients + replica.queue;
            replica.beyond_service + queue.powi(3) * replica.service
        };
        let best = order.min_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(start);
        self.replicas[best].outstanding += 1;
        best
    }

    pub(super) fn hear(&mut self, endpoint: usize, took: Duration, load: Load) {
        let replica = &mut self.replicas[endpoint];
        replica.outstanding = replica.outstanding.saturating_sub(1);
        let average = |old: &mut f64, new: f64| *old = ALPHA * new + (1.0 - ALPHA) * *old;
        average(&mut replica.beyond_service, (took.as_secs_f64() - load.service).max(0.0));
        average(&mut replica.service, load.service);
        average(&mut replica.queue, f64::from(load.in_flight));
    }

    /// The authors do not say what an attempt without an answer is; here it took at least so long.
    pub(super) fn give_up(&mut self, endpoint: usize, after: Duration) {
        let replica = &mut self.replicas[endpoint];
        replica.outstanding = replica.outstanding.saturating_sub(1);
        replica.beyond_service = ALPHA * after.as_secs_f64() + (1.0 - ALPHA) * replica.beyond_service;
    }
}
