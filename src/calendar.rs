//! Dates and times as people write them, in UTC.

use std::fmt;

use crate::hub::Wall;

/// RFC 3339 with milliseconds: `2026-11-20T18:46:03.120Z`.
impl fmt::Display for Wall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, millis) = (self.millis() / 86_400_000, self.millis() % 86_400_000);
        let (year, month, day) = civil(days);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, milli) = (millis / 1000 % 60, millis % 1000);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// The date of a day counted from 1970-01-01. The year is taken to begin in March, so that the leap day is its
/// last and every month before it has a fixed place; 400 such years have 146,097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// A date, or a date and a time of UTC, as RFC 3339 has them: `2026-11-20`, `2026-11-20T18:46:03Z`, with or without
/// parts of a second.
pub fn time(text: &str) -> Option<Wall> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let time = time.strip_suffix('Z')?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let millis = number(&format!("{fraction:0<3.3}"))?;
    let (&[year, month, day], &[hour, minute, second]) = (&numbers(date, '-')?[..], &numbers(whole, ':')?[..]) else {
        return None;
    };
    let is_time = hour < 24 && minute < 60 && second < 60;
    if !is_time || !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let days = day_number(year, month, day);
    let time = Wall::from_millis(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis);
    // The thirtieth of February would come back as a day of March.
    time.to_string().starts_with(date).then_some(time)
}

fn numbers(text: &str, separator: char) -> Option<Vec<u64>> {
    text.split(separator).map(number).collect()
}

fn number(word: &str) -> Option<u64> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}

/// The day of a date, counted from 1970-01-01. The year is taken to begin in March, so that the leap day is its last.
fn day_number(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_shown() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2000-02-29T23:59:59.999Z",
            "2026-11-20T18:46:03.120Z",
            "2100-03-01T00:00:00.000Z",
        ] {
            assert_eq!(time(text).map(|time| time.to_string()).as_deref(), Some(text));
        }
        assert_eq!(time("2026-11-20"), time("2026-11-20T00:00:00Z"));
        assert_eq!(time("2026-11-20T18:46:03.5Z"), time("2026-11-20T18:46:03.500Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "x",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1",
            "2026-11-20T24:00:00Z",
            "2026-11-20T18:46:03",
            "-5",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
