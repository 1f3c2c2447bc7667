//! The journal of all shards, and the way back to Redis.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;

use super::Store;
use super::hashing::hash;
use super::locks::Locks;
use super::plan::{self, Shards};
use super::shard::Shard;
use super::space::{Locked, Noted, Space};
use super::units::Units;
use crate::journal::known::Known;
use crate::journal::ledger::{Entry, Ledger, Restored};
use crate::journal::{Batch, DeadLetter, Journal};
use crate::rules::Rules;
use crate::time::Timestamp;

/// A command with its arguments.
type Args = Vec<Vec<u8>>;

/// Bytes after which a batch takes no further key.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Dead letters that are kept. Beyond it the oldest go: who has not read a thousand will not read more.
const DEAD_LETTERS_MAX: usize = 1_000;
/// Bytes of dead letters that are kept, beyond the last one.
const DEAD_LETTERS_BYTES_MAX: usize = 1 << 20;

/// How far the journal was written back.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The number of the last batch.
    sequence: u64,
    /// The batch that was put together last, while its fate is not known.
    under_way: Option<Batch>,
    /// Whether it was sent.
    is_sent: bool,
    dead_letters: VecDeque<DeadLetter>,
}

impl Replay {
    /// The batch that was put together last, while its fate is not known.
    pub(super) const fn under_way(&self) -> Option<&Batch> {
        self.under_way.as_ref()
    }
}

/// What must be written back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Keys that wait, those of a batch under way included.
    pub keys: usize,
    /// Bytes of their names, their commands and bookkeeping.
    pub bytes: usize,
    /// The number of the batch whose fate is not known: ask Redis for its marker.
    pub in_doubt: Option<u64>,
}

/// The journal, and the way back to Redis.
impl<L: Locks> Store<L> {
    /// What must be written back.
    pub fn journal(&self) -> Pending {
        let replay = L::lock(&self.replay);
        Pending {
            keys: self.each(|shard| shard.journal().len()).sum(),
            bytes: self.common.journal_bytes(),
            in_doubt: replay.under_way.as_ref().filter(|_| replay.is_sent).map(|it| it.sequence),
        }
    }

    /// The next batch for Redis, of at most `keys_max` keys, or of more where they changed together in
    /// one transaction, script or command; none where the journal is empty. Where the fate of the batch
    /// before is not known, that batch once more, as it was: a copy of it may still be on its way.
    /// Tell [`batch_sent`](Self::batch_sent) before it is sent. What keeps the journal knows of it at once.
    pub fn next_batch(&self, now: Timestamp, keys_max: usize) -> Option<Batch> {
        self.next_batch_near(now, keys_max, None)
    }

    /// As [`next_batch`](Self::next_batch). For a cluster all its keys lie in one slot: this one, where
    /// any of it wait.
    pub fn next_batch_near(
        &self,
        now: Timestamp,
        keys_max: usize,
        slot: Option<u16>,
    ) -> Option<Batch> {
        let mut replay = L::lock(&self.replay);
        if let Some(batch) = &replay.under_way {
            if replay.is_sent {
                return replay.under_way.clone();
            }
            self.return_batch(now, batch);
            replay.under_way = None;
        }
        let mut batch = Batch::new(replay.sequence + 1, now);
        self.fill(now, &mut batch, keys_max.max(1), slot);
        if batch.keys() == 0 {
            return None;
        }
        replay.sequence = batch.sequence;
        replay.is_sent = false;
        replay.under_way = Some(batch.clone());
        Some(batch)
    }

    /// On a cluster, the slot that is written back next: that of a batch whose fate is not known, or the
    /// first of which keys wait.
    pub fn next_slot(&self) -> Option<u16> {
        let replay = L::lock(&self.replay);
        if let Some(batch) = &replay.under_way {
            return batch.slot;
        }
        drop(replay);
        if !self.common.by_slot {
            return None;
        }
        self.each(|shard| shard.journal().first_slot()).flatten().min()
    }

