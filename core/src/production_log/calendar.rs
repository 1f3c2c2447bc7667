//! Minutes since 1970 as dates, in UTC, by the rules of the Gregorian calendar.

use alloc::format;
use alloc::string::String;

use crate::time::Timestamp;

const DAY_MINUTES: u64 = 1_440;

/// `2025-03-04 02:11`, for times up to the year 9999.
pub(super) fn shown(at: Timestamp) -> String {
    let minutes = at.as_ms() / 60_000;
    let (days, minute) = (minutes / DAY_MINUTES, minutes % DAY_MINUTES);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

/// Year, month and day of a day since 1970. The years are counted from March, so that the leap day
/// is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leaps = day_of_era / 1_460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Whether a text is a date and a time of day that exist: `2025-03-04 02:11`.
pub(super) fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_form = bytes.len() == 16
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 => *byte == b':',
            _ => byte.is_ascii_digit(),
        });
    let number = |from, to| text.get(from..to).and_then(|part| part.parse::<u64>().ok());
    let parts = [number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16)];
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute)] = parts else {
        return false;
    };
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    };
    let is_date = (1..=12).contains(&month) && (1..=days).contains(&day);
    has_form && is_date && hour < 24 && minute < 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_known() {
        for (ms, wanted) in [
            (0, "1970-01-01 00:00"),
            (951_782_399_999, "2000-02-28 23:59"),
            (951_782_400_000, "2000-02-29 00:00"),
            (951_868_800_000, "2000-03-01 00:00"),
            (1_700_000_000_000, "2023-11-14 22:13"),
            (4_107_542_400_000, "2100-03-01 00:00"),
            (253_402_300_799_999, "9999-12-31 23:59"),
        ] {
            assert_eq!(shown(Timestamp::from_ms(ms)), wanted);
        }
    }

    #[test]
    fn times_that_exist() {
        for text in ["2025-03-04 02:11", "2024-02-29 00:00", "2000-02-29 23:59"] {
            assert!(is_time(text), "{text}");
        }
        for text in [
            "2025-02-29 00:00",
            "1900-02-29 00:00",
            "2025-13-01 00:00",
            "2025-03-04 24:00",
            "2025-03-04T02:11",
            "2025-3-4 2:11",
            "",
            "2025-00-10 00:00",
            "2025-03-04 02:1é",
        ] {
            assert!(!is_time(text), "{text}");
        }
    }
}
