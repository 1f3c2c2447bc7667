//! Commands that take members with the lowest or highest scores out, some of which wait for them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::SortedSet;
use super::super::super::number::parse_i64;
use super::super::super::stop::{Block, SYNTAX, Stop};
use super::super::owned;
use super::tell_removed;
use crate::resp::Value;

/// Where to pop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

/// ZPOPMIN and ZPOPMAX.
pub(super) fn zpop(call: &mut Call<'_>, end: End) -> Result<Value, Stop> {
    if call.args.len() > 3 {
        return Err(SYNTAX.into());
    }
    let has_count = call.args.len() == 3;
    let count = if has_count {
        let count = parse_i64(call.arg(2)).and_then(|count| usize::try_from(count).ok());
        count.ok_or("ERR value is out of range, must be positive")?
    } else {
        1
    };
    let popped = pop(call, call.arg(1), end, count)?;
    if has_count {
        Ok(super::members(call, popped.into_iter(), true))
    } else {
        Ok(Value::Array(flat(popped).collect()))
    }
}

/// BZPOPMIN and BZPOPMAX.
pub(super) fn bzpop(call: &mut Call<'_>, end: End) -> Result<Value, Stop> {
    let timeout_at = call.args.len() - 1;
    let until = call.wait_until(timeout_at)?;
    let keys = call.args.get(1..timeout_at).unwrap_or_default();
    for key in keys {
        let popped = pop(call, key, end, 1)?;
        if !popped.is_empty() {
            return Ok(Value::Array([Value::bulk(*key)].into_iter().chain(flat(popped)).collect()));
        }
    }
    wait(call, keys, until)
}

/// ZMPOP.
pub(super) fn zmpop(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 1)?;
    Ok(pop_first(call, &wanted)?.unwrap_or(Value::NilArray))
}

/// BZMPOP.
pub(super) fn bzmpop(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 2)?;
    let until = call.wait_until(1)?;
    match pop_first(call, &wanted)? {
        Some(reply) => Ok(reply),
        None => wait(call, wanted.keys, until),
    }
}

/// What ZMPOP is to take.
struct Wanted<'a> {
    keys: &'a [&'a [u8]],
    end: End,
    count: usize,
}

impl<'a> Wanted<'a> {
    /// Reads the arguments from the number of keys on.
    fn parse(call: &Call<'a>, numkeys_at: usize) -> Result<Self, Stop> {
        let positive = |at: usize, error: &'static str| {
            let number = parse_i64(call.arg(at)).filter(|number| *number > 0);
            number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)).ok_or(error)
        };
        let numkeys = positive(numkeys_at, "ERR numkeys should be greater than 0")?;
        let keys_at = numkeys_at + 1;
        let end_at = keys_at.saturating_add(numkeys);
        let keys = call.args.get(keys_at..end_at).ok_or(SYNTAX)?;
        let end = match call.option(end_at).as_slice() {
            b"MIN" => End::Min,
            b"MAX" => End::Max,
            _ => return Err(SYNTAX.into()),
        };
        let count = match call.args.len() - end_at {
            1 => 1,
            3.. if call.option(end_at + 1) == b"COUNT" => {
                let count = positive(end_at + 2, "ERR count should be greater than 0")?;
                if call.args.len() > end_at + 3 {
                    return Err(SYNTAX.into());
                }
                count
            }
            _ => return Err(SYNTAX.into()),
        };
        Ok(Self { keys, end, count })
    }
}

/// Takes from the first key that has members: its name with pairs, nested in RESP 2, too.
fn pop_first(call: &mut Call<'_>, wanted: &Wanted<'_>) -> Result<Option<Value>, Stop> {
    for key in wanted.keys {
        let popped = pop(call, key, wanted.end, wanted.count)?;
        if !popped.is_empty() {
            let pair =
                |(member, score)| Value::Array([Value::Bulk(member), Value::Double(score)].into());
            let pairs = Value::Array(popped.into_iter().map(pair).collect());
            return Ok(Some(Value::Array([Value::bulk(*key), pairs].into())));
        }
    }
    Ok(None)
}

/// Takes up to `count` members out and tells it.
fn pop(
    call: &mut Call<'_>,
    key: &[u8],
    end: End,
    count: usize,
) -> Result<Vec<(Vec<u8>, f64)>, Stop> {
    let Some(set) = call.write::<SortedSet>(key)? else {
        return Ok(Vec::new());
    };
    let own = |(member, score): (&[u8], f64)| (member.to_vec(), score);
    let popped: Vec<_> = match end {
        End::Min => set.iter().take(count).map(own).collect(),
        End::Max => set.iter().rev().take(count).map(own).collect(),
    };
    let members: Vec<Vec<u8>> = popped.iter().map(|(member, _)| member.clone()).collect();
    for member in &members {
        set.remove(member);
    }
    if !members.is_empty() {
        tell_removed(call, key, &members);
    }
    Ok(popped)
}

fn flat(popped: Vec<(Vec<u8>, f64)>) -> impl Iterator<Item = Value> {
    popped.into_iter().flat_map(|(member, score)| [Value::Bulk(member), Value::Double(score)])
}

fn wait(
    call: &Call<'_>,
    keys: &[&[u8]],
    until: Option<crate::time::Timestamp>,
) -> Result<Value, Stop> {
    if !call.may_block() {
        return Ok(Value::NilArray);
    }
    let database = call.session.database;
    Err(Stop::Block(Box::new(Block {
        keys: keys.iter().map(|key| (database, key.to_vec())).collect(),
        until,
        retry: owned(call.args),
        at_timeout: Value::NilArray,
    })))
}
