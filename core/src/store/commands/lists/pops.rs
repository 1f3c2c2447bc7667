//! Taking elements from the ends of lists, waiting for some if need be.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::List;
use super::super::super::number::parse_i64;
use super::super::super::stop::{Block, SYNTAX, Stop};
use super::super::{owned, wrong_arity};
use super::{End, bulk_or_none};
use crate::resp::Value;
use crate::time::Timestamp;

/// LPOP and RPOP.
pub(super) fn pop(call: &mut Call<'_>, end: End) -> Result<Value, Stop> {
    if call.args.len() > 3 {
        return Err(wrong_arity(&call.name()));
    }
    let key = call.arg(1);
    if call.args.len() == 2 {
        let popped = take(call, key, end, 1)?;
        return Ok(bulk_or_none(popped.and_then(|popped| popped.into_iter().next())));
    }
    let most = parse_i64(call.arg(2)).and_then(|most| usize::try_from(most).ok());
    let most = most.ok_or("ERR value is out of range, must be positive")?;
    Ok(take(call, key, end, most)?.map_or(Value::NilArray, bulks))
}

/// Takes up to `most` elements out and tells it: for each the LREM that takes it from Redis.
/// Nothing where there is no list.
pub(super) fn take(
    call: &mut Call<'_>,
    key: &[u8],
    end: End,
    most: usize,
) -> Result<Option<Vec<Vec<u8>>>, Stop> {
    let Some(list) = call.write::<List>(key)? else {
        return Ok(None);
    };
    let most = most.min(list.len());
    let popped: Vec<Vec<u8>> = core::iter::from_fn(|| end.pop(list)).take(most).collect();
    for element in &popped {
        call.changed_by(key, &[b"LREM", key, end.one(), element]);
    }
    Ok(Some(popped))
}

/// BLPOP and BRPOP.
pub(super) fn blocking_pop(call: &mut Call<'_>, end: End) -> Result<Value, Stop> {
    let last = call.args.len().saturating_sub(1);
    let until = call.wait_until(last)?;
    let keys = call.args.get(1..last).unwrap_or_default();
    for key in keys {
        if let Some(popped) = take(call, key, end, 1)?
            && let Some(element) = popped.into_iter().next()
        {
            return Ok(Value::Array(vec![Value::bulk(*key), Value::Bulk(element)]));
        }
    }
    wait(call, keys, until, Value::NilArray)
}

/// Waits for keys; where the command may not wait, this is the reply at once.
pub(super) fn wait(
    call: &Call<'_>,
    keys: &[&[u8]],
    until: Option<Timestamp>,
    at_once: Value,
) -> Result<Value, Stop> {
    if !call.may_block() {
        return Ok(at_once);
    }
    let database = call.session.database;
    let keys = keys.iter().map(|key| (database, key.to_vec())).collect();
    let retry = owned(call.args);
    // Whatever the command, Redis replies this when time is up.
    Err(Stop::Block(Box::new(Block { keys, until, retry, at_timeout: Value::NilArray })))
}

/// What LMPOP and BLMPOP take.
struct Wanted<'a> {
    keys: &'a [&'a [u8]],
    end: End,
    most: usize,
}

pub(super) fn lmpop(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = wanted(call, 1)?;
    Ok(take_first(call, &wanted)?.unwrap_or(Value::NilArray))
}

pub(super) fn blmpop(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = wanted(call, 2)?;
    let until = call.wait_until(1)?;
    match take_first(call, &wanted)? {
        Some(reply) => Ok(reply),
        None => wait(call, wanted.keys, until, Value::NilArray),
    }
}

/// Reads `numkeys key [key …] LEFT|RIGHT [COUNT count]`.
fn wanted<'a>(call: &Call<'a>, at: usize) -> Result<Wanted<'a>, Stop> {
    let positive = |at: usize, error: &'static str| {
        let number = parse_i64(call.arg(at)).and_then(|number| usize::try_from(number).ok());
        number.filter(|number| *number > 0).ok_or_else(|| Stop::from(error))
    };
    let keys = positive(at, "ERR numkeys should be greater than 0")?;
    let end_at = keys.saturating_add(at + 1);
    let keys = call.args.get(at + 1..end_at).ok_or(SYNTAX)?;
    if end_at >= call.args.len() {
        return Err(SYNTAX.into());
    }
    let end = End::at(call, end_at)?;
    let mut most = None;
    let mut option_at = end_at + 1;
    while option_at < call.args.len() {
        let is_count = call.option(option_at) == b"COUNT" && option_at + 1 < call.args.len();
        if !is_count || most.is_some() {
            return Err(SYNTAX.into());
        }
        most = Some(positive(option_at + 1, "ERR count should be greater than 0")?);
        option_at += 2;
    }
    Ok(Wanted { keys, end, most: most.unwrap_or(1) })
}

fn take_first(call: &mut Call<'_>, wanted: &Wanted<'_>) -> Result<Option<Value>, Stop> {
    for key in wanted.keys {
        if let Some(popped) = take(call, key, wanted.end, wanted.most)? {
            return Ok(Some(Value::Array(vec![Value::bulk(*key), bulks(popped)])));
        }
    }
    Ok(None)
}

fn bulks(elements: Vec<Vec<u8>>) -> Value {
    Value::Array(elements.into_iter().map(Value::Bulk).collect())
}
