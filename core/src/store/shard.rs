//! A part of the keyspace: the keys of all databases whose hashes fall here.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::common::Common;
use super::eviction::Eviction;
use super::hashing::KeyHash;
use super::memory::{UNSORTED_BLOCKS_MAX, sort_free_blocks};
use super::slot::{Data, Slot};
use super::table::{Keyed, Place, Table};
use crate::journal::Journal;
use crate::time::Timestamp;

/// Databases that SELECT knows, as in a default configuration of Redis.
pub(crate) const DATABASES: usize = 16;
/// Expired keys that one command clears away on its way.
const EXPIRED_BY_COMMAND_MAX: usize = 16;
/// Elements of given-up values that one command frees on its way.
const FREED_BY_COMMAND_MAX: usize = 256;
/// Values with more heap than this are freed bit by bit.
const FREED_AT_ONCE_BYTES_MAX: usize = 64 * 1_024;
/// What a place in the table costs on average.
const SLOT_BYTES: usize = 31;
/// What an entry in the order of expiry costs on average.
const EXPIRY_BYTES: usize = 26;

/// A part of the keyspace. A store has one; a store that threads share has many, each behind a
/// lock of its own.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) databases: Vec<Database>,
    pub(crate) common: Arc<Common>,
    /// Keys that sessions watch, and the version of their last change.
    watched: BTreeMap<(usize, Vec<u8>), Watched>,
    version: u64,
    /// Keys that changed while sessions wait for some.
    pub(crate) ready: Vec<(usize, Vec<u8>)>,
    garbage: Vec<Garbage>,
    /// No key expires before.
    due_at: u64,
    pub(super) journal: Journal,
    pub(crate) tally: Tally,
    /// Blocks of memory that were given back since the allocator last sorted them.
    unsorted: usize,
}

/// What happened to keys, for INFO.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired: u64,
    pub(crate) evicted: u64,
}

/// One database's part in a shard.
#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) keys: Table<Slot>,
    /// When which tag's key expires, soonest first.
    pub(crate) expiries: BTreeSet<(u64, u32)>,
    /// Bytes of its keys, values and bookkeeping.
    bytes: usize,
}

#[derive(Debug, Default)]
struct Watched {
    sessions: usize,
    version: u64,
}

/// What is given up and not freed yet.
#[derive(Debug)]
enum Garbage {
    Keys(Table<Slot>),
    Expiries(BTreeSet<(u64, u32)>),
    Value(Data),
}

impl Shard {
    pub(crate) fn new(common: Arc<Common>) -> Self {
        Self {
            databases: Vec::new(),
            journal: Journal::new(common.by_slot),
            common,
            watched: BTreeMap::new(),
            version: 0,
            ready: Vec::new(),
            garbage: Vec::new(),
            due_at: u64::MAX,
            tally: Tally::default(),
            unsorted: 0,
        }
    }

    /// Where a live key lies. An expired one is removed.
    pub(crate) fn find(
        &mut self,
        now: Timestamp,
        database: usize,
        hash: KeyHash,
        key: &[u8],
    ) -> Option<Place> {
        let keys = &self.databases.get(database)?.keys;
        let place = keys.find(hash.tag, key)?;
        if keys.get(place)?.is_expired(now) {
            self.remove(database, hash.tag, place);
            self.tally.expired += 1;
            self.touched(database, key);
            return None;
        }
        Some(place)
    }

    pub(crate) fn slot(&self, database: usize, place: Place) -> Option<&Slot> {
        self.databases.get(database)?.keys.get(place)
    }

    pub(crate) fn slot_mut(&mut self, database: usize, place: Place) -> Option<&mut Slot> {
        self.databases.get_mut(database)?.keys.get_mut(place)
    }

    /// Adds a key that is not there.
    pub(crate) fn insert_new(&mut self, database: usize, tag: u32, slot: Slot) -> Option<Place> {
        self.grow_to(database);
        let expires_at = slot.expires_at();
        let expiry_bytes = if expires_at.is_some() { EXPIRY_BYTES } else { 0 };
        self.count(database, SLOT_BYTES + slot.counted() + expiry_bytes, 0);
        let target = self.databases.get_mut(database)?;
        if let Some(at) = expires_at {
            target.expiries.insert((at.as_ms(), tag));
            self.due_at = self.due_at.min(at.as_ms());
        }
        Some(target.keys.insert_new(tag, slot))
    }

    /// Databases are made when they are first used.
    fn grow_to(&mut self, database: usize) {
        if database >= self.databases.len() {
            self.databases.resize_with(database + 1, Database::default);
        }
    }

    /// Sets a string at a place, with its expiry.
    pub(crate) fn set_string(
        &mut self,
        database: usize,
        tag: u32,
        place: Place,
        value: &[u8],
        expires_at: Option<Timestamp>,
        used: u32,
    ) {
        self.reschedule(database, tag, place, expires_at);
        let Some(slot) = self.slot_mut(database, place) else {
            return;
        };
        let before = slot.counted();
        slot.set_string(value, expires_at, used);
        let after = slot.counted();
        self.count(database, after, before);
        self.gave_back(1);
    }

