//! Everything that a host may tell the engine.

use serde::{Deserialize, Serialize};

use crate::kind::Failure;

/// One input of [`Engine::handle`](crate::Engine::handle). `dial` and `epoch` are the numbers that
/// the engine gave out: what is told of an older dial or connection changes nothing but counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Input {
    /// The application wants Redis: `connect()`, or the first command of a lazy client.
    Start,
    /// The dial ended with an answered PING.
    DialSucceeded {
        /// The number of the dial.
        dial: u64,
    },
    /// The dial ended without.
    DialFailed {
        /// The number of the dial.
        dial: u64,
        /// Why.
        failure: Failure,
    },
    /// A connection that stood is gone.
    ConnectionLost {
        /// The connection.
        epoch: u64,
        /// Why.
        failure: Failure,
    },
    /// A command on a live connection ended with a failure, its deadline included.
    CommandFailed {
        /// The connection.
        epoch: u64,
        /// Why.
        failure: Failure,
        /// Whether it wrote. A write in doubt goes to the journal, and a journal that holds
        /// something means that commands may not go to Redis before it is written back.
        #[serde(default)]
        write: bool,
    },
    /// Commands that ended since this was last told. Hosts count them without the engine and tell
    /// the sums when they have something else to tell, or a status is asked for.
    Tally {
        /// Answered by Redis, error replies included.
        #[serde(default)]
        finished: u64,
        /// Answered by the store.
        #[serde(default)]
        served_locally: u64,
        /// Refused.
        #[serde(default)]
        refused: u64,
    },
    /// A batch of the journal reached Redis.
    ReplayProgressed {
        /// The connection.
        epoch: u64,
        /// Keys written back.
        replayed: u64,
        /// Keys that had changed on Redis meanwhile.
        #[serde(default)]
        conflicts: u64,
        /// Keys that Redis refused for good.
        #[serde(default)]
        refused: u64,
    },
    /// The journal is empty.
    Reconciled {
        /// The connection.
        epoch: u64,
    },
    /// The time that [`Output::Timeout`](crate::Output::Timeout) named has come.
    Timer,
    /// The application closes the client.
    Close {
        /// Keys that were never written back, and now never will be.
        #[serde(default)]
        journal_keys: u64,
    },
}
