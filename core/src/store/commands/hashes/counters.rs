//! HINCRBY and HINCRBYFLOAT.

use alloc::format;
use alloc::string::{String, ToString};

use super::super::super::call::Call;
use super::super::super::number::{parse_f64, parse_i64};
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

/// Digits behind the point that Redis prints of a sum.
const DECIMALS: usize = 17;
/// Digits of which the 64 bits of an extended double are sure.
const SURE_DIGITS: usize = 18;

/// The sum of two numbers as text. Redis adds in extended precision: for numbers of few digits
/// that is the exact sum, which is made here. Others are added as doubles.
fn sum(first: &[u8], second: &[u8]) -> Option<String> {
    let exact = decimal(first).and_then(|first| first.checked_add(decimal(second)?));
    if let Some(sum) = exact {
        let one = 10_u128.pow(17);
        let (whole, fraction) = (sum.unsigned_abs() / one, sum.unsigned_abs() % one);
        let sign = if sum < 0 { "-" } else { "" };
        return Some(trimmed(&format!("{sign}{whole}.{fraction:017}")));
    }
    let sum = parse_f64(first)? + parse_f64(second)?;
    sum.is_finite().then(|| trimmed(&format!("{sum:.DECIMALS$}")))
}

fn trimmed(digits: &str) -> String {
    digits.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A decimal number of few digits, in units of the last digit that Redis prints.
fn decimal(bytes: &[u8]) -> Option<i128> {
    let text = core::str::from_utf8(bytes).ok()?;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_short = whole.len() + fraction.len() <= SURE_DIGITS && fraction.len() <= DECIMALS;
    if !is_short || whole.len() + fraction.len() == 0 {
        return None;
    }
    let number: u64 = format!("{whole}{fraction}").parse().ok()?;
    let missing = u32::try_from(DECIMALS - fraction.len()).ok()?;
    let number = i128::from(number).checked_mul(10_i128.checked_pow(missing)?)?;
    Some(if text.starts_with('-') { -number } else { number })
}
