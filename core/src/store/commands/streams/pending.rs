//! XACK and XPENDING.

use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::stream::{Group, Id, Pending, Stream};
use super::super::super::stop::{SYNTAX, Stop};
use super::{end_at, id_at, id_value, no_group, start_at};
use crate::resp::Value;
use crate::time::Timestamp;

/// Which pending entries are shown.
struct Filter<'a> {
    start: Id,
    end: Id,
    limit: usize,
    idle_ms_min: i64,
    consumer: Option<&'a [u8]>,
}

pub(super) fn xack(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, name) = (call.arg(1), call.arg(2));
    let is_there =
        call.read::<Stream>(key)?.is_some_and(|stream| stream.groups().contains_key(name));
    if !is_there {
        return Ok(Value::Integer(0));
    }
    let ids = (3..call.args.len()).map(|at| id_at(call, at)).collect::<Result<Vec<_>, _>>()?;
    let Some(stream) = call.write::<Stream>(key)? else {
        return Ok(Value::Integer(0));
    };
    let acknowledged =
        stream.with_group(name, |group, _| ids.iter().filter(|id| group.acknowledge(**id)).count());
    let acknowledged = acknowledged.unwrap_or(0);
    if acknowledged > 0 {
        call.changed(key);
    }
    Ok(count(acknowledged))
}

pub(super) fn xpending(call: &mut Call<'_>) -> Result<Value, Stop> {
    let filter = match call.args.len() {
        3 => None,
        6..=9 => Some(filter(call)?),
        _ => return Err(SYNTAX.into()),
    };
    let (key, name, now) = (call.arg(1), call.arg(2), call.now);
    let stream = call.read::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.groups().get(name));
    let group = group.ok_or_else(|| no_group(key, name))?;
    Ok(match filter {
        Some(filter) => listed(group, &filter, now),
        None => summary(group),
    })
}

/// Milliseconds since an entry was delivered; negative where the clock went back.
pub(super) fn idle_ms(now: Timestamp, pending: &Pending) -> i64 {
    let ms = |at: Timestamp| i64::try_from(at.as_ms()).unwrap_or(i64::MAX);
    ms(now).saturating_sub(ms(pending.delivered_at))
}

fn filter<'a>(call: &Call<'a>) -> Result<Filter<'a>, Stop> {
    let (mut first, mut idle_ms_min) = (3, 0);
    if call.option(3) == b"IDLE" {
        idle_ms_min = call.integer(4)?;
        if call.args.len() < 8 {
            return Err(SYNTAX.into());
        }
        first = 5;
    }
    let limit = usize::try_from(call.integer(first + 2)?.max(0)).unwrap_or(usize::MAX);
    let (start, end) = (start_at(call, first)?, end_at(call, first + 1)?);
    let consumer = call.args.get(first + 3).copied();
    Ok(Filter { start, end, limit, idle_ms_min, consumer })
}

fn summary(group: &Group) -> Value {
    let pending = group.pending();
    let (Some((first, _)), Some((last, _))) = (pending.first_key_value(), pending.last_key_value())
    else {
        return Value::Array([Value::Integer(0), Value::Nil, Value::Nil, Value::NilArray].into());
    };
    let consumers = group.consumers().iter().filter_map(|(name, consumer)| {
        let pending = consumer.pending().len();
        let text = alloc::format!("{pending}");
        (pending > 0).then(|| Value::Array([Value::bulk(&**name), Value::bulk(text)].into()))
    });
    let consumers = Value::Array(consumers.collect());
    Value::Array([count(pending.len()), id_value(*first), id_value(*last), consumers].into())
}

fn listed(group: &Group, filter: &Filter<'_>, now: Timestamp) -> Value {
    if filter.start > filter.end {
        return Value::Array(Vec::new());
    }
    let range = filter.start..=filter.end;
    let shown = |(id, pending): (&Id, &Pending)| {
        let idle = idle_ms(now, pending);
        (filter.idle_ms_min == 0 || idle >= filter.idle_ms_min).then(|| {
            Value::Array(
                [
                    id_value(*id),
                    Value::bulk(&*pending.consumer),
                    Value::Integer(idle.max(0)),
                    Value::Integer(pending.deliveries),
                ]
                .into(),
            )
        })
    };
    let Some(name) = filter.consumer else {
        let all = group.pending().range(range).filter_map(shown);
        return Value::Array(all.take(filter.limit).collect());
    };
    let Some(consumer) = group.consumers().get(name) else {
        return Value::Array(Vec::new());
    };
    let own = consumer.pending().range(range);
    let own = own.filter_map(|id| group.pending().get_key_value(id)).filter_map(shown);
    Value::Array(own.take(filter.limit).collect())
}
