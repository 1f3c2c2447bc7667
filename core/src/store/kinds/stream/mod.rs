//! Entries by ID, and the groups that read them.

mod chunk;
mod entries;
mod group;
mod id;
#[cfg(test)]
mod tests;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::super::memory::{heap, tree};

pub(crate) use chunk::Entry;
pub(crate) use entries::{Entries, Keep, Trim};
pub(crate) use group::{Group, Pending};
pub(crate) use id::Id;

/// Entries by ID, and the groups that read them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    entries: Entries,
    groups: BTreeMap<Vec<u8>, Group>,
    groups_bytes: usize,
}

/// Chunks cost more to free than elements.
const ELEMENTS_PER_CHUNK: usize = 4;

/// Elements that a command of a rebuilt value names at most.
const REBUILT_AT_ONCE_MAX: usize = 512;

/// A command with its arguments.
type Args = Vec<Vec<u8>>;

impl Stream {
    /// An empty one. It hashes nothing.
    pub(crate) fn new(_seed: u64) -> Self {
        Self::default()
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.bytes() + tree::<Vec<u8>, Group>(self.groups.len()) + self.groups_bytes
    }

    /// Its entries.
    pub(crate) const fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Its entries to change.
    pub(crate) const fn entries_mut(&mut self) -> &mut Entries {
        &mut self.entries
    }

    /// Sets what it remembers of all entries that it had.
    pub(crate) const fn set_history(
        &mut self,
        last_id: Id,
        added: Option<i64>,
        max_deleted_id: Option<Id>,
    ) {
        self.entries.last_id = last_id;
        if let Some(added) = added {
            self.entries.added = added;
        }
        if let Some(id) = max_deleted_id {
            self.entries.max_deleted_id = id;
        }
    }

    /// Its groups by name.
    pub(crate) const fn groups(&self) -> &BTreeMap<Vec<u8>, Group> {
        &self.groups
    }

