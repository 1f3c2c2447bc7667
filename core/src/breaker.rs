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
}

/// Counts commands over a sliding window and says when too many fail: a share of them, or several
/// with none that succeeds between them, for a busy service must not wait until its good past has
/// left the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Breaker {
    slices: [Slice; SLICES],
    in_a_row: u64,
    slice_ms: NonZeroU64,
    failures_min: u64,
    failure_percent: u64,
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
        let (finished, failed) = self.totals(now);
        let total = u128::from(finished) + u128::from(failed);
        let share = u128::from(failed) * 100 >= u128::from(self.failure_percent) * total;
        let opens = failed >= self.failures_min && (share || self.in_a_row >= self.failures_min);
        opens.then_some(failed)
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

    fn totals(&self, now: Timestamp) -> (u64, u64) {
        let newest = now.as_ms() / self.slice_ms;
        let live = |slice: &&Slice| newest.saturating_sub(slice.index) < SLICES as u64;
        self.slices.iter().filter(live).fold((0, 0), |(finished, failed), slice| {
            (finished.saturating_add(slice.finished), failed.saturating_add(slice.failed))
        })
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
