//! The entries of a stream in order.

use alloc::collections::BTreeMap;

use super::super::super::memory::tree;
use super::chunk::{Chunk, Entry};
use super::id::Id;

/// The entries of a stream, and what is remembered of those that were there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    /// By the first ID that each had. A chunk may have lost all its entries.
    chunks: BTreeMap<Id, Chunk>,
    len: usize,
    /// The ID that was given last.
    pub(super) last_id: Id,
    /// The greatest ID that was deleted one by one.
    pub(super) max_deleted_id: Id,
    /// How many entries were ever added.
    pub(super) added: i64,
    /// Bytes of the chunks, the map's own not counted.
    bytes: usize,
}

/// Which entries stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// So many of the newest.
    Newest(u64),
    /// From this ID on.
    From(Id),
}

/// What is trimmed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trim {
    pub(crate) keep: Keep,
    /// Only whole chunks.
    pub(crate) is_approximate: bool,
    /// How many entries at most; 0 means any number.
    pub(crate) limit: u64,
}

impl Entries {
    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Chunks that they lie in.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The ID that was given last.
    pub(crate) const fn last_id(&self) -> Id {
        self.last_id
    }

    /// The greatest ID that was deleted one by one.
    pub(crate) const fn max_deleted_id(&self) -> Id {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub(crate) const fn added(&self) -> i64 {
        self.added
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        tree::<Id, Chunk>(self.chunks.len()) + self.bytes
    }

    /// The first entry's ID; 0-0 where there is none.
    pub(crate) fn first_id(&self) -> Id {
        self.range(Id::MIN, Id::MAX).next().map_or(Id::MIN, |entry| entry.id)
    }

    /// The last entry's ID.
    pub(crate) fn last_entry_id(&self) -> Option<Id> {
        self.range_back(Id::MIN, Id::MAX).next().map(|entry| entry.id)
    }

    /// Adds an entry; its ID must be greater than the last one.
    pub(crate) fn add(&mut self, id: Id, pairs: &[&[u8]]) {
        let tail = self
            .chunks
            .last_key_value()
            .filter(|(first, chunk)| **first < id && chunk.has_room(pairs));
        let first = tail.map_or(id, |(first, _)| *first);
        let chunk = self.chunks.entry(first).or_insert_with(|| Chunk::new(id, pairs));
        let before = if first == id { 0 } else { chunk.bytes() };
        chunk.push(first, id, pairs);
        self.bytes = (self.bytes + chunk.bytes()).saturating_sub(before);
        self.len += 1;
        self.added = self.added.saturating_add(1);
        self.last_id = id;
    }

    /// Deletes an entry; whether it was there.
    pub(crate) fn delete(&mut self, id: Id) -> bool {
        let Some((&first, chunk)) = self.chunks.range_mut(..=id).next_back() else {
            return false;
        };
        let before = chunk.bytes();
        if !chunk.delete(first, id) {
            return false;
        }
        self.bytes = (self.bytes + chunk.bytes()).saturating_sub(before);
        if chunk.len() == 0 {
            self.remove_chunk(first);
        }
        self.len = self.len.saturating_sub(1);
        self.max_deleted_id = self.max_deleted_id.max(id);
        true
    }

    /// Deletes old entries; how many (`streamTrim` of `t_stream.c`).
    pub(crate) fn trim(&mut self, trim: Trim) -> usize {
        let mut deleted = 0;
        while let Some((&first, chunk)) = self.chunks.first_key_value() {
            let (entries, last) = (chunk.len(), chunk.last());
            if matches!(trim.keep, Keep::Newest(max) if self.len as u64 <= max)
                || trim.limit > 0 && (deleted + entries) as u64 > trim.limit
            {
                break;
            }
            let whole = match trim.keep {
                Keep::Newest(max) => self.len.saturating_sub(entries) as u64 >= max,
                Keep::From(id) => last < id,
            };
            if !whole {
                if !trim.is_approximate {
                    deleted += self.trim_first_chunk(first, trim.keep);
                }
                break;
            }
            self.remove_chunk(first);
            self.len = self.len.saturating_sub(entries);
            deleted += entries;
        }
        deleted
    }

    /// Entries from one ID to another, both included.
    pub(crate) fn range(&self, start: Id, end: Id) -> impl Iterator<Item = Entry<'_>> {
        self.chunks_of(start, end)
            .flat_map(|(first, chunk)| chunk.iter(*first))
            .skip_while(move |entry| entry.id < start)
            .take_while(move |entry| entry.id <= end)
    }

    /// The same, from the last to the first.
    pub(crate) fn range_back(&self, start: Id, end: Id) -> impl Iterator<Item = Entry<'_>> {
        self.chunks_of(start, end)
            .rev()
            .flat_map(|(first, chunk)| chunk.iter(*first).rev())
            .skip_while(move |entry| entry.id > end)
            .take_while(move |entry| entry.id >= start)
    }

    /// The entry of an ID.
    pub(crate) fn get(&self, id: Id) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    /// Whether something may have been deleted from this ID on (`streamRangeHasTombstones` of
    /// `t_stream.c`).
    pub(crate) fn has_deleted_from(&self, id: Id) -> bool {
        id <= self.max_deleted_id
            && self.max_deleted_id != Id::MIN
            && self.len > 0
            && self.first_id() <= self.max_deleted_id
    }

    /// How many entries were ever added up to this ID, where that can be known
    /// (`streamEstimateDistanceFromFirstEverEntry` of `t_stream.c`).
    pub(crate) fn added_up_to(&self, id: Id) -> Option<i64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id || id == self.last_id {
            return Some(self.added);
        }
        if id > self.last_id {
            return None;
        }
        let first = self.first_id();
        let len = i64::try_from(self.len).unwrap_or(i64::MAX);
        let before_first = self.added.saturating_sub(len);
        if self.max_deleted_id != Id::MIN && self.max_deleted_id >= first {
            return None;
        }
        match id.cmp(&first) {
            core::cmp::Ordering::Less => Some(before_first),
            core::cmp::Ordering::Equal => Some(before_first.saturating_add(1)),
            core::cmp::Ordering::Greater => None,
        }
    }

    /// Frees up to so many chunks; whether there is none left.
    pub(super) fn drop_chunks(&mut self, count: usize) -> bool {
        for _ in 0..count {
            self.chunks.pop_first();
        }
        self.chunks.is_empty()
    }

    fn chunks_of(&self, start: Id, end: Id) -> impl DoubleEndedIterator<Item = (&Id, &Chunk)> {
        let first = self.chunks.range(..=start).next_back().map_or(start, |(first, _)| *first);
        (start <= end).then(|| self.chunks.range(first..=end)).into_iter().flatten()
    }

    fn trim_first_chunk(&mut self, first: Id, keep: Keep) -> usize {
        let Some(chunk) = self.chunks.get_mut(&first) else {
            return 0;
        };
        let (before, mut deleted) = (chunk.bytes(), 0);
        while let Some(id) = chunk.first_id(first) {
            let stays = match keep {
                Keep::Newest(max) => (self.len - deleted) as u64 <= max,
                Keep::From(from) => id >= from,
            };
            if stays {
                break;
            }
            chunk.delete_first();
            deleted += 1;
        }
        self.bytes = (self.bytes + chunk.bytes()).saturating_sub(before);
        self.len -= deleted;
        deleted
    }

    fn remove_chunk(&mut self, first: Id) {
        if let Some(chunk) = self.chunks.remove(&first) {
            self.bytes = self.bytes.saturating_sub(chunk.bytes());
        }
    }
}
