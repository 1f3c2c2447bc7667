//! XINFO.

use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::stream::{Group, Id, Stream};
use super::super::super::stop::{NO_SUCH_KEY, Stop};
use super::{check_subcommand, entry_value, id_value, no_such_consumer_group, subcommand_syntax};
use crate::resp::Value;
use crate::store::Refusal;
use crate::time::Timestamp;

/// Entries that FULL shows where no other number is given.
const FULL_DEFAULT: usize = 10;

pub(super) fn xinfo(call: &mut Call<'_>) -> Result<Value, Stop> {
    check_subcommand(
        call,
        &[("consumers", 4..=4), ("groups", 3..=3), ("stream", 3..=usize::MAX), ("help", 2..=2)],
    )?;
    let subcommand = call.option(1);
    if subcommand == b"HELP" {
        return Err(Refusal::Unsupported.into());
    }
    let (key, now) = (call.arg(2), call.now);
    let name = call.arg(3);
    if subcommand == b"STREAM" {
        call.read::<Stream>(key)?.ok_or(NO_SUCH_KEY)?;
        let limit = full_limit(call)?;
        let stream = call.read::<Stream>(key)?.ok_or(NO_SUCH_KEY)?;
        return Ok(match limit {
            Some(limit) => full(stream, limit),
            None => summary(stream),
        });
    }
    let stream = call.read::<Stream>(key)?.ok_or(NO_SUCH_KEY)?;
    if subcommand == b"GROUPS" {
        return Ok(groups(stream));
    }
    let group = stream.groups().get(name).ok_or_else(|| no_such_consumer_group(key, name))?;
    Ok(consumers(group, now))
}

/// How much FULL shows; nothing without it.
fn full_limit(call: &Call<'_>) -> Result<Option<usize>, Stop> {
    let len = call.args.len();
    if len == 3 {
        return Ok(None);
    }
    if !matches!(len, 4 | 6) || call.option(3) != b"FULL" || len == 6 && call.option(4) != b"COUNT"
    {
        return Err(subcommand_syntax(call));
    }
    if len == 4 {
        return Ok(Some(FULL_DEFAULT));
    }
    Ok(Some(match usize::try_from(call.integer(5)?) {
        Ok(0) => usize::MAX,
        Ok(limit) => limit,
        Err(_) => FULL_DEFAULT,
    }))
}

fn map(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(name, value)| (Value::bulk(name), value)).collect())
}

fn integer_or_nil(number: Option<i64>) -> Value {
    number.map_or(Value::Nil, Value::Integer)
}

fn time(at: Timestamp) -> Value {
    Value::Integer(i64::try_from(at.as_ms()).unwrap_or(i64::MAX))
}

/// What both forms of XINFO STREAM begin with. Redis keeps its entries in a radix tree, of which
/// the numbers of chunks say about as much.
fn heading(stream: &Stream) -> Vec<(&'static str, Value)> {
    let entries = stream.entries();
    [
        ("length", count(entries.len())),
        ("radix-tree-keys", count(entries.chunks())),
        ("radix-tree-nodes", count(entries.chunks() + 1)),
        ("last-generated-id", id_value(entries.last_id())),
        ("max-deleted-entry-id", id_value(entries.max_deleted_id())),
        ("entries-added", Value::Integer(entries.added())),
        ("recorded-first-entry-id", id_value(entries.first_id())),
    ]
    .into()
}

fn summary(stream: &Stream) -> Value {
    let entries = stream.entries();
    let first = entries.range(Id::MIN, Id::MAX).next();
    let last = entries.range_back(Id::MIN, Id::MAX).next();
    let mut pairs = heading(stream);
    pairs.extend([
        ("groups", count(stream.groups().len())),
        ("first-entry", first.map_or(Value::Nil, |entry| entry_value(&entry))),
        ("last-entry", last.map_or(Value::Nil, |entry| entry_value(&entry))),
    ]);
    map(pairs)
}

fn full(stream: &Stream, limit: usize) -> Value {
    let entries = stream.entries().range(Id::MIN, Id::MAX).take(limit);
    let entries = entries.map(|entry| entry_value(&entry)).collect();
    let groups = stream.groups().iter();
    let groups = groups.map(|(name, group)| full_group(stream, name, group, limit)).collect();
    let mut pairs = heading(stream);
    pairs.extend([("entries", Value::Array(entries)), ("groups", Value::Array(groups))]);
    map(pairs)
}

fn full_group(stream: &Stream, name: &[u8], group: &Group, limit: usize) -> Value {
    let pending = group.pending().iter().take(limit).map(|(id, pending)| {
        let owner = Value::bulk(&*pending.consumer);
        let deliveries = Value::Integer(pending.deliveries);
        Value::Array([id_value(*id), owner, time(pending.delivered_at), deliveries].into())
    });
    let consumers = group.consumers().iter().map(|(name, consumer)| {
        let own = consumer.pending().iter().take(limit);
        let own = own.filter_map(|id| group.pending().get_key_value(id)).map(|(id, pending)| {
            let deliveries = Value::Integer(pending.deliveries);
            Value::Array([id_value(*id), time(pending.delivered_at), deliveries].into())
        });
        map([
            ("name", Value::bulk(&**name)),
            ("seen-time", time(consumer.seen_at)),
            ("pel-count", count(consumer.pending().len())),
            ("pending", Value::Array(own.collect())),
        ])
    });
    map([
        ("name", Value::bulk(name)),
        ("last-delivered-id", id_value(group.last_id)),
        ("entries-read", integer_or_nil(group.entries_read)),
        ("lag", integer_or_nil(stream.lag(group))),
        ("pel-count", count(group.pending().len())),
        ("pending", Value::Array(pending.collect())),
        ("consumers", Value::Array(consumers.collect())),
    ])
}

fn groups(stream: &Stream) -> Value {
    let shown = stream.groups().iter().map(|(name, group)| {
        map([
            ("name", Value::bulk(&**name)),
            ("consumers", count(group.consumers().len())),
            ("pending", count(group.pending().len())),
            ("last-delivered-id", id_value(group.last_id)),
            ("entries-read", integer_or_nil(group.entries_read)),
            ("lag", integer_or_nil(stream.lag(group))),
        ])
    });
    Value::Array(shown.collect())
}

fn consumers(group: &Group, now: Timestamp) -> Value {
    let shown = group.consumers().iter().map(|(name, consumer)| {
        map([
            ("name", Value::bulk(&**name)),
            ("pending", count(consumer.pending().len())),
            ("idle", count(usize::try_from(now.since_ms(consumer.seen_at)).unwrap_or(usize::MAX))),
        ])
    });
    Value::Array(shown.collect())
}
