//! The Redis in memory that answers while Redis is away.
//!
//! ```text
//!   Store ──▶ commands ──▶ Call ──▶ Shard ──▶ Table of Slots     keys, expiry, memory
//!                            │                  └─ kinds          lists, hashes, sets, …
//!                            └────▶ Journal                       what Redis gets later
//! ```

mod call;
mod commands;
mod common;
mod eviction;
mod extended;
mod geohash;
pub(crate) mod glob;
mod hashing;
mod hyperloglog;
mod kinds;
mod locks;
mod memory;
mod number;
mod pack;
mod password;
mod plan;
pub mod script;
mod session;
mod shadow;
mod shard;
mod slot;
mod space;
mod stop;
mod table;
#[cfg(test)]
mod tests;
mod units;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use common::Options;
pub use eviction::Eviction;
pub use locks::{Locks, Unshared};
pub(crate) use number::format_f64 as format_double;
pub use password::Password;
pub use session::Session;
pub use stop::Block;

use crate::journal::{Batch, DeadLetter, Journal};
use crate::resp::Value;
use crate::time::Timestamp;
use common::Common;
use plan::Shards;
use script::ScriptEngine;
use shard::Shard;
use space::{Globals, Locked, Space};
use units::Units;

/// Why the store does not answer a command. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not know the command.
    Unsupported,
    /// The write would pass the byte limit.
    Full,
}

impl Refusal {
    /// The error reply that tells a peer of it: Redis' own text where Redis has one.
    pub fn reply<A: AsRef<[u8]>>(self, args: &[A]) -> Value {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        commands::refusal_reply(self, &args)
    }
}

/// What a command of a session came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// These replies and messages, in this order, in the protocol of the session.
    Replies(Vec<Value>),
    /// It waits for keys: see [`Block`].
    Blocked(Box<Block>),
    /// The store does not answer it.
    Refused(Refusal),
}

/// Keys with their values, bounded in bytes, and the journal of what must be written back.
///
/// Threads may share it where `L` is a lock of their host: a command locks the shards of its keys
/// and no other, a transaction all that its commands need, a script all.
///
/// ```
/// use outlast_core::store::Store;
/// use outlast_core::{Timestamp, Value};
///
/// let store = Store::new(1 << 20);
/// let now = Timestamp::ZERO;
/// assert_eq!(store.execute(now, &["INCRBY", "visits", "2"], true), Ok(Value::Integer(2)));
/// assert_eq!(store.journal().keys, 1);
/// ```
pub struct Store<L: Locks = Unshared> {
    common: Arc<Common>,
    shards: Box<[L::Lock<Shard>]>,
    globals: L::Lock<Globals>,
    /// Taken before any shard.
    replay: L::Lock<Replay>,
    /// Taken after all others.
    units: L::Lock<Units>,
    /// What [`execute`](Self::execute) answers in.
    protocol: u8,
}

/// Bytes after which a batch takes no further key.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Dead letters that are kept. Beyond it the oldest go: who has not read a thousand will not read more.
const DEAD_LETTERS_MAX: usize = 1_000;
/// Bytes of dead letters that are kept, beyond the last one.
const DEAD_LETTERS_BYTES_MAX: usize = 1 << 20;

/// How far the journal was written back.
#[derive(Debug, Default)]
struct Replay {
    /// The number of the last batch.
    sequence: u64,
    /// That batch, while its fate is not known.
    under_way: Option<Batch>,
    dead_letters: VecDeque<DeadLetter>,
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

impl<L: Locks> fmt::Debug for Store<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("shards", &self.shards.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// An empty store for one thread that holds at most `bytes_max` bytes, its journal included,
    /// and refuses writes when it is full.
    pub fn new(bytes_max: usize) -> Self {
        Self::with_options(Options::new(bytes_max))
    }
}

impl<L: Locks> Store<L> {
    /// An empty store.
    pub fn with_options(options: Options) -> Self {
        let common = Arc::new(Common::new(options));
        let shards = options.with_shards(options.shards).shards;
        let shards = (0..shards).map(|_| L::wrap(Shard::new(common.clone())));
        Self {
            shards: shards.collect(),
            globals: L::wrap(Globals::new()),
            replay: L::wrap(Replay::default()),
            units: L::wrap(Units::default()),
            protocol: 2,
            common,
        }
    }

