//! `HyperLogLog` as Redis keeps it in strings, byte for byte (`hyperloglog.c`): a header with the
//! last count, then 16,384 registers in a sparse or a dense form.

mod murmur;
mod sparse;
#[cfg(test)]
mod tests;

use alloc::vec;
use alloc::vec::Vec;

use sparse::Outcome;

/// A string that claims to be one, but does not have all registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupted;

/// All registers, a byte each.
pub(crate) type Registers = [u8; REGISTERS];

/// How many registers there are.
pub(crate) const REGISTERS: usize = 1 << INDEX_BITS;
/// Bytes of the dense form.
pub(crate) const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * REGISTER_BITS / 8;

const INDEX_BITS: usize = 14;
const REGISTER_BITS: usize = 6;
const HEADER_BYTES: usize = 16;
const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// Where the cached count is, lowest byte first; the highest bit says that it is outdated.
const COUNT_AT: usize = 8;
const OUTDATED: u8 = 0x80;
/// Bits of a hash beyond those that choose the register.
const VALUE_BITS: usize = 64 - INDEX_BITS;
/// The constant of the estimator, 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;
#[expect(clippy::cast_precision_loss, reason = "a small power of two")]
const REGISTERS_F64: f64 = REGISTERS as f64;

/// An empty one.
pub(crate) fn new() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes.splice(..MAGIC.len(), MAGIC.iter().copied());
    if let Some(encoding) = bytes.get_mut(ENCODING_AT) {
        *encoding = SPARSE;
    }
    sparse::push_all_zeros(&mut bytes);
    bytes
}

/// Whether a string looks like one.
pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_BYTES
        && bytes.starts_with(MAGIC)
        && match bytes.get(ENCODING_AT) {
            Some(&DENSE) => bytes.len() == DENSE_BYTES,
            Some(&SPARSE) => true,
            _ => false,
        }
}

/// Whether it has the dense form.
pub(crate) fn is_dense(bytes: &[u8]) -> bool {
    bytes.get(ENCODING_AT) == Some(&DENSE)
}

/// Adds an element; whether a register grew.
pub(crate) fn add(bytes: &mut Vec<u8>, element: &[u8]) -> Result<bool, Corrupted> {
    let hash = murmur::hash(element);
    let index = usize::try_from(hash).map_or(0, |hash| hash % REGISTERS);
    let rest = hash >> INDEX_BITS | 1 << VALUE_BITS;
    let value = u8::try_from(rest.trailing_zeros() + 1).unwrap_or(u8::MAX);
    raise(bytes, index, value)
}

/// Raises a register to a value; whether it was lower.
pub(crate) fn raise(bytes: &mut Vec<u8>, index: usize, value: u8) -> Result<bool, Corrupted> {
    if !is_dense(bytes) {
        match sparse::raise(bytes, index, value)? {
            Outcome::Kept => return Ok(false),
            Outcome::Raised => {
                // At once: Redis keeps what it raised before it found the rest corrupted.
                outdate_count(bytes);
                return Ok(true);
            }
            Outcome::TooLarge => make_dense(bytes)?,
        }
    }
    let is_lower = dense_register(bytes, index) < value;
    if is_lower {
        set_dense_register(bytes, index, value);
    }
    Ok(is_lower)
}

/// Gives it the dense form.
pub(crate) fn make_dense(bytes: &mut Vec<u8>) -> Result<(), Corrupted> {
    if is_dense(bytes) {
        return Ok(());
    }
    let mut registers = [0; REGISTERS];
    merge(&mut registers, bytes)?;
    bytes.truncate(HEADER_BYTES);
    bytes.resize(DENSE_BYTES, 0);
    if let Some(encoding) = bytes.get_mut(ENCODING_AT) {
        *encoding = DENSE;
    }
    for (index, value) in registers.iter().enumerate().filter(|(_, value)| **value > 0) {
        set_dense_register(bytes, index, *value);
    }
    Ok(())
}

/// Raises registers to those of a string.
pub(crate) fn merge(registers: &mut Registers, bytes: &[u8]) -> Result<(), Corrupted> {
    if is_dense(bytes) {
        for (index, register) in registers.iter_mut().enumerate() {
            *register = (*register).max(dense_register(bytes, index));
        }
        return Ok(());
    }
    let mut index = 0;
    for run in sparse::runs(bytes) {
        let covered = registers.get_mut(index..index + run.len).ok_or(Corrupted)?;
        for register in covered {
            *register = (*register).max(run.value);
        }
        index += run.len;
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

/// The count in the header, unless it is outdated.
pub(crate) fn cached_count(bytes: &[u8]) -> Option<u64> {
    let count = bytes.get(COUNT_AT..HEADER_BYTES).and_then(|count| count.try_into().ok());
    count.map(u64::from_le_bytes).filter(|count| count >> 56 & u64::from(OUTDATED) == 0)
}

/// Puts a count into the header.
pub(crate) fn cache_count(bytes: &mut [u8], count: u64) {
    if let Some(room) = bytes.get_mut(COUNT_AT..HEADER_BYTES) {
        room.copy_from_slice(&count.to_le_bytes());
    }
}

/// Says that the count in the header is outdated.
pub(crate) fn outdate_count(bytes: &mut [u8]) {
    if let Some(byte) = bytes.get_mut(HEADER_BYTES - 1) {
        *byte |= OUTDATED;
    }
}

/// How many different elements these registers have seen, about: the estimator of Otmar Ertl,
/// arXiv:1702.01284.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, not below 0")]
pub(crate) fn estimate(registers: &Registers) -> u64 {
    let mut histogram = [0_u32; 64];
    for register in registers {
        if let Some(count) = histogram.get_mut(usize::from(*register)) {
            *count += 1;
        }
    }
    let times = |value: usize| f64::from(histogram.get(value).copied().unwrap_or(0));
    let full = (REGISTERS_F64 - times(VALUE_BITS + 1)) / REGISTERS_F64;
    let mut sum = REGISTERS_F64 * tau(full);
    for value in (1..=VALUE_BITS).rev() {
        sum = (sum + times(value)) * 0.5;
    }
    sum += REGISTERS_F64 * sigma(times(0) / REGISTERS_F64);
    libm::round(ALPHA * REGISTERS_F64 * REGISTERS_F64 / sum) as u64
}

#[expect(clippy::float_cmp, reason = "the series ends when it no longer changes")]
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

#[expect(clippy::float_cmp, reason = "the series ends when it no longer changes")]
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = libm::sqrt(x);
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}

/// The place of a register: its byte, and the bits of that below it.
const fn place(index: usize) -> (usize, usize) {
    let bit = index * REGISTER_BITS;
    (HEADER_BYTES + bit / 8, bit % 8)
}

fn dense_register(bytes: &[u8], index: usize) -> u8 {
    let (at, shift) = place(index);
    let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
    let pair = byte(at) | byte(at + 1) << 8;
    u8::try_from(pair >> shift & 0x3f).unwrap_or(0)
}

fn set_dense_register(bytes: &mut [u8], index: usize, value: u8) {
    let (at, shift) = place(index);
    let mask = (0x3f_u16 << shift).to_le_bytes();
    let wanted = (u16::from(value) << shift).to_le_bytes();
    let room = bytes.iter_mut().skip(at);
    for ((byte, mask), wanted) in room.zip(mask).zip(wanted) {
        *byte = *byte & !mask | wanted;
    }
}
