//! Name and arguments of a command, as slices of bytes. Few of them need no memory of their own.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

/// Most commands have no more.
const FEW: usize = 8;

/// Name and arguments of a command, borrowed.
#[derive(Clone)]
pub struct Arguments<'a> {
    few: [&'a [u8]; FEW],
    count: usize,
    /// All of them, where there are more.
    many: Vec<&'a [u8]>,
}

impl<'a> Arguments<'a> {
    /// Those of a command.
    pub fn of<A: AsRef<[u8]>>(args: &'a [A]) -> Self {
        Self::collect(args.len(), args.iter().map(AsRef::as_ref))
    }

    /// The first `count`.
    pub(super) fn collect(count: usize, args: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut few = [&b""[..]; FEW];
        let mut many = Vec::new();
        if count > FEW {
            many.extend(args.take(count));
        } else {
            for (place, arg) in few.iter_mut().take(count).zip(args) {
                *place = arg;
            }
        }
        Self { few, count, many }
    }
}

impl<'a> Deref for Arguments<'a> {
    type Target = [&'a [u8]];

    fn deref(&self) -> &Self::Target {
        if self.count > FEW { &self.many } else { self.few.get(..self.count).unwrap_or_default() }
    }
}

/// What they are is the caller's own.
impl fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arguments").field("count", &self.count).finish_non_exhaustive()
    }
}
