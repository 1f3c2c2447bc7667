//! What all shards of a store share: limits, counts and the source of randomness. Numbers only,
//! each for itself, so that no lock is needed.

use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use super::commands::Handlers;
use super::eviction::Eviction;
use super::plan::SHARDS_MAX;
use crate::rng::Rng;
use crate::rules::{ConflictPolicy, Rules};
use crate::time::Timestamp;

/// How a store is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Bytes that keys, values and bookkeeping may take, as the allocator counts them; the journal too
    /// where it has no limit of its own.
    pub bytes_max: usize,
    /// Bytes that the journal may take.
    pub journal_bytes_max: Option<usize>,
    /// What happens when a write would pass `bytes_max`.
    pub eviction: Eviction,
    /// What hashing and random choices start from. The same seed and commands give the same
    /// answers. Hosts draw it, so that nobody outside can choose keys that collide.
    pub seed: u64,
    /// Into how many parts the keyspace is divided, each with a lock of its own: a power of two up
    /// to 64. One is best where one thread has the store.
    pub shards: usize,
    /// Whether it is of a Redis Cluster: what waits is written back slot by slot.
    pub by_slot: bool,
}

impl Options {
    /// A store of at most `bytes_max` bytes that refuses writes when it is full.
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            journal_bytes_max: None,
            eviction: Eviction::NoEviction,
            seed: 0x6f75_746c,
            shards: 1,
            by_slot: false,
        }
    }

    /// For a Redis Cluster: what waits is written back slot by slot.
    #[must_use]
    pub const fn with_slots(mut self) -> Self {
        self.by_slot = true;
        self
    }

    /// With a limit of its own for the journal. A write is let in where the journal had room for all of
    /// it.
    #[must_use]
    pub const fn with_journal_bytes_max(mut self, bytes_max: usize) -> Self {
        self.journal_bytes_max = Some(bytes_max);
        self
    }

    /// With another eviction policy.
    #[must_use]
    pub const fn with_eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// With another seed.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With the keyspace divided into at least so many parts, rounded up to a power of two and at
    /// most 64.
    #[must_use]
    pub fn with_shards(mut self, shards: usize) -> Self {
        self.shards = shards.clamp(1, SHARDS_MAX).next_power_of_two();
        self
    }
}

#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) seed: u64,
    /// Whether what waits is written back slot by slot.
    pub(crate) by_slot: bool,
    /// What runs which command.
    pub(crate) handlers: Handlers,
    /// What keys are for.
    pub(crate) rules: Rules,
    random: AtomicU64,
    bytes: AtomicUsize,
    journal_bytes: AtomicUsize,
    bytes_max: AtomicUsize,
    /// None where the journal shares the limit of keys and values.
    journal_bytes_max: Option<AtomicUsize>,
    eviction: AtomicU8,
    /// How many sessions wait for a key.
    pub(crate) waiting: AtomicUsize,
    pub(crate) commands: AtomicU64,
    sessions: AtomicU64,
}

impl Common {
    pub(crate) fn new(options: Options, rules: Rules) -> Self {
        Self {
            seed: options.seed,
            by_slot: options.by_slot,
            handlers: Handlers::new(),
            rules,
            random: AtomicU64::new(options.seed),
            bytes: AtomicUsize::new(0),
            journal_bytes: AtomicUsize::new(0),
            bytes_max: AtomicUsize::new(options.bytes_max),
            journal_bytes_max: options.journal_bytes_max.map(AtomicUsize::new),
            eviction: AtomicU8::new(options.eviction.number()),
            waiting: AtomicUsize::new(0),
            commands: AtomicU64::new(0),
            sessions: AtomicU64::new(1),
        }
    }

    /// The next 64 random bits.
    pub(crate) fn random(&self) -> u64 {
        let state = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        Rng::new(state).next_u64()
    }

    /// A random number below `end`; 0 where that is 0.
    pub(crate) fn below(&self, end: usize) -> usize {
        let scaled = (u128::from(self.random()) * end as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    /// Whether what is written to a key in an outage is never written back.
    pub(crate) fn discards(&self, key: &[u8]) -> bool {
        !self.rules.is_empty() && self.rules.class_of(key).policy == ConflictPolicy::Discard
    }

    /// The number of the next session.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn set_waiting(&self, sessions: usize) {
        self.waiting.store(sessions, Ordering::Relaxed);
    }

    /// Counts bytes of keys and values that came and went.
    pub(crate) fn count(&self, more: usize, less: usize) {
        if more != less {
            self.bytes.fetch_add(more.wrapping_sub(less), Ordering::Relaxed);
        }
    }

    /// Counts bytes of the journal that came and went.
    pub(crate) fn count_journal(&self, more: usize, less: usize) {
        if more != less {
            self.journal_bytes.fetch_add(more.wrapping_sub(less), Ordering::Relaxed);
        }
    }

    /// Bytes of the journal.
    pub(crate) fn journal_bytes(&self) -> usize {
        self.journal_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of keys, values and their bookkeeping.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes in all, the journal's too.
    pub(crate) fn bytes_in_all(&self) -> usize {
        self.bytes() + self.journal_bytes()
    }

    /// Whether a write of so many bytes fits, as far as the limit of the values goes.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let taken =
            if self.journal_bytes_max.is_some() { self.bytes() } else { self.bytes_in_all() };
        taken.saturating_add(bytes) <= self.bytes_max()
    }

    /// Whether the journal has room for so many bytes, where it has a limit of its own.
    pub(crate) fn journal_has_room(&self, bytes: usize) -> bool {
        let fits = |max: &AtomicUsize| {
            self.journal_bytes().saturating_add(bytes) <= max.load(Ordering::Relaxed)
        };
        self.journal_bytes_max.as_ref().is_none_or(fits)
    }

    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max.load(Ordering::Relaxed)
    }

    pub(crate) fn set_journal_bytes_max(&self, bytes_max: usize) {
        if let Some(own) = &self.journal_bytes_max {
            own.store(bytes_max, Ordering::Relaxed);
        }
    }

    pub(crate) fn set_bytes_max(&self, bytes_max: usize) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    pub(crate) fn eviction(&self) -> Eviction {
        Eviction::from_number(self.eviction.load(Ordering::Relaxed))
    }

    pub(crate) fn set_eviction(&self, eviction: Eviction) {
        self.eviction.store(eviction.number(), Ordering::Relaxed);
    }

    /// What a key's use is noted as.
    pub(crate) fn used(&self, now: Timestamp, before: u32) -> u32 {
        self.eviction().used(now, before, || self.random())
    }
}
