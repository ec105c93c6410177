//! The requests that are under way.

use lb_balance::{Attempts, EndpointId, Lease, Outcome, Timestamp};

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'s> {
    pub(crate) balancer: u32,
    /// Which client of a closed loop waits for it.
    pub(crate) client: Option<u32>,
    pub(crate) began: Timestamp,
    pub(crate) attempts: Attempts<'s>,
    pub(crate) trying: Option<Trying>,
    /// The last answer that an endpoint gave to it: it is delivered if nothing better comes.
    pub(crate) kept: Option<Outcome>,
}

/// The attempt that a request is at.
#[derive(Debug)]
pub(crate) struct Trying {
    pub(crate) lease: Lease,
    pub(crate) began: Timestamp,
    /// What it will come to at its planned end.
    pub(crate) outcome: Outcome,
}

impl Trying {
    pub(crate) fn endpoint(&self) -> EndpointId {
        self.lease.endpoint()
    }
}

/// All of them, each under a number that is used again when it has ended. An attempt's number is never used twice for one
/// place, so that a planned end of an attempt that is over finds nothing.
#[derive(Debug)]
pub(crate) struct Requests<'s> {
    places: Vec<(u32, Option<Request<'s>>)>,
    free: Vec<u32>,
}

impl<'s> Requests<'s> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn add(&mut self, request: Request<'s>) -> u32 {
        if let Some(number) = self.free.pop() {
            self.places[number as usize].1 = Some(request);
            return number;
        }
        self.places.push((0, Some(request)));
        u32::try_from(self.places.len() - 1).expect("four billion requests at once do not fit into memory")
    }

    /// The request and the number of the attempt that it is at.
    pub(crate) fn get(&mut self, number: u32) -> (u32, &mut Request<'s>) {
        let (attempt, request) = &mut self.places[number as usize];
        (*attempt, request.as_mut().expect("events of requests that have ended are not looked at"))
    }

    /// Whether the request is still at that attempt.
    pub(crate) fn is_at(&self, number: u32, attempt: u32) -> bool {
        let (current, request) = &self.places[number as usize];
        *current == attempt && request.is_some()
    }

    /// From now on what was planned for the attempt before is not looked at.
    pub(crate) fn next_attempt(&mut self, number: u32) -> u32 {
        let (attempt, _) = &mut self.places[number as usize];
        *attempt = attempt.wrapping_add(1);
        *attempt
    }

    pub(crate) fn remove(&mut self, number: u32) -> Request<'s> {
        self.next_attempt(number);
        self.free.push(number);
        self.places[number as usize].1.take().expect("a request ends once")
    }

    /// Those that are at one of the endpoints, by number.
    pub(crate) fn at(&self, is_one: impl Fn(EndpointId) -> bool) -> Vec<u32> {
        let trying_there = |request: &Request<'_>| request.trying.as_ref().is_some_and(|t| is_one(t.endpoint()));
        (0u32..)
            .zip(&self.places)
            .filter(|(_, (_, request))| request.as_ref().is_some_and(trying_there))
            .map(|(number, _)| number)
            .collect()
    }

    /// How many requests of that balancer are at each endpoint.
    pub(crate) fn in_flight(&self, balancer: u32, endpoints: usize) -> Vec<u32> {
        let mut counts = vec![0; endpoints];
        for request in self.places.iter().filter_map(|(_, request)| request.as_ref()) {
            if let Some(trying) = request.trying.as_ref().filter(|_| request.balancer == balancer) {
                counts[trying.endpoint().index()] += 1;
            }
        }
        counts
    }
}