    /// Makes a group; whether there was none of that name.
    pub(crate) fn create_group(
        &mut self,
        name: &[u8],
        last_id: Id,
        entries_read: Option<i64>,
    ) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        let group = Group::new(last_id, entries_read);
        self.groups_bytes += heap(name.len()) + group.bytes();
        self.groups.insert(name.to_vec(), group);
        true
    }

    /// Removes a group; whether it was there.
    pub(crate) fn destroy_group(&mut self, name: &[u8]) -> bool {
        let Some(group) = self.groups.remove(name) else {
            return false;
        };
        let freed = heap(name.len()) + group.bytes();
        self.groups_bytes = self.groups_bytes.saturating_sub(freed);
        true
    }

    /// Does something with a group, if it is there, and counts what it takes then.
    pub(crate) fn with_group<T>(
        &mut self,
        name: &[u8],
        run: impl FnOnce(&mut Group, &Entries) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(name)?;
        let before = group.bytes();
        let result = run(group, &self.entries);
        self.groups_bytes = (self.groups_bytes + group.bytes()).saturating_sub(before);
        Some(result)
    }

    /// How many entries a group has not read yet, where that can be known.
    pub(crate) fn lag(&self, group: &Group) -> Option<i64> {
        let entries = &self.entries;
        if entries.added() == 0 {
            return Some(0);
        }
        let counted = group.entries_read.filter(|_| !entries.has_deleted_from(group.last_id));
        let read = counted.or_else(|| entries.added_up_to(group.last_id))?;
        Some(entries.added().saturating_sub(read))
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) fn drop_some(&mut self, count: usize) -> bool {
        if !self.entries.drop_chunks(count.div_ceil(ELEMENTS_PER_CHUNK)) {
            return false;
        }
        let Some(mut group) = self.groups.first_entry() else {
            return true;
        };
        if group.get_mut().drop_some(count) {
            group.remove();
        }
        self.groups.is_empty()
    }

    /// The commands that make this value at a key that is not there, each of bounded size.
    ///
    /// Only entries that are there can be made pending, so those that are pending and deleted are
    /// added and deleted again.
    pub(crate) fn rebuild(&self, key: &[u8]) -> Vec<Args> {
        let mut commands = Vec::new();
        let missing = self.missing();
        let mut placeholders = missing.iter().copied().peekable();
        let placeholder = |id: Id| words(&[b"XADD", key, &id.text(), b"x", b"y"]);
        for entry in self.entries.range(Id::MIN, Id::MAX) {
            while let Some(id) = placeholders.next_if(|id| *id < entry.id) {
                commands.push(placeholder(id));
            }
            let mut command = vec![b"XADD".to_vec(), key.to_vec(), entry.id.text()];
            command.extend(entry.pairs().flatten().map(<[u8]>::to_vec));
            commands.push(command);
        }
        commands.extend(placeholders.map(placeholder));
        if commands.is_empty() {
            commands.push(placeholder(Id { ms: 0, seq: 1 }));
        }
        for (name, group) in &self.groups {
            rebuild_group(key, name, group, &mut commands);
        }
        self.delete_placeholders(key, &missing, &mut commands);
        let (last, deleted) = (self.entries.last_id.text(), self.entries.max_deleted_id.text());
        let added = self.entries.added.to_string().into_bytes();
        commands.push(words(&[
            b"XSETID",
            key,
            &last,
            b"ENTRIESADDED",
            &added,
            b"MAXDELETEDID",
            &deleted,
        ]));
        commands
    }

    /// IDs that are pending and deleted.
    fn missing(&self) -> BTreeSet<Id> {
        let pending = self.groups.values().flat_map(|group| group.pending().keys().copied());
        pending.filter(|id| self.entries.get(*id).is_none()).collect()
    }

    /// What is trimmed is not remembered as deleted one by one; before the first entry it can be.
    fn delete_placeholders(&self, key: &[u8], missing: &BTreeSet<Id>, commands: &mut Vec<Args>) {
        if self.entries.len() == 0 {
            commands.push(words(&[b"XTRIM", key, b"MAXLEN", b"=", b"0"]));
            return;
        }
        let first = self.entries.first_id();
        if missing.first().is_some_and(|id| *id < first) {
            commands.push(words(&[b"XTRIM", key, b"MINID", b"=", &first.text()]));
        }
        let inner: Vec<Vec<u8>> = missing.range(first..).map(|id| id.text()).collect();
        for ids in inner.chunks(REBUILT_AT_ONCE_MAX) {
            let mut command = words(&[b"XDEL", key]);
            command.extend_from_slice(ids);
            commands.push(command);
        }
    }
}

fn rebuild_group(key: &[u8], name: &[u8], group: &Group, commands: &mut Vec<Args>) {
    let last_id = group.last_id.text();
    let read = group.entries_read.unwrap_or(-1).to_string();
    commands.push(words(&[
        b"XGROUP",
        b"CREATE",
        key,
        name,
        &last_id,
        b"ENTRIESREAD",
        read.as_bytes(),
    ]));
    for consumer in group.consumers().keys() {
        commands.push(words(&[b"XGROUP", b"CREATECONSUMER", key, name, consumer]));
    }
    commands.extend(group.pending().iter().map(|(id, pending)| pending.claim(key, name, *id)));
}

impl Pending {
    /// The command that makes an entry pending like this, as Redis replicates it.
    pub(crate) fn claim(&self, key: &[u8], group: &[u8], id: Id) -> Args {
        let at = self.delivered_at.as_ms().to_string();
        let deliveries = self.deliveries.to_string();
        words(&[
            b"XCLAIM",
            key,
            group,
            &self.consumer,
            b"0",
            &id.text(),
            b"TIME",
            at.as_bytes(),
            b"RETRYCOUNT",
            deliveries.as_bytes(),
            b"FORCE",
            b"JUSTID",
        ])
    }
}

fn words(words: &[&[u8]]) -> Args {
    words.iter().map(|word| word.to_vec()).collect()
}
