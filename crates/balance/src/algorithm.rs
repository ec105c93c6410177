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
    /// Drawn by weight.
    Random,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 4] = [Self::RoundRobin, Self::LeastRequest, Self::TwoChoices, Self::Random];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastRequest => "least-request",
            Self::TwoChoices => "two-choices",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
