//! What a command works on: the shards that it locked, and what belongs to no key.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Store;
use super::locks::Locks;
use super::plan::Shards;
use super::script::ScriptEngine;
use super::shard::Shard;
use crate::resp::Value;

/// Access to a store's parts while one command, transaction or script runs.
pub(crate) trait Space {
    /// How many shards there are: a power of two.
    fn shards(&self) -> usize;
    /// The shard at an index below [`shards`](Self::shards).
    fn shard(&mut self, index: usize) -> &mut Shard;
    /// Which shards are held for as long as the command runs. Others can only be looked at one after
    /// another.
    fn held(&self) -> Shards;
    /// Notes that a key's change must be written back: what this command did, or more than one did.
    fn note(&mut self, key: &[u8], command: Option<&[&[u8]]>);
    /// What belongs to no key. It stays locked until the command ends, or until it goes on to
    /// another shard that it did not hold.
    fn globals(&mut self) -> &mut Globals;
}

/// The parts of a store that one command has locked. Shards come before globals, and in their own
/// order: whoever waits for a lock holds none that comes later.
pub(crate) struct Locked<'a, L: Locks> {
    store: &'a Store<L>,
    held: Shards,
    shards: Guards<'a, L>,
    globals: Option<L::Guard<'a, Globals>>,
    /// Changes that must be written back, where they belong together or a ledger is told of them.
    noted: Option<Vec<Noted>>,
}

/// A change that must be written back.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) key: Vec<u8>,
    /// What changed it, where that tells all and a ledger wants to know.
    pub(crate) command: Option<Vec<Vec<u8>>>,
}

enum Guards<'a, L: Locks> {
    /// At most one, which is given up for the next one.
    One(Option<(usize, L::Guard<'a, Shard>)>),
    /// Several, with their indexes, in order.
    Many(Vec<(usize, L::Guard<'a, Shard>)>),
}

impl<'a, L: Locks> Locked<'a, L> {
    /// Locks these shards of a store.
    pub(crate) fn new(store: &'a Store<L>, held: Shards) -> Self {
        let lock = |at: usize| Some((at, L::lock(store.shards.get(at)?)));
        let shards = match held.only() {
            Some(only) => Guards::One(lock(only)),
            None if held.is_empty() => Guards::One(None),
            None => Guards::Many(held.iter().filter_map(lock).collect()),
        };
        Self { store, held, shards, globals: None, noted: None }
    }

    /// What is changed from here on belongs together.
    pub(crate) fn begin_unit(&mut self) {
        self.noted = Some(Vec::new());
    }

    /// What changed since.
    pub(crate) fn end_unit(&mut self) -> Vec<Noted> {
        self.noted.take().unwrap_or_default()
    }
}

impl<L: Locks> Space for Locked<'_, L> {
    fn shards(&self) -> usize {
        self.store.shards.len()
    }

    fn shard(&mut self, index: usize) -> &mut Shard {
        match &mut self.shards {
            Guards::One(one) => {
                if one.as_ref().is_none_or(|(at, _)| *at != index) {
                    assert!(self.held.is_empty(), "a command went beyond its keys");
                    self.globals = None;
                    *one = None;
                }
                let shards = &self.store.shards;
                &mut one.get_or_insert_with(|| (index, L::lock(&shards[index]))).1
            }
            Guards::Many(many) => {
                let at = many.partition_point(|(at, _)| *at < index);
                let held = many.get_mut(at).filter(|(at, _)| *at == index);
                &mut held.expect("a command stays within its keys").1
            }
        }
    }

    fn held(&self) -> Shards {
        self.held
    }

    fn note(&mut self, key: &[u8], command: Option<&[&[u8]]>) {
        let is_told = self.store.ledger.is_some();
        if let Some(noted) = &mut self.noted {
            let command = command.filter(|_| is_told);
            let command = command.map(|args| args.iter().map(|arg| arg.to_vec()).collect());
            noted.push(Noted { key: key.to_vec(), command });
        }
    }

    fn globals(&mut self) -> &mut Globals {
        let store = self.store;
        self.globals.get_or_insert_with(|| L::lock(&store.globals))
    }
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
