//! When a cached value is computed anew: when its time is over, by chance a little earlier, and not
//! as long as Redis is away and the old one will do.
//!
//! Many callers that miss a value at the same moment would all compute it. So each of them draws
//! whether to compute it early, the likelier the nearer its end is and the longer it takes
//! (`XFetch`: Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention,
//! VLDB 2015). The arithmetic is integer, so every language draws alike.

use alloc::format;
use alloc::string::String;

use serde::Serialize;

/// What to do with a value that was found in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and have it computed anew meanwhile.
    Early,
    /// Its time is over: compute it anew, and use it where that fails.
    Stale,
    /// Its time is over, and Redis is away: use it, and have it computed anew meanwhile.
    StaleWhileDown,
}

/// What is known of a value that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Milliseconds until Redis drops it, as PTTL tells; none where it never does.
    pub left_ms: Option<u64>,
    /// Milliseconds that computing it took.
    pub cost_ms: u64,
}

impl Found {
    /// A value with this time left, that took this long to compute, both in milliseconds.
    pub const fn new(left_ms: Option<u64>, cost_ms: u64) -> Self {
        Self { left_ms, cost_ms }
    }
}

/// How values of a cache are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keeping {
    /// Milliseconds that a value is kept beyond its time, for when it cannot be computed.
    pub stale_ms: u64,
    /// How eagerly values are computed early, in thousandths: 0 never, 1000 as the paper has it.
    pub beta_permille: u32,
}

impl Keeping {
    /// Values are kept so much beyond their time (ms), and computed early so eagerly (thousandths).
    pub const fn new(stale_ms: u64, beta_permille: u32) -> Self {
        Self { stale_ms, beta_permille }
    }

    /// Milliseconds after which Redis is to drop a value that is good for `ttl_ms`.
    pub const fn kept_ms(&self, ttl_ms: u64) -> u64 {
        ttl_ms.saturating_add(self.stale_ms)
    }

    /// What to do with a value. `random` is drawn evenly from all numbers of 32 bits.
    pub fn freshness(&self, found: Found, is_down: bool, random: u32) -> Freshness {
        let Some(left_ms) = found.left_ms else {
            return Freshness::Fresh;
        };
        let fresh_ms = left_ms.saturating_sub(self.stale_ms);
        if fresh_ms == 0 {
            return if is_down { Freshness::StaleWhileDown } else { Freshness::Stale };
        }
        let ahead = u128::from(found.cost_ms)
            * u128::from(self.beta_permille)
            * u128::from(negative_ln(random));
        if ahead >= u128::from(fresh_ms) * (1_000 << FRACTION_BITS) {
            Freshness::Early
        } else {
            Freshness::Fresh
        }
    }
}

/// A value as it is kept: how long it took to compute, a space, and the value as JSON text.
pub fn entry(cost_ms: u64, json: &str) -> String {
    format!("{cost_ms} {json}")
}

/// The cost and the JSON text of an entry; none for what is no entry.
pub fn parse_entry(text: &str) -> Option<(u64, &str)> {
    let (cost_ms, json) = text.split_once(' ')?;
    let is_number = !cost_ms.is_empty() && cost_ms.bytes().all(|digit| digit.is_ascii_digit());
    Some((cost_ms.parse().ok().filter(|_| is_number)?, json))
}

const FRACTION_BITS: u32 = 16;
/// ln 2, with [`FRACTION_BITS`].
const LN_2: u64 = 45_426;

/// −ln((random + 1) / 2³²), with [`FRACTION_BITS`], cut off.
fn negative_ln(random: u32) -> u64 {
    let log2 = log2(u64::from(random) + 1);
    (((32 << FRACTION_BITS) - log2) * LN_2) >> FRACTION_BITS
}

/// The logarithm of a number from 1 to 2³², with [`FRACTION_BITS`], cut off.
fn log2(number: u64) -> u64 {
    let whole = u64::from(number.ilog2());
    // From 1 to below 2, with 31 bits of fraction.
    let mut mantissa = (number << 31) >> whole;
    let mut log2 = whole;
    for _ in 0..FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> 31;
        let bit = mantissa >> 32;
        mantissa >>= bit;
        log2 = (log2 << 1) | bit;
    }
    log2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_mathematicians() {
        for random in [0, 1, 2, 3, 1_000, 1 << 16, 1 << 31, u32::MAX / 3, u32::MAX - 1, u32::MAX] {
            let exact = -((f64::from(random) + 1.0) / 4_294_967_296.0).ln();
            let found = u32::try_from(negative_ln(random)).map(f64::from).unwrap() / 65_536.0;
            assert!((exact - found).abs() < 0.001, "{random}: {exact} {found}");
        }
    }

    #[test]
    fn values_are_computed_early_as_often_as_the_paper_says() {
        // With a cost of 100 ms, and 100 ms left, the draw is below 1/e.
        let keeping = Keeping::new(0, 1_000);
        let mut rng = crate::rng::Rng::new(7);
        let early = (0..100_000).filter(|_| {
            let random = (rng.next_u64() >> 32) as u32;
            keeping.freshness(Found::new(Some(100), 100), false, random) == Freshness::Early
        });
        let share = early.count();
        assert!((36_000..37_600).contains(&share), "{share}");
    }

    #[test]
    fn what_is_kept_beyond_its_time_is_stale() {
        let keeping = Keeping::new(500, 0);
        assert_eq!(keeping.kept_ms(1_000), 1_500);
        let freshness = |left_ms, down| keeping.freshness(Found::new(left_ms, 10), down, 0);
        assert_eq!(freshness(Some(501), false), Freshness::Fresh);
        assert_eq!(freshness(Some(500), false), Freshness::Stale);
        assert_eq!(freshness(Some(0), true), Freshness::StaleWhileDown);
        assert_eq!(freshness(None, true), Freshness::Fresh);
    }

    #[test]
    fn entries_are_read_back_and_nothing_else_is() {
        assert_eq!(parse_entry(&entry(12, "{\"a\": 1}")), Some((12, "{\"a\": 1}")));
        for text in ["", "12", " 1", "+1 2", "x 1", "99999999999999999999 1"] {
            assert_eq!(parse_entry(text), None, "{text}");
        }
    }
}
