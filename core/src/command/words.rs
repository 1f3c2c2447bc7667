//! Arguments as words: options in any case, numbers.

/// Looking at arguments that may not be there.
pub(super) trait Words {
    /// Whether there is such an argument, and it is this word in any case.
    fn is(&self, at: usize, word: &[u8]) -> bool;

    /// Whether one of the arguments from a place on is this word in any case.
    fn has(&self, from: usize, word: &[u8]) -> bool;

    /// An argument that is a whole number.
    fn integer(&self, at: usize) -> Option<i64>;
}

impl<A: AsRef<[u8]>> Words for [A] {
    fn is(&self, at: usize, word: &[u8]) -> bool {
        self.get(at).is_some_and(|arg| arg.as_ref().eq_ignore_ascii_case(word))
    }

    fn has(&self, from: usize, word: &[u8]) -> bool {
        self.iter().skip(from).any(|arg| arg.as_ref().eq_ignore_ascii_case(word))
    }

    fn integer(&self, at: usize) -> Option<i64> {
        core::str::from_utf8(self.get(at)?.as_ref()).ok()?.parse().ok()
    }
}
