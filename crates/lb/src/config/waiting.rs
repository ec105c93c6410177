//! What a cluster does about waiting: where requests wait for an endpoint, and when one that is late is not waited for
//! alone.

use lb_balance::RetryPolicy;
use lb_proxy::{EndpointConfig, Hedge, QueueConfig};

use super::defaults;
use super::table::{Table, Value};

/// `queue` of a cluster with these endpoints.
pub(super) fn read_queue(cluster: &Table<'_>, endpoints: Option<&[EndpointConfig]>) -> Option<QueueConfig> {
    let value = cluster.optional("queue")?;
    let queue = value.table("queue")?;
    if endpoints.is_some_and(|endpoints| endpoints.iter().all(|config| config.endpoint.max_in_flight.is_none())) {
        value.problem(
            "nobody ever waits: no endpoint has a limit",
            "set `max-in-flight`, of the cluster or of endpoints",
        );
    }
    let size = queue.required("size", "for example size = 100").and_then(|value| value.integer(1..=1_000_000));
    let timeout = queue.duration("timeout", defaults::QUEUE_TIMEOUT);
    queue.finish();
    Some(QueueConfig { size: usize::try_from(size?).ok()?, timeout })
}

/// `hedge` of a cluster's `retry`.
pub(super) fn read_hedge(retry: &Table<'_>, policy: &RetryPolicy) -> Option<Hedge> {
    let value = retry.optional("hedge")?;
    let hedge = value.table("hedge")?;
    let (after, quantile) = (hedge.optional("after"), hedge.optional("quantile"));
    let read = match (after, quantile) {
        (Some(after), None) => after.duration().map(Hedge::After),
        (None, Some(quantile)) => read_quantile(&quantile),
        (Some(_), Some(_)) | (None, None) => {
            value.problem("a hedge has one delay", "write { after = \"50ms\" } or { quantile = \"99%\" }");
            None
        }
    };
    if let (Some(value), Some(Hedge::After(delay))) = (after, read)
        && delay >= policy.timeout
    {
        value
            .problem("a hedge after the time for retries is never made", "make it shorter than the timeout of `retry`");
    }
    if policy.attempts.get() < 2 {
        value.problem("a hedge is a second attempt, and only one is allowed", "set attempts to 2 or more");
    }
    hedge.finish();
    read
}

fn read_quantile(value: &Value<'_>) -> Option<Hedge> {
    let within = Some(value.share()?).filter(|percent| (1..=99).contains(percent));
    if within.is_none() {
        value.problem("no delay is learned from this", "write a share from \"1%\" to \"99%\"");
    }
    within.map(Hedge::Quantile)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{complaint, good, with};
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_queue_has_a_size_and_a_time() {
        let queue = |line: &str| good(&with(&format!("max-in-flight = 9\n{line}"))).clusters[0].queue;
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
            ("queue = { size = 5 }", "nobody ever waits: no endpoint has a limit"),
            ("queue = { size = 0 }", "not a whole number from 1 to 1000000"),
            ("queue = { size = 1, timeout = 5 }", "not a duration"),
            ("queue = 100", "queue is not a table"),
        ] {
            let complaint = complaint(&with(line));
            assert!(complaint.contains(expected), "{line}: {complaint}");
        }
    }

    #[test]
    fn a_hedge_has_a_delay_or_learns_it() {
        let hedge = |line| good(&with(line)).clusters[0].hedge;
        assert_eq!(hedge(""), None);
        assert_eq!(hedge("retry = { hedge = { after = \"50ms\" } }"), Some(Hedge::After(Duration::from_millis(50))));
        assert_eq!(hedge("retry = { hedge = { quantile = \"99%\" } }"), Some(Hedge::Quantile(99)));
    }

    #[test]
    fn a_hedge_that_cannot_be_is_refused() {
        for (line, expected) in [
            ("retry = { hedge = {} }", "a hedge has one delay"),
            ("retry = { hedge = { after = \"1s\", quantile = \"99%\" } }", "a hedge has one delay"),
            ("retry = { hedge = { quantile = \"100%\" } }", "no delay is learned from this"),
            ("retry = { hedge = { after = 50 } }", "not a duration"),
            ("retry = { hedge = { afetr = \"1s\" } }", "did you mean `after`?"),
            ("retry = { timeout = \"1s\", hedge = { after = \"1s\" } }", "never made"),
            ("retry = { attempts = 1, hedge = { after = \"1s\" } }", "only one is allowed"),
        ] {
            let complaint = complaint(&with(line));
            assert!(complaint.contains(expected), "{line}: {complaint}");
        }
    }
}
