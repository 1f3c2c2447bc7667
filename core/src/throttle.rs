//! Which log lines pass: by cause, not by event.
//!
//! The first failure of a kind passes at once. While the outage lasts, one summary passes per
//! interval, counted from the last line, with what happened since. An interval of 0 lets every
//! failure pass and needs no summary.

use serde::{Deserialize, Serialize};

use crate::kind::FailureKind;
use crate::time::Timestamp;

/// What is counted between two lines, and over a whole incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Counts {
    /// Dials that failed.
    pub dials_failed: u64,
    /// Commands that failed on a live connection.
    pub commands_failed: u64,
    /// Commands answered by the store.
    pub served_locally: u64,
    /// Commands refused.
    pub refused: u64,
}

impl Counts {
    pub(crate) const fn add(&mut self, other: Self) {
        self.dials_failed = self.dials_failed.saturating_add(other.dials_failed);
        self.commands_failed = self.commands_failed.saturating_add(other.commands_failed);
        self.served_locally = self.served_locally.saturating_add(other.served_locally);
        self.refused = self.refused.saturating_add(other.refused);
    }

    /// One failed dial.
    pub(crate) const DIAL: Self =
        Self { dials_failed: 1, commands_failed: 0, served_locally: 0, refused: 0 };

    /// One failed command.
    pub(crate) const COMMAND: Self =
        Self { dials_failed: 0, commands_failed: 1, served_locally: 0, refused: 0 };
}

/// Decides which lines of one outage pass.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Throttle {
    interval_ms: u64,
    /// One bit a kind that has had its line.
    told: u32,
    line_at: Option<Timestamp>,
    since_line: Counts,
}

impl Throttle {
    /// A throttle that lets one summary pass every `interval_ms`; 0 lets every failure pass.
    pub const fn new(interval_ms: u64) -> Self {
        Self { interval_ms, told: 0, line_at: None, since_line: Counts::ZERO }
    }

    /// Adds to what the next line will tell.
    pub const fn count(&mut self, counts: Counts) {
        self.since_line.add(counts);
    }

    /// A failure of this kind was counted: what a line is to tell, if one may pass now.
    pub fn failure(&mut self, now: Timestamp, kind: FailureKind) -> Option<Counts> {
        if !self.is_news(kind) {
            return self.summary(now);
        }
        self.mark_told(kind);
        Some(self.pass(now))
    }

    /// Whether a failure of this kind has a line of its own: it had none yet, or every one has.
    pub const fn is_news(&self, kind: FailureKind) -> bool {
        self.logs_all() || self.told & bit(kind) == 0
    }

    /// Counts a kind as told without a line of its own.
    pub const fn mark_told(&mut self, kind: FailureKind) {
        self.told |= bit(kind);
    }

    /// Whether every failure passes.
    pub const fn logs_all(&self) -> bool {
        self.interval_ms == 0
    }

    /// When the next summary is due, once a line has passed.
    pub fn due(&self) -> Option<Timestamp> {
        match (self.interval_ms, self.line_at) {
            (1.., Some(line_at)) => Some(line_at.plus_ms(self.interval_ms)),
            _ => None,
        }
    }

    /// What a summary is to tell, if one is due.
    pub fn summary(&mut self, now: Timestamp) -> Option<Counts> {
        self.due().filter(|due| *due <= now).map(|_| self.pass(now))
    }

    /// The outage was told to be over: whatever fails next is news again.
    pub const fn recovered(&mut self) {
        self.told = 0;
        self.line_at = None;
        self.since_line = Counts::ZERO;
    }

    /// What happened since the last line.
    pub const fn since_line(&self) -> Counts {
        self.since_line
    }

    fn pass(&mut self, now: Timestamp) -> Counts {
        self.line_at = Some(now);
        core::mem::take(&mut self.since_line)
    }
}

const fn bit(kind: FailureKind) -> u32 {
    1 << (kind as u32)
}

impl Counts {
    const ZERO: Self = Self { dials_failed: 0, commands_failed: 0, served_locally: 0, refused: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_bit() {
        for kind in FailureKind::ALL {
            assert!((*kind as u32) < u32::BITS);
        }
    }

    /// A day of 1,000 failing calls a second, one by one: 288 lines and not a call uncounted.
    #[test]
    fn a_day_of_failures_is_a_line_every_five_minutes() {
        let mut throttle = Throttle::new(300_000);
        let (mut lines, mut told) = (0_u64, 0_u64);
        for ms in 0..86_400_000 {
            throttle.count(Counts::COMMAND);
            let now = Timestamp::from_ms(ms);
            if let Some(counts) = throttle.failure(now, FailureKind::ConnectionRefused) {
                lines += 1;
                told += counts.commands_failed;
            }
        }
        assert_eq!(lines, 288);
        assert_eq!(told + throttle.since_line().commands_failed, 86_400_000);
    }
}
