//! What a choice depends on beside what is believed of the endpoints: the request that is to be placed.

use crate::{Attempts, EndpointId, Timestamp};

/// A request that wants an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Its tries so far: it never gets an endpoint twice.
    pub attempts: &'a Attempts<'a>,
    /// Now.
    pub now: Timestamp,
    /// 64 random bits.
    pub entropy: u64,
    /// The hash of what ties it to an endpoint, see [`hash_key`](crate::hash_key); without one, hashing algorithms draw.
    pub key: Option<u64>,
    /// The endpoint that its session is bound to. It is preferred to any other while it works, even while it drains.
    pub session: Option<EndpointId>,
}

impl<'a> Wish<'a> {
    /// A request that is bound to no endpoint.
    pub fn new(attempts: &'a Attempts<'a>, now: Timestamp, entropy: u64) -> Self {
        Self { attempts, now, entropy, key: None, session: None }
    }
}
