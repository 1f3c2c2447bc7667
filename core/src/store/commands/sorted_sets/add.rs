//! ZADD and ZINCRBY.

use alloc::vec::Vec;

use super::super::super::call::{Call, count};
use super::super::super::kinds::SortedSet;
use super::super::super::number::{format_f64, parse_f64};
use super::super::super::stop::{NOT_A_FLOAT, SYNTAX, Stop};
use crate::resp::Value;

#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[derive(Clone, Copy, Default)]
struct Options {
    /// Only new members.
    absent: bool,
    /// Only members that are there.
    present: bool,
    /// Only to a greater score.
    greater: bool,
    /// Only to a smaller score.
    less: bool,
    /// Count changed members, too.
    changed: bool,
    /// Add to the score.
    increment: bool,
}

impl Options {
    /// Whether what happens depends on the scores that are there, beyond an increment.
    const fn are_conditional(self) -> bool {
        self.absent || self.present || self.greater || self.less
    }
}

/// Scores with their members.
type Pairs<'a> = Vec<(f64, &'a [u8])>;

/// What became of one member.
enum Outcome {
    /// The options did not let it change.
    Skipped,
    Added(f64),
    Updated(f64),
    Same(f64),
}

/// ZADD, or ZINCRBY. As in Redis, ZINCRBY takes the options of ZADD for what they are, too.
pub(super) fn zadd(call: &mut Call<'_>, increment: bool) -> Result<Value, Stop> {
    let (options, pairs) = parse(call, increment)?;
    let key = call.arg(1);
    if call.read::<SortedSet>(key)?.is_none() && options.present {
        return Ok(if options.increment { Value::Nil } else { Value::Integer(0) });
    }
    let set = call.write_or_new::<SortedSet>(key)?;
    let (mut added, mut updated, mut result) = (0, 0, None);
    let mut told: Pairs<'_> = Vec::new();
    for (score, member) in pairs {
        let (now, changed) = match apply(set, options, score, member)? {
            Outcome::Skipped => continue,
            Outcome::Added(now) => {
                added += 1;
                (now, true)
            }
            Outcome::Updated(now) => {
                updated += 1;
                (now, true)
            }
            Outcome::Same(now) => (now, false),
        };
        result = Some(now);
        if changed {
            told.push((now, member));
        }
    }
    if !told.is_empty() {
        tell(call, key, options, increment, &told);
    }
    Ok(match (options.increment, options.changed) {
        (true, _) => super::score_or_nil(result),
        (false, true) => count(added + updated),
        (false, false) => count(added),
    })
}

/// The options and the scores with their members.
fn parse<'a>(call: &Call<'a>, increment: bool) -> Result<(Options, Pairs<'a>), Stop> {
    let mut options = Options { increment, ..Options::default() };
    let mut at = 2;
    while at < call.args.len() {
        match call.option(at).as_slice() {
            b"NX" => options.absent = true,
            b"XX" => options.present = true,
            b"GT" => options.greater = true,
            b"LT" => options.less = true,
            b"CH" => options.changed = true,
            b"INCR" => options.increment = true,
            _ => break,
        }
        at += 1;
    }
    let rest = call.args.get(at..).unwrap_or_default();
    if rest.is_empty() || !rest.len().is_multiple_of(2) {
        return Err(SYNTAX.into());
    }
    if options.absent && options.present {
        return Err("ERR XX and NX options at the same time are not compatible".into());
    }
    let exclusive = [options.greater, options.less, options.absent];
    if exclusive.into_iter().filter(|is_given| *is_given).count() > 1 {
        return Err("ERR GT, LT, and/or NX options at the same time are not compatible".into());
    }
    if options.increment && rest.len() > 2 {
        return Err("ERR INCR option supports a single increment-element pair".into());
    }
    let pair = |pair: &[&'a [u8]]| match pair {
        [score, member] => parse_f64(score).map(|score| (score, *member)),
        _ => None,
    };
    let pairs: Option<Vec<_>> = rest.chunks_exact(2).map(pair).collect();
    Ok((options, pairs.ok_or(NOT_A_FLOAT)?))
}

/// Gives one member a score as the options want it (`zsetAdd` of `t_zset.c`).
fn apply(
    set: &mut SortedSet,
    options: Options,
    score: f64,
    member: &[u8],
) -> Result<Outcome, Stop> {
    let Some(before) = set.score(member) else {
        if options.present {
            return Ok(Outcome::Skipped);
        }
        set.insert(member, score);
        return Ok(Outcome::Added(score));
    };
    if options.absent {
        return Ok(Outcome::Skipped);
    }
    let score = if options.increment { before + score } else { score };
    if score.is_nan() {
        return Err("ERR resulting score is not a number (NaN)".into());
    }
    if options.less && score >= before || options.greater && score <= before {
        return Ok(Outcome::Skipped);
    }
    #[expect(clippy::float_cmp, reason = "a score that differs at all is another one")]
    if score == before {
        return Ok(Outcome::Same(score));
    }
    set.insert(member, score);
    Ok(Outcome::Updated(score))
}

/// Tells the change so that it comes to the same whatever Redis holds.
fn tell(
    call: &mut Call<'_>,
    key: &[u8],
    options: Options,
    is_zincrby: bool,
    told: &[(f64, &[u8])],
) {
    if is_zincrby || !options.are_conditional() && !options.increment {
        call.changed(key);
        return;
    }
    if options.increment && !options.are_conditional() {
        let pair = call.args.get(call.args.len().saturating_sub(2)..).unwrap_or_default();
        let command = [&[&b"ZINCRBY"[..], key], pair].concat();
        call.changed_by(key, &command);
        return;
    }
    let scores: Vec<Vec<u8>> = told.iter().map(|(score, _)| format_f64(*score).into()).collect();
    let mut command: Vec<&[u8]> = Vec::from([b"ZADD", key]);
    for (score, (_, member)) in scores.iter().zip(told) {
        command.extend([score.as_slice(), member]);
    }
    call.changed_by(key, &command);
}
