//! What a client did over a time: what the simulator and a replay show.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::kind::FailureKind;
use crate::record::Record;
use crate::status::Status;
use crate::time::Timestamp;

/// One dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dial {
    /// When it began.
    pub at_ms: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// Why it failed, if it did.
    pub failure: Option<FailureKind>,
}

impl Dial {
    pub(crate) const fn new(at_ms: Timestamp, took_ms: u64, failure: Option<FailureKind>) -> Self {
        Self { at_ms, took_ms, failure }
    }
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// When.
    pub at_ms: Timestamp,
    /// What.
    pub record: Record,
}

/// The status at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// When.
    pub at_ms: Timestamp,
    /// What a status call would have answered.
    pub status: Status,
}

/// What the client did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trace {
    /// Its dials.
    pub dials: Vec<Dial>,
    /// Its log lines.
    pub lines: Vec<Line>,
    /// Its status whenever its mode changed, and at the end.
    pub status: Vec<Snapshot>,
    /// Milliseconds from the end of the outage until it was on Redis again; `null` if it was not
    /// away, not back by the end, or if nobody knows when the outage ended.
    pub return_ms: Option<u64>,
}
