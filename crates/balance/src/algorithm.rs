//! The algorithms by name. How each chooses stands in `picker`.

use core::fmt;

/// How a cluster chooses among its available endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Each in turn, by weight, smoothly spread; exact over all workers.
    #[default]
    RoundRobin,
    /// The one with the fewest requests in flight per weight; ties by turn. Looks at every endpoint.
    LeastRequest,
    /// Of two that are drawn by weight, the one with fewer requests in flight per weight. Nearly as good as looking
    /// at all of them, at any number (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
    TwoChoices,
    /// Of all, or of 32 drawn by weight if they are more than 128, the one at which the request is likely to be answered first: the average latency,
    /// sensitive to peaks, times what is in flight. Measured on real answers; nothing is probed for it.
    PeakEwma,
    /// Drawn by weight.
    Random,
    /// The endpoint to which the request's key belongs on a ring of hashes (Karger et al., "Consistent Hashing and Random
    /// Trees", 1997): an endpoint that is lost moves only its own keys, whenever and wherever that is seen.
    Ring,
    /// The endpoint to which the request's key belongs in a lookup table (Eisenbud et al., "Maglev", 2016): shares are more
    /// even than on a ring; an endpoint that is out moves only its own keys, one that is taken from the configuration a
    /// few others too.
    Maglev,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 7] = [
        Self::RoundRobin,
        Self::LeastRequest,
        Self::TwoChoices,
        Self::PeakEwma,
        Self::Random,
        Self::Ring,
        Self::Maglev,
    ];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastRequest => "least-request",
            Self::TwoChoices => "two-choices",
            Self::PeakEwma => "peak-ewma",
            Self::Random => "random",
            Self::Ring => "ring",
            Self::Maglev => "maglev",
        }
    }

    /// Whether a request's key decides.
    pub fn is_hash(self) -> bool {
        matches!(self, Self::Ring | Self::Maglev)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
