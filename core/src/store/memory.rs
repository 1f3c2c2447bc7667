//! What a value costs in the allocator, close enough to bound memory by it.

/// Bytes that a block of `size` bytes takes from the allocator: its header, and the rounding to
/// its size class. Modelled on glibc's malloc, which other allocators undercut by little.
pub(crate) const fn heap(size: usize) -> usize {
    if size == 0 {
        return 0;
    }
    let rounded = (size + 8).next_multiple_of(16);
    if rounded < 32 { 32 } else { rounded }
}

/// Bytes that the nodes of a `BTreeMap` with so many entries take. A node has room for eleven, also
/// for the first one; beyond one node they are two thirds full on average.
pub(crate) const fn tree<K, V>(entries: usize) -> usize {
    let entry = size_of::<K>() + size_of::<V>();
    let node = heap(11 * entry + 16);
    let filled = entries * entry * 3 / 2;
    if entries == 0 {
        0
    } else if filled < node {
        node
    } else {
        filled
    }
}

/// Blocks that may be given back to the allocator before it is made to sort them.
pub(crate) const UNSORTED_BLOCKS_MAX: usize = 1_024;
/// More than glibc keeps in its caches for small blocks (`tcache_max`, 1,032 bytes).
const SORTING_BYTES: usize = 2_048;

/// Has the allocator sort what was given back. glibc puts small blocks aside until somebody asks for
/// a large one, and then merges all of them at once (`malloc_consolidate`): a million blocks take
/// 100 ms. Asking often keeps each time short; other allocators do not mind.
pub(crate) fn sort_free_blocks() {
    drop(core::hint::black_box(alloc::vec::Vec::<u8>::with_capacity(SORTING_BYTES)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_the_sizes_of_malloc() {
        assert_eq!([heap(0), heap(1), heap(24), heap(25), heap(100)], [0, 32, 32, 48, 112]);
    }
}
