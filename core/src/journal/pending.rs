//! Changes that wait, by key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Waiting;
use crate::cluster::slot_of;

/// Changes that wait, by key; for a cluster by slot before, so that those of one slot are found together.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Without a cluster all are in one group.
    groups: BTreeMap<u16, BTreeMap<Vec<u8>, Waiting>>,
    len: usize,
    by_slot: bool,
}

impl Pending {
    pub(super) fn new(by_slot: bool) -> Self {
        Self { by_slot, ..Self::default() }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    fn group_of(&self, key: &[u8]) -> u16 {
        if self.by_slot { slot_of(key) } else { 0 }
    }

    pub(super) fn contains_key(&self, key: &[u8]) -> bool {
        self.groups.get(&self.group_of(key)).is_some_and(|group| group.contains_key(key))
    }

    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Waiting> {
        self.groups.get_mut(&self.group_of(key))?.get_mut(key)
    }

    /// What waits of a key, made by `new` where nothing does.
    pub(super) fn get_or_insert_with(
        &mut self,
        key: &[u8],
        new: impl FnOnce() -> Waiting,
    ) -> &mut Waiting {
        let group = self.groups.entry(self.group_of(key)).or_default();
        if !group.contains_key(key) {
            self.len += 1;
        }
        group.entry(key.to_vec()).or_insert_with(new)
    }

    /// Adds what waits of a key of which nothing does.
    pub(super) fn insert(&mut self, key: Vec<u8>, waiting: Waiting) {
        let group = self.groups.entry(self.group_of(&key)).or_default();
        if group.insert(key, waiting).is_none() {
            self.len += 1;
        }
    }

    pub(super) fn remove_entry(&mut self, key: &[u8]) -> Option<(Vec<u8>, Waiting)> {
        let number = self.group_of(key);
        let group = self.groups.get_mut(&number)?;
        let entry = group.remove_entry(key)?;
        if group.is_empty() {
            self.groups.remove(&number);
        }
        self.len -= 1;
        Some(entry)
    }

    /// The first key, of this slot where one is named.
    pub(super) fn first(&self, slot: Option<u16>) -> Option<&[u8]> {
        let group = match slot {
            Some(slot) => self.groups.get(&slot)?,
            None => self.groups.values().next()?,
        };
        group.keys().next().map(Vec::as_slice)
    }

    /// The slot of the first key.
    pub(super) fn first_slot(&self) -> Option<u16> {
        self.groups.keys().next().copied()
    }
}
