//! Commands on the entries themselves.

use alloc::vec;
use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::stream::{Entries, Entry, Id, Stream};
use super::super::super::stop::{NO_SUCH_KEY, SYNTAX, Stop};
use super::trim::{self, NewId};
use super::{end_at, entry_value, id_at, id_value, start_at};
use crate::resp::Value;

const NOT_GREATER: &str =
    "ERR The ID specified in XADD is equal or smaller than the target stream top item";
/// What fields and values of an entry may take together.
const ENTRY_BYTES_MAX: usize = 1 << 30;

pub(super) fn xadd(call: &mut Call<'_>) -> Result<Value, Stop> {
    let options = trim::options(call, true)?;
    let pairs = call.args.get(options.end + 1..).unwrap_or_default();
    if pairs.is_empty() || pairs.len() % 2 == 1 {
        return Err(super::super::wrong_arity("xadd"));
    }
    if matches!(options.id, NewId::Exact(Id::MIN)) {
        return Err("ERR The ID specified in XADD must be greater than 0-0".into());
    }
    let (key, now_ms) = (call.arg(1), call.now.as_ms());
    let none = Entries::default();
    let id = match call.read::<Stream>(key)? {
        Some(stream) => new_id(stream.entries(), options.id, now_ms)?,
        None if options.only_existing => return Ok(Value::Nil),
        None => new_id(&none, options.id, now_ms)?,
    };
    if pairs.iter().map(|string| string.len()).sum::<usize>() > ENTRY_BYTES_MAX {
        return Err("ERR Elements are too large to be stored".into());
    }
    let stream = call.write_or_new::<Stream>(key)?;
    stream.entries_mut().add(id, pairs);
    let mut effect = vec![b"XADD".to_vec(), key.to_vec()];
    if let Some(trim) = options.trim {
        stream.entries_mut().trim(trim);
        effect.extend(trim::exact(trim, stream.entries()));
    }
    effect.push(id.text());
    effect.extend(pairs.iter().map(|string| string.to_vec()));
    super::tell(call, key, &[effect]);
    Ok(id_value(id))
}

pub(super) fn xdel(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    if call.read::<Stream>(key)?.is_none() {
        return Ok(Value::Integer(0));
    }
    let ids = (2..call.args.len()).map(|at| id_at(call, at)).collect::<Result<Vec<_>, _>>()?;
    let Some(stream) = call.write::<Stream>(key)? else {
        return Ok(Value::Integer(0));
    };
    let deleted = ids.iter().filter(|id| stream.entries_mut().delete(**id)).count();
    if deleted > 0 {
        call.changed(key);
    }
    Ok(count(deleted))
}

pub(super) fn xlen(call: &mut Call<'_>) -> Result<Value, Stop> {
    Ok(count(call.read::<Stream>(call.arg(1))?.map_or(0, |stream| stream.entries().len())))
}

/// XRANGE, or XREVRANGE where it is reversed.
pub(super) fn xrange(call: &mut Call<'_>, is_reversed: bool) -> Result<Value, Stop> {
    let (start_arg, end_arg) = if is_reversed { (3, 2) } else { (2, 3) };
    let (start, end) = (start_at(call, start_arg)?, end_at(call, end_arg)?);
    let mut limit = None;
    let mut at = 4;
    while at < call.args.len() {
        if call.option(at) != b"COUNT" || at + 1 >= call.args.len() {
            return Err(SYNTAX.into());
        }
        // -1 is the mark for no limit in Redis, and negative numbers become 0 before.
        limit = Some(usize::try_from(call.integer(at + 1)?.max(0)).unwrap_or(usize::MAX));
        at += 2;
    }
    let Some(stream) = call.read::<Stream>(call.arg(1))? else {
        return Ok(Value::Array(Vec::new()));
    };
    if limit == Some(0) {
        return Ok(Value::NilArray);
    }
    let (limit, entries) = (limit.unwrap_or(usize::MAX), stream.entries());
    let value = |entry: Entry<'_>| entry_value(&entry);
    Ok(Value::Array(if is_reversed {
        entries.range_back(start, end).take(limit).map(value).collect()
    } else {
        entries.range(start, end).take(limit).map(value).collect()
    }))
}

pub(super) fn xsetid(call: &mut Call<'_>) -> Result<Value, Stop> {
    let id = id_at(call, 2)?;
    let (mut added, mut max_deleted) = (None, None);
    let mut at = 3;
    while at < call.args.len() {
        let more = at + 1 < call.args.len();
        match call.option(at).as_slice() {
            b"ENTRIESADDED" if more => {
                let number = call.integer(at + 1)?;
                if number < 0 {
                    return Err("ERR entries_added must be positive".into());
                }
                added = Some(number);
            }
            b"MAXDELETEDID" if more => {
                let deleted = id_at(call, at + 1)?;
                if id < deleted {
                    return Err("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id".into());
                }
                max_deleted = Some(deleted);
            }
            _ => return Err(SYNTAX.into()),
        }
        at += 2;
    }
    let key = call.arg(1);
    let stream = call.write::<Stream>(key)?.ok_or(NO_SUCH_KEY)?;
    check_history(stream.entries(), id, added)?;
    stream.set_history(id, added, max_deleted.filter(|id| *id != Id::MIN));
    call.changed(key);
    Ok(Value::ok())
}

fn check_history(entries: &Entries, id: Id, added: Option<i64>) -> Result<(), Stop> {
    if let Some(last) = entries.last_entry_id() {
        if id < last {
            return Err(
                "ERR The ID specified in XSETID is smaller than the target stream top item".into(),
            );
        }
        let len = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        if added.is_some_and(|added| added < len) {
            return Err("ERR The entries_added specified in XSETID is smaller than the target stream length".into());
        }
    }
    Ok(())
}

/// The ID of an entry to add (`streamAppendItem` of `t_stream.c`).
fn new_id(entries: &Entries, wanted: NewId, now_ms: u64) -> Result<Id, Stop> {
    let last = entries.last_id();
    if last == Id::MAX {
        return Err(
            "ERR The stream has exhausted the last possible ID, unable to add more items".into()
        );
    }
    let id = match wanted {
        NewId::Exact(id) => id,
        NewId::Within(ms) if ms == last.ms => {
            Id { ms, seq: last.seq.checked_add(1).ok_or(NOT_GREATER)? }
        }
        NewId::Within(ms) => Id { ms, seq: 0 },
        NewId::Automatic if now_ms > last.ms => Id { ms: now_ms, seq: 0 },
        NewId::Automatic => last.next().ok_or(NOT_GREATER)?,
    };
    if id <= last {
        return Err(NOT_GREATER.into());
    }
    Ok(id)
}
