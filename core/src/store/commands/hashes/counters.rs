//! HINCRBY and HINCRBYFLOAT.

use alloc::string::ToString;

use super::super::super::call::Call;
use super::super::super::extended::{Extended, NOT_FINITE};
use super::super::super::number::parse_i64;
use super::super::super::stop::{NOT_A_FLOAT, OVERFLOW, Stop};
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
    let (key, field) = (call.arg(1), call.arg(2));
    let amount = Extended::parse(call.arg(3)).ok_or(NOT_A_FLOAT)?;
    if amount.is_infinite() {
        return Err("ERR value is NaN or Infinity".into());
    }
    let before = value(call)?.unwrap_or(b"0");
    let before = Extended::parse(before).ok_or("ERR hash value is not a float")?;
    let after = before.checked_add(amount).ok_or(NOT_FINITE)?.format();
    write_or_new(call, key)?.set_keeping_expiry(field, after.as_bytes());
    call.changed(key);
    Ok(Value::bulk(after))
}
