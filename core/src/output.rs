//! Everything that the engine may ask of its host.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::kind::Failure;
use crate::record::Record;
use crate::status::Mode;
use crate::time::Timestamp;

/// One output of [`Engine::poll_output`](crate::Engine::poll_output). What is large and seldom is boxed: each is moved
/// several times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Output {
    /// Dial, with a PING at the end, and tell how it ended. Only one dial is ever under way.
    Dial {
        /// Its number.
        dial: u64,
        /// The longest that it may take, in milliseconds.
        timeout_ms: u64,
    },
    /// Close every connection, and give up a dial that is under way.
    CloseConnection,
    /// Write the journal back over the new connection, then tell that it is empty.
    Replay {
        /// The connection.
        epoch: u64,
    },
    /// The mode changed. From now on this is how commands are answered.
    ModeChanged {
        /// The mode.
        mode: Mode,
        /// The connection, where the mode is connected or reconciling.
        epoch: u64,
        /// Whether the store may answer. It may not after a `required` startup that failed, until
        /// Redis was reached once.
        serving: bool,
    },
    /// The startup ended.
    StartupFinished {
        /// Dials made.
        dials: u64,
        /// The last failure, where Redis was not reached.
        failure: Option<Failure>,
    },
    /// An outage began.
    IncidentOpened {
        /// It.
        incident: Box<Incident>,
    },
    /// An outage is over, and nothing failed for `incident_merge_ms`; or the client was closed, and
    /// Redis is not back where `recovered_at_ms` says nothing.
    IncidentClosed {
        /// It.
        incident: Box<Incident>,
    },
    /// Log this.
    Log {
        /// The record.
        record: Box<Record>,
    },
    /// Nothing more to do before this time, or before the next input where there is none.
    Timeout {
        /// When [`Input::Timer`](crate::Input::Timer) is due.
        at_ms: Option<Timestamp>,
    },
}
