//! From a key to its place: seeded, so that nobody outside can choose keys that collide.

use core::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

/// Where a key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyHash {
    /// Its place in a [`Table`](super::table::Table).
    pub(crate) tag: u32,
    /// Bits independent of the tag, which choose the shard.
    pub(crate) spread: u32,
}

static SHARED: SharedSeed = SharedSeed::from_u64(0x6f75_746c_6173_7421);

/// The hash of a key.
pub(crate) fn hash(seed: u64, key: &[u8]) -> KeyHash {
    let mut hasher = FoldHasher::with_seed(seed, &SHARED);
    hasher.write(key);
    let bits = hasher.finish();
    let halves = [bits >> 32, bits & 0xffff_ffff];
    let [tag, spread] = halves.map(|half| u32::try_from(half).unwrap_or(0));
    KeyHash { tag, spread }
}
