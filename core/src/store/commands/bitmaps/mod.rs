//! Commands on the bits of strings. Bit 0 is the highest of the first byte.

mod bitfield;
#[cfg(test)]
mod tests;

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::super::Refusal;
use super::super::call::{Call, Expiry, count};
use super::super::number::parse_i64;
use super::super::stop::{STRING_BYTES_MAX, SYNTAX, Stop};
use super::Handler;
use super::strings::edit;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("BITCOUNT", bitcount),
    ("BITFIELD", |call| bitfield::bitfield(call, false)),
    ("BITFIELD_RO", |call| bitfield::bitfield(call, true)),
    ("BITOP", bitop),
    ("BITPOS", bitpos),
    ("GETBIT", getbit),
    ("SETBIT", setbit),
];

const BAD_OFFSET: &str = "ERR bit offset is not an integer or out of range";

/// How BITOP joins two bytes.
type Join = fn(u8, u8) -> u8;

/// The place of a bit from its text.
fn bit_offset(number: Option<i64>) -> Result<usize, Stop> {
    let offset = number.and_then(|number| usize::try_from(number).ok());
    offset.filter(|offset| offset / 8 < STRING_BYTES_MAX).ok_or_else(|| BAD_OFFSET.into())
}

/// Whether a bit is set; what lies behind the end is not.
fn is_set(bytes: &[u8], offset: usize) -> bool {
    bytes.get(offset / 8).is_some_and(|byte| byte & mask(offset) != 0)
}

/// Sets a bit that is there.
fn put(bytes: &mut [u8], offset: usize, on: bool) {
    if let Some(byte) = bytes.get_mut(offset / 8) {
        *byte = if on { *byte | mask(offset) } else { *byte & !mask(offset) };
    }
}

const fn mask(offset: usize) -> u8 {
    0x80 >> (offset % 8)
}

fn setbit(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let offset = bit_offset(parse_i64(call.arg(2)))?;
    let on = match parse_i64(call.arg(3)) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err("ERR bit is not an integer or out of range".into()),
    };
    let old = call.string(key)?.unwrap_or_default();
    let (len, was_on) = (old.len(), is_set(old, offset));
    let wanted_len = offset / 8 + 1;
    if len < wanted_len || was_on != on {
        edit(call, key, wanted_len.saturating_sub(len), |value| {
            value.resize(len.max(wanted_len), 0);
            put(value, offset, on);
        })?;
        call.changed(key);
    }
    Ok(Value::Integer(i64::from(was_on)))
}

fn getbit(call: &mut Call<'_>) -> Result<Value, Stop> {
    let offset = bit_offset(parse_i64(call.arg(2)))?;
    let value = call.string(call.arg(1))?.unwrap_or_default();
    Ok(Value::Integer(i64::from(is_set(value, offset))))
}

/// The bits that the arguments from `at` on choose: start, end, unit.
struct Chosen {
    start: i64,
    end: Option<i64>,
    is_in_bits: bool,
}

impl Chosen {
    /// The half-open range in bits; empty where start and end miss.
    fn bits(&self, len: usize) -> Range<usize> {
        let units = i64::try_from(if self.is_in_bits { len * 8 } else { len }).unwrap_or(i64::MAX);
        let clamped = |at: i64| if at < 0 { at.saturating_add(units).max(0) } else { at };
        let start = clamped(self.start);
        let end = clamped(self.end.unwrap_or(-1)).min(units - 1);
        if start > end {
            return 0..0;
        }
        let scale = if self.is_in_bits { 1 } else { 8 };
        let scaled = |at: i64| usize::try_from(at).unwrap_or(0) * scale;
        scaled(start)..scaled(end + 1)
    }
}

fn is_bit_unit(call: &Call<'_>, at: usize) -> Result<bool, Stop> {
    match call.option(at).as_slice() {
        b"BIT" => Ok(true),
        b"BYTE" => Ok(false),
        _ => Err(SYNTAX.into()),
    }
}

fn bitcount(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let Some(len) = call.string(key)?.map(<[u8]>::len) else {
        return Ok(Value::Integer(0));
    };
    let chosen = match call.args.len() {
        2 => Chosen { start: 0, end: None, is_in_bits: false },
        4 | 5 => {
            let (start, end) = (call.integer(2)?, call.integer(3)?);
            // Redis looks at this before the unit.
            if start < 0 && end < 0 && start > end {
                return Ok(Value::Integer(0));
            }
            let is_in_bits = call.args.len() == 5 && is_bit_unit(call, 4)?;
            Chosen { start, end: Some(end), is_in_bits }
        }
        _ => return Err(SYNTAX.into()),
    };
    let bits = chosen.bits(len);
    Ok(count(ones(call.string(key)?.unwrap_or_default(), bits)))
}