    /// Sets or clears the expiry of the key at a place.
    pub(crate) fn set_expires_at(
        &mut self,
        database: usize,
        tag: u32,
        place: Place,
        expires_at: Option<Timestamp>,
    ) {
        self.reschedule(database, tag, place, expires_at);
        if let Some(slot) = self.slot_mut(database, place) {
            let before = slot.counted();
            slot.set_expires_at(expires_at);
            let after = slot.counted();
            self.count(database, after, before);
        }
    }

    /// Lets the key at a place be served until then, although nobody knows when it expires.
    pub(crate) fn bind(&mut self, database: usize, tag: u32, place: Place, stale_at: Timestamp) {
        self.set_expires_at(database, tag, place, Some(stale_at));
        if let Some(slot) = self.slot_mut(database, place) {
            slot.bind();
        }
    }

    /// Counts anew what the value at a place takes, after it changed.
    pub(crate) fn recount(&mut self, database: usize, place: Place) {
        if let Some(Slot::Object(object)) = self.slot_mut(database, place) {
            let before = object.counted;
            object.counted = object.bytes();
            let after = object.counted;
            self.count(database, after, before);
        }
    }

    /// Takes out the key at a place.
    pub(crate) fn take(&mut self, database: usize, tag: u32, place: Place) -> Option<Slot> {
        self.reschedule(database, tag, place, None);
        let slot = self.databases.get_mut(database)?.keys.remove(place)?;
        self.gave_back(1);
        self.count(database, 0, SLOT_BYTES + slot.counted());
        Some(slot)
    }

    /// Removes the key at a place. What is large is freed later, bit by bit.
    pub(crate) fn remove(&mut self, database: usize, tag: u32, place: Place) {
        if let Some(slot) = self.take(database, tag, place)
            && slot.counted() > FREED_AT_ONCE_BYTES_MAX
        {
            self.garbage.push(Garbage::Value(slot.into_data()));
        }
    }

    /// Forgets every key of a database.
    pub(crate) fn clear(&mut self, database: usize) {
        let Some(target) = self.databases.get_mut(database) else {
            return;
        };
        let old = core::mem::take(target);
        self.common.count(0, old.bytes);
        let seed = self.common.seed;
        self.touch_watched(database, |key| {
            old.keys.find(super::hashing::hash(seed, key).tag, key).is_some()
        });
        self.garbage.push(Garbage::Keys(old.keys));
        self.garbage.push(Garbage::Expiries(old.expiries));
    }

    /// Forgets every key.
    pub(crate) fn clear_all(&mut self) {
        for database in 0..self.databases.len() {
            self.clear(database);
        }
    }

    /// Keys of all databases.
    pub(crate) fn len(&self) -> usize {
        self.databases.iter().map(|database| database.keys.len()).sum()
    }

    /// Exchanges two databases.
    pub(crate) fn swap(&mut self, first: usize, second: usize) {
        if first == second {
            return;
        }
        self.grow_to(first.max(second));
        self.databases.swap(first, second);
        for database in [first, second] {
            self.touch_watched(database, |_| true);
        }
    }

    /// Notes that about so many blocks of memory were given back.
    fn gave_back(&mut self, blocks: usize) {
        self.unsorted += blocks;
        if self.unsorted >= UNSORTED_BLOCKS_MAX {
            self.unsorted = 0;
            sort_free_blocks();
        }
    }

    fn count(&mut self, database: usize, more: usize, less: usize) {
        if let Some(target) = self.databases.get_mut(database) {
            target.bytes = (target.bytes + more).saturating_sub(less);
        }
        self.common.count(more, less);
    }

    /// Moves a key's entry in the order of expiry.
    fn reschedule(
        &mut self,
        database: usize,
        tag: u32,
        place: Place,
        expires_at: Option<Timestamp>,
    ) {
        let Some(target) = self.databases.get_mut(database) else {
            return;
        };
        let before = target.keys.get(place).and_then(Slot::expires_at);
        if before == expires_at {
            return;
        }
        if let Some(at) = before {
            target.expiries.remove(&(at.as_ms(), tag));
        }
        if let Some(at) = expires_at {
            target.expiries.insert((at.as_ms(), tag));
            self.due_at = self.due_at.min(at.as_ms());
        }
        let cost = |expiry: Option<Timestamp>| if expiry.is_some() { EXPIRY_BYTES } else { 0 };
        self.count(database, cost(expires_at), cost(before));
    }

