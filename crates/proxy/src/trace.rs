//! Tells a request's attempts in a header field, for those that ask for it.

use std::fmt::Write as _;

use http::HeaderValue;
use lb_balance::{Attempts, EndpointId, Outcome};

/// The value of [`header::TRACE`](crate::header::TRACE). `None` if a name cannot stand in a header field.
pub(crate) fn render<'n>(attempts: &Attempts<'_>, name: impl Fn(EndpointId) -> &'n str) -> Option<HeaderValue> {
    let mut list = String::new();
    for attempt in attempts.iter() {
        let separator = if list.is_empty() { "" } else { ", " };
        // A string of a structured field: quotation mark and backslash are escaped (RFC 9651 §3.3.3).
        let name = name(attempt.endpoint).replace('\\', "\\\\").replace('"', "\\\"");
        let us = attempt.took.as_micros();
        let _infallible = match attempt.outcome {
            Outcome::Answered { status } => write!(list, "{separator}\"{name}\";status={status};us={us}"),
            Outcome::Failed(failure) => {
                write!(list, "{separator}\"{name}\";failure={};us={us}", failure.token())
            }
            // Probes alone are content with a connection.
            Outcome::Connected => Ok(()),
            Outcome::Abandoned => write!(list, "{separator}\"{name}\";failure=abandoned;us={us}"),
            Outcome::Overtaken => write!(list, "{separator}\"{name}\";failure=overtaken;us={us}"),
        };
    }
    HeaderValue::from_str(&list).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_balance::{Attempt, Failure, RetryBudget, RetryPolicy, Sent, Timestamp};
    use std::time::Duration;

    #[test]
    fn attempts_are_told_in_order() {
        let (policy, budget) = (RetryPolicy::default(), RetryBudget::new(None));
        let mut attempts = Attempts::new(&policy, &budget, Timestamp::ORIGIN, true);
        let outcomes = [(0, Outcome::Failed(Failure::Refused)), (1, Outcome::Answered { status: 200 })];
        for (id, outcome) in outcomes {
            let attempt = Attempt { endpoint: EndpointId(id), outcome, took: Duration::from_micros(310) };
            attempts.judge(attempt, Sent::Nothing, Timestamp::ORIGIN, 0);
        }
        let value = render(&attempts, |id| ["web1", "we\"b"][id.index()]).expect("visible characters");
        assert_eq!(value, r#""web1";failure=refused;us=310, "we\"b";status=200;us=310"#);
    }
}
