//! ZRANGE with all its older forms, and ZRANGESTORE.

use alloc::vec::Vec;
use core::ops::Range;

use super::super::super::call::{Call, count, range as rank_range};
use super::super::super::kinds::{Kind, SortedSet};
use super::super::super::stop::{SYNTAX, Stop};
use super::bounds::{LexRange, ScoreRange};
use crate::resp::Value;

/// What the ends of a range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// From the lowest score on, or from the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Reverse,
}

/// The ends of a range, read.
enum Ends<'a> {
    Rank(i64, i64),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

struct Wanted<'a> {
    ends: Ends<'a>,
    direction: Direction,
    /// How many to skip; none is answered where it is negative.
    offset: i64,
    /// How many to answer; all where it is negative.
    limit: i64,
    with_scores: bool,
}

/// ZRANGE and its older forms, whose names fix what the range is by and its direction.
pub(super) fn reply(
    call: &mut Call<'_>,
    by: Option<By>,
    direction: Option<Direction>,
) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 2, by, direction, true)?;
    let found = wanted.find(call, call.arg(1))?;
    Ok(super::members(call, found.into_iter(), wanted.with_scores))
}

/// ZRANGESTORE.
pub(super) fn store(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 3, None, None, false)?;
    let found = wanted.find(call, call.arg(2))?;
    Ok(count(put(call, call.arg(1), &found)))
}

/// Makes a key a sorted set of these members, or removes it where there are none; their number.
pub(super) fn put(call: &mut Call<'_>, key: &[u8], members: &[(Vec<u8>, f64)]) -> usize {
    if members.is_empty() {
        if call.remove(key) {
            call.replaced(key);
        } else {
            call.forgotten(key);
        }
        return 0;
    }
    let longest = members.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
    let mut set = SortedSet::sized(call.seed(), members.len(), longest);
    for (member, score) in members {
        set.insert(member, *score);
    }
    let len = set.len();
    call.insert(key, set.into_data(), None);
    call.replaced(key);
    len
}

impl<'a> Wanted<'a> {
    /// Reads the arguments from the first end on (`zrangeGenericCommand` of `t_zset.c`).
    fn parse(
        call: &Call<'a>,
        ends_at: usize,
        mut by: Option<By>,
        mut direction: Option<Direction>,
        may_have_scores: bool,
    ) -> Result<Self, Stop> {
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        let mut at = ends_at + 2;
        while at < call.args.len() {
            match call.option(at).as_slice() {
                b"WITHSCORES" if may_have_scores => with_scores = true,
                b"LIMIT" if at + 2 < call.args.len() => {
                    offset = call.integer(at + 1)?;
                    limit = call.integer(at + 2)?;
                    at += 2;
                }
                b"REV" if direction.is_none() => direction = Some(Direction::Reverse),
                b"BYLEX" if by.is_none() => by = Some(By::Lex),
                b"BYSCORE" if by.is_none() => by = Some(By::Score),
                _ => return Err(SYNTAX.into()),
            }
            at += 1;
        }
        let by = by.unwrap_or(By::Rank);
        let direction = direction.unwrap_or(Direction::Forward);
        if limit != -1 && by == By::Rank {
            return Err("ERR syntax error, LIMIT is only supported in combination with either \
                        BYSCORE or BYLEX"
                .into());
        }
        if with_scores && by == By::Lex {
            return Err(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX".into()
            );
        }
        let (first, second) = (call.arg(ends_at), call.arg(ends_at + 1));
        let (min, max) = match direction {
            Direction::Forward => (first, second),
            Direction::Reverse => (second, first),
        };
        let ends = match by {
            By::Rank => Ends::Rank(call.integer(ends_at)?, call.integer(ends_at + 1)?),
            By::Score => Ends::Score(ScoreRange::parse(min, max)?),
            By::Lex => Ends::Lex(LexRange::parse(min, max)?),
        };
        Ok(Self { ends, direction, offset, limit, with_scores })
    }

    fn find(&self, call: &mut Call<'_>, key: &[u8]) -> Result<Vec<(Vec<u8>, f64)>, Stop> {
        let Some(set) = call.read::<SortedSet>(key)? else {
            return Ok(Vec::new());
        };
        let own = |(member, score): (&[u8], f64)| (member.to_vec(), score);
        let found = set.range(self.ranks(set));
        Ok(match self.direction {
            Direction::Forward => found.map(own).collect(),
            Direction::Reverse => found.rev().map(own).collect(),
        })
    }

    /// The ranks to answer, counted from the lowest score.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        // A negative offset skips all.
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let within = match self.ends {
            Ends::Rank(start, stop) => {
                let ranks = rank_range(start, stop, set.len());
                return match self.direction {
                    Direction::Forward => ranks,
                    Direction::Reverse => set.len() - ranks.end..set.len() - ranks.start,
                };
            }
            Ends::Score(range) => {
                let ranks = range.ranks(set);
                match self.direction {
                    Direction::Forward => ranks.start.saturating_add(offset)..ranks.end,
                    Direction::Reverse => ranks.start..ranks.end.saturating_sub(offset),
                }
            }
            Ends::Lex(range) => range.ranks(set, self.direction, offset),
        };
        let len = usize::try_from(self.limit).unwrap_or(usize::MAX).min(within.len());
        match self.direction {
            Direction::Forward => within.start..within.start + len,
            Direction::Reverse => within.end - len..within.end,
        }
    }
}
