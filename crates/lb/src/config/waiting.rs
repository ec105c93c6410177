//! What a cluster does about waiting: where requests wait for an endpoint.

use lb_proxy::QueueConfig;

use super::defaults;
use super::table::Table;

/// `queue` of a cluster.
pub(super) fn read_queue(cluster: &Table<'_>) -> Option<QueueConfig> {
    let queue = cluster.optional("queue")?.table("queue")?;
    let size = queue.required("size", "for example size = 100").and_then(|value| value.integer(1..=1_000_000));
    let timeout = queue.duration("timeout", defaults::QUEUE_TIMEOUT);
    queue.finish();
    Some(QueueConfig { size: usize::try_from(size?).ok()?, timeout })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{complaint, good, with};
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_queue_has_a_size_and_a_time() {
        let queue = |line| good(&with(line)).clusters[0].queue;
        assert_eq!(queue(""), None);
        let one_second = Some(QueueConfig { size: 100, timeout: Duration::from_secs(1) });
        assert_eq!(queue("queue = { size = 100 }"), one_second);
        let half = Some(QueueConfig { size: 1_000_000, timeout: Duration::from_millis(500) });
        assert_eq!(queue("queue = { size = 1000000, timeout = \"500ms\" }"), half);
    }

    #[test]
    fn a_queue_that_cannot_be_is_refused() {
        for (line, expected) in [
            ("queue = {}", "queue lacks `size`"),
            ("queue = { size = 0 }", "not a whole number from 1 to 1000000"),
            ("queue = { size = 1, timeout = 5 }", "not a duration"),
            ("queue = 100", "queue is not a table"),
        ] {
            let complaint = complaint(&with(line));
            assert!(complaint.contains(expected), "{line}: {complaint}");
        }
    }
}
