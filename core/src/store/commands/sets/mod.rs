//! Commands on sets: <https://redis.io/docs/latest/commands/?group=set>.

mod algebra;
#[cfg(test)]
mod tests;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::super::call::{Call, count, flag};
use super::super::glob;
use super::super::kinds::Set;
use super::super::number::{parse_cursor, parse_i64};
use super::super::stop::{OUT_OF_RANGE, SYNTAX, Stop, WRONG_TYPE};
use super::Handler;
use crate::resp::Value;
use algebra::Operation;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("SADD", add),
    ("SCARD", |call| Ok(count(call.read::<Set>(call.arg(1))?.map_or(0, Set::len)))),
    ("SDIFF", |call| algebra::reply(call, Operation::Difference)),
    ("SDIFFSTORE", |call| algebra::store(call, Operation::Difference)),
    ("SINTER", |call| algebra::reply(call, Operation::Intersection)),
    ("SINTERCARD", algebra::intersection_cardinality),
    ("SINTERSTORE", |call| algebra::store(call, Operation::Intersection)),
    ("SISMEMBER", |call| {
        let member = call.arg(2);
        Ok(flag(call.read::<Set>(call.arg(1))?.is_some_and(|set| set.contains(member))))
    }),
    ("SMEMBERS", |call| algebra::reply(call, Operation::Intersection)),
    ("SMISMEMBER", are_members),
    ("SMOVE", move_member),
    ("SPOP", pop),
    ("SRANDMEMBER", random_member),
    ("SREM", remove),
    ("SSCAN", scan),
    ("SUNION", |call| algebra::reply(call, Operation::Union)),
    ("SUNIONSTORE", |call| algebra::store(call, Operation::Union)),
];

/// Members that one SRANDMEMBER may draw with repetition. Redis has no such limit, only its memory.
const REPEATED_MAX: usize = 1 << 22;

fn add(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, members) = (call.arg(1), call.args.iter().skip(2));
    let set = call.write_or_new::<Set>(key)?;
    let added = members.filter(|member| set.insert(member)).count();
    if added > 0 {
        call.changed(key);
    }
    Ok(count(added))
}

fn remove(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, members) = (call.arg(1), call.args.iter().skip(2));
    let Some(set) = call.write::<Set>(key)? else {
        return Ok(Value::Integer(0));
    };
    let removed = members.filter(|member| set.remove(member)).count();
    if removed > 0 {
        call.changed(key);
    }
    Ok(count(removed))
}

fn are_members(call: &mut Call<'_>) -> Result<Value, Stop> {
    let members = call.args.iter().skip(2);
    let set = call.read::<Set>(call.arg(1))?;
    let is_member = |member: &&[u8]| set.is_some_and(|set| set.contains(member));
    Ok(Value::Array(members.map(|member| flag(is_member(member))).collect()))
}

fn move_member(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (from, to, member) = (call.arg(1), call.arg(2), call.arg(3));
    // Without a source not even the destination's type matters.
    if !call.exists(from) {
        return Ok(Value::Integer(0));
    }
    let is_member = call.read::<Set>(from)?.is_some_and(|set| set.contains(member));
    call.read::<Set>(to)?;
    if from == to || !is_member {
        return Ok(flag(is_member));
    }
    if let Some(set) = call.write::<Set>(from)? {
        set.remove(member);
    }
    call.changed_by(from, &[b"SREM", from, member]);
    if call.write_or_new::<Set>(to)?.insert(member) {
        call.changed_by(to, &[b"SADD", to, member]);
    }
    Ok(Value::Integer(1))
}

fn pop(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    if call.args.len() > 3 {
        return Err(SYNTAX.into());
    }
    if call.args.len() == 3 {
        return pop_many(call);
    }
    let common = call.common;
    let set = call.write::<Set>(key)?;
    let Some(member) = set.and_then(|set| set.pop_random(|end| common.below(end))) else {
        return Ok(Value::Nil);
    };
    call.changed_by(key, &[b"SREM", key, &member]);
    Ok(Value::Bulk(member))
}

fn pop_many(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, common) = (call.arg(1), call.common);
    let wanted = parse_i64(call.arg(2)).and_then(|wanted| usize::try_from(wanted).ok());
    let wanted = wanted.ok_or("ERR value is out of range, must be positive")?;
    let Some(set) = call.write::<Set>(key)? else {
        return Ok(Value::Set(Vec::new()));
    };
    let popped = set.random_distinct(wanted, |end| common.below(end));
    for member in &popped {
        set.remove(member);
    }
    if !popped.is_empty() {
        let mut removal: Vec<&[u8]> = vec![b"SREM", key];
        removal.extend(popped.iter().map(Vec::as_slice));
        call.changed_by(key, &removal);
    }
    Ok(Value::Set(popped.into_iter().map(Value::Bulk).collect()))
}

fn random_member(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, common) = (call.arg(1), call.common);
    let random = |end| common.below(end);
    if call.args.len() > 3 {
        return Err(SYNTAX.into());
    }
    if call.args.len() == 2 {
        let member = call.read::<Set>(key)?.and_then(|set| set.random(random));
        return Ok(member.map_or(Value::Nil, Value::bulk));
    }
    let wanted = call.integer(2)?;
    if wanted == i64::MIN {
        return Err("ERR value is out of range, value must between -9223372036854775807 and \
                    9223372036854775807"
            .into());
    }
    let Some(set) = call.read::<Set>(key)? else {
        return Ok(Value::Array(Vec::new()));
    };
    let distance = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
    let drawn = if wanted >= 0 {
        set.random_distinct(distance, random)
    } else if distance <= REPEATED_MAX {
        set.random_repeated(distance, random)
    } else {
        return Err(OUT_OF_RANGE.into());
    };
    Ok(Value::Array(drawn.into_iter().map(Value::Bulk).collect()))
}

fn scan(call: &mut Call<'_>) -> Result<Value, Stop> {
    let reply = |cursor: u64, found| {
        Ok(Value::Array([Value::bulk(cursor.to_string()), Value::Array(found)].into()))
    };
    let cursor = parse_cursor(call.arg(2)).ok_or("ERR invalid cursor")?;
    // Options count only where there is a set (`scanGenericCommand` of Redis).
    if call.read::<Set>(call.arg(1))?.is_none() {
        return reply(0, Vec::new());
    }
    let (mut step, mut pattern) = (10, None);
    let mut at = 3;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"COUNT" if at + 1 < call.args.len() => {
                let count = usize::try_from(call.integer(at + 1)?).ok();
                step = count.filter(|count| *count > 0).ok_or(SYNTAX)?;
            }
            b"MATCH" if at + 1 < call.args.len() => pattern = Some(call.arg(at + 1)),
            _ => return Err(SYNTAX.into()),
        }
        at += 2;
    }
    let mut found = Vec::new();
    let set = algebra::set(call, call.arg(1)).ok_or(WRONG_TYPE)?;
    let cursor = set.scan(cursor, step, |member| {
        if pattern.is_none_or(|pattern| glob::matches(pattern, member)) {
            found.push(Value::bulk(member));
        }
    });
    reply(cursor, found)
}
