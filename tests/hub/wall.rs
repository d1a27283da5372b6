//! Calendar time as people read it.

use parlor::hub::Wall;

fn shown(millis: u64) -> String {
    Wall::from_millis(millis).to_string()
}

#[test]
fn the_calendar_begins_with_1970() {
    assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(shown(1), "1970-01-01T00:00:00.001Z");
    assert_eq!(shown(86_399_999), "1970-01-01T23:59:59.999Z");
    assert_eq!(shown(86_400_000), "1970-01-02T00:00:00.000Z");
    assert_eq!(Wall::from_millis(1_763_664_363_120).millis(), 1_763_664_363_120);
}

/// Seconds as `date -u -d @SECONDS` shows them.
#[test]
fn known_moments_are_shown_as_they_are_known() {
    let known = [
        (951_782_399, "2000-02-28T23:59:59.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"), // a century's leap year, every fourth
        (951_868_799, "2000-02-29T23:59:59.000Z"),
        (951_868_800, "2000-03-01T00:00:00.000Z"),
        (978_307_199, "2000-12-31T23:59:59.000Z"),
        (978_307_200, "2001-01-01T00:00:00.000Z"),
        (1_000_000_000, "2001-09-09T01:46:40.000Z"),
        (1_234_567_890, "2009-02-13T23:31:30.000Z"),
        (1_709_164_799, "2024-02-28T23:59:59.000Z"),
        (1_709_164_800, "2024-02-29T00:00:00.000Z"),
        (1_709_251_200, "2024-03-01T00:00:00.000Z"),
        (1_735_689_599, "2024-12-31T23:59:59.000Z"),
        (1_735_689_600, "2025-01-01T00:00:00.000Z"),
        (2_147_483_648, "2038-01-19T03:14:08.000Z"),
        (4_107_542_399, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"), // no leap year
        (4_133_980_799, "2100-12-31T23:59:59.000Z"),
        (253_402_300_799, "9999-12-31T23:59:59.000Z"),
    ];
    for (seconds, text) in known {
        assert_eq!(shown(seconds * 1000), text);
    }
}

/// Every day of four centuries, against a calendar that counts days one by one.
#[test]
fn every_day_of_four_centuries_follows_the_one_before() {
    let (mut year, mut month, mut day) = (1970, 1, 1);
    for days in 0..146_097 + 365 {
        let expected = format!("{year:04}-{month:02}-{day:02}T12:00:00.000Z");
        assert_eq!(shown(days * 86_400_000 + 43_200_000), expected);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 => 28 + i32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > length {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    assert_eq!(year, 2371);
}
