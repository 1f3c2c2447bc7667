//! Commands on hashes: <https://redis.io/docs/latest/commands/?group=hash>.

mod choices;
mod counters;
mod expiry;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::call::{Call, bulk_or_nil, count, flag};
use super::super::glob;
use super::super::kinds::Hash;
use super::super::number::parse_cursor;
use super::super::stop::{SYNTAX, Stop};
use super::{Handler, wrong_arity};
use crate::resp::Value;
use crate::time::Timestamp;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("HDEL", hdel),
    ("HEXISTS", |call| Ok(flag(value(call)?.is_some()))),
    ("HEXPIRE", |call| expiry::hexpire(call, 1_000, true)),
    ("HEXPIREAT", |call| expiry::hexpire(call, 1_000, false)),
    ("HEXPIRETIME", |call| expiry::told(call, |at, _| at.as_ms().div_ceil(1_000))),
    ("HGET", |call| Ok(bulk_or_nil(value(call)?))),
    ("HGETALL", hgetall),
    ("HINCRBY", counters::hincrby),
    ("HINCRBYFLOAT", counters::hincrbyfloat),
    ("HKEYS", |call| each(call, |field, _| Value::bulk(field))),
    ("HLEN", |call| Ok(count(read(call, call.arg(1))?.map_or(0, Hash::len)))),
    ("HMGET", hmget),
    ("HMSET", |call| hset(call).map(|_| Value::ok())),
    ("HPERSIST", expiry::hpersist),
    ("HPEXPIRE", |call| expiry::hexpire(call, 1, true)),
    ("HPEXPIREAT", |call| expiry::hexpire(call, 1, false)),
    ("HPEXPIRETIME", |call| expiry::told(call, |at, _| at.as_ms())),
    ("HPTTL", |call| expiry::told(call, Timestamp::since_ms)),
    ("HRANDFIELD", choices::hrandfield),
    ("HSCAN", hscan),
    ("HSET", hset),
    ("HSETNX", hsetnx),
    ("HSTRLEN", |call| Ok(count(value(call)?.map_or(0, <[u8]>::len)))),
    ("HTTL", |call| expiry::told(call, |at, now| at.since_ms(now).div_ceil(1_000))),
    ("HVALS", |call| each(call, |_, value| Value::bulk(value))),
];

/// Takes out the fields of a key that have expired.
fn expire_fields(call: &mut Call<'_>, key: &[u8]) -> Result<(), Stop> {
    let now = call.now;
    if !call.read::<Hash>(key)?.is_some_and(|hash| hash.has_expired(now)) {
        return Ok(());
    }
    let expired = call.write::<Hash>(key)?.map(|hash| hash.take_expired(now));
    tell_removed(call, key, &expired.unwrap_or_default());
    Ok(())
}

/// Tells that these fields went.
fn tell_removed(call: &mut Call<'_>, key: &[u8], fields: &[Box<[u8]>]) {
    let mut command: Vec<&[u8]> = [b"HDEL", key].into();
    command.extend(fields.iter().map(AsRef::as_ref));
    call.changed_by(key, &command);
}

/// A hash without its expired fields, or nothing.
fn read<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Result<Option<&'c Hash>, Stop> {
    expire_fields(call, key)?;
    call.read(key)
}

/// A copy of a field's value, or nothing.
pub(super) fn field(
    call: &mut Call<'_>,
    key: &[u8],
    field: &[u8],
) -> Result<Option<Vec<u8>>, Stop> {
    let hash = read(call, key)?;
    Ok(hash.and_then(|hash| hash.get(field)).map(<[u8]>::to_vec))
}

/// A hash without its expired fields, to change, or nothing.
fn write<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Result<Option<&'c mut Hash>, Stop> {
    expire_fields(call, key)?;
    call.write(key)
}

/// A hash without its expired fields, to change, made where there is none.
fn write_or_new<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Result<&'c mut Hash, Stop> {
    expire_fields(call, key)?;
    call.write_or_new(key)
}

/// The value of the field that is the second argument.
fn value<'c>(call: &'c mut Call<'_>) -> Result<Option<&'c [u8]>, Stop> {
    let (key, field) = (call.arg(1), call.arg(2));
    Ok(read(call, key)?.and_then(|hash| hash.get(field)))
}

fn hset(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, args) = (call.arg(1), call.args);
    if args.len() % 2 == 1 {
        return Err(wrong_arity(&call.name()));
    }
    let hash = write_or_new(call, key)?;
    let mut new = 0;
    for pair in args.get(2..).unwrap_or_default().chunks_exact(2) {
        if let [field, value] = pair {
            new += usize::from(hash.set(field, value));
        }
    }
    call.changed(key);
    Ok(count(new))
}

fn hsetnx(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, field, value) = (call.arg(1), call.arg(2), call.arg(3));
    let hash = write_or_new(call, key)?;
    if hash.get(field).is_some() {
        return Ok(flag(false));
    }
    hash.set(field, value);
    call.changed_by(key, &[b"HSET", key, field, value]);
    Ok(flag(true))
}

fn hdel(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, args) = (call.arg(1), call.args);
    let Some(hash) = write(call, key)? else {
        return Ok(count(0));
    };
    let removed = args.iter().skip(2).filter(|field| hash.remove(field)).count();
    if removed > 0 {
        call.changed(key);
    }
    Ok(count(removed))
}

fn hmget(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, args) = (call.arg(1), call.args);
    let hash = read(call, key)?;
    let value = |field: &&[u8]| bulk_or_nil(hash.and_then(|hash| hash.get(field)));
    Ok(Value::Array(args.iter().skip(2).map(value).collect()))
}

fn hgetall(call: &mut Call<'_>) -> Result<Value, Stop> {
    let hash = read(call, call.arg(1))?;
    let fields = hash.into_iter().flat_map(Hash::iter);
    Ok(Value::Map(fields.map(|(field, value)| (Value::bulk(field), Value::bulk(value))).collect()))
}

fn each(call: &mut Call<'_>, shown: impl Fn(&[u8], &[u8]) -> Value) -> Result<Value, Stop> {
    let hash = read(call, call.arg(1))?;
    let fields = hash.into_iter().flat_map(Hash::iter);
    Ok(Value::Array(fields.map(|(field, value)| shown(field, value)).collect()))
}

fn hscan(call: &mut Call<'_>) -> Result<Value, Stop> {
    let cursor = parse_cursor(call.arg(2)).ok_or("ERR invalid cursor")?;
    let reply = |cursor: u64, found: Vec<Value>| {
        Value::Array([Value::bulk(alloc::format!("{cursor}")), Value::Array(found)].into())
    };
    let key = call.arg(1);
    if read(call, key)?.is_none() {
        return Ok(reply(0, Vec::new()));
    }
    let (mut pattern, mut most) = (None, 10);
    for at in (3..call.args.len()).step_by(2) {
        match call.option(at).as_slice() {
            b"COUNT" if at + 1 < call.args.len() => {
                let wanted = usize::try_from(call.integer(at + 1)?).unwrap_or(0);
                most = if wanted == 0 { return Err(SYNTAX.into()) } else { wanted };
            }
            b"MATCH" if at + 1 < call.args.len() => pattern = Some(call.arg(at + 1)),
            _ => return Err(SYNTAX.into()),
        }
    }
    let mut found = Vec::new();
    let next = read(call, key)?.map_or(0, |hash| {
        hash.scan(cursor, most, |field, value| {
            if pattern.is_none_or(|pattern| glob::matches(pattern, field)) {
                found.extend([Value::bulk(field), Value::bulk(value)]);
            }
        })
    });
    Ok(reply(next, found))
}
