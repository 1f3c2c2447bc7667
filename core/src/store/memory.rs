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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_the_sizes_of_malloc() {
        assert_eq!([heap(0), heap(1), heap(24), heap(25), heap(100)], [0, 32, 32, 48, 112]);
    }
}
