//! A command under way: its arguments, and the keys that it may touch.
//!
//! A command that changes a key says so with exactly one of [`changed`](Call::changed),
//! [`changed_by`](Call::changed_by) and [`replaced`](Call::replaced), after the change. Memory,
//! watches, waiting sessions and the journal all follow from that; an empty collection is removed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::common::Common;
use super::hashing::{KeyHash, hash};
use super::kinds::Kind;
use super::number::{parse_f64, parse_i64};
use super::plan::shard_of;
use super::session::{Nesting, Session};
use super::shard::Shard;
use super::slot::{Data, Slot};
use super::space::Space;
use super::stop::{NOT_A_FLOAT, NOT_AN_INTEGER, Stop, WRONG_TYPE};
use super::table::Place;
use crate::resp::Value;
use crate::time::Timestamp;

/// A command under way. Error replies travel as `Err` inside and become values at the end.
pub(crate) struct Call<'a> {
    /// The time.
    pub(crate) now: Timestamp,
    /// Name and arguments; their number fits the command's arity.
    pub(crate) args: &'a [&'a [u8]],
    /// The caller.
    pub(crate) session: &'a mut Session,
    pub(crate) space: &'a mut dyn Space,
    pub(crate) common: &'a Common,
}

/// What becomes of a string's expiry when it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// It has none.
    #[default]
    None,
    /// It stays.
    Keep,
    /// It is this.
    At(Timestamp),
}

/// A value without its key, on the way to another one.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) data: Data,
    pub(crate) expires_at: Option<Timestamp>,
}

