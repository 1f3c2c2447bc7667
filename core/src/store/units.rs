//! Keys that one transaction, script or command of several keys changed: they reach Redis together.
//!
//! The journal keeps what a key becomes and not when, so units that share a key become one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::journal::ledger::Entry;

/// Keys that one unit may have. Units that would become larger stay apart: a transaction of more
/// keys would keep a server that has just come back from everybody else.
const KEYS_MAX: usize = 1_024;
/// What a key in a unit costs beyond its bytes, which are kept twice.
const KEY_OVERHEAD_BYTES: usize = 128;

/// Which keys belong together.
#[derive(Debug, Default)]
pub(crate) struct Units {
    unit_of: BTreeMap<Vec<u8>, u64>,
    keys_of: BTreeMap<u64, Vec<Vec<u8>>>,
    last: u64,
    /// Units of the batch whose fate is not known, with their numbers.
    under_way: Vec<(u64, Vec<Vec<u8>>)>,
    bytes: usize,
}

impl Units {
    /// Bytes of names and bookkeeping.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// These keys changed together; what a ledger is told of that, if it is news.
    pub(crate) fn join(&mut self, mut keys: Vec<Vec<u8>>) -> Option<Entry> {
        keys.sort_unstable();
        keys.dedup();
        let mut units: Vec<u64> =
            keys.iter().filter_map(|key| self.unit_of.get(key)).copied().collect();
        units.sort_unstable();
        units.dedup();
        let joined: usize =
            units.iter().filter_map(|unit| self.keys_of.get(unit)).map(Vec::len).sum();
        let new = keys.iter().filter(|key| !self.unit_of.contains_key(*key)).count();
        let is_one = new == 0 && units.len() == 1;
        if is_one || keys.len() < 2 || joined + new > KEYS_MAX {
            return None;
        }
        self.last += 1;
        let mut members: Vec<Vec<u8>> = Vec::new();
        for unit in &units {
            members.extend(self.keys_of.remove(unit).unwrap_or_default());
        }
        for key in keys {
            if !self.unit_of.contains_key(&key) {
                self.bytes += cost_of(&key);
                members.push(key);
            }
        }
        for key in &members {
            self.unit_of.insert(key.clone(), self.last);
        }
        let entry = Entry::Unit { number: self.last, keys: members.clone(), merged: units };
        self.keys_of.insert(self.last, members);
        Some(entry)
    }

    /// Takes units of a process that is gone.
    pub(crate) fn restore(&mut self, units: Vec<(u64, Vec<Vec<u8>>)>, is_under_way: bool) {
        for (number, keys) in units {
            self.last = self.last.max(number);
            self.bytes += keys.iter().map(|key| cost_of(key)).sum::<usize>();
            if is_under_way {
                self.under_way.push((number, keys));
            } else {
                self.unit_of.extend(keys.iter().map(|key| (key.clone(), number)));
                self.keys_of.insert(number, keys);
            }
        }
    }

    /// The keys that must go with this one, itself among them, on their way now, and the number of
    /// their unit.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<(u64, &[Vec<u8>])> {
        let unit = self.unit_of.get(key).copied()?;
        let members = self.keys_of.remove(&unit)?;
        for key in &members {
            self.unit_of.remove(key);
        }
        self.under_way.push((unit, members));
        self.under_way.last().map(|(unit, members)| (*unit, members.as_slice()))
    }

    /// What was on its way arrived.
    pub(crate) fn applied(&mut self) {
        for key in self.under_way.drain(..).flat_map(|(_, keys)| keys) {
            self.bytes = self.bytes.saturating_sub(cost_of(&key));
        }
    }

    /// What was on its way did not arrive; what a ledger is told of that.
    pub(crate) fn returned(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (_, members) in core::mem::take(&mut self.under_way) {
            for key in &members {
                self.bytes = self.bytes.saturating_sub(cost_of(key));
            }
            entries.extend(self.join(members));
        }
        entries
    }
}

const fn cost_of(key: &[u8]) -> usize {
    2 * key.len() + KEY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn keys(names: &str) -> Vec<Vec<u8>> {
        names.split(' ').map(|name| name.as_bytes().to_vec()).collect()
    }

    #[test]
    fn units_that_share_a_key_become_one_and_come_back_as_one() {
        let mut units = Units::default();
        units.join(keys("a b"));
        units.join(keys("c d d"));
        units.join(keys("alone alone"));
        assert_eq!(units.take(b"alone"), None);
        units.join(keys("b c"));
        let mut members = units.take(b"d").unwrap().1.to_vec();
        members.sort();
        assert_eq!(members, keys("a b c d"));
        assert!(units.take(b"a").is_none());
        // Meanwhile another transaction changes one of them.
        units.join(keys("a x"));
        units.returned();
        assert_eq!(units.take(b"x").unwrap().1.len(), 5);
        units.applied();
        assert_eq!(units.bytes(), 0);
    }

    #[test]
    fn a_unit_is_bounded() {
        let mut units = Units::default();
        for n in 0..2 * KEYS_MAX {
            units.join(keys(&format!("shared key:{n}")));
        }
        assert_eq!(units.take(b"shared").unwrap().1.len(), KEYS_MAX);
        assert_eq!(units.take(b"key:2000"), None);
    }
}
