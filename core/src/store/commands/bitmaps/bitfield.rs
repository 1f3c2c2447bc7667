//! BITFIELD: whole numbers of any width anywhere in a string.

use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::number::parse_i64;
use super::super::super::stop::{SYNTAX, Stop};
use super::{bit_offset, edit, is_set, put};
use crate::resp::Value;

const BAD_TYPE: &str = "ERR Invalid bitfield type. Use something like i16 u8. \
     Note that u64 is not supported but i64 is.";

/// What becomes of a number that its field does not hold.
#[derive(Clone, Copy)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

/// A part of a string, read as a number.
#[derive(Clone, Copy)]
struct Field {
    is_signed: bool,
    bits: u32,
    offset: usize,
}

pub(super) fn bitfield(call: &mut Call<'_>, is_read_only: bool) -> Result<Value, Stop> {
    let key = call.arg(1);
    let steps = steps(call)?;
    let writes = steps.iter().filter(|(_, action)| !matches!(action, Action::Get));
    let Some(wanted_len) = writes.map(|(field, _)| field.end().div_ceil(8)).max() else {
        let value = call.string(key)?.unwrap_or_default();
        let read = |(field, _): &(Field, Action)| shown(field.read(value));
        return Ok(Value::Array(steps.iter().map(read).collect()));
    };
    if is_read_only {
        return Err("ERR BITFIELD_RO only supports the GET subcommand".into());
    }
    let len = call.string(key)?.map_or(0, <[u8]>::len);
    let growth = wanted_len.saturating_sub(len);
    let (replies, is_changed) = edit(call, key, growth, |value| {
        value.resize(len.max(wanted_len), 0);
        let mut is_changed = growth > 0;
        let mut run = |(field, action): &(Field, Action)| {
            let old = field.read(value);
            let (new, reply) = field.next(old, *action);
            is_changed |= new != old;
            field.write(value, new);
            reply
        };
        let replies: Vec<Value> = steps.iter().map(&mut run).collect();
        (replies, is_changed)
    })?;
    if is_changed {
        call.changed(key);
    }
    Ok(Value::Array(replies))
}

fn steps(call: &Call<'_>) -> Result<Vec<(Field, Action)>, Stop> {
    let mut steps = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut at = 2;
    while at < call.args.len() {
        let following = call.args.len() - at - 1;
        let name = call.option(at);
        let arguments = match name.as_slice() {
            b"OVERFLOW" if following >= 1 => {
                overflow = match call.option(at + 1).as_slice() {
                    b"WRAP" => Overflow::Wrap,
                    b"SAT" => Overflow::Saturate,
                    b"FAIL" => Overflow::Fail,
                    _ => return Err("ERR Invalid OVERFLOW type specified".into()),
                };
                1
            }
            b"GET" if following >= 2 => {
                steps.push((field(call, at + 1)?, Action::Get));
                2
            }
            b"SET" if following >= 3 => {
                let field = field(call, at + 1)?;
                steps.push((field, Action::Set(call.integer(at + 3)?, overflow)));
                3
            }
            b"INCRBY" if following >= 3 => {
                let field = field(call, at + 1)?;
                steps.push((field, Action::Add(call.integer(at + 3)?, overflow)));
                3
            }
            _ => return Err(SYNTAX.into()),
        };
        at += arguments + 1;
    }
    Ok(steps)
}

/// A field's type and offset, the latter in bits or, with `#`, in fields.
fn field(call: &Call<'_>, at: usize) -> Result<Field, Stop> {
    let (is_signed, digits) = match call.arg(at) {
        [b'i', digits @ ..] => (true, digits),
        [b'u', digits @ ..] => (false, digits),
        _ => return Err(BAD_TYPE.into()),
    };
    let bits = parse_i64(digits).and_then(|bits| u32::try_from(bits).ok());
    let bits_max = if is_signed { 64 } else { 63 };
    let bits = bits.filter(|bits| (1..=bits_max).contains(bits)).ok_or(BAD_TYPE)?;
    let number = match call.arg(at + 1) {
        [b'#', digits @ ..] => parse_i64(digits).map(|number| number.wrapping_mul(i64::from(bits))),
        digits => parse_i64(digits),
    };
    Ok(Field { is_signed, bits, offset: bit_offset(number)? })
}

impl Field {
    /// The bit behind it.
    fn end(&self) -> usize {
        self.places().end
    }

    fn places(&self) -> core::ops::Range<usize> {
        self.offset..self.offset + usize::try_from(self.bits).unwrap_or(64)
    }

    fn read(&self, bytes: &[u8]) -> i128 {
        let bits = self.places().map(|at| i128::from(is_set(bytes, at)));
        self.wrapped(bits.fold(0, |number, bit| number << 1 | bit))
    }

    fn write(&self, bytes: &mut [u8], mut number: i128) {
        for at in self.places().rev() {
            put(bytes, at, number & 1 == 1);
            number >>= 1;
        }
    }

    /// The number after an action, and the reply.
    fn next(&self, old: i128, action: Action) -> (i128, Value) {
        let (wanted, overflow) = match action {
            Action::Get => return (old, shown(old)),
            // Redis takes what is below 0 for a huge number here.
            Action::Set(number, overflow) if !self.is_signed => {
                (i128::from(number.cast_unsigned()), overflow)
            }
            Action::Set(number, overflow) => (i128::from(number), overflow),
            Action::Add(amount, overflow) => (old + i128::from(amount), overflow),
        };
        let (min, max) = self.bounds();
        let new = match overflow {
            _ if (min..=max).contains(&wanted) => wanted,
            Overflow::Wrap => self.wrapped(wanted),
            Overflow::Saturate => wanted.clamp(min, max),
            Overflow::Fail => return (old, Value::Nil),
        };
        let reply = if matches!(action, Action::Set(..)) { old } else { new };
        (new, shown(reply))
    }

    fn bounds(&self) -> (i128, i128) {
        if self.is_signed {
            let half = 1_i128 << (self.bits - 1);
            (-half, half - 1)
        } else {
            (0, (1_i128 << self.bits) - 1)
        }
    }

    /// The number that these lowest bits are in this field.
    fn wrapped(&self, number: i128) -> i128 {
        let low = number & ((1_i128 << self.bits) - 1);
        let (_, max) = self.bounds();
        if low > max { low - (1_i128 << self.bits) } else { low }
    }
}

/// A field's number as a reply: fields are at most as wide as that.
fn shown(number: i128) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
