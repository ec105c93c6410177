//! A key that is shown to nobody.

use std::fmt;

/// Bytes that only this balancer, and those beside it, know.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// One that is known already.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// A new one.
    ///
    /// # Panics
    ///
    /// If the kernel has no random bytes to give, which Linux has since 3.17.
    pub(crate) fn draw() -> Self {
        let mut bytes = vec![0; 32];
        let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
        assert_eq!(drawn, Ok(bytes.len()), "the kernel gives up to 256 random bytes at once");
        Self(bytes)
    }

    /// Whether that is it. It takes as long wherever the two differ.
    pub fn is(&self, other: &[u8]) -> bool {
        let differs = self.0.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other));
        self.0.len() == other.len() && differs == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
