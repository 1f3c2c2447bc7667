//! Commands on places: <https://redis.io/docs/latest/commands/?group=geo>. Places are members of a
//! sorted set whose scores are geohashes.

mod search;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::super::call::{Call, count};
use super::super::geohash::Position;
use super::super::kinds::SortedSet;
use super::super::number::format_f64;
use super::super::stop::{NOT_A_FLOAT, SYNTAX, Stop};
use super::Handler;
use crate::resp::Value;
use search::Form;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("GEOADD", add),
    ("GEODIST", distance),
    ("GEOHASH", geohashes),
    ("GEOPOS", positions),
    ("GEORADIUS", |call| search::search(call, Form::Radius { may_store: true })),
    ("GEORADIUSBYMEMBER", |call| search::search(call, Form::RadiusByMember { may_store: true })),
    ("GEORADIUSBYMEMBER_RO", |call| {
        search::search(call, Form::RadiusByMember { may_store: false })
    }),
    ("GEORADIUS_RO", |call| search::search(call, Form::Radius { may_store: false })),
    ("GEOSEARCH", |call| search::search(call, Form::Search)),
    ("GEOSEARCHSTORE", |call| search::search(call, Form::SearchAndStore)),
];

fn add(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    let (mut only_new, mut only_present, mut counts_changed) = (false, false, false);
    let mut at = 2;
    loop {
        match call.option(at).as_slice() {
            b"NX" => only_new = true,
            b"XX" => only_present = true,
            b"CH" => counts_changed = true,
            _ => break,
        }
        at += 1;
    }
    let places = call.args.get(at..).unwrap_or_default();
    if !places.len().is_multiple_of(3) || (only_new && only_present) {
        return Err(SYNTAX.into());
    }
    let mut members: Vec<(&[u8], f64)> = Vec::with_capacity(places.len() / 3);
    while at < call.args.len() {
        members.push((call.arg(at + 2), position(call, at)?.score()));
        at += 3;
    }
    if members.is_empty() {
        return Err(SYNTAX.into());
    }
    let set = if only_present { call.write(key)? } else { Some(call.write_or_new(key)?) };
    let Some(set): Option<&mut SortedSet> = set else {
        return Ok(Value::Integer(0));
    };
    let (mut added, mut effects) = (0, Vec::new());
    for (member, score) in members {
        let before = set.score(member);
        let is_blocked = if before.is_some() { only_new } else { only_present };
        if is_blocked || before == Some(score) {
            continue;
        }
        added += usize::from(set.insert(member, score));
        effects.push((format_f64(score), member));
    }
    if !effects.is_empty() {
        let mut command: Vec<&[u8]> = vec![b"ZADD", key];
        command.extend(effects.iter().flat_map(|(score, member)| [score.as_bytes(), *member]));
        call.changed_by(key, &command);
    }
    Ok(count(if counts_changed { effects.len() } else { added }))
}

fn distance(call: &mut Call<'_>) -> Result<Value, Stop> {
    let metres = match call.args.len() {
        4 => 1.0,
        5 => unit(call, 4)?,
        _ => return Err(SYNTAX.into()),
    };
    let (first, second) = (call.arg(2), call.arg(3));
    let Some(set) = call.read::<SortedSet>(call.arg(1))? else {
        return Ok(Value::Nil);
    };
    let (Some(first), Some(second)) = (set.score(first), set.score(second)) else {
        return Ok(Value::Nil);
    };
    let distance_m = Position::of_score(first).distance_m(Position::of_score(second));
    Ok(distance_reply(distance_m / metres))
}

fn geohashes(call: &mut Call<'_>) -> Result<Value, Stop> {
    let hash = |score: Option<f64>| match score {
        Some(score) => Value::bulk(Position::of_score(score).geohash()),
        None => Value::Nil,
    };
    Ok(Value::Array(scores(call)?.into_iter().map(hash).collect()))
}

fn positions(call: &mut Call<'_>) -> Result<Value, Stop> {
    let scores = scores(call)?;
    let place = |score: Option<f64>| match score {
        Some(score) => position_reply(call, Position::of_score(score)),
        None => Value::NilArray,
    };
    Ok(Value::Array(scores.into_iter().map(place).collect()))
}

/// The scores of the members that the command names.
fn scores(call: &mut Call<'_>) -> Result<Vec<Option<f64>>, Stop> {
    let members = call.args.iter().skip(2);
    let set = call.read::<SortedSet>(call.arg(1))?;
    Ok(members.map(|member| set.and_then(|set| set.score(member))).collect())
}

/// The longitude at an index and the latitude behind it.
fn position(call: &Call<'_>, at: usize) -> Result<Position, Stop> {
    let position = Position { longitude: number(call, at)?, latitude: number(call, at + 1)? };
    if position.is_valid() {
        return Ok(position);
    }
    let Position { longitude, latitude } = position;
    Err(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}").into())
}

/// The argument at an index as a number that a double can hold: Redis takes neither what is too
/// large, unless it is called infinite, nor what is so small that it would be 0.
fn number(call: &Call<'_>, at: usize) -> Result<f64, Stop> {
    let number = call.float(at)?;
    let text = call.arg(at).to_ascii_lowercase();
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'p')).next().unwrap_or_default();
    let is_too_large = number.is_infinite() && mantissa.iter().any(u8::is_ascii_digit);
    let is_too_small = number == 0.0 && mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    if is_too_large || is_too_small { Err(NOT_A_FLOAT.into()) } else { Ok(number) }
}

/// The metres of the unit at an index.
fn unit(call: &Call<'_>, at: usize) -> Result<f64, Stop> {
    match call.option(at).as_slice() {
        b"M" => Ok(1.0),
        b"KM" => Ok(1_000.0),
        b"FT" => Ok(0.3048),
        b"MI" => Ok(1_609.34),
        _ => Err("ERR unsupported unit provided. please use M, KM, FT, MI".into()),
    }
}

fn distance_reply(distance: f64) -> Value {
    Value::bulk(format!("{distance:.4}"))
}

/// Redis prints coordinates with 17 decimals.
fn position_reply(call: &Call<'_>, position: Position) -> Value {
    let coordinate = |degrees: f64| {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if call.is_resp3() {
            Value::Double(text.parse().unwrap_or(degrees))
        } else {
            Value::bulk(text)
        }
    };
    Value::Array([coordinate(position.longitude), coordinate(position.latitude)].into())
}
