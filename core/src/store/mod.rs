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
mod handover;
mod hashing;
mod hyperloglog;
mod kinds;
mod locks;
mod memory;
mod number;
mod pack;
mod password;
mod plan;
mod recovery;
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
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use common::Options;
pub use eviction::Eviction;
pub use locks::{Locks, Unshared};
pub(crate) use number::{format_f64 as format_double, parse_f64 as parse_double};
pub use password::Password;
pub use session::Session;
pub use stop::Block;

use crate::journal::ledger::Ledger;
use crate::resp::Value;
use crate::rules::Rules;
use crate::time::Timestamp;
use common::Common;
pub use recovery::Pending;
use recovery::Replay;
use script::ScriptEngine;
use shard::Shard;
use space::{Globals, Locked};
use units::Units;

/// Why the store does not answer a command. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not know the command.
    Unsupported,
    /// The write would pass the byte limit.
    Full,
    /// The write would pass the byte limit of the journal.
    JournalFull,
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
    /// Told of every change of the journal.
    ledger: Option<Box<dyn Ledger>>,
    /// What [`execute`](Self::execute) answers in.
    protocol: u8,
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
        Self::with_rules(options, Rules::NONE)
    }

    /// An empty store that knows what keys are for: by their policies it keeps and gives up what is
    /// written back.
    pub fn with_rules(options: Options, rules: Rules) -> Self {
        let common = Arc::new(Common::new(options, rules));
        let shards = options.with_shards(options.shards).shards;
        let shards = (0..shards).map(|_| L::wrap(Shard::new(common.clone())));
        Self {
            shards: shards.collect(),
            globals: L::wrap(Globals::new()),
            replay: L::wrap(Replay::default()),
            units: L::wrap(Units::default()),
            ledger: None,
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
