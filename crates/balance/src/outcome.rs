//! What one try at one endpoint came to. Says nothing of what follows from it: that is `attempts` and `cluster`.

use core::fmt;

/// What an attempt, or a probe, came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered; the head of its answer is there.
    Answered {
        /// The answer's status code, 200 to 999.
        status: u16,
    },
    /// The endpoint accepted a connection, and nothing more was asked of it: a probe over TCP.
    Connected,
    /// The endpoint gave no answer, or not a whole one.
    Failed(Failure),
    /// The client left, or broke off its own request. Nobody's failure.
    Abandoned,
    /// Another attempt of the same request answered first, and this one was given up. Nobody's failure.
    Overtaken,
}

/// Why there was no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The endpoint's host refused the connection: nothing listens there.
    Refused,
    /// The endpoint could not be reached: no route, no such name.
    Unreachable,
    /// We lacked what a connection needs: a descriptor, memory, a local port. Not the endpoint's failure.
    Shortage,
    /// The connection was not there within the connect timeout.
    ConnectTimeout,
    /// The connection broke before the answer's head was complete.
    Closed,
    /// A connection that had been idle in the pool broke before the first byte of an answer: the endpoint
    /// closed it while the request was on its way (RFC 9112 §9.3.1 calls for a new try on a new connection).
    IdleRace,
    /// The answer's head was not there within the response timeout.
    ResponseTimeout,
    /// What came is not an HTTP answer.
    InvalidHeader,
    /// The answer to a probe lacks the text that it should have.
    WrongBody,
    /// The answer's body broke off before its end.
    Truncated,
    /// The answer's body stood still for longer than the body timeout.
    Stalled,
}

impl Failure {
    /// Every failure there is.
    pub const ALL: [Self; 11] = [
        Self::Refused,
        Self::Unreachable,
        Self::Shortage,
        Self::ConnectTimeout,
        Self::Closed,
        Self::IdleRace,
        Self::ResponseTimeout,
        Self::InvalidHeader,
        Self::WrongBody,
        Self::Truncated,
        Self::Stalled,
    ];

    /// Its name for machines: lower case with hyphens.
    pub fn token(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Shortage => "shortage",
            Self::ConnectTimeout => "connect-timeout",
            Self::Closed => "closed",
            Self::IdleRace => "idle-race",
            Self::ResponseTimeout => "response-timeout",
            Self::InvalidHeader => "invalid-header",
            Self::WrongBody => "wrong-body",
            Self::Truncated => "truncated",
            Self::Stalled => "stalled",
        }
    }

    /// Whether it says nothing of the endpoint.
    pub fn is_nobodys(self) -> bool {
        matches!(self, Self::IdleRace | Self::Shortage)
    }

    /// Whether time ran out, rather than something breaking.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::ResponseTimeout | Self::Stalled)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused the connection",
            Self::Unreachable => "could not be reached",
            Self::Shortage => "was not asked, since lb has run out of descriptors, memory or ports",
            Self::ConnectTimeout => "did not accept the connection in time",
            Self::Closed => "closed the connection without an answer",
            Self::IdleRace => "closed an idle connection just as it was used",
            Self::ResponseTimeout => "did not answer in time",
            Self::InvalidHeader => "answered something that is not HTTP",
            Self::WrongBody => "answered without the text that its probe looks for",
            Self::Truncated => "broke off its answer",
            Self::Stalled => "stood still in the middle of its answer",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status } => write!(f, "answered {status}"),
            Self::Failed(failure) => failure.fmt(f),
            Self::Connected => f.write_str("accepted a connection"),
            Self::Abandoned => f.write_str("was left by the client"),
            Self::Overtaken => f.write_str("was slower than another endpoint"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use std::collections::HashSet;

    #[test]
    fn every_failure_has_a_token_and_a_sentence_of_its_own() {
        let tokens: HashSet<_> = Failure::ALL.iter().map(|f| f.token()).collect();
        let sentences: HashSet<_> = Failure::ALL.iter().map(ToString::to_string).collect();
        assert_eq!((tokens.len(), sentences.len()), (Failure::ALL.len(), Failure::ALL.len()));
    }

    #[test]
    fn an_outcome_reads_as_the_end_of_a_sentence_about_the_endpoint() {
        assert_eq!(Outcome::Answered { status: 503 }.to_string(), "answered 503");
        assert_eq!(Outcome::Failed(Failure::Refused).to_string(), "refused the connection");
    }
}
