//! Union, intersection and difference of sorted and plain sets.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::{Set, SortedSet};
use super::super::super::number::{parse_f64, parse_i64};
use super::super::super::slot::{Data, Slot};
use super::super::super::stop::{SYNTAX, Stop, WRONG_TYPE};
use super::range::put;
use crate::resp::Value;

/// How sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Union,
    Inter,
    Diff,
}

/// What becomes of a member's scores.
#[derive(Clone, Copy, Debug, Default)]
enum Aggregate {
    #[default]
    Sum,
    Min,
    Max,
}

/// Where the reply goes, which decides the options that may be given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Reply,
    Store,
    Cardinality,
}

/// An operand. Members of plain sets have the score 1.
enum Source<'a> {
    Absent,
    Sorted(&'a SortedSet),
    Plain(&'a Set),
}

struct Wanted<'a> {
    operation: Operation,
    /// The keys with their weights.
    sources: Vec<(&'a [u8], f64)>,
    aggregate: Aggregate,
    with_scores: bool,
    /// Where to stop counting; 0 is nowhere.
    limit: usize,
}

type Members = Vec<(Vec<u8>, f64)>;

/// ZUNION, ZINTER and ZDIFF.
pub(super) fn reply(call: &mut Call<'_>, operation: Operation) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 1, operation, Target::Reply)?;
    let found = wanted.combine(call)?;
    Ok(super::members(call, found.into_iter(), wanted.with_scores))
}

/// ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE.
pub(super) fn store(call: &mut Call<'_>, operation: Operation) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 2, operation, Target::Store)?;
    let found = wanted.combine(call)?;
    Ok(count(put(call, call.arg(1), &found)))
}

/// ZINTERCARD.
pub(super) fn zintercard(call: &mut Call<'_>) -> Result<Value, Stop> {
    let wanted = Wanted::parse(call, 1, Operation::Inter, Target::Cardinality)?;
    let found = wanted.combine(call)?.len();
    Ok(count(if wanted.limit == 0 { found } else { found.min(wanted.limit) }))
}

impl<'a> Wanted<'a> {
    /// Reads the arguments from the number of keys on (`zunionInterDiffGenericCommand` of
    /// `t_zset.c`): keys of another type are found before wrong options.
    fn parse(
        call: &mut Call<'a>,
        numkeys_at: usize,
        operation: Operation,
        target: Target,
    ) -> Result<Self, Stop> {
        let numkeys = call.integer(numkeys_at)?;
        if numkeys < 1 {
            let name = call.name();
            return Err(format!("ERR at least 1 input key is needed for '{name}' command").into());
        }
        let numkeys = usize::try_from(numkeys).unwrap_or(usize::MAX);
        let options_at = (numkeys_at + 1).saturating_add(numkeys);
        let keys = call.args.get(numkeys_at + 1..options_at).ok_or(SYNTAX)?;
        for key in keys {
            call.uses(key);
            source(call, key)?;
        }
        let mut wanted = Self {
            operation,
            sources: keys.iter().map(|key| (*key, 1.0)).collect(),
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: 0,
        };
        let mut at = options_at;
        while at < call.args.len() {
            at += wanted.parse_option(call, at, target)?;
        }
        Ok(wanted)
    }

    /// Reads the option at an index; how many arguments it takes.
    fn parse_option(&mut self, call: &Call<'_>, at: usize, target: Target) -> Result<usize, Stop> {
        let left = call.args.len() - at;
        let has_scores = self.operation != Operation::Diff && target != Target::Cardinality;
        match call.option(at).as_slice() {
            b"WEIGHTS" if has_scores && left > self.sources.len() => {
                for (index, (_, weight)) in self.sources.iter_mut().enumerate() {
                    let given = parse_f64(call.arg(at + 1 + index));
                    *weight = given.ok_or("ERR weight value is not a float")?;
                }
                Ok(1 + self.sources.len())
            }
            b"AGGREGATE" if has_scores && left >= 2 => {
                self.aggregate = match call.option(at + 1).as_slice() {
                    b"SUM" => Aggregate::Sum,
                    b"MIN" => Aggregate::Min,
                    b"MAX" => Aggregate::Max,
                    _ => return Err(SYNTAX.into()),
                };
                Ok(2)
            }
            b"WITHSCORES" if target == Target::Reply => {
                self.with_scores = true;
                Ok(1)
            }
            b"LIMIT" if target == Target::Cardinality && left >= 2 => {
                let limit =
                    parse_i64(call.arg(at + 1)).and_then(|limit| usize::try_from(limit).ok());
                self.limit = limit.ok_or("ERR LIMIT can't be negative")?;
                Ok(2)
            }
            _ => Err(SYNTAX.into()),
        }
    }

    /// The result in the order of scores, then of members.
    fn combine(&self, call: &mut Call<'_>) -> Result<Members, Stop> {
        let mut found = match self.operation {
            Operation::Union => self.unite(call)?,
            Operation::Inter => self.intersect(call)?,
            Operation::Diff => self.subtract(call)?,
        };
        found.sort_unstable_by(|one, other| {
            let scores = one.1.partial_cmp(&other.1).unwrap_or(core::cmp::Ordering::Equal);
            scores.then_with(|| one.0.cmp(&other.0))
        });
        Ok(found)
    }

    /// The sources, the smallest first: the order in which Redis adds scores.
    fn by_size(&self, call: &mut Call<'_>) -> Result<Vec<(&'a [u8], f64)>, Stop> {
        let mut sized = Vec::new();
        for &(key, weight) in &self.sources {
            sized.push((source(call, key)?.len(), key, weight));
        }
        sized.sort_by_key(|(len, ..)| *len);
        Ok(sized.into_iter().map(|(_, key, weight)| (key, weight)).collect())
    }

    fn unite(&self, call: &mut Call<'_>) -> Result<Members, Stop> {
        let mut united: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
        for (key, weight) in self.by_size(call)? {
            source(call, key)?.each(|member, score| {
                let score = number(score * weight);
                if let Some(before) = united.get_mut(member) {
                    *before = self.aggregate.of(*before, score);
                } else {
                    united.insert(member.to_vec(), score);
                }
            });
        }
        Ok(united.into_iter().collect())
    }

    fn intersect(&self, call: &mut Call<'_>) -> Result<Members, Stop> {
        let sources = self.by_size(call)?;
        let Some(((first, weight), others)) = sources.split_first() else {
            return Ok(Vec::new());
        };
        let mut found = source(call, first)?.members(*weight);
        for (key, weight) in others {
            let source = source(call, key)?;
            found.retain_mut(|(member, score)| match source.score(member) {
                Some(other) => {
                    *score = self.aggregate.of(*score, other * weight);
                    true
                }
                None => false,
            });
        }
        Ok(found)
    }

    fn subtract(&self, call: &mut Call<'_>) -> Result<Members, Stop> {
        let Some(((first, _), others)) = self.sources.split_first() else {
            return Ok(Vec::new());
        };
        let mut found = source(call, first)?.members(1.0);
        for (key, _) in others {
            let source = source(call, key)?;
            found.retain(|(member, _)| source.score(member).is_none());
        }
        Ok(found)
    }
}

fn source<'c>(call: &'c mut Call<'_>, key: &[u8]) -> Result<Source<'c>, Stop> {
    match call.slot(key) {
        None => Ok(Source::Absent),
        Some(Slot::Packed(_)) => Err(WRONG_TYPE.into()),
        Some(Slot::Object(object)) => match &object.data {
            Data::SortedSet(set) => Ok(Source::Sorted(set)),
            Data::Set(set) => Ok(Source::Plain(set)),
            Data::String(_) | Data::List(_) | Data::Hash(_) | Data::Stream(_) => {
                Err(WRONG_TYPE.into())
            }
        },
    }
}

impl Source<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Sorted(set) => set.len(),
            Self::Plain(set) => set.len(),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Absent => None,
            Self::Sorted(set) => set.score(member),
            Self::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    fn each(&self, mut visit: impl FnMut(&[u8], f64)) {
        match self {
            Self::Absent => {}
            Self::Sorted(set) => set.iter().for_each(|(member, score)| visit(member, score)),
            Self::Plain(set) => set.iter().for_each(|member| visit(&member, 1.0)),
        }
    }

    fn members(&self, weight: f64) -> Members {
        let mut members = vec![];
        self.each(|member, score| members.push((member.to_vec(), number(score * weight))));
        members
    }
}

impl Aggregate {
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Sum => number(one + other),
            Self::Min if other < one => other,
            Self::Max if other > one => other,
            Self::Min | Self::Max => one,
        }
    }
}

/// What has no result, such as infinity times 0, counts as 0.
const fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}
