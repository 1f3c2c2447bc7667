//! Consumer groups: who read what, and has not acknowledged it yet.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use super::super::super::memory::{heap, tree};
use super::id::Id;
use crate::time::Timestamp;

/// A consumer group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The last entry that was delivered to any of its consumers.
    pub(crate) last_id: Id,
    /// How many entries it read of all that were ever added, where that is known.
    pub(crate) entries_read: Option<i64>,
    pending: BTreeMap<Id, Pending>,
    consumers: BTreeMap<Arc<[u8]>, Consumer>,
    names_bytes: usize,
}

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// To whom.
    pub(crate) consumer: Arc<[u8]>,
    /// When, the last time.
    pub(crate) delivered_at: Timestamp,
    /// How often.
    pub(crate) deliveries: i64,
}

/// One of those that read.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    /// When it last came.
    pub(crate) seen_at: Timestamp,
    pending: BTreeSet<Id>,
}

/// The counters before what an `Arc` shares.
const ARC_BYTES: usize = 16;

impl Group {
    /// A group without consumers.
    pub(super) const fn new(last_id: Id, entries_read: Option<i64>) -> Self {
        Self {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            consumers: BTreeMap::new(),
            names_bytes: 0,
        }
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        // Each pending entry has a place in the group's tree and in its consumer's.
        tree::<Id, Pending>(self.pending.len())
            + tree::<Id, ()>(self.pending.len())
            + tree::<Arc<[u8]>, Consumer>(self.consumers.len())
            + self.names_bytes
    }

    /// All pending entries.
    pub(crate) const fn pending(&self) -> &BTreeMap<Id, Pending> {
        &self.pending
    }

    /// Its consumers by name.
    pub(crate) const fn consumers(&self) -> &BTreeMap<Arc<[u8]>, Consumer> {
        &self.consumers
    }

    /// Notes that a consumer came, made where there is none; its name, and whether it is new.
    pub(crate) fn see(&mut self, name: &[u8], now: Timestamp) -> (Arc<[u8]>, bool) {
        let is_new = self.create_consumer(name, now);
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.seen_at = now;
        }
        let shared = self.consumers.get_key_value(name).map(|(name, _)| name.clone());
        (shared.unwrap_or_default(), is_new)
    }

    /// Makes a consumer; whether there was none.
    pub(crate) fn create_consumer(&mut self, name: &[u8], now: Timestamp) -> bool {
        if self.consumers.contains_key(name) {
            return false;
        }
        self.names_bytes += heap(ARC_BYTES + name.len());
        let consumer = Consumer { seen_at: now, pending: BTreeSet::new() };
        self.consumers.insert(name.into(), consumer);
        true
    }

    /// Removes a consumer with its pending entries; how many those were, if it was there.
    pub(crate) fn delete_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(name)?;
        self.names_bytes = self.names_bytes.saturating_sub(heap(ARC_BYTES + name.len()));
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        Some(consumer.pending.len())
    }

    /// Makes an entry pending with a consumer of the group, whosever it was before.
    pub(crate) fn assign(
        &mut self,
        id: Id,
        consumer: &Arc<[u8]>,
        delivered_at: Timestamp,
        deliveries: i64,
    ) {
        let Some(owner) = self.consumers.get_mut(consumer) else {
            return;
        };
        owner.pending.insert(id);
        let pending = Pending { consumer: consumer.clone(), delivered_at, deliveries };
        if let Some(before) = self.pending.insert(id, pending)
            && before.consumer != *consumer
            && let Some(owner) = self.consumers.get_mut(&before.consumer)
        {
            owner.pending.remove(&id);
        }
    }

    /// Ends that an entry is pending; whether it was.
    pub(crate) fn acknowledge(&mut self, id: Id) -> bool {
        let Some(pending) = self.pending.remove(&id) else {
            return false;
        };
        if let Some(owner) = self.consumers.get_mut(&pending.consumer) {
            owner.pending.remove(&id);
        }
        true
    }

    /// Frees about so many parts; whether there is none left.
    pub(super) fn drop_some(&mut self, count: usize) -> bool {
        for _ in 0..count {
            if let Some((id, pending)) = self.pending.pop_first() {
                if let Some(owner) = self.consumers.get_mut(&pending.consumer) {
                    owner.pending.remove(&id);
                }
            } else if self.consumers.pop_first().is_none() {
                return true;
            }
        }
        false
    }
}

impl Consumer {
    /// IDs of its pending entries.
    pub(crate) const fn pending(&self) -> &BTreeSet<Id> {
        &self.pending
    }
}