/// How many bits of a range are set.
fn ones(bytes: &[u8], bits: Range<usize>) -> usize {
    let whole = bits.start.div_ceil(8)..bits.end / 8;
    if whole.start >= whole.end {
        return bits.filter(|at| is_set(bytes, *at)).count();
    }
    let edges = (bits.start..whole.start * 8).chain(whole.end * 8..bits.end);
    let at_edges = edges.filter(|at| is_set(bytes, *at)).count();
    let inside = bytes.get(whole).unwrap_or_default();
    at_edges + inside.iter().map(|byte| byte.count_ones() as usize).sum::<usize>()
}

fn bitpos(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let on = match call.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err("ERR The bit argument must be 1 or 0.".into()),
    };
    let Some(len) = call.string(key)?.map(<[u8]>::len) else {
        return Ok(Value::Integer(if on { -1 } else { 0 }));
    };
    let arguments = call.args.len();
    if arguments > 6 {
        return Err(SYNTAX.into());
    }
    let start = if arguments > 3 { call.integer(3)? } else { 0 };
    let is_in_bits = arguments == 6 && is_bit_unit(call, 5)?;
    let end = if arguments > 4 { Some(call.integer(4)?) } else { None };
    let bits = Chosen { start, end, is_in_bits }.bits(len);
    let is_empty = bits.is_empty();
    match first(call.string(key)?.unwrap_or_default(), bits, on) {
        Some(found) => Ok(count(found)),
        // Without an end, zeros follow the string.
        None if !on && end.is_none() && !is_empty => Ok(count(len * 8)),
        None => Ok(Value::Integer(-1)),
    }
}

/// The first bit of a range that is so.
fn first(bytes: &[u8], bits: Range<usize>, on: bool) -> Option<usize> {
    let dull = if on { 0 } else { 0xff };
    let mut at = bits.start;
    while at < bits.end {
        if at.is_multiple_of(8) {
            let rest = bytes.get(at / 8..).unwrap_or_default();
            at += 8 * rest.iter().take_while(|byte| **byte == dull).count();
            if at >= bits.end {
                return None;
            }
        }
        if is_set(bytes, at) == on {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn bitop(call: &mut Call<'_>) -> Result<Value, Stop> {
    let join: Option<Join> = match call.option(1).as_slice() {
        b"AND" => Some(|one, other| one & other),
        b"OR" => Some(|one, other| one | other),
        b"XOR" => Some(|one, other| one ^ other),
        b"NOT" => None,
        _ => return Err(SYNTAX.into()),
    };
    if join.is_none() && call.args.len() != 4 {
        return Err("ERR BITOP NOT must be called with a single source key.".into());
    }
    let sources = call.args.get(3..).unwrap_or_default();
    let mut len = 0;
    for key in sources {
        len = len.max(call.string(key)?.map_or(0, <[u8]>::len));
    }
    let target = call.arg(2);
    if len == 0 {
        if call.remove(target) {
            call.replaced(target);
        } else {
            call.forgotten(target);
        }
        return Ok(Value::Integer(0));
    }
    if len > call.common.bytes_max().saturating_sub(call.common.bytes_in_all()) {
        return Err(Refusal::Full.into());
    }
    let result = joined(call, sources, len, join)?;
    call.set_string(target, &result, Expiry::None);
    call.replaced(target);
    Ok(count(len))
}

/// The sources joined, shorter ones with zeros behind; the one source inverted without a join.
fn joined(
    call: &mut Call<'_>,
    sources: &[&[u8]],
    len: usize,
    join: Option<Join>,
) -> Result<Vec<u8>, Stop> {
    let mut result = vec![0; len];
    for (at, key) in sources.iter().enumerate() {
        let source = call.string(key)?.unwrap_or_default();
        let padded = source.iter().copied().chain(core::iter::repeat(0));
        for (byte, other) in result.iter_mut().zip(padded) {
            *byte = match join {
                None => !other,
                Some(_) if at == 0 => other,
                Some(join) => join(*byte, other),
            };
        }
    }
    Ok(result)
}
