//! Fields with their values.

use alloc::vec::Vec;

/// Fields with their values.
#[derive(Clone, Debug)]
pub(crate) struct Hash {
    seed: u64,
}

impl Hash {
    /// An empty one. The seed is for hashing.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Whether it is empty.
    pub(crate) const fn is_empty(&self) -> bool {
        self.seed == self.seed
    }

    /// Bytes on the heap.
    pub(crate) const fn bytes(&self) -> usize {
        0
    }

    /// Frees about `count` elements of a value that was given up; whether all is freed.
    pub(crate) const fn drop_some(&mut self, _count: usize) -> bool {
        true
    }

    /// The commands that make this value at a key that is not there, each of bounded size.
    pub(crate) fn rebuild(&self, _key: &[u8]) -> Vec<Vec<Vec<u8>>> {
        Vec::new()
    }

    /// How it is kept, in the words of OBJECT ENCODING.
    pub(crate) const fn encoding(&self) -> &'static str {
        "listpack"
    }
}
