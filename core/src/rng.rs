//! A seeded generator: the same seed gives the same numbers in every language.

use serde::{Deserialize, Serialize};

/// `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
/// Good enough to spread dials; not for secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator that starts from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `[low, high]`, both included; `low` where `high` is not above it.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        if high <= low {
            return low;
        }
        low + scaled(self.next_u64(), high - low)
    }
}

/// `drawn` of 2^64 as a share of 0 to `most`. Machines without words of 128 bits take ten times as long for
/// them, and spans are nearly always short.
fn scaled(drawn: u64, most: u64) -> u64 {
    if let Ok(short) = u32::try_from(most) {
        let span = u64::from(short) + 1;
        let (upper, lower) = (drawn >> 32, drawn & u64::from(u32::MAX));
        return (upper * span + ((lower * span) >> 32)) >> 32;
    }
    let share = (u128::from(drawn) * (u128::from(most) + 1)) >> 64;
    u64::try_from(share).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_sequence() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_between_its_bounds_and_reaches_them() {
        let mut rng = Rng::new(7);
        let drawn: alloc::vec::Vec<u64> = (0..1_000).map(|_| rng.between(10, 13)).collect();
        assert!(drawn.iter().all(|n| (10..=13).contains(n)));
        for bound in 10..=13 {
            assert!(drawn.contains(&bound));
        }
        assert_eq!(rng.between(u64::MAX, 0), u64::MAX);
        for most in [0, 1, 2, 4_000, u64::from(u32::MAX) - 1, u64::from(u32::MAX)] {
            for drawn in [0, 1, u64::from(u32::MAX), 1 << 32, rng.next_u64(), u64::MAX] {
                let share = (u128::from(drawn) * (u128::from(most) + 1)) >> 64;
                assert_eq!(u128::from(scaled(drawn, most)), share, "{drawn} of {most}");
            }
        }
        assert!(rng.between(0, u64::MAX) > 0);
    }
}
