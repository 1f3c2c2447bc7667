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
        let span = u128::from(high - low) + 1;
        let scaled = (u128::from(self.next_u64()) * span) >> 64;
        low + u64::try_from(scaled).unwrap_or(high - low)
    }
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
        assert!(rng.between(0, u64::MAX) > 0);
    }
}
