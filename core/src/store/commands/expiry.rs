//! Commands on the expiry of keys.

use alloc::format;
use alloc::string::{String, ToString};

use super::super::call::{Call, flag};
use super::super::number::parse_i64;
use super::super::stop::{NOT_AN_INTEGER, Stop};
use super::Handler;
use crate::resp::Value;
use crate::time::Timestamp;

pub(super) const COMMANDS: &[(&str, Handler)] = &[
    ("EXPIRE", |call| expire(call, 1_000, true)),
    ("EXPIREAT", |call| expire(call, 1_000, false)),
    ("EXPIRETIME", |call| Ok(expiry(call, |at, _| (at.as_ms() + 500) / 1_000))),
    ("PERSIST", persist),
    ("PEXPIRE", |call| expire(call, 1, true)),
    ("PEXPIREAT", |call| expire(call, 1, false)),
    ("PEXPIRETIME", |call| Ok(expiry(call, |at, _| at.as_ms()))),
    ("PTTL", |call| Ok(expiry(call, Timestamp::since_ms))),
    // Redis rounds to the nearest second.
    ("TTL", |call| Ok(expiry(call, |at, now| (at.since_ms(now) + 500) / 1_000))),
];

/// When EXPIRE and its like apply.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Redis takes XX together with GT or LT")]
struct Conditions {
    absent: bool,
    present: bool,
    greater: bool,
    less: bool,
}

fn conditions(call: &Call<'_>) -> Result<Conditions, Stop> {
    let mut found = Conditions::default();
    for at in 3..call.args.len() {
        match call.option(at).as_slice() {
            b"NX" => found.absent = true,
            b"XX" => found.present = true,
            b"GT" => found.greater = true,
            b"LT" => found.less = true,
            _ => {
                let other = String::from_utf8_lossy(call.arg(at));
                return Err(format!("ERR Unsupported option {other}").into());
            }
        }
    }
    if found.absent && (found.present || found.greater || found.less) {
        return Err("ERR NX and XX, GT or LT options at the same time are not compatible".into());
    }
    if found.greater && found.less {
        return Err("ERR GT and LT options at the same time are not compatible".into());
    }
    Ok(found)
}

fn expire(call: &mut Call<'_>, factor: i64, relative: bool) -> Result<Value, Stop> {
    // As in Redis, options are looked at before the number.
    let wanted = conditions(call)?;
    let number = parse_i64(call.arg(2)).ok_or(NOT_AN_INTEGER)?;
    let key = call.arg(1);
    let invalid = || Stop::from(format!("ERR invalid expire time in '{}' command", call.name()));
    let ms = number.checked_mul(factor).ok_or_else(invalid)?;
    let base = if relative { i64::try_from(call.now.as_ms()).unwrap_or(i64::MAX) } else { 0 };
    let at_ms = ms.checked_add(base).ok_or_else(invalid)?;
    let Some(before) = call.expires_at(key) else {
        return Ok(Value::Integer(0));
    };
    let before_ms = before.map(|at| i64::try_from(at.as_ms()).unwrap_or(i64::MAX));
    let applies = !(wanted.absent && before_ms.is_some()
        || wanted.present && before_ms.is_none()
        || wanted.greater && before_ms.is_none_or(|before| at_ms <= before)
        || wanted.less && before_ms.is_some_and(|before| at_ms >= before));
    if !applies {
        return Ok(Value::Integer(0));
    }
    match u64::try_from(at_ms).map(Timestamp::from_ms) {
        Ok(at) if at > call.now => {
            call.set_expires_at(key, Some(at));
            call.changed_by(key, &[b"PEXPIREAT", key, at_ms.to_string().as_bytes()]);
        }
        _ => {
            call.remove(key);
            call.replaced(key);
        }
    }
    Ok(Value::Integer(1))
}

fn persist(call: &mut Call<'_>) -> Result<Value, Stop> {
    let key = call.arg(1);
    // One that nobody knows here may be there on Redis.
    let had_one = call.slot(key).is_some_and(|slot| slot.expires_at().is_some());
    if had_one {
        call.set_expires_at(key, None);
        call.changed(key);
    }
    Ok(flag(had_one))
}

fn expiry(call: &mut Call<'_>, shown: impl Fn(Timestamp, Timestamp) -> u64) -> Value {
    let now = call.now;
    match call.expires_at(call.arg(1)) {
        None => Value::Integer(-2),
        Some(None) => Value::Integer(-1),
        Some(Some(at)) => Value::Integer(i64::try_from(shown(at, now)).unwrap_or(i64::MAX)),
    }
}
