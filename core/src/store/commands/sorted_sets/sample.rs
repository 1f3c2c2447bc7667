//! ZRANDMEMBER and ZSCAN: members in no order that was asked for.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::super::Refusal;
use super::super::super::call::Call;
use super::super::super::glob;
use super::super::super::kinds::SortedSet;
use super::super::super::number::{format_f64, parse_cursor};
use super::super::super::stop::{OUT_OF_RANGE, SYNTAX, Stop};
use crate::resp::Value;

/// Members that one reply may repeat. Redis knows no bound and would run out of memory.
const REPEATED_MAX: usize = 1 << 22;
/// Half of the greatest number: up to it a small set keeps whole scores as whole numbers.
const WHOLE_MAX: f64 = 4_611_686_018_427_387_904.0;

/// ZRANDMEMBER.
pub(super) fn zrandmember(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    if call.args.len() == 2 {
        let len = call.read::<SortedSet>(key)?.map_or(0, SortedSet::len);
        let rank = call.random_below(len);
        let found = slice(call, key, [rank])?;
        return Ok(found.into_iter().next().map_or(Value::Nil, |(member, _)| Value::Bulk(member)));
    }
    let count = call.integer(2)?;
    if count == i64::MIN {
        return Err("ERR value is out of range, value must between -9223372036854775807 and \
                    9223372036854775807"
            .into());
    }
    let with_scores = match call.args.len() {
        3 => false,
        4 if call.option(3) == b"WITHSCORES" => true,
        _ => return Err(SYNTAX.into()),
    };
    if with_scores && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(OUT_OF_RANGE.into());
    }
    let len = call.read::<SortedSet>(key)?.map_or(0, SortedSet::len);
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let found = if len == 0 || wanted == 0 {
        Vec::new()
    } else if count < 0 {
        if wanted > REPEATED_MAX {
            return Err(Refusal::Full.into());
        }
        let ranks: Vec<usize> = (0..wanted).map(|_| call.random_below(len)).collect();
        slice(call, key, ranks)?
    } else if wanted >= len {
        // As in Redis, all come from the last to the first.
        slice(call, key, (0..len).rev())?
    } else {
        let ranks = distinct(call, wanted, len);
        slice(call, key, ranks)?
    };
    Ok(super::members(call, found.into_iter(), with_scores))
}

/// Different ranks, each choice with the same chance (Floyd; Bentley, Communications of the ACM 1987).
fn distinct(call: &Call<'_>, wanted: usize, len: usize) -> BTreeSet<usize> {
    let mut ranks = BTreeSet::new();
    for last in len - wanted..len {
        let drawn = call.random_below(last + 1);
        ranks.insert(if ranks.contains(&drawn) { last } else { drawn });
    }
    ranks
}

/// The members of some ranks.
fn slice(
    call: &mut Call<'_>,
    key: &[u8],
    ranks: impl IntoIterator<Item = usize>,
) -> Result<Vec<(Vec<u8>, f64)>, Stop> {
    let Some(set) = call.read::<SortedSet>(key)? else {
        return Ok(Vec::new());
    };
    let found = ranks.into_iter().filter_map(|rank| set.iter_from_rank(rank).next());
    Ok(found.map(|(member, score)| (member.to_vec(), score)).collect())
}

/// ZSCAN. As in Redis, a key that is not there is found before wrong options.
pub(super) fn zscan(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let cursor = parse_cursor(call.arg(2)).ok_or("ERR invalid cursor")?;
    if call.read::<SortedSet>(key)?.is_none() {
        return Ok(scanned(0, Vec::new()));
    }
    let (mut pattern, mut count) = (None, 10);
    for at in (3..call.args.len()).step_by(2) {
        if at + 1 >= call.args.len() {
            return Err(SYNTAX.into());
        }
        match call.option(at).as_slice() {
            b"COUNT" => {
                let given = usize::try_from(call.integer(at + 1)?).ok();
                count = given.filter(|count| *count > 0).ok_or(SYNTAX)?;
            }
            b"MATCH" => pattern = Some(call.arg(at + 1)),
            _ => return Err(SYNTAX.into()),
        }
    }
    let Some(set) = call.read::<SortedSet>(key)? else {
        return Ok(scanned(0, Vec::new()));
    };
    let mut found = Vec::new();
    let cursor = set.scan(cursor, count, |member, score| {
        if pattern.is_none_or(|pattern| glob::matches(pattern, member)) {
            found.push(Value::bulk(member));
            found.push(Value::bulk(scan_score(score, set.is_small())));
        }
    });
    Ok(scanned(cursor, found))
}

fn scanned(cursor: u64, found: Vec<Value>) -> Value {
    Value::Array([Value::bulk(cursor.to_string()), Value::Array(found)].into())
}

/// A score as ZSCAN prints it: in a small set whole numbers have no exponent.
fn scan_score(score: f64, is_small: bool) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "what is cast is whole and within bounds"
    )]
    if is_small && score.abs() < WHOLE_MAX && libm::trunc(score) == score {
        return (score as i64).to_string();
    }
    format_f64(score)
}
