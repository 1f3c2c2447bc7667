//! Commands on keys of any type: <https://redis.io/docs/latest/commands/?group=generic>.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::call::{Call, count};
use super::super::eviction::{frequency, idle_seconds};
use super::super::glob;
use super::super::number::{parse_cursor, parse_i64};
use super::super::shard::DATABASES;
use super::super::slot::Slot;
use super::super::stop::{NO_SUCH_KEY, NOT_AN_INTEGER, SYNTAX, Stop};
use super::super::table::Keyed;
use super::{Handler, unknown_subcommand};
use crate::resp::Value;
use crate::store::Refusal;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("COPY", copy),
    ("DEL", delete),
    ("EXISTS", exists),
    ("KEYS", keys),
    ("MOVE", move_to),
    ("OBJECT", object),
    ("RANDOMKEY", random_key),
    ("RENAME", |call| rename(call, false)),
    ("RENAMENX", |call| rename(call, true)),
    ("SCAN", scan),
    ("TOUCH", exists),
    ("TYPE", type_of),
    ("UNLINK", delete),
];

fn delete(call: &mut Call<'_>) -> Result<Value, Stop> {
    let mut deleted = 0;
    for key in call.args.iter().skip(1) {
        if call.remove(key) {
            deleted += 1;
            call.replaced(key);
        } else {
            // A tombstone for a key that only Redis knows.
            call.forgotten(key);
        }
    }
    Ok(count(deleted))
}

fn exists(call: &mut Call<'_>) -> Result<Value, Stop> {
    Ok(count(call.args.iter().skip(1).filter(|key| call.uses(key)).count()))
}

fn type_of(call: &mut Call<'_>) -> Result<Value, Stop> {
    let name = call.slot(call.arg(1)).map_or("none", Slot::type_name);
    Ok(Value::Simple(name.into()))
}

fn rename(call: &mut Call<'_>, only_if_new: bool) -> Result<Value, Stop> {
    let (from, to) = (call.arg(1), call.arg(2));
    if !call.exists(from) {
        return Err(NO_SUCH_KEY.into());
    }
    let reply = if only_if_new { Value::Integer(1) } else { Value::ok() };
    if from == to {
        return Ok(if only_if_new { Value::Integer(0) } else { reply });
    }
    if only_if_new && call.exists(to) {
        return Ok(Value::Integer(0));
    }
    if let Some(taken) = call.take(from) {
        call.insert(to, taken.data, taken.expires_at);
        call.replaced(from);
        call.replaced(to);
    }
    Ok(reply)
}

fn copy(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (from, to) = (call.arg(1), call.arg(2));
    let (mut database, mut replace) = (call.session.database, false);
    let mut at = 3;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"REPLACE" => replace = true,
            b"DB" if at + 1 < call.args.len() => {
                database = database_of(call, at + 1)?;
                at += 1;
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 1;
    }
    if database == call.session.database && from == to {
        return Err("ERR source and destination objects are the same".into());
    }
    only_here(call, database)?;
    let Some(copied) = call.copy(from) else {
        return Ok(Value::Integer(0));
    };
    Ok(call.in_database(database, |call| {
        if call.exists(to) && !replace {
            return Value::Integer(0);
        }
        call.insert(to, copied.data, copied.expires_at);
        call.replaced(to);
        Value::Integer(1)
    }))
}

fn move_to(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let database = database_of(call, 2)?;
    if database == call.session.database {
        return Err("ERR source and destination objects are the same".into());
    }
    only_here(call, database)?;
    if !call.exists(key) || call.in_database(database, |call| call.exists(key)) {
        return Ok(Value::Integer(0));
    }
    if let Some(taken) = call.take(key) {
        call.replaced(key);
        call.in_database(database, |call| {
            call.insert(key, taken.data, taken.expires_at);
            call.replaced(key);
        });
    }
    Ok(Value::Integer(1))
}

/// The journal knows one database: what reaches another one cannot be written back.
pub(super) fn only_here(call: &Call<'_>, database: usize) -> Result<(), Stop> {
    if call.session.journalled && database != call.session.database {
        return Err(Refusal::Unsupported.into());
    }
    Ok(())
}

/// The database that an argument names.
pub(super) fn database_of(call: &Call<'_>, at: usize) -> Result<usize, Stop> {
    let number = parse_i64(call.arg(at)).ok_or(NOT_AN_INTEGER)?;
    let number = i32::try_from(number)
        .map_err(|_| "ERR value is out of range, value must between -2147483648 and 2147483647")?;
    let database = usize::try_from(number).ok().filter(|database| *database < DATABASES);
    database.ok_or_else(|| "ERR DB index is out of range".into())
}

fn keys(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (pattern, database, now) = (call.arg(1), call.session.database, call.now);
    let mut found = Vec::new();
    call.each_shard(|shard| {
        let keys = shard.databases.get(database).map(|database| database.keys.iter());
        let live = keys.into_iter().flatten().filter(|slot| !slot.is_expired(now));
        let matching = live.filter(|slot| glob::matches(pattern, slot.key()));
        found.extend(matching.map(|slot| Value::bulk(slot.key())));
    });
    Ok(Value::Array(found))
}

