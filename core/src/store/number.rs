//! Numbers as Redis reads and prints them.

use alloc::format;
use alloc::string::{String, ToString};

/// A whole number as Redis reads one: no sign but a minus, no leading zero, no space
/// (`string2ll` of `util.c`).
pub(crate) fn parse_i64(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut number = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    if negative { 0_i64.checked_sub_unsigned(number) } else { i64::try_from(number).ok() }
}

/// A cursor as Redis reads one: with `strtoul`, which takes a sign and wraps what is below 0.
pub(crate) fn parse_cursor(bytes: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(bytes).ok()?;
    match text.strip_prefix('-') {
        // Nothing at all is 0 to `strtoul`.
        None if text.is_empty() => Some(0),
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => digits.parse().ok().map(u64::wrapping_neg),
        None => text.parse().ok(),
    }
}

/// A floating-point number as Redis reads a score: anything of `strtod` but NaN and what is out of
/// range, with nothing before or behind it.
pub(crate) fn parse_f64(bytes: &[u8]) -> Option<f64> {
    let text = core::str::from_utf8(bytes).ok()?;
    if let Some(number) = parse_hexadecimal(text) {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    let (mantissa, _) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    // What is too large or too small for a double is none; "inf" has no digit.
    let is_lost = number.is_infinite() && mantissa.contains(|c: char| c.is_ascii_digit())
        || number == 0.0 && mantissa.contains(|c| matches!(c, '1'..='9'));
    (!number.is_nan() && !is_lost).then_some(number)
}

/// `0x1.8p3`, which `strtod` reads too.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (negative, rest) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    let digits = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"))?;
    let (mantissa, exponent) = match digits.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > 13 {
        return None;
    }
    let mut number = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        number = number * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    let number = libm::ldexp(number, shift);
    Some(if negative { -number } else { number })
}

/// A floating-point number as Redis 7.0 prints one: `%.17g` of C.
pub(crate) fn format_f64(number: f64) -> String {
    if number.is_infinite() {
        return String::from(if number > 0.0 { "inf" } else { "-inf" });
    }
    if number.is_nan() {
        return String::from("nan");
    }
    // Whole numbers of up to 17 digits print as they are.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "the bounds are checked, and whole is whole"
    )]
    if number.abs() < 1e15
        && libm::trunc(number) == number
        && (number != 0.0 || number.is_sign_positive())
    {
        return (number as i64).to_string();
    }
    general(number, 17)
}

/// `%.{digits}g` of C.
pub(crate) fn general(number: f64, digits: usize) -> String {
    let scientific = format!("{number:.*e}", digits.saturating_sub(1));
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= i32::try_from(digits).unwrap_or(i32::MAX) {
        let mantissa = trimmed(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let decimals = i32::try_from(digits).unwrap_or(17) - 1 - exponent;
    let fixed = format!("{number:.*}", usize::try_from(decimals).unwrap_or(0));
    trimmed(&fixed).to_string()
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_strictly() {
        for good in ["0", "-1", "12", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(parse_i64(good.as_bytes()), good.parse().ok(), "{good}");
        }
        for bad in [
            "",
            "-",
            "-0",
            "+1",
            "01",
            " 1",
            "1 ",
            "9223372036854775808",
            "1.0",
            "0x1",
            "99999999999999999999",
        ] {
            assert_eq!(parse_i64(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn floating_point_numbers_print_as_c_does() {
        for (number, text) in [
            (0.1, "0.10000000000000001"),
            (3.0, "3"),
            (-0.0, "-0"),
            (1e20, "1e+20"),
            (1e16, "10000000000000000"),
            (1.5e-7, "1.4999999999999999e-07"),
            (0.0001, "0.0001"),
            (f64::INFINITY, "inf"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(format_f64(number), text);
        }
    }

    #[test]
    fn floating_point_numbers_are_read_as_c_does() {
        assert_eq!(parse_f64(b"0x1.8p3"), Some(12.0));
        assert_eq!(parse_f64(b"-inf"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_f64(b"1e3"), Some(1000.0));
        for bad in ["", "nan", "1 ", " 1", "1x", "0x", "e5", "1e400", "-1e400", "1e-400"] {
            assert_eq!(parse_f64(bad.as_bytes()), None, "{bad}");
        }
    }
}
