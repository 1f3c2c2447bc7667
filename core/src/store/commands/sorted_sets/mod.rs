//! Commands on sorted sets: <https://redis.io/docs/latest/commands/?group=sorted-set>.

mod add;
mod bounds;
mod combine;
mod pop;
mod range;
mod sample;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use super::super::call::{Call, count, range as rank_range};
use super::super::kinds::SortedSet;
use super::super::stop::Stop;
use super::Handler;
use crate::resp::Value;
use bounds::{LexRange, ScoreRange};
use combine::Operation;
use pop::End;
use range::{By, Direction};

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("BZMPOP", pop::bzmpop),
    ("BZPOPMAX", |call| pop::bzpop(call, End::Max)),
    ("BZPOPMIN", |call| pop::bzpop(call, End::Min)),
    ("ZADD", |call| add::zadd(call, false)),
    ("ZCARD", |call| Ok(count(call.read::<SortedSet>(call.arg(1))?.map_or(0, SortedSet::len)))),
    ("ZCOUNT", zcount),
    ("ZDIFF", |call| combine::reply(call, Operation::Diff)),
    ("ZDIFFSTORE", |call| combine::store(call, Operation::Diff)),
    ("ZINCRBY", |call| add::zadd(call, true)),
    ("ZINTER", |call| combine::reply(call, Operation::Inter)),
    ("ZINTERCARD", combine::zintercard),
    ("ZINTERSTORE", |call| combine::store(call, Operation::Inter)),
    ("ZLEXCOUNT", zlexcount),
    ("ZMPOP", pop::zmpop),
    ("ZMSCORE", zmscore),
    ("ZPOPMAX", |call| pop::zpop(call, End::Max)),
    ("ZPOPMIN", |call| pop::zpop(call, End::Min)),
    ("ZRANDMEMBER", sample::zrandmember),
    ("ZRANGE", |call| range::reply(call, None, None)),
    ("ZRANGEBYLEX", |call| range::reply(call, Some(By::Lex), Some(Direction::Forward))),
    ("ZRANGEBYSCORE", |call| range::reply(call, Some(By::Score), Some(Direction::Forward))),
    ("ZRANGESTORE", range::store),
    ("ZRANK", |call| zrank(call, Direction::Forward)),
    ("ZREM", zrem),
    ("ZREMRANGEBYLEX", zremrangebylex),
    ("ZREMRANGEBYRANK", zremrangebyrank),
    ("ZREMRANGEBYSCORE", zremrangebyscore),
    ("ZREVRANGE", |call| range::reply(call, Some(By::Rank), Some(Direction::Reverse))),
    ("ZREVRANGEBYLEX", |call| range::reply(call, Some(By::Lex), Some(Direction::Reverse))),
    ("ZREVRANGEBYSCORE", |call| range::reply(call, Some(By::Score), Some(Direction::Reverse))),
    ("ZREVRANK", |call| zrank(call, Direction::Reverse)),
    ("ZSCAN", sample::zscan),
    ("ZSCORE", zscore),
    ("ZUNION", |call| combine::reply(call, Operation::Union)),
    ("ZUNIONSTORE", |call| combine::store(call, Operation::Union)),
];

/// A score as a reply, or no value.
fn score_or_nil(score: Option<f64>) -> Value {
    score.map_or(Value::Nil, Value::Double)
}

/// Members with their scores as a reply: the members only, or pairs.
fn members<M: Into<Vec<u8>>>(
    call: &Call<'_>,
    found: impl Iterator<Item = (M, f64)>,
    with_scores: bool,
) -> Value {
    if with_scores {
        let pair = |(member, score)| (Value::bulk(member), Value::Double(score));
        call.pairs(found.map(pair).collect())
    } else {
        Value::Array(found.map(|(member, _)| Value::bulk(member)).collect())
    }
}

fn zscore(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, member) = (call.arg(1), call.arg(2));
    Ok(score_or_nil(call.read::<SortedSet>(key)?.and_then(|set| set.score(member))))
}