    /// Clears away a bounded number of expired keys and of what was given up, as every command
    /// does on its way; whether there is more.
    pub(crate) fn housekeep(&mut self, now: Timestamp) -> bool {
        if now.as_ms() <= self.due_at && self.garbage.is_empty() {
            return false;
        }
        let mut left = EXPIRED_BY_COMMAND_MAX;
        for database in 0..self.databases.len() {
            while left > 0 && self.expire_one(now, database) {
                left -= 1;
            }
        }
        self.due_at = self.next_expiry().map_or(u64::MAX, Timestamp::as_ms);
        self.free_some();
        left == 0 || !self.garbage.is_empty()
    }

    /// When the next key expires.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        let firsts = self.databases.iter().filter_map(|database| database.expiries.first());
        firsts.map(|(at, _)| Timestamp::from_ms(*at)).min()
    }

    fn expire_one(&mut self, now: Timestamp, database: usize) -> bool {
        let Some(target) = self.databases.get_mut(database) else {
            return false;
        };
        let Some(&(at, tag)) = target.expiries.first() else {
            return false;
        };
        if at >= now.as_ms() {
            return false;
        }
        let due = Some(Timestamp::from_ms(at));
        match target.keys.find_by(tag, |slot| slot.expires_at() == due) {
            Some(place) => {
                let key = target.keys.get(place).map(|slot| slot.key().to_vec());
                self.remove(database, tag, place);
                self.tally.expired += 1;
                self.touched(database, &key.unwrap_or_default());
            }
            // Two keys of one tag that expire together share one entry; the other is met on access.
            None => {
                target.expiries.pop_first();
            }
        }
        true
    }

    fn free_some(&mut self) {
        let Some(garbage) = self.garbage.last_mut() else {
            return;
        };
        let done = match garbage {
            Garbage::Keys(keys) => keys.drop_some(FREED_BY_COMMAND_MAX / 4),
            Garbage::Expiries(expiries) => {
                for _ in 0..FREED_BY_COMMAND_MAX {
                    expiries.pop_first();
                }
                expiries.is_empty()
            }
            Garbage::Value(data) => data.drop_some(FREED_BY_COMMAND_MAX),
        };
        self.gave_back(FREED_BY_COMMAND_MAX);
        if done {
            self.garbage.pop();
        }
    }

    /// Evicts the best of a few keys; whether there was one.
    pub(crate) fn evict_one(&mut self, now: Timestamp, policy: Eviction) -> bool {
        if policy == Eviction::NoEviction {
            return false;
        }
        let mut best: Option<(u32, usize, Vec<u8>)> = None;
        for (database, target) in self.databases.iter().enumerate() {
            for slot in target.candidates(policy, self.common.random()) {
                // What expires next is the first of the candidates.
                let idleness = if policy == Eviction::VolatileTtl {
                    u32::MAX
                } else {
                    policy.idleness(now, slot.used())
                };
                let better = best.as_ref().is_none_or(|(most, ..)| idleness > *most);
                // What waits for Redis must not be lost.
                if better && (database != 0 || !self.journal.holds(slot.key())) {
                    best = Some((idleness, database, slot.key().to_vec()));
                }
            }
        }
        let Some((_, database, key)) = best else {
            return false;
        };
        let hash = super::hashing::hash(self.common.seed, &key);
        if let Some(place) =
            self.databases.get(database).and_then(|at| at.keys.find(hash.tag, &key))
        {
            self.remove(database, hash.tag, place);
            self.tally.evicted += 1;
            self.touched(database, &key);
        }
        true
    }

    /// Notes that a key changed, for those that watch it or wait for it.
    pub(crate) fn touched(&mut self, database: usize, key: &[u8]) {
        self.version += 1;
        if !self.watched.is_empty()
            && let Some(watched) = self.watched.get_mut(&(database, key.to_vec()))
        {
            watched.version = self.version;
        }
        if self.common.waiting.load(Ordering::Relaxed) > 0 {
            self.ready.push((database, key.to_vec()));
        }
    }

    /// Notes that watched keys of a database changed: those that `is_changed`.
    fn touch_watched(&mut self, database: usize, is_changed: impl Fn(&[u8]) -> bool) {
        self.version += 1;
        for ((watched_in, key), watched) in &mut self.watched {
            if *watched_in == database && is_changed(key) {
                watched.version = self.version;
            }
        }
    }

    /// Begins to watch a key; its version.
    pub(crate) fn watch(&mut self, database: usize, key: &[u8]) -> u64 {
        let watched = self.watched.entry((database, key.to_vec())).or_default();
        watched.sessions += 1;
        watched.version
    }

    /// Ends a watch; whether the key is as it was.
    pub(crate) fn unwatch(&mut self, database: usize, key: &[u8], version: u64) -> bool {
        let name = (database, key.to_vec());
        let Some(watched) = self.watched.get_mut(&name) else {
            return false;
        };
        let same = watched.version == version;
        watched.sessions = watched.sessions.saturating_sub(1);
        if watched.sessions == 0 {
            self.watched.remove(&name);
        }
        same
    }
}
