//! The extended double of x87 processors, in which Redis adds for INCRBYFLOAT and HINCRBYFLOAT:
//! 64 bits of mantissa, 15 of exponent. In whole numbers here, so that every machine and language
//! gives the digits of a Redis on x86-64.

mod natural;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::stop::{NOT_A_FLOAT, Stop};
use natural::Natural;

/// The error of a sum that is not finite.
pub(crate) const NOT_FINITE: &str = "ERR increment would produce NaN or Infinity";
/// Bytes from which on Redis does not read a number (`MAX_LONG_DOUBLE_CHARS` of `util.h`).
const TEXT_BYTES_MAX: usize = 5 * 1_024;
/// The power of two of the least mantissa bit: of the smallest numbers, and of the greatest.
const EXPONENT_MIN: i32 = -16_445;
const EXPONENT_MAX: i32 = 16_320;
/// Powers of ten beyond which everything overflows or vanishes.
const DECIMAL_EXPONENT_MAX: i64 = 5_000;
/// Decimals that Redis prints: 10 to this power.
const DECIMALS: u128 = 100_000_000_000_000_000;

/// A number as an x87 register holds it, NaN excepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extended {
    is_negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magnitude {
    Infinite,
    /// The mantissa times two to this power.
    Finite(u64, i32),
}

/// The sum of two numbers as text, as INCRBYFLOAT answers it.
pub(crate) fn add(old: &[u8], amount: &[u8]) -> Result<String, Stop> {
    let old = Extended::parse(old).ok_or(NOT_A_FLOAT)?;
    let amount = Extended::parse(amount).ok_or(NOT_A_FLOAT)?;
    Ok(old.checked_add(amount).ok_or(NOT_FINITE)?.format())
}

impl Extended {
    /// A number as Redis reads one: all that `strtold` takes, but neither NaN nor what is too
    /// great or too near to zero, and nothing before or behind it (`string2ld` of `util.c`).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_BYTES_MAX {
            return None;
        }
        let (is_negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] | digits => (false, digits),
        };
        let magnitude = match digits {
            [b'0', b'x' | b'X', digits @ ..] => hexadecimal(digits)?,
            [b'0'..=b'9' | b'.', ..] => decimal(digits)?,
            word if word.eq_ignore_ascii_case(b"inf") => Magnitude::Infinite,
            word if word.eq_ignore_ascii_case(b"infinity") => Magnitude::Infinite,
            _ => return None,
        };
        Some(Self { is_negative, magnitude })
    }

    /// Whether it is infinite.
    pub(crate) fn is_infinite(self) -> bool {
        self.magnitude == Magnitude::Infinite
    }

    /// The sum, rounded once; nothing where it is not finite.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let Magnitude::Finite(mantissa, exponent) = self.magnitude else {
            return None;
        };
        let Magnitude::Finite(other_mantissa, other_exponent) = other.magnitude else {
            return None;
        };
        let base = exponent.min(other_exponent);
        let mut sum = scaled(mantissa, exponent, base);
        let mut summand = scaled(other_mantissa, other_exponent, base);
        let mut is_negative = self.is_negative;
        if self.is_negative == other.is_negative {
            sum.add(&summand);
        } else {
            if sum < summand {
                core::mem::swap(&mut sum, &mut summand);
                is_negative = other.is_negative;
            }
            sum.subtract(&summand);
        }
        let magnitude = rounded(sum, Natural::from(1), base)?;
        Some(Self { is_negative, magnitude })
    }

    /// With 17 decimals, zeros at the end cut off (`LD_STR_HUMAN` of `ld2string`).
    pub(crate) fn format(self) -> String {
        let digits = match self.magnitude {
            Magnitude::Infinite => String::from("inf"),
            Magnitude::Finite(mantissa, exponent) if exponent >= 0 => {
                scaled(mantissa, exponent, 0).to_decimal()
            }
            Magnitude::Finite(mantissa, exponent) => fixed(mantissa, exponent.unsigned_abs()),
        };
        if self.is_negative && digits != "0" { format!("-{digits}") } else { digits }
    }
}

/// A mantissa divided by two to this power, with its decimals.
fn fixed(mantissa: u64, shift: u32) -> String {
    let exact = u128::from(mantissa) * DECIMALS;
    let (mut whole, rest) = match (exact.checked_shr(shift), 1_u128.checked_shl(shift)) {
        (Some(whole), Some(unit)) => (whole, (exact & (unit - 1)).cmp(&(unit >> 1))),
        // Less than half of the last decimal: the product has but 121 bits.
        _ => (0, Ordering::Less),
    };
    if rest == Ordering::Greater || rest == Ordering::Equal && whole % 2 == 1 {
        whole += 1;
    }
    let digits = format!("{}.{:017}", whole / DECIMALS, whole % DECIMALS);
    String::from(digits.trim_end_matches('0').trim_end_matches('.'))
}

/// A mantissa in units of two to the power of `base`, which is not above its exponent.
fn scaled(mantissa: u64, exponent: i32, base: i32) -> Natural {
    let mut number = Natural::from(mantissa);
    number.shift_left(usize::try_from(exponent - base).unwrap_or(0));
    number
}

