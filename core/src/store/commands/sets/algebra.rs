//! Intersection, union and difference of sets.

use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::{Kind, Set};
use super::super::super::number::parse_i64;
use super::super::super::slot::Slot;
use super::super::super::stop::{SYNTAX, Stop};
use crate::resp::Value;

/// What is made of sets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Intersection,
    Union,
    /// What the first has and no other.
    Difference,
}

/// The command's result, of all keys.
pub(super) fn reply(call: &mut Call<'_>, operation: Operation) -> Result<Value, Stop> {
    let keys = call.args.get(1..).unwrap_or_default();
    let lens = lens(call, keys)?;
    let members = match operation {
        // In the order of the smallest set, as in Redis.
        Operation::Intersection => intersection(call, keys, &lens, None),
        // Redis makes a set first, so that whole numbers come in ascending order.
        Operation::Union | Operation::Difference => {
            let result = combined(call, keys, &lens, operation);
            return Ok(Value::Set(result.iter().map(Value::bulk).collect()));
        }
    };
    Ok(Value::Set(members.into_iter().map(Value::Bulk).collect()))
}

/// Stores the result of all keys but the first in the first.
pub(super) fn store(call: &mut Call<'_>, operation: Operation) -> Result<Value, Stop> {
    let destination = call.arg(1);
    let keys = call.args.get(2..).unwrap_or_default();
    let lens = lens(call, keys)?;
    let result = combined(call, keys, &lens, operation);
    let len = result.len();
    if len > 0 {
        call.insert(destination, result.into_data(), None);
        call.replaced(destination);
    } else if call.remove(destination) {
        call.replaced(destination);
    } else {
        call.forgotten(destination);
    }
    Ok(count(len))
}

/// SINTERCARD.
pub(super) fn intersection_cardinality(call: &mut Call<'_>) -> Result<Value, Stop> {
    let keys = parse_i64(call.arg(1)).and_then(|keys| usize::try_from(keys).ok());
    let keys = keys.filter(|keys| *keys > 0).ok_or("ERR numkeys should be greater than 0")?;
    let Some((keys, options)) = call.args.get(2..).and_then(|rest| rest.split_at_checked(keys))
    else {
        return Err("ERR Number of keys can't be greater than number of args".into());
    };
    let mut limit = None;
    for option in options.chunks(2) {
        let [name, number] = option else {
            return Err(SYNTAX.into());
        };
        if !name.eq_ignore_ascii_case(b"LIMIT") {
            return Err(SYNTAX.into());
        }
        let number = parse_i64(number).and_then(|number| usize::try_from(number).ok());
        let number = number.ok_or("ERR LIMIT can't be negative")?;
        // 0 is no limit.
        limit = Some(number).filter(|number| *number > 0);
    }
    let lens = lens(call, keys)?;
    Ok(count(intersection(call, keys, &lens, limit).len()))
}

/// How many members each key's set has, their use noted. All types are checked first.
fn lens(call: &mut Call<'_>, keys: &[&[u8]]) -> Result<Vec<usize>, Stop> {
    keys.iter().map(|key| Ok(call.read::<Set>(key)?.map_or(0, Set::len))).collect()
}

/// A set whose type was checked, its use not noted again.
pub(super) fn set<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Option<&'c Set> {
    match call.slot(key)? {
        Slot::Object(object) => Set::of(&object.data),
        Slot::Packed(_) => None,
    }
}

fn combined(call: &mut Call<'_>, keys: &[&[u8]], lens: &[usize], operation: Operation) -> Set {
    let mut result = Set::new(call.seed());
    match operation {
        Operation::Intersection => {
            for member in intersection(call, keys, lens, None) {
                result.insert(&member);
            }
        }
        Operation::Union => {
            for key in keys {
                for member in set(call, key).into_iter().flat_map(Set::iter) {
                    result.insert(&member);
                }
            }
        }
        Operation::Difference => {
            for member in difference(call, keys, lens) {
                result.insert(&member);
            }
        }
    }
    result
}

/// What all have, in the order of the smallest; `limit` of it at most.
fn intersection(
    call: &mut Call<'_>,
    keys: &[&[u8]],
    lens: &[usize],
    limit: Option<usize>,
) -> Vec<Vec<u8>> {
    if lens.contains(&0) {
        return Vec::new();
    }
    let mut ascending: Vec<(usize, &[u8])> =
        lens.iter().copied().zip(keys.iter().copied()).collect();
    ascending.sort_by_key(|(len, _)| *len);
    let Some(((_, smallest), others)) = ascending.split_first() else {
        return Vec::new();
    };
    let mut members = copied(call, smallest);
    for (_, key) in others {
        match set(call, key) {
            Some(set) => members.retain(|member| set.contains(member)),
            None => members.clear(),
        }
    }
    members.truncate(limit.unwrap_or(usize::MAX));
    members
}

/// What the first has and no other.
fn difference(call: &mut Call<'_>, keys: &[&[u8]], lens: &[usize]) -> Vec<Vec<u8>> {
    let Some((first, others)) = keys.split_first() else {
        return Vec::new();
    };
    let mut members = copied(call, first);
    for (key, len) in others.iter().zip(lens.iter().skip(1)) {
        if *len == 0 || members.is_empty() {
            continue;
        }
        if let Some(set) = set(call, key) {
            members.retain(|member| !set.contains(member));
        }
    }
    members
}

fn copied(call: &mut Call<'_>, key: &[u8]) -> Vec<Vec<u8>> {
    let members = set(call, key).into_iter().flat_map(Set::iter);
    members.map(alloc::borrow::Cow::into_owned).collect()
}
