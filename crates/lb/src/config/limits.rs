//! `limits`: what clients may ask for.

use std::num::{NonZeroU32, NonZeroUsize};

use lb_proxy::{HeadLimits, Limits};

use super::defaults;
use super::table::Table;
use crate::run::Machine;

/// As `lb.toml` says it: some of it is known only when the process knows what the machine lets it have.
#[derive(Debug)]
pub(crate) struct RawLimits {
    limits: Limits,
    connections: Option<NonZeroUsize>,
    memory_percent: u8,
}

impl RawLimits {
    /// The limits of a process on that machine.
    pub(crate) fn on(&self, machine: Machine) -> Limits {
        let connections = self.connections.or(NonZeroUsize::new(defaults::connections(machine.descriptors)));
        let memory = machine.memory / 100 * u64::from(self.memory_percent);
        Limits {
            connections: connections.unwrap_or(NonZeroUsize::MIN),
            memory: usize::try_from(memory).unwrap_or(usize::MAX),
            ..self.limits
        }
    }
}

pub(super) fn read(top: &Table<'_>) -> RawLimits {
    let mut limits = Limits {
        head: HeadLimits::DEFAULT,
        body: None,
        connections: NonZeroUsize::MIN,
        memory: 0,
        connections_per_client: None,
        requests_per_connection: defaults::REQUESTS_PER_CONNECTION,
        head_timeout: defaults::HEAD_TIMEOUT,
        idle_timeout: defaults::CLIENT_IDLE_TIMEOUT,
        body_timeout: defaults::CLIENT_BODY_TIMEOUT,
        body_rate: defaults::BODY_RATE,
        send_timeout: defaults::SEND_TIMEOUT,
    };
    let (mut connections, mut memory_percent) = (None, defaults::MEMORY_PERCENT);
    if let Some(table) = top.optional("limits").and_then(|value| value.table("limits")) {
        read_head(&table, &mut limits.head);
        let count = |key| table.optional(key).and_then(|value| value.integer(1..=u32::MAX)).and_then(NonZeroU32::new);
        let size = |key| table.optional(key).and_then(|value| value.size());
        limits.body = size("body-size");
        limits.body_rate = size("body-rate").unwrap_or(limits.body_rate);
        limits.connections_per_client = count("connections-per-client");
        limits.requests_per_connection = count("requests-per-connection").or(limits.requests_per_connection);
        connections = count("connections").and_then(|most| NonZeroUsize::try_from(most).ok());
        let percent = table.optional("memory").and_then(|value| value.percent(1..=100));
        memory_percent = percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(memory_percent);
        limits.head_timeout = table.duration("head-timeout", limits.head_timeout);
        limits.idle_timeout = table.duration("idle-timeout", limits.idle_timeout);
        limits.body_timeout = table.duration("body-timeout", limits.body_timeout);
        limits.send_timeout = table.duration("send-timeout", limits.send_timeout);
        table.finish();
    }
    RawLimits { limits, connections, memory_percent }
}

fn read_head(table: &Table<'_>, limits: &mut HeadLimits) {
    let bytes = |size: Option<u32>| size.and_then(|size| usize::try_from(size).ok());
    let size = |key, least| {
        let range = least..=64 * 1024;
        bytes(table.optional(key).and_then(|value| value.size_within(range, &format!("{least}B to 64KiB"))))
    };
    limits.head = size("head-size", 1024).unwrap_or(limits.head);
    limits.target = size("target-size", 256).unwrap_or(limits.target);
    limits.fields =
        bytes(table.optional("head-fields").and_then(|value| value.integer(8..=256))).unwrap_or(limits.fields);
}
