//! HRANDFIELD.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::Hash;
use super::super::super::stop::{OUT_OF_RANGE, SYNTAX, Stop};
use super::read;
use crate::resp::Value;
use crate::store::Refusal;

/// Fields with repetition in one reply; Redis would go on until its memory ends.
const REPEATED_MAX: u64 = 1 << 24;
/// A larger part of the hash is chosen in a walk through it, as Redis does.
const DRAWN_PART: usize = 3;

pub(super) fn hrandfield(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let common = call.common;
    let mut random = |end| common.below(end);
    if call.args.len() == 2 {
        let drawn = read(call, key)?.and_then(|hash| hash.random(&mut random));
        return Ok(drawn.map_or(Value::Nil, |(field, _)| Value::bulk(field)));
    }
    let wanted = call.integer(2)?;
    if wanted == i64::MIN {
        return Err("ERR value is out of range, value must between -9223372036854775807 and \
                    9223372036854775807"
            .into());
    }
    let with_values = call.args.len() > 3;
    if call.args.len() > 4 || with_values && call.option(3) != b"WITHVALUES" {
        return Err(SYNTAX.into());
    }
    if with_values && wanted.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(OUT_OF_RANGE.into());
    }
    let Some(hash) = read(call, key)? else {
        return Ok(Value::Array(Vec::new()));
    };
    let drawn = if wanted < 0 {
        if wanted.unsigned_abs() > REPEATED_MAX {
            return Err(Refusal::Full.into());
        }
        let drawn = (0..wanted.unsigned_abs()).filter_map(|_| hash.random(&mut random));
        drawn.map(|(field, value)| (Value::bulk(field), Value::bulk(value))).collect()
    } else {
        distinct(hash, usize::try_from(wanted).unwrap_or(usize::MAX), random)
    };
    if with_values {
        return Ok(call.pairs(drawn));
    }
    Ok(Value::Array(drawn.into_iter().map(|(field, _)| field).collect()))
}

/// Up to `wanted` fields, none twice.
fn distinct(
    hash: &Hash,
    wanted: usize,
    mut random: impl FnMut(usize) -> usize,
) -> Vec<(Value, Value)> {
    let pair = |(field, value): (&[u8], &[u8])| (Value::bulk(field), Value::bulk(value));
    let mut left = hash.len();
    if hash.is_small() || wanted.saturating_mul(DRAWN_PART) > left {
        let mut missing = wanted.min(left);
        let chosen = hash.iter().filter(|_| {
            let is_chosen = random(left) < missing;
            left -= 1;
            missing -= usize::from(is_chosen);
            is_chosen
        });
        return chosen.map(pair).collect();
    }
    let mut drawn = BTreeMap::new();
    while drawn.len() < wanted
        && let Some((field, value)) = hash.random(&mut random)
    {
        drawn.insert(field, value);
    }
    drawn.into_iter().map(pair).collect()
}
