//! The sparse form: runs of equal registers. `00nnnnnn` are n + 1 zeros, `01nnnnnn nnnnnnnn` as
//! many with 14 bits of count, `1vvvvvnn` are n + 1 registers of v + 1 (`hyperloglog.c` of Redis).

use alloc::vec::Vec;

use super::{Corrupted, HEADER_BYTES, REGISTERS};

/// The greatest register that this form holds.
pub(super) const VALUE_MAX: u8 = 32;
/// Bytes, header included, beyond which Redis chooses the dense form (`hll-sparse-max-bytes`).
const BYTES_MAX: usize = 3_000;
/// Registers in a run of each kind, at most.
const ZEROS_MAX: usize = 64;
const VALUES_MAX: usize = 4;
/// Runs that are looked at for neighbours to join after a change.
const JOINED_MAX: usize = 5;

/// A run of equal registers.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) value: u8,
    pub(super) len: usize,
    /// Bytes that encode it.
    bytes: usize,
}

/// What became of setting a register.
pub(super) enum Outcome {
    Kept,
    Raised,
    /// It needs the dense form.
    TooLarge,
}

/// All runs, up to where the bytes end.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = HEADER_BYTES;
    core::iter::from_fn(move || {
        let run = run_at(bytes, at)?;
        at += run.bytes;
        Some(run)
    })
}

/// Two bytes that say that all registers are zero.
pub(super) fn push_all_zeros(bytes: &mut Vec<u8>) {
    push_zeros(bytes, REGISTERS);
}

/// Raises a register to a value.
pub(super) fn raise(bytes: &mut Vec<u8>, index: usize, value: u8) -> Result<Outcome, Corrupted> {
    if value > VALUE_MAX {
        return Ok(Outcome::TooLarge);
    }
    let mut at = HEADER_BYTES;
    let mut first = 0;
    let mut previous = None;
    let run = loop {
        let run = run_at(bytes, at).ok_or(Corrupted)?;
        if index < first + run.len {
            break run;
        }
        previous = Some(at);
        at += run.bytes;
        first += run.len;
    };
    if run.value >= value {
        return Ok(Outcome::Kept);
    }
    let mut replacement = Vec::new();
    push(&mut replacement, run.value, index - first);
    push(&mut replacement, value, 1);
    push(&mut replacement, run.value, first + run.len - 1 - index);
    if replacement.len() > run.bytes && bytes.len() + replacement.len() - run.bytes > BYTES_MAX {
        return Ok(Outcome::TooLarge);
    }
    let end = (at + run.bytes).min(bytes.len());
    bytes.splice(at..end, replacement);
    join(bytes, previous.unwrap_or(HEADER_BYTES));
    Ok(Outcome::Raised)
}

fn run_at(bytes: &[u8], at: usize) -> Option<Run> {
    let byte = *bytes.get(at)?;
    Some(match byte >> 6 {
        0 => Run { value: 0, len: usize::from(byte & 0x3f) + 1, bytes: 1 },
        1 => {
            let low = usize::from(bytes.get(at + 1).copied().unwrap_or(0));
            Run { value: 0, len: (usize::from(byte & 0x3f) << 8 | low) + 1, bytes: 2 }
        }
        _ => Run { value: (byte >> 2 & 0x1f) + 1, len: usize::from(byte & 3) + 1, bytes: 1 },
    })
}

fn push(bytes: &mut Vec<u8>, value: u8, len: usize) {
    match (len, value) {
        (0, _) => {}
        (_, 0) => push_zeros(bytes, len),
        _ => bytes.push(values(value, len)),
    }
}

fn push_zeros(bytes: &mut Vec<u8>, len: usize) {
    let [.., high, low] = (len - 1).to_be_bytes();
    if len > ZEROS_MAX {
        bytes.extend_from_slice(&[0x40 | high, low]);
    } else {
        bytes.push(low);
    }
}

fn values(value: u8, len: usize) -> u8 {
    let [.., low] = (len - 1).to_be_bytes();
    0x80 | (value - 1) << 2 | low
}

/// Joins neighbours of the same value near a place.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED_MAX {
        let Some(run) = run_at(bytes, at) else {
            return;
        };
        match run_at(bytes, at + run.bytes) {
            Some(next)
                if run.value > 0 && next.value == run.value && run.len + next.len <= VALUES_MAX =>
            {
                bytes.remove(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = values(run.value, run.len + next.len);
                }
            }
            _ => at += run.bytes,
        }
    }
}
