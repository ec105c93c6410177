//! How large a head may be.

/// Limits of a message's head. What is larger is refused, not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole head, its empty line included; at most 2^31.
    pub head: usize,
    /// Bytes of the request's target.
    pub target: usize,
    /// How many field lines, at most [`Limits::MOST_FIELDS`].
    pub fields: usize,
}

impl Limits {
    /// No head may have more field lines than this, whatever the limit says: several rules look at each of them.
    pub const MOST_FIELDS: usize = 256;

    /// 64 KiB, of which the target takes 16 at most, and 128 field lines. nginx reads heads of 32 KiB in lines of 8,
    /// `HAProxy` 16 KiB and 101 lines, Envoy 60 KiB and 100 lines: what passes there passes here.
    pub const DEFAULT: Self = Self { head: 64 * 1024, target: 16 * 1024, fields: 128 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