    /// This batch, which [`next_batch`](Self::next_batch) gave, is about to be sent: from here on it may
    /// have reached Redis.
    pub fn batch_sent(&self, batch: &Batch) {
        let mut replay = L::lock(&self.replay);
        if replay.is_sent {
            // The same commands; by now others may have changed what Redis refuses of them.
            replay.under_way = Some(batch.clone());
            return;
        }
        if let Some(ledger) = self.ledger.as_ref().filter(|_| batch.is_amended()) {
            ledger.keep(vec![Entry::Amended(batch.to_sent())]);
        }
        replay.under_way = Some(batch.clone());
        replay.is_sent = true;
    }

    /// What Redis refused of the batch under way, if it took it.
    pub(crate) fn foreseen_refusals(&self) -> Vec<DeadLetter> {
        let under_way = L::lock(&self.replay).under_way.clone();
        under_way.map(Batch::into_foreseen).unwrap_or_default()
    }

    /// The batch under way reached Redis; how many keys it had.
    pub fn batch_applied(&self) -> usize {
        let mut replay = L::lock(&self.replay);
        replay.under_way = None;
        let keys = self.each(|shard| shard.journal_mut(Journal::applied)).sum();
        self.change_units(Units::applied);
        if let Some(ledger) = &self.ledger {
            ledger.keep(vec![Entry::Applied]);
        }
        keys
    }

    /// The batch under way did not reach Redis, and no copy of it is on its way: it waits again, before
    /// what was written since.
    pub fn batch_returned(&self, now: Timestamp) {
        if let Some(batch) = L::lock(&self.replay).under_way.take() {
            self.return_batch(now, &batch);
        }
    }

    fn return_batch(&self, now: Timestamp, batch: &Batch) {
        let mut space = Locked::new(self, Shards::all(self.shards.len()));
        for at in 0..self.shards.len() {
            space.shard(at).journal_mut(Journal::returned);
        }
        let units = self.change_units(Units::returned);
        if let Some(ledger) = &self.ledger {
            let mut entries = vec![Entry::Returned];
            for key in batch.names() {
                self.tell(&mut space, now, key, None, &mut entries);
            }
            entries.extend(units);
            ledger.keep(entries);
        }
    }

    /// Moves keys into a batch, each with all that changed together with it. Every shard is locked, so
    /// that nothing changes together meanwhile; the batch is small, so that is short.
    fn fill(&self, now: Timestamp, batch: &mut Batch, keys_max: usize, near: Option<u16>) {
        let mut space = Locked::new(self, Shards::all(self.shards.len()));
        let mut units = L::lock(&self.units);
        if self.common.by_slot {
            let mut all = 0..self.shards.len();
            let waits = |at: usize| space.shard(at).journal().first(near).is_some();
            batch.slot = if near.is_some() && all.any(waits) {
                near
            } else {
                (0..self.shards.len()).filter_map(|at| space.shard(at).journal().first_slot()).min()
            };
        }
        for at in 0..self.shards.len() {
            while batch.keys() < keys_max
                && batch.bytes() < BATCH_BYTES_MAX
                && let Some(key) = space.shard(at).journal().first(batch.slot).map(<[u8]>::to_vec)
            {
                let single = [key];
                let (unit, keys) = units.take(&single[0]).unwrap_or((0, &single));
                // What a script changed in other slots goes with those: no cluster takes both at once.
                for key in keys.iter().filter(|key| batch.takes(key)).collect::<Vec<_>>() {
                    let at = plan::shard_of(self.common.seed, key, self.shards.len());
                    space.shard(at).move_to(now, batch, key, unit);
                }
            }
        }
        if let Some(ledger) = self.ledger.as_ref().filter(|_| batch.keys() > 0) {
            ledger.keep(vec![Entry::Sent(batch.to_sent())]);
        }
    }

