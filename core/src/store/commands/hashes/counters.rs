//! HINCRBY and HINCRBYFLOAT.

use alloc::format;
use alloc::string::{String, ToString};

use super::super::super::call::Call;
use super::super::super::number::{parse_f64, parse_i64};
use super::super::super::stop::{NOT_A_FLOAT, OVERFLOW, Stop};
use super::extended::{Extended, trimmed};
use super::{value, write_or_new};
use crate::resp::Value;

pub(super) fn hincrby(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, field) = (call.arg(1), call.arg(2));
    let amount = call.integer(3)?;
    let before = match value(call)? {
        Some(value) => parse_i64(value).ok_or("ERR hash value is not an integer")?,
        None => 0,
    };
    let after = before.checked_add(amount).ok_or(OVERFLOW)?;
    write_or_new(call, key)?.set_keeping_expiry(field, after.to_string().as_bytes());
    call.changed(key);
    Ok(Value::Integer(after))
}

pub(super) fn hincrbyfloat(call: &mut Call<'_>) -> Result<Value, Stop> {
    let (key, field, amount) = (call.arg(1), call.arg(2), call.arg(3));
    if parse_f64(amount).ok_or(NOT_A_FLOAT)?.is_infinite() {
        return Err("ERR value is NaN or Infinity".into());
    }
    let before = value(call)?.unwrap_or(b"0");
    parse_f64(before).ok_or("ERR hash value is not a float")?;
    let after = sum(before, amount).ok_or("ERR increment would produce NaN or Infinity")?;
    write_or_new(call, key)?.set_keeping_expiry(field, after.as_bytes());
    call.changed(key);
    Ok(Value::bulk(after))
}

/// The sum of two numbers as text: in extended precision as in Redis, or, where the numbers are
/// out of [`Extended`]'s range, as doubles.
fn sum(first: &[u8], second: &[u8]) -> Option<String> {
    let extended = Extended::parse(first).zip(Extended::parse(second));
    if let Some(text) = extended.and_then(|(first, second)| first.plus(second)?.print()) {
        return Some(text);
    }
    let sum = parse_f64(first)? + parse_f64(second)?;
    sum.is_finite().then(|| trimmed(&format!("{sum:.17}")))
}
