//! When the fields of a hash expire.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use super::super::super::memory::heap;

/// Which field expires when, and in which order.
#[derive(Clone, Debug, Default)]
pub(super) struct Expiries {
    times: BTreeMap<Box<[u8]>, u64>,
    order: BTreeSet<(u64, Box<[u8]>)>,
    /// Bytes of the names on the heap, in both.
    bytes: usize,
}

/// What an entry costs in both trees on average, beyond its names.
const ENTRY_BYTES: usize = 72;

impl Expiries {
    pub(super) fn bytes(&self) -> usize {
        heap(size_of::<Self>()) + self.bytes + self.times.len() * ENTRY_BYTES
    }

    pub(super) fn get(&self, field: &[u8]) -> Option<u64> {
        self.times.get(field).copied()
    }

    /// Times in milliseconds with their fields, soonest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.order.iter().map(|(at, field)| (*at, field.as_ref()))
    }

    /// When the first field expires.
    pub(super) fn next(&self) -> Option<u64> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The field that expires first.
    pub(super) fn first(&self) -> Option<&[u8]> {
        self.order.first().map(|(_, field)| field.as_ref())
    }

    pub(super) fn set(&mut self, field: &[u8], at: u64) {
        self.clear(field);
        self.times.insert(field.into(), at);
        self.order.insert((at, field.into()));
        self.bytes += 2 * heap(field.len());
    }

    /// Forgets a field; whether none is left.
    pub(super) fn clear(&mut self, field: &[u8]) -> bool {
        if let Some((field, at)) = self.times.remove_entry(field) {
            self.bytes -= 2 * heap(field.len());
            self.order.remove(&(at, field));
        }
        self.times.is_empty()
    }

    /// Frees about `count` entries; whether all are freed.
    pub(super) fn drop_some(&mut self, count: usize) -> bool {
        for _ in 0..count {
            self.times.pop_first();
            self.order.pop_first();
        }
        self.times.is_empty()
    }
}
