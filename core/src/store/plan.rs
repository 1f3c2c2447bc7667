//! Which shards a command needs, known before it runs: they are locked together and in one order,
//! so that commands on the same keys follow one another and no two wait for each other.

use alloc::vec::Vec;

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

    fn add(&mut self, index: usize) {
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

/// The shards that a command needs all at once. None where it needs no key, or looks at one shard
/// after another.
pub(crate) fn shards_of(seed: u64, count: usize, session: &Session, args: &[&[u8]]) -> Shards {
    if count == 1 {
        return Shards::all(1);
    }
    let mut shards = Shards::NONE;
    let name = Command::of(args).map_or("", |command| command.name);
    match name {
        "EXEC" => {
            let queued = session.queue.iter().flat_map(|queue| &queue.commands);
            for command in queued {
                let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
                let needed = shards_of(seed, count, session, &args);
                if needed.is_empty() {
                    return Shards::all(count);
                }
                shards.0 |= needed.0;
            }
            shards.0 |= watched_by(seed, count, session).0;
        }
        "UNWATCH" | "DISCARD" | "RESET" => shards = watched_by(seed, count, session),
        // Scripts reach keys that they did not announce, and so do patterns of SORT. The others
        // change the whole keyspace, and nobody may see half of that.
        "EVAL" | "EVALSHA" | "EVAL_RO" | "EVALSHA_RO" | "SORT" | "SORT_RO" | "FLUSHALL"
        | "FLUSHDB" | "SWAPDB" => return Shards::all(count),
        _ => {
            // A command whose keys cannot be told ends with an error before it touches any.
            for key in crate::command::keys(args).into_iter().flatten() {
                let key = args.get(key.at).copied().unwrap_or_default();
                shards.add(shard_of(seed, key, count));
            }
        }
    }
    shards
}

/// The shards of the keys that a session watches.
pub(crate) fn watched_by(seed: u64, count: usize, session: &Session) -> Shards {
    let mut shards = Shards::NONE;
    for watch in &session.watched {
        shards.add(shard_of(seed, &watch.key, count));
    }
    shards
}
