//! How many commands may be sent a second time: a share of all, and a few more at once. A server that
//! has just come back is not to get everything twice.

use serde::{Deserialize, Serialize};

/// A bucket that every command adds to and every repetition takes from. In hundredths of a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetryQuota {
    percent: u64,
    credit_max: u64,
    credit: u64,
    /// Commands that were counted.
    counted: u64,
}

impl RetryQuota {
    /// A full bucket.
    pub(crate) const fn new(percent: u64, burst: u64) -> Self {
        let credit = burst.saturating_mul(100);
        Self { percent, credit_max: credit, credit, counted: 0 }
    }

    /// Takes one repetition; whether there was one. `commands` is how many ended so far.
    pub(crate) fn take(&mut self, commands: u64) -> bool {
        let added = commands.saturating_sub(self.counted).saturating_mul(self.percent);
        self.counted = self.counted.max(commands);
        // Where no burst is allowed, one repetition may still be saved up.
        let most = self.credit_max.max(100);
        self.credit = self.credit.saturating_add(added).min(most);
        let is_there = self.credit >= 100;
        if is_there {
            self.credit -= 100;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_load_and_a_burst_are_repeated() {
        let mut quota = RetryQuota::new(10, 3);
        assert_eq!((0..5).filter(|_| quota.take(0)).count(), 3);
        assert!(!quota.take(9) && quota.take(10) && !quota.take(10));
        // What was not used is saved up to the burst.
        assert_eq!((0..9).filter(|_| quota.take(1_000_000)).count(), 3);
        let repeated = (0..100_000).filter(|n| quota.take(1_000_000 + n)).count();
        assert!((9_990..=10_000).contains(&repeated), "{repeated}");
    }

    #[test]
    fn nothing_is_repeated_where_nothing_may_be() {
        let mut quota = RetryQuota::new(0, 0);
        assert!((0..1_000).all(|n| !quota.take(n)));
        let mut quota = RetryQuota::new(50, 0);
        assert_eq!((1..=10).filter(|n| quota.take(*n)).count(), 5);
    }
}
