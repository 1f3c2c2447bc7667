//! Commands on strings: <https://redis.io/docs/latest/commands/?group=string>.

use alloc::string::ToString;

use super::super::call::{Call, Expiry, bulk_or_nil, count};
use super::super::number::parse_i64;
use super::super::stop::{NOT_AN_INTEGER, OVERFLOW, SYNTAX, Stop};
use super::Handler;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("DECR", |call| add(call, -1)),
    ("DECRBY", |call| {
        let amount = call.integer(2)?.checked_neg().ok_or("ERR decrement would overflow")?;
        add(call, amount)
    }),
    ("GET", get),
    ("GETDEL", getdel),
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
    ("MGET", mget),
    ("PSETEX", |call| set_expiring(call, 1)),
    ("SET", set),
    ("SETEX", |call| set_expiring(call, 1_000)),
    ("SETNX", setnx),
    ("STRLEN", |call| Ok(count(call.string(call.arg(1))?.map_or(0, <[u8]>::len)))),
];

/// Whether SET depends on what is there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    None,
    /// Only if the key is absent (`NX`).
    Absent,
    /// Only if the key is there (`XX`).
    Present,
}

/// The options of SET.
#[derive(Clone, Copy, Default)]
struct SetOptions {
    condition: Condition,
    get: bool,
    expiry: Expiry,
}

fn get(call: &mut Call<'_>) -> Result<Value, Stop> {
    Ok(bulk_or_nil(call.string(call.arg(1))?))
}

fn getdel(call: &mut Call<'_>) -> Result<Value, Stop> {
    let value = get(call)?;
    if value != Value::Nil {
        call.remove(call.arg(1));
    }
    // Also a key that is not known here goes: Redis may have it.
    call.replaced(call.arg(1));
    Ok(value)
}

fn mget(call: &mut Call<'_>) -> Result<Value, Stop> {
    let keys = call.args.iter().skip(1);
    // A key of another type reads as absent.
    Ok(Value::Array(keys.map(|key| bulk_or_nil(call.string(key).unwrap_or(None))).collect()))
}

fn setnx(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.exists(call.arg(1)) {
        return Ok(Value::Integer(0));
    }
    set_as(call, 2, Expiry::None);
    Ok(Value::Integer(1))
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

fn set(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = set_options(call)?;
    let key = call.arg(1);
    let old = if options.get { bulk_or_nil(call.string(key)?) } else { Value::Nil };
    let blocked = match options.condition {
        Condition::None => false,
        Condition::Absent => call.exists(key),
        Condition::Present => !call.exists(key),
    };
    if blocked {
        return Ok(old);
    }
    set_as(call, 2, options.expiry);
    Ok(if options.get { old } else { Value::ok() })
}

fn set_options(call: &Call<'_>) -> Result<SetOptions, Stop> {
    let mut options = SetOptions::default();
    let mut at = 3;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"NX" if options.condition != Condition::Present => {
                options.condition = Condition::Absent;
            }
            b"XX" if options.condition != Condition::Absent => {
                options.condition = Condition::Present;
            }
            b"GET" => options.get = true,
            b"KEEPTTL" if options.expiry == Expiry::None => options.expiry = Expiry::Keep,
            unit @ (b"EX" | b"PX" | b"EXAT" | b"PXAT")
                if options.expiry == Expiry::None && at + 1 < call.args.len() =>
            {
                let factor = if unit.starts_with(b"EX") { 1_000 } else { 1 };
                let number = call.integer(at + 1)?;
                options.expiry = Expiry::At(call.expiry_from(number, factor, unit.len() == 2)?);
                at += 1;
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 1;
    }
    Ok(options)
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
