//! Sums in the extended double precision of x87, which Redis calls `long double`.

use alloc::format;
use alloc::string::{String, ToString};

/// A number of moderate size: `mantissa * 2^exponent`, the mantissa with its top bit set or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extended {
    negative: bool,
    mantissa: u64,
    exponent: i32,
}

/// Digits behind the point that are printed, and their unit.
const DECIMALS: i32 = 17;
const UNIT: u128 = 100_000_000_000_000_000;
/// More digits behind the point are not read.
const DECIMALS_READ_MAX: i32 = 19;
/// Digits of a number that is read.
const DIGITS_MAX: usize = 37;
/// How far a mantissa is moved to the left before it is added to.
const ROOM_BITS: u32 = 62;

impl Extended {
    /// Reads a decimal number; nothing where it has too many digits or is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, power) = match text.split_once(['e', 'E']) {
            Some((digits, power)) => (digits, power.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = format!("{whole}{fraction}");
        if digits.len() > DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let number: u128 = digits.parse().ok()?;
        let decimals = i32::try_from(fraction.len()).ok()?.checked_sub(power)?;
        if decimals > DECIMALS_READ_MAX {
            return None;
        }
        let ten = |power: i32| 10_u128.checked_pow(u32::try_from(power.max(0)).ok()?);
        let number = number.checked_mul(ten(decimals.checked_neg()?)?)?;
        Self::quotient(negative, number, ten(decimals)?)
    }

    fn quotient(negative: bool, number: u128, divisor: u128) -> Option<Self> {
        if number == 0 {
            return Some(Self { negative, mantissa: 0, exponent: 0 });
        }
        let bits = |number: u128| i32::try_from(128 - number.leading_zeros()).unwrap_or(0);
        let mut shift = 64 - bits(number) + bits(divisor);
        loop {
            let left = |number: u128, by: i32| {
                let by = u32::try_from(by.max(0)).ok()?;
                number.checked_mul(1_u128.checked_shl(by)?)
            };
            let (number, divisor) = (left(number, shift)?, left(divisor, -shift)?);
            let (mut quotient, rest) = (number / divisor, number % divisor);
            if quotient >> 64 > 0 {
                shift -= 1;
                continue;
            }
            let half = rest.cmp(&(divisor - rest));
            quotient += u128::from(half.is_gt() || half.is_eq() && quotient & 1 == 1);
            return Some(Self::rounded(negative, quotient, -shift));
        }
    }

    /// The nearest number with a mantissa of 64 bits, the even one of two.
    fn rounded(negative: bool, number: u128, exponent: i32) -> Self {
        if number == 0 {
            return Self { negative, mantissa: 0, exponent: 0 };
        }
        let zeros = number.leading_zeros();
        let top = number << zeros;
        let mut exponent = exponent + 64 - i32::try_from(zeros).unwrap_or(0);
        let (kept, rest) = (top >> 64, top & u128::from(u64::MAX));
        let half = 1_u128 << 63;
        let up = rest > half || rest == half && kept & 1 == 1;
        let mantissa = u64::try_from(kept + u128::from(up)).unwrap_or_else(|_| {
            exponent += 1;
            1 << 63
        });
        Self { negative, mantissa, exponent }
    }

    /// The sum, rounded.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        if self.mantissa == 0 || other.mantissa == 0 {
            return Some(if other.mantissa == 0 { self } else { other });
        }
        let (large, small) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let apart = u32::try_from(large.exponent - small.exponent).ok()?;
        let moved = apart.min(ROOM_BITS);
        let dropped = apart - moved;
        let below = u128::from(small.mantissa);
        let kept = below.checked_shr(dropped).unwrap_or(0);
        let lost = kept.checked_shl(dropped).unwrap_or(0) != below;
        // That something was lost only matters between halves.
        let kept = kept | u128::from(lost);
        let signed = |negative: bool, number: u128| {
            let number = i128::try_from(number).ok()?;
            Some(if negative { -number } else { number })
        };
        let sum = signed(large.negative, u128::from(large.mantissa) << moved)?
            .checked_add(signed(small.negative, kept)?)?;
        let exponent = large.exponent - i32::try_from(moved).ok()?;
        Some(Self::rounded(sum < 0, sum.unsigned_abs(), exponent))
    }

    /// As Redis prints it: 17 digits behind the point, without zeros at the end.
    pub(super) fn print(self) -> Option<String> {
        let number = u128::from(self.mantissa);
        let (whole, fraction) = if self.exponent >= 0 {
            if self.exponent > 63 {
                return None;
            }
            (number << self.exponent, 0)
        } else {
            let down = self.exponent.unsigned_abs();
            let whole = number.checked_shr(down).unwrap_or(0);
            let scaled = (number - whole.checked_shl(down).unwrap_or(0)) * UNIT;
            let kept = scaled.checked_shr(down).unwrap_or(0);
            let rest = scaled - kept.checked_shl(down).unwrap_or(0);
            let half = 1_u128.checked_shl(down - 1).unwrap_or(u128::MAX);
            (whole, kept + u128::from(rest > half || rest == half && kept & 1 == 1))
        };
        let (whole, fraction) = (whole + fraction / UNIT, fraction % UNIT);
        let sign = if self.negative { "-" } else { "" };
        let width = usize::try_from(DECIMALS).unwrap_or(0);
        Some(trimmed(&format!("{sign}{whole}.{fraction:0width$}")))
    }
}

/// Without zeros at the end of the fraction. Redis prints no negative zero.
pub(super) fn trimmed(digits: &str) -> String {
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    if digits == "-0" { "0".to_string() } else { digits.to_string() }
}