    /// Has [`execute`](Self::execute) answer with the types of RESP 3, as a connection does that
    /// speaks it. A store answers with those of RESP 2 unless it is told.
    #[must_use]
    pub fn with_resp3(mut self) -> Self {
        self.protocol = 3;
        self
    }

    /// Lets it run scripts. Without an engine they are refused.
    pub fn set_script_engine(&self, engine: Box<dyn ScriptEngine>) {
        L::lock(&self.globals).engine = Some(engine);
    }

    /// Answers a command as Redis would, in the shapes of RESP 2. Error replies are values, as they
    /// are there. `journalled` says whether a write is to reach Redis later: it is not where it may
    /// have reached it.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: it does not answer this command at all.
    pub fn execute<A: AsRef<[u8]>>(
        &self,
        now: Timestamp,
        args: &[A],
        journalled: bool,
    ) -> Result<Value, Refusal> {
        let reply = self.execute_if(now, args, journalled, || true);
        reply.unwrap_or(Err(Refusal::Unsupported))
    }

    /// The same where `condition` holds; nothing otherwise. It is asked while the command's keys are
    /// locked, so nothing can come between it and the command that
    /// [`when_written_back`](Self::when_written_back) would do.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: it does not answer this command at all.
    pub fn execute_if<A: AsRef<[u8]>>(
        &self,
        now: Timestamp,
        args: &[A],
        journalled: bool,
        condition: impl FnOnce() -> bool,
    ) -> Option<Result<Value, Refusal>> {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        let protocol = self.protocol;
        let mut session = Session { protocol, journalled, ..Session::default() };
        let reply = commands::execute(self, &mut session, now, &args, condition)?;
        Some(if protocol == 2 { reply.map(Value::into_resp2) } else { reply })
    }

    /// Answers MULTI, these commands and EXEC, all at once or not at all: MULTI's reply, what
    /// each came to when it was queued, and EXEC's reply. Nothing where `condition` does not hold, as in
    /// [`execute_if`](Self::execute_if).
    ///
    /// # Errors
    ///
    /// [`Refusal`]: it does not answer one of them. None was done.
    pub fn transact_if<A: AsRef<[u8]>>(
        &self,
        now: Timestamp,
        commands: &[Vec<A>],
        journalled: bool,
        condition: impl FnOnce() -> bool,
    ) -> Option<Result<Vec<Value>, Refusal>> {
        let protocol = self.protocol;
        let mut session = Session { protocol, journalled, ..Session::default() };
        let replies = commands::transact(self, &mut session, now, commands, condition)?;
        let shaped = |value: Value| if protocol == 2 { value.into_resp2() } else { value };
        Some(replies.map(|replies| replies.into_iter().map(shaped).collect()))
    }

    /// A session with the next number.
    pub fn open(&self, now: Timestamp) -> Session {
        Session::new(self.common.next_session(), now)
    }

    /// Answers a command of a session, in the protocol that the session chose.
    pub fn serve<A: AsRef<[u8]>>(
        &self,
        now: Timestamp,
        session: &mut Session,
        args: &[A],
    ) -> Answer {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        commands::serve(self, session, now, &args)
    }

    /// Ends a session: its watches and subscriptions.
    pub fn close(&self, session: &mut Session) {
        let watched = plan::watched_by(self.common.seed, self.shards.len(), session);
        commands::close(&mut Locked::new(self, watched), self.common.seed, session);
    }

    /// Messages for sessions that listen, by the numbers of the sessions; empty afterwards.
    pub fn take_deliveries(&self) -> Vec<(u64, Value)> {
        core::mem::take(&mut L::lock(&self.globals).deliveries)
    }

    /// Says how many sessions wait for keys. While some do, changed keys are noted for
    /// [`take_ready`](Self::take_ready).
    pub fn set_waiting(&self, sessions: usize) {
        self.common.set_waiting(sessions);
    }

    /// Keys that changed while sessions wait, with their databases; empty afterwards.
    pub fn take_ready(&self) -> Vec<(usize, Vec<u8>)> {
        self.each(|shard| core::mem::take(&mut shard.ready)).flatten().collect()
    }

