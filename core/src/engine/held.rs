//! Dials that are held back, because another process of the host dials.

use super::{Engine, Phase};
use crate::kind::Failure;
use crate::output::Output;
use crate::policy::Startup;
use crate::throttle::Counts;
use crate::time::Timestamp;

impl Engine {
    /// Whether the dial that is asked for goes out whatever others found: who must decide whether to
    /// start looks for itself.
    pub fn dials_anyway(&self) -> bool {
        self.phase == Phase::Starting && self.policy.startup == Startup::Required
    }

    /// Failures in a row that count for the next delay.
    pub const fn attempts(&self) -> u32 {
        self.attempt
    }

    /// The dial did not go out: it is no dial, and the next one comes when the host says.
    pub(super) fn dial_held(
        &mut self,
        now: Timestamp,
        dial: u64,
        in_ms: u64,
        attempts: u32,
        failure: Option<Failure>,
    ) {
        if !self.dialling || dial != self.dial {
            return;
        }
        self.dialling = false;
        self.dial = self.dial.saturating_sub(1);
        self.totals.dials = self.totals.dials.saturating_sub(1);
        self.last_dial_at = self.dial_before_at;
        self.attempt = self.attempt.max(attempts);
        self.next_dial_at = Some(now.plus_ms(in_ms.max(1)));
        let Some(failure) = failure.filter(|_| !self.dials_anyway()) else {
            return;
        };
        if self.phase == Phase::Starting {
            self.start_degraded(now, failure);
        } else if self.last_failure.as_ref().is_none_or(|last| last.kind != failure.kind) {
            self.outage.release_line();
            self.log_failure_if_news(now, &failure);
            self.last_failure = Some(failure);
        }
    }

    /// What others found is enough to start from memory.
    fn start_degraded(&mut self, now: Timestamp, failure: Failure) {
        let dials = self.totals.dials;
        self.phase = Phase::Degraded;
        self.failed(now, &failure, Counts::default());
        self.enter(Phase::Degraded);
        self.outputs.push_back(Output::StartupFinished { dials, failure: Some(failure) });
    }
}
