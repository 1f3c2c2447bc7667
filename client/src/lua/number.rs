//! Numbers as C converts, prints and reads them: Lua 5.1 is a program in C, and scripts see it.

/// A number as `%.{digits}g` prints it.
pub(super) fn general(number: f64, digits: usize) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_nan() {
        return format!("{sign}nan");
    }
    if number.is_infinite() {
        return format!("{sign}inf");
    }
    let digits = digits.max(1);
    let scientific = format!("{:.*e}", digits - 1, number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits_max = i32::try_from(digits).unwrap_or(i32::MAX);
    if (-4..digits_max).contains(&exponent) {
        let places = usize::try_from(digits_max - 1 - exponent).unwrap_or(0);
        let fixed = format!("{:.*}", places, number.abs());
        return format!("{sign}{}", without_zeros(&fixed));
    }
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    let mantissa = without_zeros(mantissa);
    format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.unsigned_abs())
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A number without its fraction, as x86-64 casts it to a `long`: what is too large, or no number,
/// becomes the smallest.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn to_i64(number: f64) -> i64 {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if (-BOUND..BOUND).contains(&number) { number as i64 } else { i64::MIN }
}

/// The low 32 bits of an integer, as C casts a `long` to an `int`.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
pub(super) fn to_i32(number: i64) -> i32 {
    number as i32
}

/// An integer as the number that it is in Lua, rounded if it must be.
#[expect(clippy::cast_precision_loss, reason = "Lua 5.1 has no other numbers")]
pub(super) fn from_i64(number: i64) -> f64 {
    number as f64
}

/// As [`from_i64`].
#[expect(clippy::cast_precision_loss, reason = "Lua 5.1 has no other numbers")]
pub(super) fn from_u64(number: u64) -> f64 {
    number as f64
}

/// The number at the front of some text, as `strtod` reads it, and its length.
pub(super) fn read(text: &[u8]) -> Option<(f64, usize)> {
    let is_negative = text.first() == Some(&b'-');
    let signed = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let (number, length) = read_unsigned(text.get(signed..)?)?;
    Some((if is_negative { -number } else { number }, signed + length))
}

fn read_unsigned(text: &[u8]) -> Option<(f64, usize)> {
    let starts = |word: &str| {
        text.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word.as_bytes()))
    };
    if starts("infinity") {
        return Some((f64::INFINITY, 8));
    }
    if starts("inf") {
        return Some((f64::INFINITY, 3));
    }
    if starts("nan") {
        return Some((f64::NAN, 3));
    }
    if starts("0x")
        && let Some((number, length)) = read_hexadecimal(text.get(2..)?)
    {
        return Some((number, length + 2));
    }
    let whole = digits(text);
    let fraction = text.get(whole..).filter(|rest| rest.first() == Some(&b'.'));
    let fraction = fraction.map_or(0, |rest| 1 + digits(&rest[1..]));
    if whole == 0 && fraction < 2 {
        return None;
    }
    let mut end = whole + fraction;
    end += exponent(text.get(end..)?, b'e');
    let number = std::str::from_utf8(text.get(..end)?).ok()?.parse().ok()?;
    Some((number, end))
}

/// A number behind `0x`, with a fraction and a binary exponent if there are any.
fn read_hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let (mut number, mut scale, mut end, mut any, mut is_fraction) =
        (0.0_f64, 0_i32, 0, false, false);
    while let Some(&byte) = text.get(end) {
        if byte == b'.' && !is_fraction {
            is_fraction = true;
        } else if let Some(digit) = char::from(byte).to_digit(16) {
            number = number * 16.0 + f64::from(digit);
            scale -= if is_fraction { 4 } else { 0 };
            any = true;
        } else {
            break;
        }
        end += 1;
    }
    if !any {
        return None;
    }
    let length = exponent(text.get(end..)?, b'p');
    if length > 0 {
        let digits = std::str::from_utf8(text.get(end + 1..end + length)?).ok()?;
        scale = scale.saturating_add(digits.parse().unwrap_or(i32::MAX));
    }
    Some((number * 2.0_f64.powi(scale), end + length))
}

/// The length of an exponent with its marker; 0 if there is none.
fn exponent(text: &[u8], marker: u8) -> usize {
    if text.first().is_none_or(|byte| byte.to_ascii_lowercase() != marker) {
        return 0;
    }
    let signed = 1 + usize::from(matches!(text.get(1), Some(b'-' | b'+')));
    match digits(text.get(signed..).unwrap_or_default()) {
        0 => 0,
        count => signed + count,
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_c_prints_them() {
        for (number, digits, printed) in [
            (0.1, 17, "0.10000000000000001"),
            (1e20, 17, "1e+20"),
            (-0.0, 17, "-0"),
            (12_345_678_901_234.5, 14, "12345678901234"),
            (12_345_678_901_235.5, 14, "12345678901236"),
            (2.5, 1, "2"),
            (0.000_1, 14, "0.0001"),
            (0.000_01, 14, "1e-05"),
            (1e100, 14, "1e+100"),
            (99_999.5, 5, "1e+05"),
            (f64::NEG_INFINITY, 14, "-inf"),
        ] {
            assert_eq!(general(number, digits), printed);
        }
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number, length) in [
            ("1.5e3,", 1_500.0, 5),
            ("1.", 1.0, 2),
            ("-.5", -0.5, 3),
            ("1e", 1.0, 1),
            ("0x1F]", 31.0, 4),
            ("0x1.8p1", 3.0, 7),
            ("0xg", 0.0, 1),
            ("-Infinity", f64::NEG_INFINITY, 9),
        ] {
            assert_eq!(read(text.as_bytes()), Some((number, length)), "{text}");
        }
        assert_eq!(read(b"-"), None);
        assert_eq!(read(b"."), None);
    }
}