    /// Ends what a command changed, while its keys are locked: notes what belongs together where `is_unit`,
    /// and tells the ledger.
    pub(super) fn end_unit(&self, space: &mut Locked<'_, L>, now: Timestamp, is_unit: bool) {
        let noted = space.end_unit();
        if noted.is_empty() {
            return;
        }
        let mut entries = Vec::new();
        if self.ledger.is_some() {
            let mut told: BTreeMap<&[u8], Option<Vec<Args>>> = BTreeMap::new();
            for Noted { key, command } in &noted {
                let further = told.entry(key).or_insert_with(|| Some(Vec::new()));
                match (further.as_mut(), command) {
                    (Some(further), Some(command)) => further.push(command.clone()),
                    _ => *further = None,
                }
            }
            for (key, further) in told {
                self.tell(space, now, key, further, &mut entries);
            }
        }
        if is_unit && noted.len() > 1 {
            let keys = noted.into_iter().map(|note| note.key).collect();
            entries.extend(self.change_units(|units| units.join(keys)));
        }
        if let Some(ledger) = self.ledger.as_ref().filter(|_| !entries.is_empty()) {
            ledger.keep(entries);
        }
    }

    fn tell(
        &self,
        space: &mut Locked<'_, L>,
        now: Timestamp,
        key: &[u8],
        further: Option<Vec<Vec<Vec<u8>>>>,
        entries: &mut Vec<Entry>,
    ) {
        let at = plan::shard_of(self.common.seed, key, self.shards.len());
        space.shard(at).tell(key, now, further, entries);
    }

    fn change_units<T>(&self, change: impl FnOnce(&mut Units) -> T) -> T {
        let mut units = L::lock(&self.units);
        let before = units.bytes();
        let result = change(&mut units);
        self.common.count_journal(units.bytes(), before);
        result
    }

    /// What Redis refused for good, oldest first: the last thousand at most, or
    /// the last MiB of them.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        L::lock(&self.replay).dead_letters.iter().cloned().collect()
    }

    pub(crate) fn keep_dead_letters(&self, letters: Vec<DeadLetter>) {
        let kept = &mut L::lock(&self.replay).dead_letters;
        kept.extend(letters);
        let mut bytes: usize = kept.iter().map(DeadLetter::bytes).sum();
        while kept.len() > DEAD_LETTERS_MAX || bytes > DEAD_LETTERS_BYTES_MAX && kept.len() > 1 {
            bytes -= kept.pop_front().map_or(0, |letter| letter.bytes());
        }
    }

    /// Where nothing is left to write back: forgets all keys, for Redis knows better now, and runs
    /// `switch`, while no command is under way. What comes after it goes by its outcome.
    pub fn when_written_back<T>(&self, switch: impl FnOnce() -> T) -> Option<T> {
        let mut space = Locked::new(self, Shards::all(self.shards.len()));
        let mut all = 0..self.shards.len();
        if !all.all(|at| space.shard(at).journal().is_empty()) {
            return None;
        }
        for at in 0..self.shards.len() {
            space.shard(at).clear_all();
        }
        Some(switch())
    }

    /// Forgets all keys. What it knows may be wrong once Redis answers again.
    pub fn clear(&self) {
        self.each(Shard::clear_all).for_each(drop);
    }

    /// Has every change of the journal told to `ledger` from here on.
    pub fn set_ledger(&mut self, ledger: Box<dyn Ledger>) {
        self.ledger = Some(ledger);
    }

    /// Takes what a process that is gone left in its ledger, before the first command. Where only changes
    /// of a key are known, they are all that is answered of it until it is written back. It has room
    /// beyond the limits of the store.
    pub fn restore(&self, restored: &Restored) {
        let bytes_max = self.common.bytes_max();
        self.common.set_bytes_max(usize::MAX);
        let repeat = |at: Timestamp, args: &Vec<Vec<u8>>| {
            // What cannot be told without the value before is left to Redis.
            let _ = self.execute(at, args, false);
        };
        let journal = |key: &[u8], change: &dyn Fn(&mut Journal)| {
            let at = plan::shard_of(self.common.seed, key, self.shards.len());
            if let Some(shard) = self.shards.get(at) {
                L::lock(shard).journal_mut(change);
            }
        };
        let mut replay = L::lock(&self.replay);
        replay.sequence = restored.sequence;
        let mut units_sent: Vec<(u64, Vec<Vec<u8>>)> = Vec::new();
        if let Some(sent) = &restored.sent {
            replay.sequence = sent.sequence;
            replay.under_way = Some(Batch::restored(sent));
            replay.is_sent = true;
            for key in &sent.keys {
                key.commands.iter().for_each(|args| repeat(sent.at, args));
                journal(&key.key, &|journal| journal.restore_under_way(key));
                match units_sent.iter_mut().find(|(unit, _)| *unit == key.unit) {
                    Some((_, keys)) => keys.push(key.key.clone()),
                    None if key.unit == 0 => {}
                    None => units_sent.push((key.unit, vec![key.key.clone()])),
                }
            }
        }
        for (key, state, further) in &restored.keys {
            if state.is_replaced {
                repeat(state.at, &vec![b"DEL".to_vec(), key.clone()]);
            }
            state.commands.iter().for_each(|args| repeat(state.at, args));
            for (at, args) in further {
                repeat(*at, args);
            }
            journal(key, &|journal| journal.restore(key, state, further));
        }
        self.change_units(|units| {
            units.restore(units_sent, true);
            units.restore(restored.units.clone(), false);
        });
        self.common.set_bytes_max(bytes_max);
    }

    /// The rules by which it treats keys.
    pub(crate) fn rules(&self) -> &Rules {
        &self.common.rules
    }

    /// What a key holds, where that can be compared with Redis.
    #[cfg(test)]
    pub(crate) fn known(&self, now: Timestamp, key: &[u8]) -> Option<Known> {
        let at = plan::shard_of(self.common.seed, key, self.shards.len());
        L::lock(self.shards.get(at)?).known(now, key)
    }
}