/// A fraction times two to the power of `exponent`, rounded to the nearest, ties to even; nothing
/// where it is too great.
fn rounded(mut above: Natural, mut below: Natural, exponent: i32) -> Option<Magnitude> {
    if above.is_zero() {
        return Some(Magnitude::Finite(0, EXPONENT_MIN));
    }
    let bits = |number: &Natural| i32::try_from(number.bits()).unwrap_or(i32::MAX);
    let ratio_bits = bits(&above) - bits(&below);
    shift(&mut above, &mut below, -ratio_bits);
    // The fraction is in [1/2, 2) now: its first bit is at this power of two.
    let first = if above >= below { 0 } else { -1 };
    let wanted = (ratio_bits + first + exponent - 63).max(EXPONENT_MIN);
    shift(&mut above, &mut below, ratio_bits + exponent - wanted);
    below.shift_left(63);
    let mut mantissa = 0_u64;
    for _ in 0..64 {
        mantissa <<= 1;
        if above >= below {
            above.subtract(&below);
            mantissa |= 1;
        }
        above.shift_left(1);
    }
    // What is left has been doubled already.
    let is_up = match above.cmp(&below) {
        Ordering::Less => false,
        Ordering::Equal => mantissa % 2 == 1,
        Ordering::Greater => true,
    };
    let (mantissa, power) = match mantissa.checked_add(u64::from(is_up)) {
        Some(mantissa) => (mantissa, wanted),
        None => (1 << 63, wanted + 1),
    };
    (power <= EXPONENT_MAX).then_some(Magnitude::Finite(mantissa, power))
}

/// Multiplies a fraction by a power of two.
fn shift(above: &mut Natural, below: &mut Natural, bits: i32) {
    let number = if bits < 0 { below } else { above };
    number.shift_left(usize::try_from(bits.unsigned_abs()).unwrap_or(0));
}

fn decimal(text: &[u8]) -> Option<Magnitude> {
    let (digits, exponent) = split(text, b'e', 10)?;
    let mut number = Natural::default();
    for digit in &digits.values {
        number.multiply_add(10, *digit);
    }
    if number.is_zero() {
        return Some(Magnitude::Finite(0, EXPONENT_MIN));
    }
    // The number has this power of ten at most, and that one less its digits at least.
    let exponent = exponent.checked_sub(digits.after_point)?;
    let len = i64::try_from(digits.values.len()).ok()?;
    if exponent > DECIMAL_EXPONENT_MAX || exponent.checked_add(len)? < -DECIMAL_EXPONENT_MAX {
        return None;
    }
    let exponent = i32::try_from(exponent).ok()?;
    let mut below = Natural::from(1);
    let scale = if exponent < 0 { &mut below } else { &mut number };
    scale.multiply_by_five_to(usize::try_from(exponent.unsigned_abs()).ok()?);
    visible(rounded(number, below, exponent)?)
}

/// The digits behind `0x`.
fn hexadecimal(text: &[u8]) -> Option<Magnitude> {
    let (digits, exponent) = split(text, b'p', 16)?;
    let mut number = Natural::default();
    for digit in &digits.values {
        number.multiply_add(16, *digit);
    }
    if number.is_zero() {
        return Some(Magnitude::Finite(0, EXPONENT_MIN));
    }
    let exponent = exponent.checked_sub(digits.after_point.checked_mul(4)?)?;
    // Twice the powers that any text of this length can bring back into range.
    let exponent = i32::try_from(exponent).ok().filter(|power| power.abs() < 80_000)?;
    visible(rounded(number, Natural::from(1), exponent)?)
}

/// Nothing where a number other than zero has become zero.
fn visible(magnitude: Magnitude) -> Option<Magnitude> {
    (!matches!(magnitude, Magnitude::Finite(0, _))).then_some(magnitude)
}

struct Digits {
    values: Vec<u32>,
    /// How many of them are behind the point.
    after_point: i64,
}

/// The digits of a number and its exponent. There is at least one digit on either side of the
/// point, and an exponent's mark is followed by one.
fn split(text: &[u8], mark: u8, radix: u32) -> Option<(Digits, i64)> {
    let marked = text.iter().position(|byte| byte.to_ascii_lowercase() == mark);
    let (number, power) = text.split_at_checked(marked.unwrap_or(text.len()))?;
    let exponent = match power {
        [] => 0,
        [_, power @ ..] => whole_exponent(power)?,
    };
    let mut digits = Digits { values: Vec::new(), after_point: 0 };
    let mut is_after_point = false;
    for byte in number {
        if *byte == b'.' && !is_after_point {
            is_after_point = true;
            continue;
        }
        digits.values.push(char::from(*byte).to_digit(radix)?);
        digits.after_point += i64::from(is_after_point);
    }
    (!digits.values.is_empty()).then_some((digits, exponent))
}

fn whole_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    let mut exponent = 0_i64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(10)?;
        exponent = (exponent * 10 + i64::from(digit)).min(1_000_000_000);
    }
    (!digits.is_empty()).then_some(sign * exponent)
}
