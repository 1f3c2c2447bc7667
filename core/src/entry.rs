//! A value in memory, as the store keeps it and the journal writes it back.

use alloc::vec::Vec;

use crate::time::Timestamp;

/// A value with its expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: Vec<u8>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What an entry costs beyond its key and value: the nodes of the maps and the journal.
pub(crate) const ENTRY_OVERHEAD_BYTES: usize = 128;

impl Entry {
    /// Redis still serves a key in its last millisecond (`keyIsExpired` in its `db.c`).
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at < now)
    }
}
