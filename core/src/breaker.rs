//! When to stop trying: the share of failed commands on a live connection.
//!
//! ```text
//!            failures reach count and share, or the link is lost
//!   closed ────────────────────────────────────────────────────▶ open
//!     ▲                                                            │ a dial is under way
//!     └──────────── it succeeded ─────────── half_open ◀───────────┘
//!                                                └── it failed ──▶ open
//! ```
//!
//! The one probe of `half_open` is a fresh dial with a PING: it also mends a connection whose
//! replies are swallowed, which a probe over the old connection never would.

use core::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::coded::read_by_code;
use crate::policy::Policy;
use crate::time::Timestamp;

/// The state that a status shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Commands go to Redis.
    Closed,
    /// Commands do not go to Redis.
    Open,
    /// One dial tries whether they may go again.
    HalfOpen,
}

impl BreakerState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Closed, Self::Open, Self::HalfOpen];

    /// The code that statuses use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

read_by_code!(BreakerState);

/// Slices of the sliding window: the oldest is forgotten when a new one begins.
const SLICES: usize = 10;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Slice {
    /// Which slice of time it counts, so that an old one is recognised.
    index: u64,
    finished: u64,
    failed: u64,
    /// Of those that finished.
    slow: u64,
}

/// Counts commands over a sliding window and says when too many fail: a share of them, or several
/// with none that succeeds between them, for a busy service must not wait until its good past has
/// left the window. And when too many are answered, but slowly.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Breaker {
    slices: [Slice; SLICES],
    in_a_row: u64,
    slice_ms: NonZeroU64,
    failures_min: u64,
    failure_percent: u64,
    slow_min: u64,
    slow_percent: u64,
}

impl Breaker {
    /// A breaker with the limits of `policy`.
    pub fn new(policy: &Policy) -> Self {
        Self {
            slices: [Slice::default(); SLICES],
            in_a_row: 0,
            slice_ms: NonZeroU64::new(policy.breaker_window_ms / SLICES as u64)
                .unwrap_or(NonZeroU64::MIN),
            failures_min: policy.breaker_failures_min,
            failure_percent: policy.breaker_failure_percent,
            slow_min: policy.breaker_slow_calls_min,
            slow_percent: policy.breaker_slow_call_percent,
        }
    }

    /// Counts commands that ended with a reply.
    pub fn finished(&mut self, now: Timestamp, count: u64) {
        if count > 0 {
            self.in_a_row = 0;
        }
        let slice = self.slice(now);
        slice.finished = slice.finished.saturating_add(count);
    }

    /// Counts one command that failed; how many did within the window, if the breaker is to open.
    #[must_use]
    pub fn failed(&mut self, now: Timestamp) -> Option<u64> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let slice = self.slice(now);
        slice.failed = slice.failed.saturating_add(1);
        let sums = self.totals(now);
        let share = sums.is_share(sums.failed, self.failure_percent);
        let enough = sums.failed >= self.failures_min;
        (enough && (share || self.in_a_row >= self.failures_min)).then_some(sums.failed)
    }

    /// Counts one of the commands that finished as slow; how many were within the window, and of how
    /// many that ended, if the breaker is to open.
    #[must_use]
    pub fn slow(&mut self, now: Timestamp) -> Option<(u64, u64)> {
        let slice = self.slice(now);
        slice.slow = slice.slow.saturating_add(1);
        let sums = self.totals(now);
        let opens = sums.slow >= self.slow_min && sums.is_share(sums.slow, self.slow_percent);
        opens.then(|| (sums.slow, sums.ended()))
    }

    /// Forgets everything, after a new connection.
    pub fn reset(&mut self) {
        self.slices = [Slice::default(); SLICES];
        self.in_a_row = 0;
    }

    fn slice(&mut self, now: Timestamp) -> &mut Slice {
        let index = now.as_ms() / self.slice_ms;
        let place = usize::try_from(index % SLICES as u64).unwrap_or(0);
        let slice = &mut self.slices[place];
        if slice.index != index {
            *slice = Slice { index, ..Slice::default() };
        }
        slice
    }

    /// The sums of the window.
    fn totals(&self, now: Timestamp) -> Slice {
        let newest = now.as_ms() / self.slice_ms;
        let live = |slice: &&Slice| newest.saturating_sub(slice.index) < SLICES as u64;
        self.slices.iter().filter(live).fold(Slice::default(), |sums, slice| Slice {
            index: newest,
            finished: sums.finished.saturating_add(slice.finished),
            failed: sums.failed.saturating_add(slice.failed),
            slow: sums.slow.saturating_add(slice.slow),
        })
    }
}

impl Slice {
    const fn ended(&self) -> u64 {
        self.finished.saturating_add(self.failed)
    }

    /// Whether so many are at least this share of all that ended.
    fn is_share(&self, count: u64, percent: u64) -> bool {
        u128::from(count) * 100 >= u128::from(percent) * u128::from(self.ended())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Profile;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn opens_at_count_and_share() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        breaker.finished(at(0), 2);
        assert_eq!(breaker.failed(at(10)), None);
        assert_eq!(breaker.failed(at(20)), None);
        breaker.finished(at(25), 1);
        assert_eq!(breaker.failed(at(30)), Some(3), "3 of 6 failed: half, and three of them");
    }

    #[test]
    fn a_busy_service_with_few_failures_stays_closed() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        for ms in 0..999 {
            breaker.finished(at(ms), 2);
            assert_eq!(breaker.failed(at(ms)), None, "a third fails");
        }
    }

    #[test]
    fn several_failures_with_no_success_between_them_open_at_once() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        breaker.finished(at(0), 100_000);
        assert_eq!(breaker.failed(at(1)), None);
        assert_eq!(breaker.failed(at(2)), None);
        assert_eq!(breaker.failed(at(3)), Some(3));
    }

    #[test]
    fn two_slow_calls_a_second_open_within_three_seconds() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        for ms in [500, 1_000, 1_500, 2_000] {
            breaker.finished(at(ms), 1);
            assert_eq!(breaker.slow(at(ms)), None, "{ms}");
        }
        breaker.finished(at(2_500), 1);
        assert_eq!(breaker.slow(at(2_500)), Some((5, 5)));
    }

    #[test]
    fn slow_calls_among_many_quick_ones_open_nothing() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        for ms in (0..9_000).step_by(100) {
            breaker.finished(at(ms), 4);
            for _ in 0..3 {
                assert_eq!(
                    breaker.slow(at(ms)),
                    None,
                    "three in four, and 80 in a hundred would do"
                );
            }
        }
    }

    #[test]
    fn what_left_the_window_no_longer_counts() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        assert_eq!(breaker.failed(at(0)), None);
        assert_eq!(breaker.failed(at(100)), None);
        assert_eq!(breaker.failed(at(10_900)), None, "the first two are over ten seconds old");
        assert_eq!(breaker.failed(at(10_950)), None);
        assert_eq!(breaker.failed(at(11_000)), Some(3));
    }

    #[test]
    fn a_clock_that_runs_backwards_is_no_panic() {
        let mut breaker = Breaker::new(&Policy::of(Profile::Production));
        breaker.finished(at(50_000), 1);
        let _ = breaker.failed(at(10));
        let _ = breaker.failed(at(u64::MAX));
    }
}