impl<'a> Call<'a> {
    /// The argument at an index; the name is at 0. Empty where there is none.
    pub(crate) fn arg(&self, at: usize) -> &'a [u8] {
        self.args.get(at).copied().unwrap_or_default()
    }

    /// The argument at an index, in capitals: for options.
    pub(crate) fn option(&self, at: usize) -> Vec<u8> {
        self.arg(at).to_ascii_uppercase()
    }

    /// The argument at an index as a whole number.
    pub(crate) fn integer(&self, at: usize) -> Result<i64, Stop> {
        parse_i64(self.arg(at)).ok_or_else(|| NOT_AN_INTEGER.into())
    }

    /// The argument at an index as a floating-point number.
    pub(crate) fn float(&self, at: usize) -> Result<f64, Stop> {
        parse_f64(self.arg(at)).ok_or_else(|| NOT_A_FLOAT.into())
    }

    /// The command's name in small letters, for error texts.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(self.arg(0)).to_lowercase()
    }

    /// Whether replies take the shapes of RESP 3.
    pub(crate) const fn is_resp3(&self) -> bool {
        self.session.protocol == 3
    }

    /// Pairs: each an array of its own in RESP 3, one flat array in RESP 2.
    pub(crate) fn pairs(&self, pairs: Vec<(Value, Value)>) -> Value {
        if self.is_resp3() {
            let pair = |(first, second)| Value::Array([first, second].into());
            Value::Array(pairs.into_iter().map(pair).collect())
        } else {
            Value::Array(pairs.into_iter().flat_map(|(first, second)| [first, second]).collect())
        }
    }

    /// A random number below `end`; 0 where that is 0.
    pub(crate) fn random_below(&self, end: usize) -> usize {
        self.common.below(end)
    }

    /// The seed of what collections hash.
    pub(crate) fn seed(&self) -> u64 {
        self.common.seed
    }

    // Keys.

    fn locate(&mut self, key: &[u8]) -> (KeyHash, usize, Option<Place>) {
        let hash = hash(self.common.seed, key);
        let shard_at = hash.spread as usize & (self.space.shards() - 1);
        let (now, database) = (self.now, self.session.database);
        let place = self.space.shard(shard_at).find(now, database, hash, key);
        (hash, shard_at, place)
    }

    /// The slot of a live key, its use noted.
    fn used_slot(&mut self, key: &[u8]) -> Option<&mut Slot> {
        let (_, shard_at, place) = self.locate(key);
        let (now, database) = (self.now, self.session.database);
        let common = self.common;
        let shard = self.space.shard(shard_at);
        let Some(place) = place else {
            shard.tally.misses += 1;
            return None;
        };
        shard.tally.hits += 1;
        let slot = shard.slot_mut(database, place)?;
        slot.set_used(common.used(now, slot.used()));
        Some(slot)
    }

    /// The slot of a live key, its use not noted.
    pub(crate) fn slot(&mut self, key: &[u8]) -> Option<&Slot> {
        let (_, shard_at, place) = self.locate(key);
        let database = self.session.database;
        self.space.shard(shard_at).slot(database, place?)
    }

    /// Whether a key is there, its use noted.
    pub(crate) fn uses(&mut self, key: &[u8]) -> bool {
        self.used_slot(key).is_some()
    }

    /// Whether a key is there.
    pub(crate) fn exists(&mut self, key: &[u8]) -> bool {
        self.locate(key).2.is_some()
    }

    /// A string, or nothing.
    pub(crate) fn string(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Stop> {
        match self.used_slot(key) {
            None => Ok(None),
            Some(slot) => slot.as_string().map(Some).ok_or_else(|| WRONG_TYPE.into()),
        }
    }

    /// A string to change in place, or nothing.
    pub(crate) fn string_mut(&mut self, key: &[u8]) -> Result<Option<&mut Vec<u8>>, Stop> {
        let Some(slot) = self.used_slot(key) else {
            return Ok(None);
        };
        if slot.as_string().is_none() {
            return Err(WRONG_TYPE.into());
        }
        match &mut slot.as_object_mut().data {
            Data::String(value) => Ok(Some(value)),
            Data::List(_) | Data::Hash(_) | Data::Set(_) | Data::SortedSet(_) | Data::Stream(_) => {
                Err(WRONG_TYPE.into())
            }
        }
    }

    /// Makes a key a string, whatever it was.
    pub(crate) fn set_string(&mut self, key: &[u8], value: &[u8], expiry: Expiry) {
        let (hash, shard_at, place) = self.locate(key);
        let (now, database) = (self.now, self.session.database);
        let common = self.common;
        let shard = self.space.shard(shard_at);
        let before = place.and_then(|place| shard.slot(database, place));
        let kept = before.and_then(Slot::known_expiry);
        let was_bound = expiry == Expiry::Keep && before.is_some_and(Slot::is_bound);
        let used = common.used(now, before.map_or(0, Slot::used));
        let expires_at = match expiry {
            Expiry::None => None,
            Expiry::Keep => kept,
            Expiry::At(at) => Some(at),
        };
        if let Some(place) = place {
            shard.set_string(database, hash.tag, place, value, expires_at, used);
        } else {
            let slot = Slot::string(key, value, expires_at, used);
            shard.insert_new(database, hash.tag, slot);
        }
        if let (true, Some(stale_at), Some(place)) = (was_bound, self.session.stale_at, place) {
            shard.bind(database, hash.tag, place, stale_at);
        }
    }

    /// A value of one type, or nothing.
    pub(crate) fn read<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&K>, Stop> {
        match self.used_slot(key) {
            None => Ok(None),
            Some(Slot::Object(object)) => {
                K::of(&object.data).map(Some).ok_or_else(|| WRONG_TYPE.into())
            }
            Some(Slot::Packed(_)) => Err(WRONG_TYPE.into()),
        }
    }

    /// A value of one type to change, or nothing.
    pub(crate) fn write<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut K>, Stop> {
        match self.used_slot(key) {
            None => Ok(None),
            Some(Slot::Object(object)) => {
                K::of_mut(&mut object.data).map(Some).ok_or_else(|| WRONG_TYPE.into())
            }
            Some(Slot::Packed(_)) => Err(WRONG_TYPE.into()),
        }
    }

    /// A value of one type to change, made where there is none. What stays empty must still be
    /// told by one of the `changed` functions, which then removes it.
    pub(crate) fn write_or_new<K: Kind>(&mut self, key: &[u8]) -> Result<&mut K, Stop> {
        if !self.exists(key) {
            let value = K::new(self.seed());
            self.insert(key, value.into_data(), None);
        }
        self.write(key)?.ok_or_else(|| WRONG_TYPE.into())
    }

    /// Makes a key this value, whatever it was.
    pub(crate) fn insert(&mut self, key: &[u8], data: Data, expires_at: Option<Timestamp>) {
        self.remove(key);
        let (hash, shard_at, _) = self.locate(key);
        let (now, database) = (self.now, self.session.database);
        let used = self.common.used(now, 0);
        let slot = if let Data::String(value) = &data {
            Slot::string(key, value, expires_at, used)
        } else {
            Slot::object(key, data, expires_at, used)
        };
        self.space.shard(shard_at).insert_new(database, hash.tag, slot);
    }

    /// Removes a key; whether it was there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let (hash, shard_at, place) = self.locate(key);
        let database = self.session.database;
        if let Some(place) = place {
            self.space.shard(shard_at).remove(database, hash.tag, place);
        }
        place.is_some()
    }

    /// Takes a key's value out.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<Taken> {
        let (hash, shard_at, place) = self.locate(key);
        let database = self.session.database;
        let slot = self.space.shard(shard_at).take(database, hash.tag, place?)?;
        let expires_at = slot.known_expiry();
        Some(Taken { data: slot.into_data(), expires_at })
    }

    /// A copy of a key's value.
    pub(crate) fn copy(&mut self, key: &[u8]) -> Option<Taken> {
        let slot = self.slot(key)?;
        Some(Taken { expires_at: slot.known_expiry(), data: slot.clone().into_data() })
    }

    /// When a key expires: nothing where it is not there, `Some(None)` where it does not expire.
    #[expect(clippy::option_option, reason = "TTL tells these three apart, too")]
    pub(crate) fn expires_at(&mut self, key: &[u8]) -> Option<Option<Timestamp>> {
        self.slot(key).map(Slot::known_expiry)
    }

    /// Sets or clears a key's expiry.
    pub(crate) fn set_expires_at(&mut self, key: &[u8], expires_at: Option<Timestamp>) {
        let (hash, shard_at, place) = self.locate(key);
        let database = self.session.database;
        if let Some(place) = place {
            self.space.shard(shard_at).set_expires_at(database, hash.tag, place, expires_at);
        }
    }

    /// Lets a key be served until the session's `stale_at`, although nobody knows when it expires.
    pub(crate) fn bind(&mut self, key: &[u8]) {
        let (hash, shard_at, place) = self.locate(key);
        if let (Some(place), Some(stale_at)) = (place, self.session.stale_at) {
            let database = self.session.database;
            self.space.shard(shard_at).bind(database, hash.tag, place, stale_at);
        }
    }

    /// Runs something in another database.
    pub(crate) fn in_database<T>(
        &mut self,
        database: usize,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = core::mem::replace(&mut self.session.database, database);
        let result = run(self);
        self.session.database = before;
        result
    }

    /// Every shard in turn.
    pub(crate) fn each_shard(&mut self, mut visit: impl FnMut(&mut Shard)) {
        for at in 0..self.space.shards() {
            visit(self.space.shard(at));
        }
    }

    // Changes.

    /// The key changed by this very command, which has no other key and leaves nothing to chance.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        self.changed_by(key, self.args);
    }

    /// The key changed as this command would change it, which has no other key, leaves nothing to
    /// chance and names times absolutely.
    pub(crate) fn changed_by(&mut self, key: &[u8], command: &[&[u8]]) {
        let is_journalled = self.is_journalled(key);
        let shard = self.settle(key);
        if is_journalled {
            shard.journal_mut(|journal| journal.changed(key, command));
            self.space.note(key, Some(command));
        }
    }

    /// The key's whole value is what the store now holds, or it is gone.
    pub(crate) fn replaced(&mut self, key: &[u8]) {
        let is_journalled = self.is_journalled(key);
        let shard = self.settle(key);
        if is_journalled {
            shard.journal_mut(|journal| journal.replaced(key));
            self.space.note(key, None);
        }
    }

    /// A key that is not here must not be on Redis either. That is no change to who watches it.
    pub(crate) fn forgotten(&mut self, key: &[u8]) {
        if self.is_journalled(key) {
            self.shard_of(key).journal_mut(|journal| journal.replaced(key));
            self.space.note(key, None);
        }
    }

    /// The shard of a key.
    pub(crate) fn shard_of(&mut self, key: &[u8]) -> &mut Shard {
        let at = shard_of(self.common.seed, key, self.space.shards());
        self.space.shard(at)
    }

    fn is_journalled(&self, key: &[u8]) -> bool {
        self.session.journalled && self.session.database == 0 && !self.common.discards(key)
    }

    fn settle(&mut self, key: &[u8]) -> &mut Shard {
        let (hash, shard_at, place) = self.locate(key);
        let (database, stale_at) = (self.session.database, self.session.stale_at);
        let shard = self.space.shard(shard_at);
        if let Some(place) = place {
            if shard.slot(database, place).is_some_and(Slot::is_bound) {
                // What the application changed here is its own, and no longer a value of Redis.
                match stale_at {
                    Some(stale_at) => shard.bind(database, hash.tag, place, stale_at),
                    None => shard.set_expires_at(database, hash.tag, place, None),
                }
            }
            match shard.slot(database, place) {
                Some(Slot::Object(object)) if object.data.is_gone() => {
                    shard.remove(database, hash.tag, place);
                }
                Some(Slot::Object(_)) => shard.recount(database, place),
                Some(Slot::Packed(_)) | None => {}
            }
        }
        shard.touched(database, key);
        shard
    }

    // Times.

    /// The point in time that a command's expiry means; the error that Redis gives where it is
    /// none. `factor` is 1,000 for seconds.
    pub(crate) fn expiry_from(
        &self,
        number: i64,
        factor: i64,
        relative: bool,
    ) -> Result<Timestamp, Stop> {
        let invalid =
            || Stop::from(format!("ERR invalid expire time in '{}' command", self.name()));
        let ms = number.checked_mul(factor).filter(|ms| *ms > 0).ok_or_else(invalid)?;
        let base = if relative { i64::try_from(self.now.as_ms()).unwrap_or(i64::MAX) } else { 0 };
        let at_ms = ms.checked_add(base).ok_or_else(invalid)?;
        u64::try_from(at_ms).map(Timestamp::from_ms).map_err(|_| invalid())
    }

    /// When a wait of this many seconds, as blocking commands take them, ends.
    pub(crate) fn wait_until(&self, at: usize) -> Result<Option<Timestamp>, Stop> {
        let seconds =
            parse_f64(self.arg(at)).ok_or("ERR timeout is not a float or out of range")?;
        let ms = libm::ceil(seconds * 1_000.0);
        // What does not fit 64 bits wraps to a negative number in Redis 7.0.
        if !(0.0..9_223_372_036_854_775_808.0).contains(&ms) {
            return Err("ERR timeout is negative".into());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked before"
        )]
        let ms = ms as u64;
        Ok((ms > 0).then(|| self.now.plus_ms(ms)))
    }

    /// Whether the command may wait here: not in a transaction or a script.
    pub(crate) fn may_block(&self) -> bool {
        self.session.may_block && self.session.nesting == Nesting::None
    }
}

/// A count as a reply.
pub(crate) fn count(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// 1 or 0 as a reply.
pub(crate) fn flag(is_so: bool) -> Value {
    Value::Integer(i64::from(is_so))
}

/// Bytes as a reply, or no value.
pub(crate) fn bulk_or_nil(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Nil, Value::bulk)
}

/// The half-open range of indices that Redis' start and stop mean for this many elements;
/// negative ones count from the end, both are inclusive. Empty where they miss.
pub(crate) fn range(start: i64, stop: i64, len: usize) -> core::ops::Range<usize> {
    let len_signed = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { index.saturating_add(len_signed) } else { index };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(len_signed - 1);
    if start > stop || start >= len_signed {
        return 0..0;
    }
    let start = usize::try_from(start).unwrap_or(len);
    start..usize::try_from(stop + 1).unwrap_or(len)
}
