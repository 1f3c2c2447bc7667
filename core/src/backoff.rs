//! How long to wait after the nth failure.

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// A redial schedule. Integer arithmetic only: every language computes the same delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Backoff {
    /// `base`, `base × factor`, `base × factor²` …, never above the cap.
    #[non_exhaustive]
    Exponential {
        /// The first delay, in milliseconds.
        base_ms: u64,
        /// The growth in hundredths: 150 is × 1.5. Below 110 it counts as 110.
        factor_percent: u64,
        /// The cap, in milliseconds.
        delay_ms_max: u64,
    },
    /// `step`, `2 × step`, `3 × step` …, never above the cap.
    #[non_exhaustive]
    Linear {
        /// The first delay and the growth, in milliseconds.
        step_ms: u64,
        /// The cap, in milliseconds.
        delay_ms_max: u64,
    },
}

impl Backoff {
    /// `base_ms`, growing by `factor_percent` hundredths, capped at `delay_ms_max`.
    pub const fn exponential(base_ms: u64, factor_percent: u64, delay_ms_max: u64) -> Self {
        Self::Exponential { base_ms, factor_percent, delay_ms_max }
    }

    /// `step_ms`, growing by itself, capped at `delay_ms_max`.
    pub const fn linear(step_ms: u64, delay_ms_max: u64) -> Self {
        Self::Linear { step_ms, delay_ms_max }
    }

    /// The longest delay, in milliseconds.
    pub const fn delay_ms_max(&self) -> u64 {
        match self {
            Self::Exponential { delay_ms_max, .. } | Self::Linear { delay_ms_max, .. } => {
                *delay_ms_max
            }
        }
    }

    /// The delay after the `attempt`th failure, counted from 1, without jitter, in milliseconds.
    pub fn delay_ms(&self, attempt: u32) -> u64 {
        let steps = attempt.max(1);
        match *self {
            Self::Exponential { base_ms, factor_percent, delay_ms_max } => {
                let (base, factor) = (base_ms.max(1), factor_percent.max(110));
                small_exponential_ms(base, factor, delay_ms_max, steps)
                    .unwrap_or_else(|| exponential_ms(base, factor, delay_ms_max, steps))
            }
            Self::Linear { step_ms, delay_ms_max } => {
                step_ms.saturating_mul(u64::from(steps)).min(delay_ms_max)
            }
        }
    }

    /// The bounds between which the jittered delay is drawn: `[d(1−j), min(d(1+j), cap)]`.
    pub fn bounds_ms(&self, attempt: u32, jitter_percent: u64) -> (u64, u64) {
        let delay = self.delay_ms(attempt);
        let percent = jitter_percent.min(100);
        let spread = if delay <= u64::MAX / 100 {
            delay * percent / 100
        } else {
            u64::try_from(u128::from(delay) * u128::from(percent) / 100).unwrap_or(delay)
        };
        (delay - spread, delay.saturating_add(spread).min(self.delay_ms_max()))
    }

    /// The delay after the `attempt`th failure, drawn uniformly between its bounds.
    pub fn jittered_ms(&self, attempt: u32, jitter_percent: u64, rng: &mut Rng) -> u64 {
        let (low, high) = self.bounds_ms(attempt, jitter_percent);
        rng.between(low, high)
    }
}

// Counted in microseconds, so that a base of 1 ms grows too. The smallest factor reaches the largest
// cap in under 200 steps: the loop is short for any attempt.

fn exponential_ms(base_ms: u64, factor_percent: u64, delay_ms_max: u64, steps: u32) -> u64 {
    let cap = u128::from(delay_ms_max) * 1_000;
    let factor = u128::from(factor_percent);
    let mut delay = (u128::from(base_ms) * 1_000).min(cap);
    for _ in 1..steps {
        if delay >= cap {
            break;
        }
        delay = (delay * factor / 100).min(cap);
    }
    u64::try_from(delay / 1_000).unwrap_or(delay_ms_max)
}

/// The same in words of 64 bits, where all of it fits in: machines without wider ones take ten times
/// as long for them.
fn small_exponential_ms(
    base_ms: u64,
    factor_percent: u64,
    delay_ms_max: u64,
    steps: u32,
) -> Option<u64> {
    // Below 2^32 · 1,000 · 2^20 nothing overflows.
    if delay_ms_max.max(base_ms) > u64::from(u32::MAX) || factor_percent > 1 << 20 {
        return None;
    }
    let cap = delay_ms_max * 1_000;
    let mut delay = (base_ms * 1_000).min(cap);
    for _ in 1..steps {
        if delay >= cap {
            break;
        }
        delay = (delay * factor_percent / 100).min(cap);
    }
    Some(delay / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_of_one_grows_and_the_last_attempt_is_the_cap() {
        let slow = Backoff::exponential(1, 110, 86_400_000);
        assert!(slow.delay_ms(30) > slow.delay_ms(10));
        assert_eq!(slow.delay_ms(u32::MAX), 86_400_000);
        assert_eq!(Backoff::linear(50, 2_000).delay_ms(u32::MAX), 2_000);
    }

    #[test]
    fn narrow_and_wide_words_come_to_the_same() {
        for (base, factor, cap) in
            [(1, 110, 86_400_000), (250, 150, 10_000), (60_000, 200, 300_000)]
        {
            for steps in 1..250 {
                let narrow = small_exponential_ms(base, factor, cap, steps);
                assert_eq!(narrow, Some(exponential_ms(base, factor, cap, steps)), "{steps}");
            }
        }
        assert_eq!(small_exponential_ms(u64::MAX, 110, 1, 1), None);
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let wild = Backoff::exponential(u64::MAX, u64::MAX, u64::MAX);
        assert_eq!(wild.delay_ms(9), u64::MAX);
        assert_eq!(wild.bounds_ms(9, 100), (0, u64::MAX));
        assert_eq!(Backoff::exponential(0, 0, 0).delay_ms(9), 0);
    }
}
