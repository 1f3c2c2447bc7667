//! Commands on lists: <https://redis.io/docs/latest/commands/?group=list>.

mod moves;
mod pops;
mod positions;
#[cfg(test)]
mod tests;

use super::super::call::{Call, bulk_or_nil, count, range};
use super::super::kinds::List;
use super::super::stop::{INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SYNTAX, Stop};
use super::Handler;
use crate::resp::Value;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("BLMOVE", moves::blmove),
    ("BLMPOP", pops::blmpop),
    ("BLPOP", |call| pops::blocking_pop(call, End::Left)),
    ("BRPOP", |call| pops::blocking_pop(call, End::Right)),
    ("BRPOPLPUSH", moves::brpoplpush),
    ("LINDEX", lindex),
    ("LINSERT", linsert),
    ("LLEN", |call| Ok(count(call.read::<List>(call.arg(1))?.map_or(0, List::len)))),
    ("LMOVE", moves::lmove),
    ("LMPOP", pops::lmpop),
    ("LPOP", |call| pops::pop(call, End::Left)),
    ("LPOS", positions::lpos),
    ("LPUSH", |call| push(call, End::Left)),
    ("LPUSHX", |call| push_existing(call, End::Left)),
    ("LRANGE", lrange),
    ("LREM", lrem),
    ("LSET", lset),
    ("LTRIM", ltrim),
    ("RPOP", |call| pops::pop(call, End::Right)),
    ("RPOPLPUSH", |call| moves::shift(call, End::Right, End::Left).map(bulk_or_none)),
    ("RPUSH", |call| push(call, End::Right)),
    ("RPUSHX", |call| push_existing(call, End::Right)),
];

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

impl End {
    /// The end that an argument names.
    fn at(call: &Call<'_>, at: usize) -> Result<Self, Stop> {
        match call.option(at).as_slice() {
            b"LEFT" => Ok(Self::Left),
            b"RIGHT" => Ok(Self::Right),
            _ => Err(SYNTAX.into()),
        }
    }

    fn push(self, list: &mut List, element: &[u8]) {
        match self {
            Self::Left => list.push_front(element),
            Self::Right => list.push_back(element),
        }
    }

    fn pop(self, list: &mut List) -> Option<alloc::vec::Vec<u8>> {
        match self {
            Self::Left => list.pop_front(),
            Self::Right => list.pop_back(),
        }
    }

    /// The command that pushes here.
    const fn push_name(self) -> &'static [u8] {
        match self {
            Self::Left => b"LPUSH",
            Self::Right => b"RPUSH",
        }
    }

    /// The count with which LREM takes the first element that it meets from here.
    const fn one(self) -> &'static [u8] {
        match self {
            Self::Left => b"1",
            Self::Right => b"-1",
        }
    }
}

fn bulk_or_none(element: Option<alloc::vec::Vec<u8>>) -> Value {
    element.map_or(Value::Nil, Value::Bulk)
}

/// The index among `len` elements that a signed one means.
fn index_in(index: i64, len: usize) -> Option<usize> {
    let from_front = if index >= 0 {
        usize::try_from(index).ok()?
    } else {
        len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    };
    (from_front < len).then_some(from_front)
}

fn push(call: &mut Call<'_>, end: End) -> Result<Value, Stop> {
    let (key, args) = (call.arg(1), call.args);
    let list = call.write_or_new::<List>(key)?;
    for element in args.iter().skip(2) {
        end.push(list, element);
    }
    let len = list.len();
    call.changed(key);
    Ok(count(len))
}

fn push_existing(call: &mut Call<'_>, end: End) -> Result<Value, Stop> {
    if call.read::<List>(call.arg(1))?.is_none() {
        return Ok(count(0));
    }
    push(call, end)
}

fn lindex(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    if call.read::<List>(key)?.is_none() {
        return Ok(Value::Nil);
    }
    let index = call.integer(2)?;
    let list = call.read::<List>(key)?;
    let element = list.and_then(|list| list.get(index_in(index, list.len())?));
    Ok(bulk_or_nil(element))
}

fn lset(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, element) = (call.arg(1), call.arg(3));
    if call.read::<List>(key)?.is_none() {
        return Err(NO_SUCH_KEY.into());
    }
    let index = call.integer(2)?;
    let list = call.write::<List>(key)?.ok_or(NO_SUCH_KEY)?;
    let index = index_in(index, list.len()).ok_or(INDEX_OUT_OF_RANGE)?;
    list.set(index, element);
    call.changed(key);
    Ok(Value::ok())
}

fn linsert(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, pivot, element) = (call.arg(1), call.arg(3), call.arg(4));
    let behind = match call.option(2).as_slice() {
        b"BEFORE" => 0,
        b"AFTER" => 1,
        _ => return Err(SYNTAX.into()),
    };
    let Some(list) = call.write::<List>(key)? else {
        return Ok(count(0));
    };
    let Some(at) = list.iter().position(|other| other == pivot) else {
        return Ok(Value::Integer(-1));
    };
    list.insert(at + behind, element);
    let len = list.len();
    call.changed(key);
    Ok(count(len))
}

fn lrange(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (start, stop) = (call.integer(2)?, call.integer(3)?);
    let Some(list) = call.read::<List>(call.arg(1))? else {
        return Ok(Value::Array([].into()));
    };
    let range = range(start, stop, list.len());
    Ok(Value::Array(list.range(range).map(Value::bulk).collect()))
}

fn lrem(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, element) = (call.arg(1), call.arg(3));
    let wanted = call.integer(2)?;
    let Some(list) = call.write::<List>(key)? else {
        return Ok(count(0));
    };
    let removed = list.remove_equal(element, wanted);
    if removed > 0 {
        call.changed(key);
    }
    Ok(count(removed))
}

fn ltrim(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let (start, stop) = (call.integer(2)?, call.integer(3)?);
    if let Some(list) = call.write::<List>(key)? {
        list.trim(range(start, stop, list.len()));
        // As in Redis it counts as a change even where nothing went: Redis may hold more.
        call.changed(key);
    }
    Ok(Value::ok())
}
