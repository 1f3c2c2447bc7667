//! The outage that goes on: its incident, its figures and which of its lines pass.

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::kind::{Failure, FailureKind};
use crate::throttle::{Counts, Throttle};
use crate::time::Timestamp;

/// How long the line of a lost connection waits for the dial that follows, in milliseconds: the
/// dial says why it is lost, and a connection that is back by then needs no warning.
const HOLD_MS: u64 = 500;

/// The current incident with its throttle.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outage {
    throttle: Throttle,
    incident: Option<Incident>,
    incidents: u64,
    merge_ms: u64,
    /// Whether a recovery of this incident was logged: a second one waits until it lasts.
    recovery_told: bool,
    /// The recovery that is still to be logged.
    recovery_owed: bool,
    /// The lost connection whose line waits, and until when.
    held: Option<(Timestamp, Failure)>,
    connection_failures: u64,
}

impl Outage {
    pub(super) const fn new(log_interval_ms: u64, merge_ms: u64) -> Self {
        Self {
            throttle: Throttle::new(log_interval_ms),
            incident: None,
            incidents: 0,
            merge_ms,
            recovery_told: false,
            recovery_owed: false,
            held: None,
            connection_failures: 0,
        }
    }

    /// Keeps the line of a lost connection back for a moment, unless every failure is logged.
    pub(super) fn hold_line(&mut self, now: Timestamp, failure: &Failure) {
        let hold_ms = if self.throttle.logs_all() { 0 } else { HOLD_MS };
        // Dials that end the same way do not put it off.
        let held = || (now.plus_ms(hold_ms), failure.clone());
        self.held.get_or_insert_with(held);
    }

    /// Another failure tells more: the line that was held is not logged.
    pub(super) fn release_line(&mut self) {
        if let Some((_, failure)) = self.held.take() {
            self.throttle.mark_told(failure.kind);
        }
    }

    pub(super) fn hold_due(&self) -> Option<Timestamp> {
        self.held.as_ref().map(|(until, _)| *until)
    }

    pub(super) fn held_line_due(&mut self, now: Timestamp) -> Option<Failure> {
        self.held.take_if(|(until, _)| *until <= now).map(|(_, failure)| failure)
    }

    pub(super) const fn incident(&self) -> Option<&Incident> {
        self.incident.as_ref()
    }

    pub(super) const fn connection_failures(&self) -> u64 {
        self.connection_failures
    }

    pub(super) const fn failures_since_line(&self) -> u64 {
        let counts = self.throttle.since_line();
        counts.dials_failed.saturating_add(counts.commands_failed)
    }

    /// Counts what is no failure of its own. Outside an outage there is nothing to count it for.
    pub(super) fn count(&mut self, counts: Counts) {
        match &mut self.incident {
            Some(incident) if incident.recovered_at_ms.is_none() => {
                incident.counts.add(counts);
                self.throttle.count(counts);
            }
            _ => {}
        }
    }

    /// Counts a failure; the incident that it opened, if it did.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        kind: FailureKind,
        counts: Counts,
    ) -> Option<Incident> {
        let opens = self.incident.is_none();
        let number = self.incidents + 1;
        let incident = self.incident.get_or_insert_with(|| Incident::new(number, now));
        if opens {
            self.incidents = number;
            self.recovery_told = false;
        }
        if incident.recovered_at_ms.take().is_some() {
            incident.flaps += 1;
        }
        self.recovery_owed = false;
        self.connection_failures += 1;
        incident.failed(now, kind);
        incident.counts.add(counts);
        self.throttle.count(counts);
        opens.then(|| incident.clone())
    }

    pub(super) fn replayed(&mut self, replayed: u64, conflicts: u64, refused: u64) {
        if let Some(incident) = &mut self.incident {
            incident.replayed += replayed;
            incident.conflicts += conflicts;
            incident.replay_refused += refused;
        }
    }

    /// Redis is back; false if it was never away.
    pub(super) fn recovered(&mut self, now: Timestamp) -> bool {
        let Some(incident) = &mut self.incident else {
            return false;
        };
        incident.recovered_at_ms = Some(now);
        self.held = None;
        self.recovery_owed = true;
        self.connection_failures = 0;
        true
    }

    /// Whether the recovery is to be logged now: the first of an incident at once, a later one
    /// when it has lasted, so that a link that flaps does not fill the log.
    pub(super) fn take_owed_recovery(&mut self, now: Timestamp) -> bool {
        let due = self.recovery_owed
            && (!self.recovery_told || self.close_due().is_some_and(|due| due <= now));
        if due {
            self.recovery_owed = false;
            self.recovery_told = true;
            self.throttle.recovered();
        }
        due
    }

    /// When the incident can no longer be continued.
    pub(super) fn close_due(&self) -> Option<Timestamp> {
        let recovered_at = self.incident.as_ref()?.recovered_at_ms?;
        Some(recovered_at.plus_ms(self.merge_ms))
    }

    /// The incident, if it can no longer be continued.
    pub(super) fn close_if_due(&mut self, now: Timestamp) -> Option<Incident> {
        if self.close_due().is_some_and(|due| due <= now) { self.incident.take() } else { None }
    }

    /// The incident, whether it is over or not: the client is closed, and nothing continues it. One
    /// that goes on stays in the status.
    pub(super) fn last(&mut self) -> Option<Incident> {
        let incident = self.incident.clone();
        self.incident.take_if(|incident| incident.recovered_at_ms.is_some());
        incident
    }

    pub(super) const fn is_news(&self, kind: FailureKind) -> bool {
        self.throttle.is_news(kind)
    }

    pub(super) fn line_for(&mut self, now: Timestamp, kind: FailureKind) -> Option<Counts> {
        self.throttle.failure(now, kind)
    }

    pub(super) fn summary_due(&self) -> Option<Timestamp> {
        self.throttle.due()
    }

    pub(super) fn summary(&mut self, now: Timestamp) -> Option<Counts> {
        self.throttle.summary(now)
    }
}
