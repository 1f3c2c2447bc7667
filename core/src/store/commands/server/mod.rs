//! Commands about the server: <https://redis.io/docs/latest/commands/?group=server>.

mod config;
mod info;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::super::call::{Call, count};
use super::super::shard::DATABASES;
use super::super::stop::{SYNTAX, Stop};
use super::super::table::Keyed;
use super::keys::database_of;
use super::{Handler, unknown_subcommand};
use crate::resp::Value;
use crate::store::Refusal;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("COMMAND", |call| crate::command::reply(call.args).map_err(Stop::from)),
    ("CONFIG", config::config),
    ("DBSIZE", dbsize),
    ("FLUSHALL", |call| flush(call, true)),
    ("FLUSHDB", |call| flush(call, false)),
    ("INFO", info::info),
    ("LASTSAVE", |call| Ok(Value::Integer(seconds(call)))),
    ("LATENCY", latency),
    ("MEMORY", memory),
    ("ROLE", |_| {
        let offset = Value::Integer(0);
        Ok(Value::Array([Value::bulk("master"), offset, Value::Array(Vec::new())].into()))
    }),
    ("SLOWLOG", slowlog),
    ("SWAPDB", swapdb),
    ("TIME", time),
    ("WAIT", wait),
];

fn seconds(call: &Call<'_>) -> i64 {
    i64::try_from(call.now.as_ms() / 1_000).unwrap_or(i64::MAX)
}

fn dbsize(call: &mut Call<'_>) -> Result<Value, Stop> {
    let database = call.session.database;
    let mut keys = 0;
    call.each_shard(|shard| {
        keys += shard.databases.get(database).map_or(0, |database| database.keys.len());
    });
    Ok(count(keys))
}

fn flush(call: &mut Call<'_>, all: bool) -> Result<Value, Stop> {
    let fits = match call.args {
        [_] => true,
        [_, how] => how.eq_ignore_ascii_case(b"SYNC") || how.eq_ignore_ascii_case(b"ASYNC"),
        _ => false,
    };
    if !fits {
        return Err(SYNTAX.into());
    }
    // Keys that only Redis knows cannot be written back one by one.
    if call.session.journalled {
        return Err(Refusal::Unsupported.into());
    }
    let current = call.session.database;
    let databases = if all { 0..DATABASES } else { current..current + 1 };
    for database in databases {
        call.each_shard(|shard| shard.clear(database));
    }
    Ok(Value::ok())
}

fn swapdb(call: &mut Call<'_>) -> Result<Value, Stop> {
    if call.session.journalled {
        return Err(Refusal::Unsupported.into());
    }
    if super::super::number::parse_i64(call.arg(1)).is_none() {
        return Err("ERR invalid first DB index".into());
    }
    if super::super::number::parse_i64(call.arg(2)).is_none() {
        return Err("ERR invalid second DB index".into());
    }
    let (first, second) = (database_of(call, 1)?, database_of(call, 2)?);
    call.each_shard(|shard| shard.swap(first, second));
    if call.common.waiting.load(Ordering::Relaxed) > 0 {
        call.each_shard(|shard| {
            for number in [first, second] {
                let keys = shard.databases.get(number).map(|database| database.keys.iter());
                // Nobody waits for a string.
                let others = keys.into_iter().flatten().filter(|slot| slot.as_string().is_none());
                shard.ready.extend(others.map(|slot| (number, slot.key().to_vec())));
            }
        });
    }
    Ok(Value::ok())
}

fn time(call: &mut Call<'_>) -> Result<Value, Stop> {
    let micros = (call.now.as_ms() % 1_000) * 1_000;
    let parts = [seconds(call).to_string(), micros.to_string()];
    Ok(Value::Array(parts.map(Value::bulk).into()))
}

/// There are no replicas to wait for.
fn wait(call: &mut Call<'_>) -> Result<Value, Stop> {
    call.integer(1)?;
    let timeout = call.integer(2).map_err(|_| "ERR timeout is not an integer or out of range")?;
    if timeout < 0 {
        return Err("ERR timeout is negative".into());
    }
    Ok(Value::Integer(0))
}

fn memory(call: &mut Call<'_>) -> Result<Value, Stop> {
    match (call.option(1).as_slice(), call.args.len()) {
        (b"USAGE", 3..) => {
            let at = call.slot(call.arg(2)).map(super::super::slot::Slot::counted);
            Ok(at.map_or(Value::Nil, count))
        }
        (b"DOCTOR", 2) => Ok(Value::bulk("Sam, I have no memory problems\n")),
        (b"PURGE", 2) => Ok(Value::ok()),
        _ => Err(unknown_subcommand(call)),
    }
}

/// Nothing is slow enough to be noted.
fn slowlog(call: &mut Call<'_>) -> Result<Value, Stop> {
    match (call.option(1).as_slice(), call.args.len()) {
        (b"GET", 2 | 3) => Ok(Value::Array(Vec::new())),
        (b"LEN", 2) => Ok(Value::Integer(0)),
        (b"RESET", 2) => Ok(Value::ok()),
        _ => Err(unknown_subcommand(call)),
    }
}

/// Latency is not monitored here.
fn latency(call: &mut Call<'_>) -> Result<Value, Stop> {
    match (call.option(1).as_slice(), call.args.len()) {
        (b"LATEST" | b"HISTORY", 2 | 3) => Ok(Value::Array(Vec::new())),
        (b"RESET", 2..) => Ok(Value::Integer(0)),
        _ => Err(unknown_subcommand(call)),
    }
}
