//! Commands on strings.

mod lcs;
mod options;
#[cfg(test)]
pub(super) mod tests;

use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::Refusal;
use super::super::call::{Call, Expiry, bulk_or_nil, count, flag};
use super::super::extended;
use super::super::number::parse_i64;
use super::super::stop::{NOT_AN_INTEGER, OVERFLOW, STRING_BYTES_MAX, Stop, TOO_LONG};
use super::{Handler, wrong_arity};
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("APPEND", append),
    ("DECR", |call| add(call, -1)),
    ("DECRBY", |call| {
        let amount = call.integer(2)?.checked_neg().ok_or("ERR decrement would overflow")?;
        add(call, amount)
    }),
    ("GET", get),
    ("GETDEL", getdel),
    ("GETEX", options::getex),
    ("GETRANGE", getrange),
    ("GETSET", |call| {
        let old = get(call)?;
        set_as(call, 2, Expiry::None);
        Ok(old)
    }),
    ("INCR", |call| add(call, 1)),
    ("INCRBY", |call| {
        let amount = call.integer(2)?;
        add(call, amount)
    }),
    ("INCRBYFLOAT", incrbyfloat),
    ("LCS", lcs::lcs),
    ("MGET", |call| Ok(mget(call))),
    ("MSET", mset),
    ("MSETNX", msetnx),
    ("PSETEX", |call| set_expiring(call, 1)),
    ("SET", options::set),
    ("SETEX", |call| set_expiring(call, 1_000)),
    ("SETNX", |call| Ok(setnx(call))),
    ("SETRANGE", setrange),
    ("STRLEN", |call| Ok(count(call.string(call.arg(1))?.map_or(0, <[u8]>::len)))),
    ("SUBSTR", getrange),
];

/// Bytes up to which a string is changed in a copy, so that it may stay in one block with its key.
const COPIED_BYTES_MAX: usize = 2_048;

/// Changes a string, which is made where there is none, and grows by up to `growth` bytes. Its
/// expiry stays.
pub(super) fn edit<T>(
    call: &mut Call<'_>,
    key: &[u8],
    growth: usize,
    change: impl FnOnce(&mut Vec<u8>) -> T,
) -> Result<T, Stop> {
    let len = call.string(key)?.map_or(0, <[u8]>::len);
    let bytes_free = call.common.bytes_max().saturating_sub(call.common.bytes_in_all());
    if growth > bytes_free {
        return Err(Refusal::Full.into());
    }
    if len > COPIED_BYTES_MAX
        && let Some(value) = call.string_mut(key)?
    {
        return Ok(change(value));
    }
    let mut value = Vec::with_capacity(len + growth);
    value.extend_from_slice(call.string(key)?.unwrap_or_default());
    let result = change(&mut value);
    call.set_string(key, &value, Expiry::Keep);
    Ok(result)
}

fn get(call: &mut Call<'_>) -> Result<Value, Stop> {
    Ok(bulk_or_nil(call.string(call.arg(1))?))
}

fn getdel(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let value = get(call)?;
    if value == Value::Nil {
        // Also a key that is not known here goes: Redis may have it.
        call.forgotten(key);
    } else {
        call.remove(key);
        call.replaced(key);
    }
    Ok(value)
}

fn mget(call: &mut Call<'_>) -> Value {
    let keys = call.args.iter().skip(1);
    // A key of another type reads as absent.
    Value::Array(keys.map(|key| bulk_or_nil(call.string(key).unwrap_or(None))).collect())
}

fn mset(call: &mut Call<'_>) -> Result<Value, Stop> {
    set_all(call)?;
    Ok(Value::ok())
}

fn msetnx(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.args.len().is_multiple_of(2) {
        return Err(wrong_arity("msetnx"));
    }
    let is_any_there = call.args.iter().skip(1).step_by(2).any(|key| call.exists(key));
    if !is_any_there {
        set_all(call)?;
    }
    Ok(flag(!is_any_there))
}

fn set_all(call: &mut Call<'_>) -> Result<(), Stop> {
    if call.args.len().is_multiple_of(2) {
        return Err(wrong_arity(&call.name()));
    }
    for pair in call.args.get(1..).unwrap_or_default().chunks_exact(2) {
        if let [key, value] = pair {
            call.set_string(key, value, Expiry::None);
            call.replaced(key);
        }
    }
    Ok(())
}

fn setnx(call: &mut Call<'_>) -> Value {
    let is_there = call.exists(call.arg(1));
    if !is_there {
        set_as(call, 2, Expiry::None);
    }
    flag(!is_there)
}

fn set_as(call: &mut Call<'_>, value_at: usize, expiry: Expiry) {
    let key = call.arg(1);
    call.set_string(key, call.arg(value_at), expiry);
    call.replaced(key);
}

fn set_expiring(call: &mut Call<'_>, factor: i64) -> Result<Value, Stop> {
    let at = call.expiry_from(call.integer(2)?, factor, true)?;
    set_as(call, 3, Expiry::At(at));
    Ok(Value::ok())
}

fn add(call: &mut Call<'_>, amount: i64) -> Result<Value, Stop> {
    let key = call.arg(1);
    let old = match call.string(key)? {
        Some(digits) => parse_i64(digits).ok_or(NOT_AN_INTEGER)?,
        None => 0,
    };
    let new = old.checked_add(amount).ok_or(OVERFLOW)?;
    call.set_string(key, new.to_string().as_bytes(), Expiry::Keep);
    call.changed(key);
    Ok(Value::Integer(new))
}

fn incrbyfloat(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let amount = call.arg(2);
    let sum = extended::add(call.string(key)?.unwrap_or(b"0"), amount)?;
    call.set_string(key, sum.as_bytes(), Expiry::Keep);
    call.changed(key);
    Ok(Value::bulk(sum))
}

fn append(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let tail = call.arg(2);
    let old_len = call.string(key)?.map_or(0, <[u8]>::len);
    if old_len > 0 && old_len.saturating_add(tail.len()) > STRING_BYTES_MAX {
        return Err(TOO_LONG.into());
    }
    let len = edit(call, key, tail.len(), |value| {
        value.extend_from_slice(tail);
        value.len()
    })?;
    call.changed(key);
    Ok(count(len))
}

fn getrange(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (start, end) = (call.integer(2)?, call.integer(3)?);
    let value = call.string(call.arg(1))?.unwrap_or_default();
    let len = i64::try_from(value.len()).unwrap_or(i64::MAX);
    if start < 0 && end < 0 && start > end {
        return Ok(Value::bulk(""));
    }
    // What lies before the string counts as its begin, for the end as well.
    let clamped = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let start = usize::try_from(clamped(start)).unwrap_or(usize::MAX);
    let end = usize::try_from(clamped(end).min(len - 1)).map_or(0, |last| last + 1);
    Ok(Value::bulk(value.get(start..end).unwrap_or_default()))
}

fn setrange(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let piece = call.arg(3);
    let offset = usize::try_from(call.integer(2)?).map_err(|_| "ERR offset is out of range")?;
    let old_len = call.string(key)?.map_or(0, <[u8]>::len);
    if piece.is_empty() {
        return Ok(count(old_len));
    }
    let end = offset.saturating_add(piece.len());
    if end > STRING_BYTES_MAX {
        return Err(TOO_LONG.into());
    }
    let len = edit(call, key, end.saturating_sub(old_len), |value| {
        if value.len() < end {
            value.resize(end, 0);
        }
        if let Some(room) = value.get_mut(offset..end) {
            room.copy_from_slice(piece);
        }
        value.len()
    })?;
    call.changed(key);
    Ok(count(len))
}