/// What waits of the keys of one shard.
impl Shard {
    /// What must be written back of these keys.
    pub(crate) const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Changes what must be written back.
    pub(crate) fn journal_mut<T>(&mut self, change: impl FnOnce(&mut Journal) -> T) -> T {
        let before = self.journal.bytes();
        let result = change(&mut self.journal);
        self.common.count_journal(self.journal.bytes(), before);
        result
    }

    /// Moves what must be written back of a key into a batch.
    pub(crate) fn move_to(&mut self, now: Timestamp, batch: &mut Batch, key: &[u8], unit: u64) {
        let mut journal = core::mem::take(&mut self.journal);
        journal.move_to(batch, key, unit, |key| self.rebuild(now, key));
        self.journal = journal;
    }

    /// What a ledger is to be told of a key that commands changed: see [`Journal::tell`]. Nothing where
    /// not each of them tells how.
    pub(crate) fn tell(
        &mut self,
        key: &[u8],
        now: Timestamp,
        further: Option<Vec<Vec<Vec<u8>>>>,
        entries: &mut Vec<Entry>,
    ) {
        let mut journal = core::mem::take(&mut self.journal);
        journal.tell(key, now, further, |key| self.rebuild(now, key), entries);
        self.journal = journal;
    }

    /// Notes what a key holds that no change of is to be written back yet: the last that was known of
    /// Redis.
    pub(crate) fn glimpse(&mut self, now: Timestamp, key: &[u8]) {
        if !self.journal.holds(key)
            && let Some(known) = self.known(now, key)
        {
            self.journal.glimpse(key, known);
        }
    }

    /// The command that glimpses were noted for is over.
    pub(crate) fn forget_glimpses(&mut self) {
        self.journal.forget_glimpses();
    }

    /// What a key of database 0 holds, where that can be compared with Redis.
    pub(crate) fn known(&self, now: Timestamp, key: &[u8]) -> Option<Known> {
        let hash = hash(self.common.seed, key);
        let keys = &self.databases.first()?.keys;
        let slot = keys.get(keys.find(hash.tag, key)?)?;
        if slot.is_expired(now) {
            return None;
        }
        Known::of(slot.type_name(), &slot.rebuild())
    }

    /// The commands that make what a key of database 0 holds; nothing where it is not there.
    pub(crate) fn rebuild(&self, now: Timestamp, key: &[u8]) -> Option<Vec<Vec<Vec<u8>>>> {
        let hash = hash(self.common.seed, key);
        let keys = &self.databases.first()?.keys;
        let slot = keys.get(keys.find(hash.tag, key)?)?;
        (!slot.is_expired(now)).then(|| slot.rebuild())
    }
}
