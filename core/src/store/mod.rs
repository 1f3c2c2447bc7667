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
mod memory;
mod number;
mod pack;
mod password;
pub mod script;
mod session;
mod shard;
mod slot;
mod space;
mod stop;
mod table;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use common::Options;
pub use eviction::Eviction;
pub(crate) use number::format_f64 as format_double;
pub use password::Password;
pub use session::Session;
pub use stop::Block;

use crate::command::Traits;
use crate::journal::{Batch, Journal};
use crate::resp::Value;
use crate::time::Timestamp;
use common::Common;
use script::ScriptEngine;
use shard::Shard;
use space::{Globals, Space};

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
/// ```
/// use outlast_core::store::Store;
/// use outlast_core::{Timestamp, Value};
///
/// let mut store = Store::new(1 << 20);
/// let now = Timestamp::ZERO;
/// assert_eq!(store.execute(now, &["INCRBY", "visits", "2"], true), Ok(Value::Integer(2)));
/// assert_eq!(store.journal().len(), 1);
/// ```
#[derive(Debug)]
pub struct Store {
    common: Arc<Common>,
    parts: Parts,
    /// What [`execute`](Self::execute) answers in.
    protocol: u8,
}

/// All that commands work on, owned.
#[derive(Debug)]
struct Parts {
    shard: Shard,
    journal: Journal,
    globals: Globals,
}

impl Space for Parts {
    fn shards(&self) -> usize {
        1
    }

    fn shard(&mut self, _index: usize) -> &mut Shard {
        &mut self.shard
    }

    fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    fn shard_and_journal(&mut self, _index: usize) -> (&mut Shard, &mut Journal) {
        (&mut self.shard, &mut self.journal)
    }

    fn globals(&mut self) -> &mut Globals {
        &mut self.globals
    }
}

impl Store {
    /// An empty store that holds at most `bytes_max` bytes, its journal included, and refuses
    /// writes when it is full.
    pub fn new(bytes_max: usize) -> Self {
        Self::with_options(Options::new(bytes_max))
    }

    /// An empty store.
    pub fn with_options(options: Options) -> Self {
        let common = Arc::new(Common::new(options));
        let shard = Shard::new(common.clone());
        let parts = Parts { shard, journal: Journal::new(), globals: Globals::new() };
        Self { common, parts, protocol: 2 }
    }

    /// Has [`execute`](Self::execute) answer with the types of RESP 3, as a connection does that
    /// speaks it. A store answers with those of RESP 2 unless it is told.
    #[must_use]
    pub const fn with_resp3(mut self) -> Self {
        self.protocol = 3;
        self
    }

    /// Lets it run scripts. Without an engine they are refused.
    pub fn set_script_engine(&mut self, engine: Box<dyn ScriptEngine>) {
        self.parts.globals.engine = Some(engine);
    }

    /// Answers a command as Redis would, in the shapes of RESP 2. Error replies are values, as they
    /// are there. `journalled` says whether a write is to reach Redis later: it is not where it may
    /// have reached it.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: it does not answer this command at all.
    pub fn execute<A: AsRef<[u8]>>(
        &mut self,
        now: Timestamp,
        args: &[A],
        journalled: bool,
    ) -> Result<Value, Refusal> {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        // There is no connection whose state could change.
        if Traits::of(&args).stateful {
            return Err(Refusal::Unsupported);
        }
        let protocol = self.protocol;
        let mut session = Session { protocol, journalled, ..Session::default() };
        let reply = commands::execute(&mut self.parts, &self.common, &mut session, now, &args);
        if protocol == 2 { reply.map(Value::into_resp2) } else { reply }
    }

    /// A session with the next number.
    pub fn open(&self, now: Timestamp) -> Session {
        Session::new(self.common.next_session(), now)
    }

    /// Answers a command of a session, in the protocol that the session chose.
    pub fn serve<A: AsRef<[u8]>>(
        &mut self,
        now: Timestamp,
        session: &mut Session,
        args: &[A],
    ) -> Answer {
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        commands::serve(&mut self.parts, &self.common, session, now, &args)
    }

    /// Ends a session: its watches and subscriptions.
    pub fn close(&mut self, session: &mut Session) {
        commands::close(&mut self.parts, self.common.seed, session);
    }

    /// Messages for sessions that listen, by the numbers of the sessions; empty afterwards.
    pub fn take_deliveries(&mut self) -> Vec<(u64, Value)> {
        core::mem::take(&mut self.parts.globals.deliveries)
    }

    /// Says how many sessions wait for keys. While some do, changed keys are noted for
    /// [`take_ready`](Self::take_ready).
    pub fn set_waiting(&mut self, sessions: usize) {
        self.common.set_waiting(sessions);
    }

    /// Keys that changed while sessions wait, with their databases; empty afterwards.
    pub fn take_ready(&mut self) -> Vec<(usize, Vec<u8>)> {
        core::mem::take(&mut self.parts.shard.ready)
    }

    /// Clears away a bounded number of expired keys, at most 16, and of elements that were given up.
    /// Every command does so on its way; an idle host may, from time to time. Whether there is more.
    pub fn housekeep(&mut self, now: Timestamp) -> bool {
        self.parts.shard.housekeep(now)
    }

    /// What must be written back.
    pub const fn journal(&self) -> &Journal {
        &self.parts.journal
    }

    /// The next batch for Redis, of at most `keys_max` keys; none where the journal is empty.
    pub fn next_batch(&mut self, now: Timestamp, keys_max: usize) -> Option<Batch> {
        let Parts { shard, journal, .. } = &mut self.parts;
        let batch = journal.next_batch(|key| shard.rebuild(now, key), keys_max);
        self.recount_journal();
        batch
    }

    /// The batch under way reached Redis.
    pub fn batch_applied(&mut self) {
        self.parts.journal.applied();
        self.recount_journal();
    }

    /// The batch under way did not reach Redis: it waits again, before what was written since.
    pub fn batch_returned(&mut self) {
        self.parts.journal.returned();
        self.recount_journal();
    }

    /// Forgets all keys. What it knows may be wrong once Redis answers again.
    pub fn clear(&mut self) {
        for database in 0..shard::DATABASES {
            self.parts.shard.clear(database);
        }
    }

    /// Keys of all databases, expired ones included that were not cleared away yet.
    pub fn len(&self) -> usize {
        self.parts.shard.databases.iter().map(|database| database.keys.len()).sum()
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of keys, values, bookkeeping and journal.
    pub fn bytes(&self) -> usize {
        self.common.bytes_in_all()
    }

    fn recount_journal(&self) {
        self.common.set_journal_bytes(self.parts.journal.bytes());
    }
}
