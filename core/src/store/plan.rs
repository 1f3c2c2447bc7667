//! Which shards a command needs, known before it runs: they are locked together and in one order,
//! so that commands on the same keys follow one another and no two wait for each other.

use alloc::vec::Vec;

use super::common::Common;
use super::hashing::hash;
use super::session::Session;
use crate::command::Command;

/// Shards that a store may have: as many as a set has bits.
pub(crate) const SHARDS_MAX: usize = 64;

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shards(u64);

impl Shards {
    pub(crate) const NONE: Self = Self(0);

    /// The first `count` shards.
    pub(crate) const fn all(count: usize) -> Self {
        Self(if count >= SHARDS_MAX { u64::MAX } else { (1 << count) - 1 })
    }

    /// Adds the shard at an index.
    pub(crate) fn add(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    /// The shard, where there is just one.
    pub(crate) const fn only(self) -> Option<usize> {
        if self.0.is_power_of_two() { Some(self.0.trailing_zeros() as usize) } else { None }
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their indexes, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let at = left.trailing_zeros() as usize;
            left &= left.checked_sub(1)?;
            Some(at)
        })
    }
}

/// Where a key lies among so many shards.
pub(crate) fn shard_of(seed: u64, key: &[u8], shards: usize) -> usize {
    hash(seed, key).spread as usize & (shards - 1)
}

/// How far a command reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the keys among its arguments. Without any it needs nothing, or looks at one shard after
    /// another.
    Keys,
    /// To what the session watches.
    Watched,
    /// To what its transaction needs.
    Transaction,
    /// To all keys at once.
    All,
}

impl Reach {
    /// How far the command with this name reaches.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "EXEC" => Self::Transaction,
            "UNWATCH" | "DISCARD" | "RESET" => Self::Watched,
            // Scripts reach keys that they did not announce, and so do patterns of SORT. The others
            // change the whole keyspace, and nobody may see half of that.
            "EVAL" | "EVALSHA" | "EVAL_RO" | "EVALSHA_RO" | "SORT" | "SORT_RO" | "FLUSHALL"
            | "FLUSHDB" | "SWAPDB" => Self::All,
            _ => Self::Keys,
        }
    }
}

/// The shards that a command needs all at once.
pub(crate) fn shards_of(
    common: &Common,
    count: usize,
    session: &Session,
    command: &Command,
    args: &[&[u8]],
) -> Shards {
    if count == 1 {
        return Shards::all(1);
    }
    let seed = common.seed;
    match common.handlers.reach_of(command) {
        Reach::All => Shards::all(count),
        Reach::Watched => watched_by(seed, count, session),
        Reach::Keys => {
            let mut shards = Shards::NONE;
            // A command whose keys cannot be told ends with an error before it touches any.
            for key in command.keys(args).into_iter().flatten() {
                let key = args.get(key.at).copied().unwrap_or_default();
                shards.add(shard_of(seed, key, count));
            }
            shards
        }
        Reach::Transaction => {
            let mut shards = watched_by(seed, count, session);
            for queued in session.queue.iter().flat_map(|queue| &queue.commands) {
                let args: Vec<&[u8]> = queued.iter().map(Vec::as_slice).collect();
                let needed = Command::of(&args).map_or(Shards::NONE, |command| {
                    shards_of(common, count, session, command, &args)
                });
                if needed.is_empty() {
                    return Shards::all(count);
                }
                shards.0 |= needed.0;
            }
            shards
        }
    }
}

/// The shards of the keys that a session watches.
pub(crate) fn watched_by(seed: u64, count: usize, session: &Session) -> Shards {
    let mut shards = Shards::NONE;
    for watch in &session.watched {
        shards.add(shard_of(seed, &watch.key, count));
    }
    shards
}
