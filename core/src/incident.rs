//! One outage, from the first failure to recovery, with its figures.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::kind::FailureKind;
use crate::throttle::Counts;
use crate::time::Timestamp;

/// How often one kind failed in an incident, and when first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cause {
    /// The kind.
    pub kind: FailureKind,
    /// When it first failed.
    pub first_at_ms: Timestamp,
    /// How often.
    pub count: u64,
}

/// One outage. Flaps inside `incident_merge_ms` belong to the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Incident {
    /// Its number within this client, from 1.
    pub number: u64,
    /// The first failure.
    pub opened_at_ms: Timestamp,
    /// The last recovery, while Redis is back.
    pub recovered_at_ms: Option<Timestamp>,
    /// What failed, in order of first appearance. There are as many entries as kinds, at most.
    pub causes: Vec<Cause>,
    /// How often Redis came back and went away again.
    pub flaps: u64,
    /// Figures of the whole incident.
    pub counts: Counts,
    /// Keys written back.
    pub replayed: u64,
    /// Keys that had changed on Redis meanwhile.
    pub conflicts: u64,
    /// Keys that Redis refused to take back.
    pub replay_refused: u64,
}

impl Incident {
    pub(crate) const fn new(number: u64, now: Timestamp) -> Self {
        Self {
            number,
            opened_at_ms: now,
            recovered_at_ms: None,
            causes: Vec::new(),
            flaps: 0,
            counts: Counts { dials_failed: 0, commands_failed: 0, served_locally: 0, refused: 0 },
            replayed: 0,
            conflicts: 0,
            replay_refused: 0,
        }
    }

    pub(crate) fn failed(&mut self, now: Timestamp, kind: FailureKind) {
        match self.causes.iter_mut().find(|cause| cause.kind == kind) {
            Some(cause) => cause.count = cause.count.saturating_add(1),
            None => self.causes.push(Cause { kind, first_at_ms: now, count: 1 }),
        }
    }

    /// How long it lasts at `now`, or lasted, in milliseconds.
    pub fn duration_ms(&self, now: Timestamp) -> u64 {
        self.recovered_at_ms.unwrap_or(now).since_ms(self.opened_at_ms)
    }
}
