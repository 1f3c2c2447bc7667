//! What is told of the journal to whoever keeps it beyond this process, and how it is given back.
//!
//! ```text
//!   a command ──▶ Entry, Entry … ──▶ Ledger::keep      in the order of the changes, locks held
//!   a new process ──▶ Restored ──▶ Store::restore      before its first command
//! ```

use alloc::vec::Vec;

use super::Args;
use super::known::Known;
use crate::time::Timestamp;

/// Keeps the journal where it outlives the process.
pub trait Ledger: Send + Sync {
    /// Takes what one command changed: all of it is kept, or nothing. It is called in the order of the
    /// changes, with keys locked, so it must neither wait for a disk nor call the store.
    fn keep(&self, entries: Vec<Entry>);
}

/// One thing that changed in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// All that waits of a key: it stands in place of what was kept of that.
    Whole {
        /// The key.
        key: Vec<u8>,
        /// What waits.
        state: KeyState,
    },
    /// One more command of a key, after those that are kept.
    Further {
        /// The key.
        key: Vec<u8>,
        /// When it was done.
        at: Timestamp,
        /// The command.
        command: Vec<Vec<u8>>,
    },
    /// Keys that go to Redis together.
    Unit {
        /// Its number.
        number: u64,
        /// The keys.
        keys: Vec<Vec<u8>>,
        /// Units that are part of it by now.
        merged: Vec<u64>,
    },
    /// A batch may be sent from here on: what was kept of its keys and units is kept in it alone.
    Sent(SentBatch),
    /// The batch became this one before it was sent.
    Amended(SentBatch),
    /// The batch that was sent reached Redis.
    Applied,
    /// The batch that was sent did not reach Redis; what waits of its keys follows.
    Returned,
}

/// What waits of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyState {
    /// Whether the commands make all of its value; otherwise they change what Redis holds.
    pub is_replaced: bool,
    /// What was known of its value on Redis before.
    pub known: Option<Known>,
    /// When this was so.
    pub at: Timestamp,
    /// The commands. None of a key that is replaced: it is deleted.
    pub commands: Vec<Vec<Vec<u8>>>,
}

impl KeyState {
    /// A state of a key.
    pub const fn new(
        is_replaced: bool,
        known: Option<Known>,
        at: Timestamp,
        commands: Vec<Args>,
    ) -> Self {
        Self { is_replaced, known, at, commands }
    }

    /// Bytes of its commands.
    pub(crate) fn bytes(&self) -> usize {
        self.commands.iter().flatten().map(Vec::len).sum()
    }
}

/// A batch that may have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentBatch {
    /// Its number.
    pub sequence: u64,
    /// When it was put together.
    pub at: Timestamp,
    /// Its keys, in its order.
    pub keys: Vec<SentKey>,
    /// Units that it took.
    pub units: Vec<u64>,
}

impl SentBatch {
    /// A batch.
    pub const fn new(sequence: u64, at: Timestamp, keys: Vec<SentKey>, units: Vec<u64>) -> Self {
        Self { sequence, at, keys, units }
    }
}

/// A key of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentKey {
    /// The key.
    pub key: Vec<u8>,
    /// The unit that it went with; 0 where it went alone.
    pub unit: u64,
    /// Whether its whole value was replaced.
    pub is_replaced: bool,
    /// What the batch does to it.
    pub commands: Vec<Vec<Vec<u8>>>,
}

impl SentKey {
    /// A key.
    pub const fn new(key: Vec<u8>, unit: u64, is_replaced: bool, commands: Vec<Args>) -> Self {
        Self { key, unit, is_replaced, commands }
    }
}

/// A key, what waits of it, and the commands after that, each with its time.
pub type RestoredKey = (Vec<u8>, KeyState, Vec<(Timestamp, Vec<Vec<u8>>)>);

/// What was kept by a process that is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The number of the last batch.
    pub sequence: u64,
    /// That batch, where its fate is not known.
    pub sent: Option<SentBatch>,
    /// What waits of each key, and the commands after it.
    pub keys: Vec<RestoredKey>,
    /// Keys that belong together.
    pub units: Vec<(u64, Vec<Vec<u8>>)>,
}

impl Restored {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.sent.is_none() && self.keys.is_empty()
    }

    /// How many keys wait.
    pub fn keys_waiting(&self) -> usize {
        self.keys.len() + self.sent.as_ref().map_or(0, |sent| sent.keys.len())
    }
}
