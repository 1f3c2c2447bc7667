//! What a command works on: the shards of a store and what they share. A store for one thread owns
//! them; one that threads share locks those that the command needs.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::script::ScriptEngine;
use super::shard::Shard;
use crate::journal::Journal;
use crate::resp::Value;

/// Access to a store's parts while one command, transaction or script runs.
pub(crate) trait Space {
    /// How many shards there are: a power of two.
    fn shards(&self) -> usize;
    /// The shard at an index below [`shards`](Self::shards).
    fn shard(&mut self, index: usize) -> &mut Shard;
    /// The journal.
    fn journal(&mut self) -> &mut Journal;
    /// A shard and the journal at once.
    fn shard_and_journal(&mut self, index: usize) -> (&mut Shard, &mut Journal);
    /// What belongs to no key.
    fn globals(&mut self) -> &mut Globals;
}

/// What belongs to no key: channels and scripts.
#[derive(Default)]
pub(crate) struct Globals {
    /// Who listens to what, by kind and name of the channel or pattern.
    pub(crate) channels: BTreeMap<(Listening, Vec<u8>), BTreeSet<u64>>,
    /// Messages on their way: to which session.
    pub(crate) deliveries: Vec<(u64, Value)>,
    pub(crate) engine: Option<Box<dyn ScriptEngine>>,
    /// Sources by their SHA-1.
    pub(crate) scripts: BTreeMap<String, Vec<u8>>,
    pub(crate) scripts_bytes: usize,
}

/// How a session listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listening {
    /// SUBSCRIBE.
    Channel,
    /// PSUBSCRIBE.
    Pattern,
    /// SSUBSCRIBE.
    Shard,
}

impl fmt::Debug for Globals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Globals")
            .field("channels", &self.channels.len())
            .field("deliveries", &self.deliveries.len())
            .field("scripts", &self.scripts.len())
            .finish_non_exhaustive()
    }
}

impl Globals {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}
