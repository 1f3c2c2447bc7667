//! The Redis in memory that answers while Redis is away: strings, counters and expiry.

mod commands;
pub mod script;
#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::entry::{ENTRY_OVERHEAD_BYTES, Entry};
use crate::journal::Journal;
use crate::resp::Value;
use crate::time::Timestamp;

/// Why the store does not answer a command. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not know the command.
    Unsupported,
    /// The write would pass the byte limit.
    Full,
}

/// Keys with their values, bounded in bytes, and the journal of what must be written back.
///
/// ```
/// use outlast_core::store::Store;
/// use outlast_core::{Timestamp, Value};
///
/// let mut store = Store::new(1 << 20);
/// let now = Timestamp::ZERO;
/// assert_eq!(store.execute(now, &["INCRBY", "visits", "2"], true), Ok(Value::Integer(2)));
/// assert_eq!(store.journal().len(), 1);
/// ```
#[derive(Debug)]
pub struct Store {
    entries: BTreeMap<Vec<u8>, Entry>,
    journal: Journal,
    bytes: usize,
    bytes_max: usize,
}

impl Store {
    /// An empty store that holds at most `bytes_max` bytes, its journal included.
    pub const fn new(bytes_max: usize) -> Self {
        Self { entries: BTreeMap::new(), journal: Journal::new(), bytes: 0, bytes_max }
    }

    /// Answers a command as Redis would. Error replies are values, as they are there. `journalled`
    /// says whether a write is to reach Redis later: it is not where it may have reached it.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: it does not answer this command at all.
    pub fn execute<A: AsRef<[u8]>>(
        &mut self,
        now: Timestamp,
        args: &[A],
        journalled: bool,
    ) -> Result<Value, Refusal> {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        commands::execute(self, now, &args, journalled)
    }

    /// What must be written back.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The next batch for Redis, of at most `keys_max` keys; none where the journal is empty.
    pub fn next_batch(&mut self, now: Timestamp, keys_max: usize) -> Option<crate::journal::Batch> {
        let entries = &self.entries;
        let live = |key: &[u8]| entries.get(key).filter(|entry| !entry.is_expired(now));
        self.journal.next_batch(live, keys_max)
    }

    /// The batch under way reached Redis.
    pub fn batch_applied(&mut self) {
        self.journal.applied();
    }

    /// The batch under way did not reach Redis: it waits again, behind what was written since.
    pub fn batch_returned(&mut self) {
        self.journal.returned();
    }

    /// Forgets all keys. What it knows may be wrong once Redis answers again.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Keys, expired ones included that nobody has touched since.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys, values and bookkeeping.
    pub const fn bytes(&self) -> usize {
        self.bytes + self.journal.bytes()
    }

    /// The live entry of a key; an expired one is dropped.
    fn entry(&mut self, now: Timestamp, key: &[u8]) -> Option<&mut Entry> {
        if self.entries.get(key).is_some_and(|entry| entry.is_expired(now)) {
            self.remove(key);
        }
        self.entries.get_mut(key)
    }

    fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.bytes -= cost(key, &entry.value);
        Some(entry)
    }

    fn insert(&mut self, key: &[u8], value: Vec<u8>, expires_at: Option<Timestamp>) {
        let added = cost(key, &value);
        if let Some(old) = self.entries.insert(key.to_vec(), Entry { value, expires_at }) {
            self.bytes -= cost(key, &old.value);
        }
        self.bytes += added;
    }

    /// Whether `bytes` more would pass the limit.
    const fn is_full_for(&self, bytes: usize) -> bool {
        self.bytes().saturating_add(bytes) > self.bytes_max
    }
}

const fn cost(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + ENTRY_OVERHEAD_BYTES
}