fn zmscore(call: &mut Call<'_>) -> Result<Value, Stop> {
    let members = call.args.iter().skip(2);
    let set = call.read::<SortedSet>(call.arg(1))?;
    let score = |member: &&[u8]| score_or_nil(set.and_then(|set| set.score(member)));
    Ok(Value::Array(members.map(score).collect()))
}

fn zrank(call: &mut Call<'_>, direction: Direction) -> Result<Value, Stop> {
    let (key, member) = (call.arg(1), call.arg(2));
    let Some(set) = call.read::<SortedSet>(key)? else {
        return Ok(Value::Nil);
    };
    let rank = set.rank(member).map(|rank| match direction {
        Direction::Forward => rank,
        Direction::Reverse => set.len() - 1 - rank,
    });
    Ok(rank.map_or(Value::Nil, count))
}

fn zcount(call: &mut Call<'_>) -> Result<Value, Stop> {
    let range = ScoreRange::parse(call.arg(2), call.arg(3))?;
    let set = call.read::<SortedSet>(call.arg(1))?;
    Ok(count(set.map_or(0, |set| range.ranks(set).len())))
}

fn zlexcount(call: &mut Call<'_>) -> Result<Value, Stop> {
    let range = LexRange::parse(call.arg(2), call.arg(3))?;
    let set = call.read::<SortedSet>(call.arg(1))?;
    Ok(count(set.map_or(0, |set| range.ranks(set, Direction::Forward, 0).len())))
}

fn zrem(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, members) = (call.arg(1), call.args.iter().skip(2));
    let Some(set) = call.write::<SortedSet>(key)? else {
        return Ok(Value::Integer(0));
    };
    let removed = members.filter(|member| set.remove(member).is_some()).count();
    if removed > 0 {
        call.changed(key);
    }
    Ok(count(removed))
}

fn zremrangebyrank(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, start, stop) = (call.arg(1), call.integer(2)?, call.integer(3)?);
    let gone = remove(call, key, |set| rank_range(start, stop, set.len()))?;
    if !gone.is_empty() {
        // What Redis has at these ranks may be something else.
        tell_removed(call, key, &gone);
    }
    Ok(count(gone.len()))
}

fn zremrangebyscore(call: &mut Call<'_>) -> Result<Value, Stop> {
    let range = ScoreRange::parse(call.arg(2), call.arg(3))?;
    let gone = remove(call, call.arg(1), |set| range.ranks(set))?;
    if !gone.is_empty() {
        call.changed(call.arg(1));
    }
    Ok(count(gone.len()))
}

fn zremrangebylex(call: &mut Call<'_>) -> Result<Value, Stop> {
    let range = LexRange::parse(call.arg(2), call.arg(3))?;
    let gone = remove(call, call.arg(1), |set| range.ranks(set, Direction::Forward, 0))?;
    if !gone.is_empty() {
        call.changed(call.arg(1));
    }
    Ok(count(gone.len()))
}

/// Takes the members of some ranks out. The change must be told.
fn remove(
    call: &mut Call<'_>,
    key: &[u8],
    ranks: impl FnOnce(&SortedSet) -> core::ops::Range<usize>,
) -> Result<Vec<Vec<u8>>, Stop> {
    let Some(set) = call.write::<SortedSet>(key)? else {
        return Ok(Vec::new());
    };
    let ranks = ranks(set);
    let gone: Vec<Vec<u8>> = set.range(ranks).map(|(member, _)| member.to_vec()).collect();
    for member in &gone {
        set.remove(member);
    }
    Ok(gone)
}

/// Tells that these members were taken out.
fn tell_removed(call: &mut Call<'_>, key: &[u8], members: &[Vec<u8>]) {
    let mut command: Vec<&[u8]> = Vec::from([b"ZREM", key]);
    command.extend(members.iter().map(Vec::as_slice));
    call.changed_by(key, &command);
}
