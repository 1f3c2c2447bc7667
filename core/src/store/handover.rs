//! Slots of a cluster that go from one store to another, whose master serves them from then on.

use alloc::vec::Vec;

use super::Store;
use super::locks::Locks;
use super::plan::Shards;
use super::shard::Shard;
use super::space::{Locked, Space};
use super::table::Keyed;
use crate::cluster::slot_of;

impl<L: Locks> Store<L> {
    /// Gives up slots, sorted, of which nothing waits to be written back: what was known of their keys
    /// is forgotten. `hand_over` is told which these are while no command is under way.
    pub fn hand_over(&self, slots: &[u16], hand_over: impl FnOnce(&[u16])) {
        let replay = L::lock(&self.replay);
        let under_way = replay.under_way().and_then(|batch| batch.slot);
        let mut space = Locked::new(self, Shards::all(self.shards.len()));
        let mut waits = |slot: u16| {
            let mut all = 0..self.shards.len();
            under_way == Some(slot)
                || all.any(|at| space.shard(at).journal().first(Some(slot)).is_some())
        };
        let given: Vec<u16> = slots.iter().copied().filter(|slot| !waits(*slot)).collect();
        for at in 0..self.shards.len() {
            space.shard(at).forget(|key| given.binary_search(&slot_of(key)).is_ok());
        }
        hand_over(&given);
    }

    /// Bounds its bytes and those of its journal anew. What is beyond gives way to later writes, as far
    /// as it may.
    pub fn set_limits(&self, bytes_max: usize, journal_bytes_max: usize) {
        self.common.set_bytes_max(bytes_max);
        self.common.set_journal_bytes_max(journal_bytes_max);
    }
}

impl Shard {
    /// Forgets the keys of database 0 that these are.
    fn forget(&mut self, is_forgotten: impl Fn(&[u8]) -> bool) {
        let Some(database) = self.databases.first() else {
            return;
        };
        let keys = database.keys.iter().map(Keyed::key);
        let forgotten: Vec<Vec<u8>> =
            keys.filter(|key| is_forgotten(key)).map(<[u8]>::to_vec).collect();
        for key in forgotten {
            let hash = super::hashing::hash(self.common.seed, &key);
            let place = self.databases.first().and_then(|it| it.keys.find(hash.tag, &key));
            if let Some(place) = place {
                self.remove(0, hash.tag, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::Options;
    use super::*;
    use crate::resp::Value;
    use crate::time::Timestamp;

    #[test]
    fn what_waits_stays_and_the_rest_is_forgotten() {
        let now = Timestamp::from_ms(1);
        let store: Store = Store::with_options(Options::new(1 << 20).with_slots().with_shards(4));
        let run = |line: &str, journalled| {
            let args: Vec<&str> = line.split(' ').collect();
            store.execute(now, &args, journalled).unwrap()
        };
        run("MSET {a}1 x {a}2 x {b}1 x", false);
        run("SET {c}1 x", true);
        let mut slots = vec![slot_of(b"a"), slot_of(b"c"), slot_of(b"d")];
        slots.sort_unstable();
        let mut given = Vec::new();
        store.hand_over(&slots, |slots| given.extend(slots));
        assert_eq!(given.len(), 2);
        assert!(!given.contains(&slot_of(b"c")));
        assert_eq!(run("EXISTS {a}1 {a}2", false), Value::Integer(0));
        assert_eq!(run("EXISTS {b}1 {c}1", false), Value::Integer(2));
        // Once its batch is under way it waits as well, and once that has arrived no longer.
        let batch = store.next_batch(now, 8).unwrap();
        store.batch_sent(&batch);
        store.hand_over(&[slot_of(b"c")], |slots| assert!(slots.is_empty()));
        store.batch_applied();
        store.hand_over(&[slot_of(b"c")], |slots| assert_eq!(slots, [slot_of(b"c")]));
        assert_eq!(run("EXISTS {c}1", false), Value::Integer(0));
    }
}