    /// Clears away a bounded number of expired keys, at most 16 a shard, and of elements that were
    /// given up. Every command does so on its way; an idle host may, from time to time. Whether
    /// there is more.
    pub fn housekeep(&self, now: Timestamp) -> bool {
        self.each(|shard| shard.housekeep(now)).fold(false, |any, more| any | more)
    }

    /// Keys of all databases, expired ones included that were not cleared away yet.
    pub fn len(&self) -> usize {
        self.each(|shard| shard.len()).sum()
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of keys, values, bookkeeping and journal.
    pub fn bytes(&self) -> usize {
        self.common.bytes_in_all()
    }

    /// Each shard in turn, locked for a moment.
    fn each<T>(&self, mut visit: impl FnMut(&mut Shard) -> T) -> impl Iterator<Item = T> {
        self.shards.iter().map(move |shard| visit(&mut L::lock(shard)))
    }
}

/// The journal, and the way back to Redis.
impl<L: Locks> Store<L> {
    /// What must be written back.
    pub fn journal(&self) -> Pending {
        let replay = L::lock(&self.replay);
        Pending {
            keys: self.each(|shard| shard.journal().len()).sum(),
            bytes: self.common.journal_bytes(),
            in_doubt: replay.under_way.as_ref().map(|batch| batch.sequence),
        }
    }

    /// The next batch for Redis, of at most `keys_max` keys, or of more where they changed together in
    /// one transaction, script or command; none where the journal is empty. Where the fate of the batch
    /// before is not known, that batch once more, as it was: a copy of it may still be on its way.
    pub fn next_batch(&self, now: Timestamp, keys_max: usize) -> Option<Batch> {
        let mut replay = L::lock(&self.replay);
        if replay.under_way.is_some() {
            return replay.under_way.clone();
        }
        let mut batch = Batch::new(replay.sequence + 1);
        self.fill(now, &mut batch, keys_max.max(1));
        if batch.keys == 0 {
            return None;
        }
        replay.sequence = batch.sequence;
        replay.under_way = Some(batch.clone());
        Some(batch)
    }

    /// The batch under way reached Redis; how many keys it had.
    pub fn batch_applied(&self) -> usize {
        let keys = self.settle_batch(Journal::applied).into_iter().sum();
        self.change_units(Units::applied);
        keys
    }

    /// The batch under way did not reach Redis, and no copy of it is on its way: it waits again, before
    /// what was written since.
    pub fn batch_returned(&self) {
        self.settle_batch(Journal::returned);
        self.change_units(Units::returned);
    }

    /// Moves keys into a batch, each with all that changed together with it. Every shard is locked, so
    /// that nothing changes together meanwhile; the batch is small, so that is short.
    fn fill(&self, now: Timestamp, batch: &mut Batch, keys_max: usize) {
        let mut space = Locked::new(self, Shards::all(self.shards.len()));
        let mut units = L::lock(&self.units);
        for at in 0..self.shards.len() {
            while batch.keys < keys_max
                && batch.bytes() < BATCH_BYTES_MAX
                && let Some(key) = space.shard(at).journal().first().map(<[u8]>::to_vec)
            {
                let single = [key];
                for key in units.take(&single[0]).unwrap_or(&single) {
                    let at = plan::shard_of(self.common.seed, key, self.shards.len());
                    space.shard(at).move_to(now, batch, key);
                }
            }
        }
    }

    /// These keys were changed together.
    fn join(&self, keys: Vec<Vec<u8>>) {
        if keys.len() > 1 {
            self.change_units(|units| units.join(keys));
        }
    }

    fn change_units(&self, change: impl FnOnce(&mut Units)) {
        let mut units = L::lock(&self.units);
        let before = units.bytes();
        change(&mut units);
        self.common.count_journal(units.bytes(), before);
    }

    fn settle_batch<T>(&self, settle: impl Fn(&mut Journal) -> T) -> Vec<T> {
        let mut replay = L::lock(&self.replay);
        replay.under_way = None;
        self.each(|shard| shard.journal_mut(&settle)).collect()
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
}
