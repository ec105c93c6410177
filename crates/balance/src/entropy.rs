//! What is made of random bits. Throws no dice: it is given the entropy.

use core::time::Duration;

/// More entropy out of some: one step of `SplitMix64` (Steele, Lea, Flood 2014). Also a good hash of 64 bits.
pub(crate) fn stir(entropy: u64) -> u64 {
    let mut mixed = entropy.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A part of the time by chance: from none to all of it, in 65,535 steps.
pub(crate) fn part_of(time: Duration, entropy: u64) -> Duration {
    let nanos = time.as_nanos() * u128::from(entropy & 0xFFFF) / 0xFFFF;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The upper half.
pub(crate) fn high(bits: u64) -> u32 {
    u32::try_from(bits >> 32).expect("half of 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_anything_from_none_to_all() {
        let time = Duration::from_micros(65_535);
        assert_eq!([0, 0x8000, u64::MAX].map(|bits| part_of(time, bits).as_micros()), [0, 32_768, 65_535]);
    }
}