/// What SCAN looks for.
struct Wanted<'a> {
    pattern: Option<&'a [u8]>,
    type_name: Option<String>,
    count: usize,
}

fn scan(call: &mut Call<'_>) -> Result<Value, Stop> {
    let cursor = parse_cursor(call.arg(1)).ok_or("ERR invalid cursor")?;
    let mut wanted = Wanted { pattern: None, type_name: None, count: 10 };
    let mut at = 2;
    while at < call.args.len() {
        if at + 1 >= call.args.len() {
            return Err(SYNTAX.into());
        }
        match call.option(at).as_slice() {
            b"COUNT" => {
                let count = call.integer(at + 1)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                wanted.count = count.ok_or(SYNTAX)?;
            }
            b"MATCH" => wanted.pattern = Some(call.arg(at + 1)),
            b"TYPE" => {
                let name = String::from_utf8_lossy(call.arg(at + 1)).to_lowercase();
                wanted.type_name = Some(name);
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 2;
    }
    let (cursor, found) = scan_step(call, cursor, &wanted);
    let cursor = Value::bulk(cursor.to_string());
    Ok(Value::Array([cursor, Value::Array(found)].into()))
}

/// Shards are scanned one after the other; the low part of a cursor names the shard.
fn scan_step(call: &mut Call<'_>, cursor: u64, wanted: &Wanted<'_>) -> (u64, Vec<Value>) {
    let (now, database) = (call.now, call.session.database);
    let shards = call.space.shards() as u64;
    let mut shard_at = usize::try_from(cursor % shards).unwrap_or(0);
    let mut within = cursor / shards;
    let mut found = Vec::new();
    let mut seen = 0;
    while shard_at < call.space.shards() && seen < wanted.count {
        let shard = call.space.shard(shard_at);
        if let Some(database) = shard.databases.get(database) {
            within = database.keys.scan(within, wanted.count - seen, |slot| {
                seen += 1;
                let is_wanted = !slot.is_expired(now)
                    && wanted.pattern.is_none_or(|pattern| glob::matches(pattern, slot.key()))
                    && wanted.type_name.as_deref().is_none_or(|name| name == slot.type_name());
                if is_wanted {
                    found.push(Value::bulk(slot.key()));
                }
            });
        }
        if within != 0 {
            break;
        }
        shard_at += 1;
    }
    if shard_at >= call.space.shards() {
        return (0, found);
    }
    (within * shards + shard_at as u64, found)
}

fn random_key(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (database, now, common) = (call.session.database, call.now, call.common);
    let mut keys = 0;
    call.each_shard(|shard| {
        keys += shard.databases.get(database).map_or(0, |database| database.keys.len());
    });
    // As Redis does, give up on finding a live key after some tries.
    for _ in 0..100 {
        let mut left = common.below(keys);
        let mut drawn = None;
        call.each_shard(|shard| {
            let Some(target) = shard.databases.get(database) else {
                return;
            };
            if left < target.keys.len() && drawn.is_none() {
                let slot = target.keys.random(|end| common.below(end));
                drawn = slot.map(|slot| (slot.is_expired(now), slot.key().to_vec()));
            }
            left = left.saturating_sub(target.keys.len());
        });
        if let Some((false, key)) = drawn {
            return Ok(Value::Bulk(key));
        }
    }
    Ok(Value::Nil)
}

fn object(call: &mut Call<'_>) -> Result<Value, Stop> {
    let name = call.option(1);
    if !matches!(name.as_slice(), b"ENCODING" | b"FREQ" | b"IDLETIME" | b"REFCOUNT") {
        return Err(unknown_subcommand(call));
    }
    let [_, _, key] = call.args else {
        let name = alloc::format!("object|{}", String::from_utf8_lossy(call.arg(1)));
        return Err(super::wrong_arity(&name));
    };
    let (now, is_lfu) = (call.now, call.common.eviction().is_lfu());
    let Some(slot) = call.slot(key) else {
        return Ok(Value::Nil);
    };
    match name.as_slice() {
        b"ENCODING" => Ok(Value::bulk(slot.encoding())),
        b"REFCOUNT" => Ok(Value::Integer(1)),
        b"FREQ" if is_lfu => Ok(Value::Integer(frequency(now, slot.used()).into())),
        b"FREQ" => Err("ERR An LFU maxmemory policy is not selected, access frequency not \
                        tracked. Please note that when switching between policies at runtime LRU \
                        and LFU data will take some time to adjust."
            .into()),
        _ if is_lfu => Err("ERR An LFU maxmemory policy is selected, idle time not tracked. \
                            Please note that when switching between policies at runtime LRU and \
                            LFU data will take some time to adjust."
            .into()),
        _ => Ok(Value::Integer(idle_seconds(now, slot.used()).into())),
    }
}
