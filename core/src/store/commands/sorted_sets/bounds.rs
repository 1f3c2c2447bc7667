//! The ends of ranges of scores and of members, as arguments give them.

use core::ops::Range;

use super::super::super::kinds::SortedSet;
use super::super::super::number::parse_f64;
use super::super::super::stop::Stop;
use super::range::Direction;

/// One end of a range of scores.
#[derive(Clone, Copy, Debug)]
struct ScoreEnd {
    score: f64,
    excluded: bool,
}

/// A range of scores.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoreRange {
    min: ScoreEnd,
    max: ScoreEnd,
}

impl ScoreRange {
    pub(super) fn parse(min: &[u8], max: &[u8]) -> Result<Self, Stop> {
        let end = |text| score_end(text).ok_or("ERR min or max is not a float");
        Ok(Self { min: end(min)?, max: end(max)? })
    }

    /// The ranks that lie in it.
    pub(super) fn ranks(self, set: &SortedSet) -> Range<usize> {
        let Self { min, max } = self;
        let is_below =
            |score, _: &[u8]| if min.excluded { score <= min.score } else { score < min.score };
        let is_up_to =
            |score, _: &[u8]| if max.excluded { score < max.score } else { score <= max.score };
        set.count_while(is_below)..set.count_while(is_up_to)
    }
}

/// As `zslParseRange` of `t_zset.c` reads it, with `strtod`: space before it, and nothing at all,
/// are allowed; what is too large is infinite.
fn score_end(text: &[u8]) -> Option<ScoreEnd> {
    let (text, excluded) = match text {
        [b'(', rest @ ..] => (rest, true),
        text => (text, false),
    };
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(ScoreEnd { score: 0.0, excluded });
    }
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let begin = text.iter().position(|byte| !is_space(byte))?;
    let text = text.get(begin..)?;
    let plain =
        || core::str::from_utf8(text).ok()?.parse().ok().filter(|score: &f64| !score.is_nan());
    let score = parse_f64(text).or_else(plain)?;
    Some(ScoreEnd { score, excluded })
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug)]
enum LexEnd<'a> {
    /// Before all members.
    First,
    /// Behind all members.
    Last,
    Included(&'a [u8]),
    Excluded(&'a [u8]),
}

/// A range of members, for sets whose scores are all the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct LexRange<'a> {
    min: LexEnd<'a>,
    max: LexEnd<'a>,
}

impl<'a> LexRange<'a> {
    pub(super) fn parse(min: &'a [u8], max: &'a [u8]) -> Result<Self, Stop> {
        let end = |text| lex_end(text).ok_or("ERR min or max not valid string range item");
        Ok(Self { min: end(min)?, max: end(max)? })
    }

    /// The ranks that lie in it, without the first `offset` of them in this direction.
    pub(super) fn ranks(
        self,
        set: &SortedSet,
        direction: Direction,
        offset: usize,
    ) -> Range<usize> {
        if set.is_small() {
            return self.ranks_in_small(set, direction, offset);
        }
        let begin = set.count_while(|_, member| !self.is_from_min(member));
        let end = set.count_while(|_, member| self.is_to_max(member));
        match direction {
            Direction::Forward => begin.saturating_add(offset)..end,
            Direction::Reverse => begin..end.saturating_sub(offset),
        }
    }

    /// Where scores differ, members are in no order. What a small set then answers follows the walk
    /// that Redis takes (`zzlFirstInLexRange`, `zzlLastInLexRange`): what is skipped for the offset
    /// need not lie in the range.
    fn ranks_in_small(self, set: &SortedSet, direction: Direction, offset: usize) -> Range<usize> {
        let from_min = |(member, _): &(&[u8], f64)| self.is_from_min(member);
        let to_max = |(member, _): &(&[u8], f64)| self.is_to_max(member);
        let first = set.iter().next().is_some_and(|item| to_max(&item));
        let last = set.iter().next_back().is_some_and(|item| from_min(&item));
        if !first || !last {
            return 0..0;
        }
        match direction {
            Direction::Forward => {
                let begin = set.iter().take_while(|item| !from_min(item)).count();
                if !set.iter_from_rank(begin).next().is_some_and(|item| to_max(&item)) {
                    return 0..0;
                }
                let begin = begin.saturating_add(offset).min(set.len());
                begin..begin + set.iter_from_rank(begin).take_while(to_max).count()
            }
            Direction::Reverse => {
                let behind = set.iter().rev().take_while(|item| !to_max(item)).count();
                let end = set.len() - behind;
                if !set.range(0..end).next_back().is_some_and(|item| from_min(&item)) {
                    return 0..0;
                }
                let end = end.saturating_sub(offset);
                end - set.range(0..end).rev().take_while(from_min).count()..end
            }
        }
    }

    fn is_from_min(self, member: &[u8]) -> bool {
        match self.min {
            LexEnd::First => true,
            LexEnd::Last => false,
            LexEnd::Included(min) => member >= min,
            LexEnd::Excluded(min) => member > min,
        }
    }

    fn is_to_max(self, member: &[u8]) -> bool {
        match self.max {
            LexEnd::First => false,
            LexEnd::Last => true,
            LexEnd::Included(max) => member <= max,
            LexEnd::Excluded(max) => member < max,
        }
    }
}

fn lex_end(text: &[u8]) -> Option<LexEnd<'_>> {
    match text {
        [b'-'] => Some(LexEnd::First),
        [b'+'] => Some(LexEnd::Last),
        [b'[', rest @ ..] => Some(LexEnd::Included(rest)),
        [b'(', rest @ ..] => Some(LexEnd::Excluded(rest)),
        _ => None,
    }
}
