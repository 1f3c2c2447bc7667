//! The expiry of fields, as in Redis 7.4 (`t_hash.c`).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::super::call::Call;
use super::super::super::kinds::Hash;
use super::super::super::number::parse_i64;
use super::super::super::stop::Stop;
use super::{read, tell_removed, write};
use crate::resp::Value;
use crate::time::Timestamp;

const NO_FIELD: i64 = -2;
const NO_EXPIRY: i64 = -1;
const UNMET: i64 = 0;
const DONE: i64 = 1;
const DELETED: i64 = 2;
/// The last point in time that Redis keeps for a field: 46 bits of milliseconds.
const LAST_MS: i64 = (1 << 46) - 2;

/// When an expiry is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    Absent,
    Present,
    Later,
    Sooner,
}

impl Condition {
    fn is_met(self, before: Option<Timestamp>, at: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => before.is_none(),
            Self::Present => before.is_some(),
            Self::Later => before.is_some_and(|before| at > before),
            Self::Sooner => before.is_none_or(|before| at < before),
        }
    }
}

/// HEXPIRE and its like.
pub(super) fn hexpire(call: &mut Call<'_>, factor: i64, relative: bool) -> Result<Value, Stop> {
    let key = call.arg(1);
    read(call, key)?;
    let at = moment(call, factor, relative)?;
    let condition = match call.option(3).as_slice() {
        b"NX" => Condition::Absent,
        b"XX" => Condition::Present,
        b"GT" => Condition::Later,
        b"LT" => Condition::Sooner,
        _ => Condition::Always,
    };
    let fields_at = if condition == Condition::Always { 3 } else { 4 };
    let too_few = "ERR Parameter `numFields` should be greater than 0";
    let fields = fields(call, fields_at, too_few)?;
    let now = call.now;
    let Some(hash) = write(call, key)? else {
        return Ok(all(fields, NO_FIELD));
    };
    let (mut set, mut deleted, mut replies) = (Vec::<&[u8]>::new(), Vec::new(), Vec::new());
    for field in fields {
        replies.push(Value::Integer(if hash.get(field).is_none() {
            NO_FIELD
        } else if !condition.is_met(hash.expires_at(field), at) {
            UNMET
        } else if at <= now {
            hash.remove(field);
            deleted.push(Box::from(*field));
            DELETED
        } else {
            hash.set_expires_at(field, Some(at));
            set.push(field);
            DONE
        }));
    }
    if !set.is_empty() {
        let (at, many) = (at.as_ms().to_string(), set.len().to_string());
        let head = [b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", many.as_bytes()];
        let command: Vec<&[u8]> = head.into_iter().chain(set).collect();
        call.changed_by(key, &command);
    }
    if !deleted.is_empty() {
        tell_removed(call, key, &deleted);
    }
    Ok(Value::Array(replies))
}

/// The point in time that the second argument means.
fn moment(call: &Call<'_>, factor: i64, relative: bool) -> Result<Timestamp, Stop> {
    let number = call.integer(2)?;
    if number < 0 {
        return Err("ERR invalid expire time, must be >= 0".into());
    }
    let base = if relative { i64::try_from(call.now.as_ms()).unwrap_or(i64::MAX) } else { 0 };
    let ms = number.checked_mul(factor).and_then(|ms| ms.checked_add(base));
    let at = ms.filter(|ms| *ms <= LAST_MS).and_then(|ms| u64::try_from(ms).ok());
    at.map(Timestamp::from_ms)
        .ok_or_else(|| format!("ERR invalid expire time in '{}' command", call.name()).into())
}

/// Reads `FIELDS numfields field [field …]`, which is the rest.
fn fields<'a>(call: &Call<'a>, at: usize, too_few: &'static str) -> Result<&'a [&'a [u8]], Stop> {
    if call.option(at) != b"FIELDS" {
        let missing = "ERR Mandatory argument FIELDS is missing or not at the right position";
        return Err(missing.into());
    }
    let many = parse_i64(call.arg(at + 1)).filter(|many| *many > 0).ok_or(too_few)?;
    let fields = call.args.get(at + 2..).unwrap_or_default();
    if usize::try_from(many) != Ok(fields.len()) {
        return Err("ERR The `numfields` parameter must match the number of arguments".into());
    }
    Ok(fields)
}

fn all(fields: &[&[u8]], reply: i64) -> Value {
    Value::Array(fields.iter().map(|_| Value::Integer(reply)).collect())
}

const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";

/// HTTL and its like.
pub(super) fn told(
    call: &mut Call<'_>,
    shown: impl Fn(Timestamp, Timestamp) -> u64,
) -> Result<Value, Stop> {
    let (key, now) = (call.arg(1), call.now);
    read(call, key)?;
    let fields = fields(call, 2, NOT_POSITIVE)?;
    let hash = read(call, key)?;
    let reply = |field: &&[u8]| {
        let Some(hash) = hash.filter(|hash: &&Hash| hash.get(field).is_some()) else {
            return Value::Integer(NO_FIELD);
        };
        let at = hash.expires_at(field);
        Value::Integer(at.map_or(NO_EXPIRY, |at| i64::try_from(shown(at, now)).unwrap_or(i64::MAX)))
    };
    Ok(Value::Array(fields.iter().map(reply).collect()))
}

pub(super) fn hpersist(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    read(call, key)?;
    let fields = fields(call, 2, NOT_POSITIVE)?;
    let Some(hash) = write(call, key)? else {
        return Ok(all(fields, NO_FIELD));
    };
    let (mut replies, mut is_changed) = (Vec::new(), false);
    for field in fields {
        replies.push(Value::Integer(if hash.get(field).is_none() {
            NO_FIELD
        } else if hash.expires_at(field).is_none() {
            NO_EXPIRY
        } else {
            hash.set_expires_at(field, None);
            is_changed = true;
            DONE
        }));
    }
    if is_changed {
        call.changed(key);
    }
    Ok(Value::Array(replies))
}
