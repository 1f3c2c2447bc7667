//! A cursor of `SCAN` that also says which master it is for.

use alloc::string::{String, ToString};

use super::SLOTS;

/// Where a `SCAN` over a cluster stands: masters are looked at one after another, in the order of their
/// lowest slots. As text it is a number like any cursor, with the slot in its last 14 bits; `0` is the
/// beginning and the end. What SCAN promises holds for each master, and for all of them as long as none
/// comes, goes or hands slots over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cursor {
    /// A slot of the master.
    pub slot: u16,
    /// The cursor on this master.
    pub own: u64,
}

impl Cursor {
    /// A cursor on the master of a slot; none where it does not fit.
    pub const fn new(slot: u16, own: u64) -> Option<Self> {
        if own > u64::MAX / SLOTS as u64 { None } else { Some(Self { slot: slot % SLOTS, own }) }
    }

    /// Reads the cursor that a caller gave.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let number: u64 = core::str::from_utf8(text).ok()?.parse().ok()?;
        let slot = u16::try_from(number % u64::from(SLOTS)).ok()?;
        Some(Self { slot, own: number / u64::from(SLOTS) })
    }

    /// The text for the caller.
    pub fn text(self) -> String {
        (self.own * u64::from(SLOTS) + u64::from(self.slot)).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for (slot, own) in [(0, 0), (5_461, 0), (16_383, 1 << 39), (1, u64::MAX >> 14)] {
            let cursor = Cursor::new(slot, own).unwrap();
            assert_eq!(Cursor::parse(cursor.text().as_bytes()), Some(cursor));
        }
        assert_eq!(Cursor::new(1, u64::MAX), None);
        assert_eq!(Cursor::parse(b"0"), Some(Cursor::default()));
        assert_eq!(Cursor::parse(b"x"), None);
    }
}
