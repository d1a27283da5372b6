//! The calendar jumps; nobody goes.

use std::time::Duration;

use crate::house::{House, Who};

const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;

#[test]
fn a_clock_set_back_a_year_or_forward_disconnects_nobody_and_asks_nobody_oftener() {
    let mut house = House::calm();
    let now = house.calendar;
    let people: Vec<Who> = (0..50).map(|_| house.program()).collect();
    let mut pings = 0;
    for calendar in [now, now - YEAR, now + YEAR, 0] {
        house.calendar = calendar;
        for _ in 0..50 {
            house.pass(Duration::from_secs(1));
            for &who in &people {
                let heard = house.lines(who);
                assert!(heard.iter().all(|line| line.contains(r#""type":"ping""#)), "{heard:?}");
                for _ in &heard {
                    house.says(who, "PONG x");
                }
                pings += heard.len();
            }
        }
    }
    assert_eq!(pings, 3 * people.len(), "three each in 200 s: asked when it is time");
}

/// Times are told as the calendar has them; nothing else hangs on it.
#[test]
fn what_is_said_bears_the_calendars_time_also_when_it_was_set_back() {
    let mut house = House::calm();
    let (alice, program) = (house.person("alice"), house.program());
    for (calendar, year) in [(house.calendar, "2027"), (house.calendar - YEAR, "2026"), (0, "1970")] {
        house.calendar = calendar;
        house.says(alice, "now");
        let heard = house.lines(program);
        assert!(heard.last().unwrap().contains(&format!(r#""at":"{year}-01-"#)), "{heard:?}");
    }
}
