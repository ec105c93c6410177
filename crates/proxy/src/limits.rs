//! What a client may ask for, in size, in number and in time. The values are `lb`'s to choose.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use lb_balance::hash_key;

/// Limits on clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a request's head.
    pub head: lb_http1::Limits,
    /// Bytes of a request's body; `None`: any.
    pub body: Option<u32>,
    /// How many connections there may be, of all workers together. When there are as many, the one that was idle longest
    /// is ended for a new one; if none is idle, new ones wait in the kernel's queue.
    pub connections: NonZeroUsize,
    /// How many of them may come from one address (with IPv6, from one network of 64 bits); `None`: any. What is more is
    /// answered 429. Addresses are told apart by a hash: of two hosts, one in 65,536 times they share the number.
    pub connections_per_client: Option<NonZeroU32>,
    /// How many bytes of memory may be lent to what passes through, of all workers together. Where all are, a new request is answered
    /// 503, and nothing more is kept for retries.
    pub memory: usize,
    /// After how many requests a connection ends; `None`: never.
    pub requests_per_connection: Option<NonZeroU32>,
    /// How long the head of a request may take from its first byte on.
    pub head_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long nothing of a request's body may come while it is waited for.
    pub body_timeout: Duration,
    /// How many bytes of it have to come in a second at least, on average over the time that it was waited for, after the
    /// first ten seconds of that; 0: any.
    pub body_rate: u32,
    /// How long a client may take none of its answer.
    pub send_timeout: Duration,
}

impl Limits {
    /// For so long a body may be as slow as it likes.
    pub(crate) const BODY_GRACE: Duration = Duration::from_secs(10);
}

/// How many connections there are, of all workers together.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    all: AtomicUsize,
    // By hash of the address; empty if it does not matter.
    by_client: Box<[AtomicU32]>,
    most_of_one: u32,
    // Nobody who does not know it can choose addresses that share a number with somebody else's.
    salt: u64,
}

/// So many numbers are kept for addresses.
const NUMBERS: usize = 1 << 16;

impl Crowd {
    pub(crate) fn new(limits: &Limits) -> Self {
        let numbers = if limits.connections_per_client.is_some() { NUMBERS } else { 0 };
        Self {
            most: limits.connections.get(),
            all: AtomicUsize::new(0),
            by_client: (0..numbers).map(|_| AtomicU32::new(0)).collect(),
            most_of_one: limits.connections_per_client.map_or(u32::MAX, NonZeroU32::get),
            salt: fastrand::u64(..),
        }
    }

    /// Whether there may be another one.
    pub(crate) fn has_room(&self) -> bool {
        self.all.load(Ordering::Relaxed) < self.most
    }

    /// Counts one more; `false`, and it is not counted, if its address has as many as it may.
    pub(crate) fn enter(&self, client: IpAddr) -> bool {
        if let Some(number) = self.number_of(client)
            && number.fetch_add(1, Ordering::Relaxed) >= self.most_of_one
        {
            number.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Counts one less that had entered.
    pub(crate) fn leave(&self, client: IpAddr) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(number) = self.number_of(client) {
            number.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn number_of(&self, client: IpAddr) -> Option<&AtomicU32> {
        if self.by_client.is_empty() {
            return None;
        }
        let network = match client.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
        };
        let hash = hash_key(&(network ^ self.salt).to_le_bytes());
        self.by_client.get(usize::try_from(hash % NUMBERS as u64).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::LIMITS;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_as_many_as_it_may_and_others_have_theirs() {
        let crowd = Crowd::new(&Limits { connections_per_client: NonZeroU32::new(2), ..LIMITS });
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!([one, one, one, other].map(|client| crowd.enter(client)), [true, true, false, true]);
        crowd.leave(one);
        assert!(crowd.enter(one));
        assert_eq!(crowd.all.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn addresses_of_one_network_of_version_6_are_one_client() {
        let crowd = Crowd::new(&Limits { connections_per_client: NonZeroU32::new(1), ..LIMITS });
        let clients = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.1"];
        assert_eq!(clients.map(|client| crowd.enter(address(client))), [true, false, true, true, false]);
    }

    #[test]
    fn there_is_room_until_there_are_as_many_as_may_be() {
        let crowd = Crowd::new(&Limits { connections: NonZeroUsize::MIN, ..LIMITS });
        assert!(crowd.has_room() && crowd.enter(address("192.0.2.1")) && !crowd.has_room());
        crowd.leave(address("192.0.2.1"));
        assert!(crowd.has_room());
    }
}
