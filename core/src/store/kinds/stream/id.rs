//! The names of entries: a time and a number within it.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::super::super::number::parse_i64;

/// What an entry is named by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    /// Milliseconds, usually since the Unix epoch.
    pub(crate) ms: u64,
    /// The number within the millisecond.
    pub(crate) seq: u64,
}

/// Longer texts are no ID (`streamGenericParseIDOrReply` of `t_stream.c`).
const TEXT_BYTES_MAX: usize = 127;

impl Id {
    /// Before all others, and the name of no entry.
    pub(crate) const MIN: Self = Self { ms: 0, seq: 0 };
    /// The last one.
    pub(crate) const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// Reads `ms-seq`, or `ms` with a number to assume.
    pub(crate) fn parse(text: &[u8], missing_seq: u64) -> Option<Self> {
        let (ms, seq) = split(text)?;
        let seq = seq.map_or(Some(missing_seq), number)?;
        Some(Self { ms: number(ms)?, seq })
    }

    /// Reads `ms-*`.
    pub(crate) fn parse_open(text: &[u8]) -> Option<u64> {
        let (ms, seq) = split(text)?;
        if seq == Some(b"*") { number(ms) } else { None }
    }

    /// The ID behind it.
    pub(crate) fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The ID before it.
    pub(crate) fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// Its text.
    pub(crate) fn text(self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text before and behind the first hyphen. Redis reads up to a NUL.
fn split(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = text.split(|byte| *byte == 0).next()?;
    Some(match text.iter().position(|byte| *byte == b'-') {
        Some(at) => (text.get(..at)?, text.get(at + 1..)),
        None => (text, None),
    })
}

/// A number as `string2ull` of `util.c` reads one: strictly, or else as C's `strtoull` does, with
/// spaces and a sign before it and leading zeros.
fn number(text: &[u8]) -> Option<u64> {
    if let Some(strict) = parse_i64(text) {
        return u64::try_from(strict).ok();
    }
    let begin = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))?;
    let (negative, digits) = match text.get(begin..)? {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    Some(if negative { number.wrapping_neg() } else { number })
}
