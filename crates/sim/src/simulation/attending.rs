//! What a balancer does beside choosing: ends ejections, sends probes, says what it believes. Decides nothing: the cluster does.

use lb_balance::{Belief, Failure, Outcome, ProbePoll, Timestamp};

use super::Simulation;
use crate::agenda::Event;
use crate::player::Course;

impl Simulation<'_> {
    /// Lets a balancer do what is due, hears what it has to say, and plans when to come back.
    pub(super) fn attend(&mut self, index: u32) {
        let now = self.now;
        self.balancers[index as usize].cluster.handle_timeout(now);
        let mut next = self.send_due_probes(index);
        let balancer = &mut self.balancers[index as usize];
        balancer.refresh(now);
        while let Some(event) = balancer.cluster.poll_event() {
            self.audit.hear(index, &event);
            match event.to {
                Belief::Ejected { .. } => {
                    self.report.ejections += 1;
                    self.report.slice(now.since_origin()).ejections += 1;
                }
                Belief::Down => self.report.downs += 1,
                Belief::Up | Belief::Trial | Belief::Draining => {}
            }
        }
        let timeout = balancer.cluster.poll_timeout();
        next = [next, timeout].into_iter().flatten().min();
        // What was due before is due now: time does not run backwards.
        if let Some(at) = next.map(|at| at.max(now))
            && balancer.wakes_at.is_none_or(|wakes_at| at < wakes_at)
        {
            balancer.wakes_at = Some(at);
            self.agenda.plan(at, Event::Wake { balancer: index });
        }
    }

    fn send_due_probes(&mut self, index: u32) -> Option<Timestamp> {
        let now = self.now;
        loop {
            match self.balancers[index as usize].cluster.poll_probe(now) {
                ProbePoll::Idle => return None,
                ProbePoll::Wait(until) => return Some(until),
                ProbePoll::Send(endpoint) => {
                    self.report.probes += 1;
                    let times_out = now + self.setup.balancer.probe_timeout;
                    let course = self.players[endpoint.index()].probe(now, &mut self.rng);
                    let (at, outcome) = match course {
                        Course::Ends(at, outcome) if at < times_out => (at, outcome),
                        Course::Ends(..) | Course::Shares | Course::Hangs => {
                            (times_out, Outcome::Failed(Failure::ResponseTimeout))
                        }
                    };
                    self.agenda.plan(at, Event::Probed { balancer: index, endpoint, began: now, outcome });
                }
            }
        }
    }
}
