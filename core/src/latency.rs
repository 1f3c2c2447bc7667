//! How long commands take, in classes of at most a quarter of their value.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::status::Latency;

/// Classes: four to a doubling, up to about 19 hours in microseconds.
const CLASSES: usize = 144;

/// Limits of what a histogram tells in full: from 64 µs to 8.4 s, as powers of two in microseconds.
const LIMITS: core::ops::RangeInclusive<u32> = 6..=23;

/// A histogram that threads fill without waiting for each other.
#[derive(Debug)]
pub struct Histogram {
    classes: [AtomicU64; CLASSES],
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let classes = [const { AtomicU64::new(0) }; CLASSES];
        Self { classes, sum_us: AtomicU64::new(0), max_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one command that took `us` microseconds.
    pub fn record(&self, us: u64) {
        self.record_all(1, us);
    }

    /// Counts commands that took `us` microseconds each.
    pub fn record_all(&self, commands: u64, us: u64) {
        if commands == 0 {
            return;
        }
        self.classes[class_of(us)].fetch_add(commands, Ordering::Relaxed);
        self.sum_us.fetch_add(us.saturating_mul(commands), Ordering::Relaxed);
        if us > self.max_us.load(Ordering::Relaxed) {
            self.max_us.fetch_max(us, Ordering::Relaxed);
        }
    }

    /// Counts what another one counted.
    pub fn add(&self, other: &Self) {
        for (class, others) in self.classes.iter().zip(&other.classes) {
            class.fetch_add(others.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.sum_us.fetch_add(other.sum_us.load(Ordering::Relaxed), Ordering::Relaxed);
        self.max_us.fetch_max(other.max_us.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The sum of all commands so far.
    pub fn sum_us(&self) -> u64 {
        self.sum_us.load(Ordering::Relaxed)
    }

    /// How many commands so far took less than each of some limits in microseconds; the last, which
    /// has no limit, counts all. The limits are powers of two, at which classes begin, so that the
    /// counts are exact.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let mut counts = [0_u64; CLASSES];
        for (count, class) in counts.iter_mut().zip(&self.classes) {
            *count = class.load(Ordering::Relaxed);
        }
        let below = move |classes: usize| counts.iter().take(classes).sum();
        let limits = LIMITS.map(|power| Some(1_u64 << power)).chain([None]);
        limits.map(move |limit| (limit, below(limit.map_or(CLASSES, class_of))))
    }

    /// The quantiles of all commands so far.
    pub fn quantiles(&self) -> Latency {
        let mut counts = [0_u64; CLASSES];
        for (count, class) in counts.iter_mut().zip(&self.classes) {
            *count = class.load(Ordering::Relaxed);
        }
        let total: u64 = counts.iter().sum();
        let max_us = self.max_us.load(Ordering::Relaxed);
        let quantile = |percent: u64| {
            let rank = (u128::from(total) * u128::from(percent)).div_ceil(100);
            let mut seen = 0_u128;
            for (class, count) in counts.iter().enumerate() {
                seen += u128::from(*count);
                if seen >= rank {
                    return upper_bound_us(class).min(max_us);
                }
            }
            max_us
        };
        Latency { p50_us: quantile(50), p90_us: quantile(90), p99_us: quantile(99), max_us }
    }
}

fn class_of(us: u64) -> usize {
    if us < 4 {
        return usize::try_from(us).unwrap_or(0);
    }
    let doubling = us.ilog2();
    let quarter = (us >> (doubling - 2)) & 3;
    let class = u64::from(doubling - 1) * 4 + quarter;
    usize::try_from(class).map_or(CLASSES - 1, |class| class.min(CLASSES - 1))
}

/// The largest value of a class.
fn upper_bound_us(class: usize) -> u64 {
    if class < 4 {
        return class as u64;
    }
    let (doubling, quarter) = (class / 4 + 1, class as u64 % 4);
    ((4 + quarter + 1) << (doubling - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_in_its_class() {
        for us in (0..5_000).chain([u64::from(u32::MAX), 60_000_000]) {
            let class = class_of(us);
            assert!(us <= upper_bound_us(class), "{us}");
            assert!(class == 0 || us > upper_bound_us(class - 1), "{us}");
        }
        assert_eq!(class_of(u64::MAX), CLASSES - 1);
    }

    #[test]
    fn buckets_count_what_is_below_their_limits() {
        let histogram = Histogram::default();
        for us in [0, 63, 64, 1_023, 1_024, 9_000_000] {
            histogram.record(us);
        }
        let counts: std::vec::Vec<_> = histogram.buckets().collect();
        assert_eq!(counts.len(), 19);
        assert_eq!(counts[..2], [(Some(64), 2), (Some(128), 3)]);
        assert_eq!(counts[4..6], [(Some(1_024), 4), (Some(2_048), 5)]);
        assert_eq!(counts[17..], [(Some(8_388_608), 5), (None, 6)]);
        assert_eq!(histogram.sum_us(), 9_002_174);
    }

    #[test]
    fn quantiles_are_within_a_quarter() {
        let histogram = Histogram::default();
        (1..=1_000).for_each(|us| histogram.record(us));
        let latency = histogram.quantiles();
        assert!((500..=625).contains(&latency.p50_us), "{latency:?}");
        assert!((990..=1_000).contains(&latency.p99_us), "{latency:?}");
        assert_eq!(latency.max_us, 1_000);
        assert_eq!(Histogram::default().quantiles(), Latency::default());
    }
}
