//! Deadlines: heartbeats, floods, names that are held, rooms too large to announce.

use std::time::Duration;

use parlor::services::chat::{Flood, Settings, Slow};

use crate::house::{House, Who};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn hasty(burst: u32, rate: u32) -> House {
    House::new(Settings { flood: Some(Flood { burst, rate }), ..Settings::default() })
}

fn is_ping(line: &str) -> bool {
    line.starts_with("PING ") || line.starts_with(r#"{"type":"ping","token":"#)
}

#[test]
fn a_program_is_asked_after_60_seconds_of_silence_and_gone_after_150() {
    let mut house = House::calm();
    let (alice, program) = (house.person("alice"), house.program());
    house.says(program, "/nick prog");
    house.lines(program);
    house.pass(59 * SECOND);
    assert!(house.lines(program).is_empty());
    house.pass(SECOND);
    let lines = house.lines(program);
    assert_eq!(lines.len(), 1);
    assert!(is_ping(&lines[0]), "{lines:?}");
    house.pass(89 * SECOND);
    assert!(house.lines(program).is_empty() && !house.is_gone(program));
    house.pass(SECOND);
    let said = r#"{"type":"error","code":"timed-out","text":"nothing was heard from you, not even a PONG; goodbye"}"#;
    assert_eq!(house.lines(program), [said]);
    assert!(house.is_gone(program));
    assert_eq!(house.lines(alice).last().unwrap(), "#lobby -- prog left (timed out)");
}

#[test]
fn who_was_asked_late_is_gone_after_150_seconds_all_the_same() {
    let mut house = House::calm();
    let program = house.program();
    house.oversleep(100 * SECOND);
    assert!(is_ping(&house.lines(program)[0]));
    house.pass(49 * SECOND);
    assert!(!house.is_gone(program));
    house.pass(SECOND);
    assert!(house.is_gone(program));
}

#[test]
fn whoever_answers_is_asked_every_minute_and_never_gone() {
    let mut house = House::calm();
    let program = house.program();
    for _ in 0..10 {
        house.pass(MINUTE);
        let ping = house.lines(program).pop().unwrap();
        house.pass(SECOND);
        assert!(is_ping(&ping), "{ping}");
        let token = ping.split('"').nth(7).unwrap();
        house.says(program, &format!("PONG {token}"));
    }
    assert!(!house.is_gone(program));
}

#[test]
fn a_plain_client_is_asked_only_once_it_has_shown_that_it_knows_about_it() {
    let mut house = House::calm();
    let (person, asks, answers) = (house.guest(), house.guest(), house.guest());
    house.says(asks, "PING 1");
    house.says(answers, "PONG");
    assert_eq!(house.lines(asks), ["PONG 1"]);
    house.pass(MINUTE);
    for who in [asks, answers] {
        let lines = house.lines(who);
        assert!(lines.len() == 1 && is_ping(&lines[0]), "{lines:?}");
    }
    house.pass(90 * SECOND);
    assert!(house.is_gone(asks) && house.is_gone(answers));
    house.pass(100 * MINUTE);
    assert!(house.lines(person).is_empty() && !house.is_gone(person));
}

#[test]
fn who_goes_back_to_plain_lines_is_a_person_again() {
    let mut house = House::calm();
    let (person, program) = (house.program(), house.program());
    house.says(person, "/format plain");
    house.says(program, "PONG");
    house.says(program, "/format plain");
    house.lines(person);
    house.pass(100 * MINUTE);
    assert!(house.lines(person).is_empty() && !house.is_gone(person));
    assert!(house.is_gone(program), "it has shown that it can answer");
}

#[test]
fn any_byte_is_life() {
    let mut house = House::calm();
    let (alice, program) = (house.person("alice"), house.program());
    for byte in "slow but alive".split_inclusive(|_| true) {
        house.sends(program, byte);
        house.pass(59 * SECOND);
    }
    assert!(house.lines(program).is_empty());
    house.sends(program, "\n");
    assert_eq!(house.lines(alice).last().unwrap(), "#lobby <guest2> slow but alive");
}

#[test]
fn pings_that_are_due_in_one_second_go_in_one_turn() {
    let mut house = House::calm();
    house.pass(Duration::from_millis(3));
    let programs: Vec<Who> = (0..40)
        .map(|_| {
            house.pass(Duration::from_millis(20));
            house.program()
        })
        .collect();
    house.writes.clear();
    house.pass(70 * SECOND);
    for who in programs {
        let lines = house.lines(who);
        assert!(lines.len() == 1 && is_ping(&lines[0]), "{lines:?}");
    }
    assert_eq!(house.writes.len(), 1, "{:?}", house.writes);
}

#[test]
fn no_ping_is_queued_behind_other_output() {
    let mut house = House::calm();
    let (alice, program) = (house.person("alice"), house.program());
    house.says(program, "hello");
    house.reads(program, false);
    house.says(alice, "this waits");
    house.pass(40 * SECOND);
    house.says(alice, "and so does this");
    house.pass(19 * SECOND);
    house.lines(program);
    house.reads(program, true);
    assert_eq!(house.lines(program).len(), 2);
    // Asked for while something waited, it was not sent; it is not sent late either.
    let mut other = House::calm();
    let (bob, stuck) = (other.person("bob"), other.program());
    other.pass(30 * SECOND);
    other.reads(stuck, false);
    other.says(bob, "this waits");
    other.pass(40 * SECOND);
    other.reads(stuck, true);
    let heard = other.lines(stuck);
    assert!(!heard.iter().any(|line| is_ping(line)), "{heard:?}");
}

/// 200 lines at one a second: nothing new is read for minutes, and nobody holds that against the speaker.
#[test]
fn a_peer_that_is_not_read_is_never_taken_for_dead() {
    let mut house = hasty(1, 1);
    let (alice, program) = (house.guest(), house.program());
    house.pass(10 * SECOND);
    let lines: Vec<String> = (0..200).map(|number| format!("line {number}\n")).collect();
    house.sends(program, &lines.concat());
    house.pass(210 * SECOND);
    assert!(!house.is_gone(program));
    let said = house.lines(alice).iter().filter(|line| line.contains("line ")).count();
    assert_eq!(said, 200);
    assert!(house.lines(program).is_empty(), "it was asked while it was not read");
    house.pass(MINUTE);
    assert_eq!(house.lines(program).len(), 1);
}

#[test]
fn fifty_at_once_then_twenty_a_second_and_nothing_is_lost() {
    let mut house = House::new(Settings::default());
    let (alice, bob) = (house.guest(), house.guest());
    let lines: Vec<String> = (1..=350).map(|number| format!("line {number}\n")).collect();
    house.sends(bob, &lines.concat());
    let mut heard = house.lines(alice);
    assert_eq!(heard.remove(0), "#lobby -- guest2 joined");
    assert_eq!(heard.len(), 50);
    for _ in 0..15 {
        let before = heard.len();
        house.pass(SECOND);
        heard.extend(house.lines(alice));
        assert!((19..=20).contains(&(heard.len() - before)), "{} lines in a second", heard.len() - before);
    }
    house.pass(SECOND);
    heard.extend(house.lines(alice));
    let expected: Vec<String> = (1..=350).map(|number| format!("#lobby <guest2> line {number}")).collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_pause_fills_the_burst_again() {
    let mut house = House::new(Settings::default());
    let (alice, bob) = (house.guest(), house.guest());
    for _ in 0..3 {
        house.sends(bob, &"hello\n".repeat(50));
        let said = house.lines(alice).iter().filter(|line| line.contains("hello")).count();
        assert_eq!(said, 50);
        house.pass(3 * SECOND);
    }
}

#[test]
fn more_waits_unread_when_somebody_floods() {
    let mut house = House::new(Settings::default());
    let bob = house.guest();
    house.sends(bob, &"x".repeat(1000).replacen('x', "\n", 1).repeat(1000));
    assert!(house.waiting(bob) > 800_000, "{} bytes wait", house.waiting(bob));
    house.pass(SECOND);
    assert!(house.waiting(bob) > 800_000);
}

#[test]
fn a6_costly_commands_pay_more_from_the_same_bucket() {
    for (line, answer, cost) in
        [("/history", "no-history", 10), ("/who", "end who", 5), ("/rooms", "end rooms", 5), ("/help", "end help", 5)]
    {
        let mut house = House::new(Settings::default());
        let bob = house.guest();
        house.sends(bob, &format!("{line}\n").repeat(1000));
        let answers = |house: &mut House| house.lines(bob).iter().filter(|line| line.contains(answer)).count();
        // One burst is read before it is paid for; the debt is paid off before anything else is read.
        let at_once = answers(&mut house);
        assert_eq!(at_once, 50, "answers to {line} at once");
        house.pass(100 * SECOND);
        let all = at_once + answers(&mut house);
        assert!((2050 / cost..=2050 / cost + 50).contains(&all), "{all} answers to {line} in 100 seconds");
    }
}

#[test]
fn ten_minutes_of_flood_are_enough() {
    let mut house = House::new(Settings::default());
    let (alice, bob) = (house.person("alice"), house.person("bob"));
    house.lines(alice);
    let line = "hello\n".repeat(100);
    for _ in 0..590 {
        house.sends(bob, &line);
        house.pass(SECOND);
    }
    assert!(!house.is_gone(bob));
    house.pass(11 * SECOND);
    assert!(house.is_gone(bob));
    let words = "! flood: you spoke faster than this server reads for too long; goodbye";
    assert_eq!(house.lines(bob).last().unwrap(), words);
    assert_eq!(house.lines(alice).last().unwrap(), "#lobby -- bob left (flood)");
}

#[test]
fn who_keeps_within_the_pace_may_speak_for_hours() {
    let mut house = House::new(Settings::default());
    let (alice, bob) = (house.guest(), house.guest());
    for _ in 0..900 {
        house.sends(bob, &"hello\n".repeat(18));
        house.pass(SECOND);
    }
    assert!(!house.is_gone(bob));
    assert_eq!(house.lines(alice).len(), 900 * 18 + 1);
}

#[test]
fn with_flood_off_nobody_waits() {
    let mut house = House::calm();
    let (alice, bob) = (house.guest(), house.guest());
    house.sends(bob, &"hello\n".repeat(5000));
    assert_eq!(house.lines(alice).len(), 5001);
}

#[test]
fn a_name_is_held_for_60_seconds_after_a_broken_line() {
    let mut house = House::calm();
    let (alice, bob) = (house.person("alice"), house.person("bob"));
    house.says(bob, "/session");
    house.breaks(bob);
    house.lines(alice);
    house.pass(59 * SECOND);
    house.says(alice, "/nick bob");
    assert_eq!(house.lines(alice), ["! name-taken: bob is taken; choose another name"]);
    house.pass(SECOND);
    house.says(alice, "/nick bob");
    assert_eq!(house.lines(alice), ["- you are bob"]);
}

#[test]
fn a_name_is_held_for_60_seconds_after_the_last_broken_line() {
    let mut house = House::calm();
    let (alice, bob) = (house.person("alice"), house.person("bob"));
    let token = house.token(bob);
    house.breaks(bob);
    house.pass(30 * SECOND);
    let bob = house.guest();
    house.says(bob, &format!("/session {token}"));
    house.breaks(bob);
    house.lines(alice);
    for (seconds, answer) in [(59, "! name-taken: bob is taken; choose another name"), (1, "- you are bob")] {
        house.pass(seconds * SECOND);
        house.says(alice, "/nick bob");
        assert_eq!(house.lines(alice), [answer]);
    }
}

#[test]
fn who_comes_back_too_late_for_the_name_is_told_and_has_the_rest() {
    let mut house = House::calm();
    let (alice, bob) = (house.person("alice"), house.person("bob"));
    house.says(bob, "/join tea");
    let token = house.token(bob);
    house.breaks(bob);
    house.pass(MINUTE);
    house.says(alice, "/nick bob");
    let late = house.guest();
    house.says(late, &format!("/session {token}"));
    house.says(late, "/who");
    let heard = house.lines(late);
    assert_eq!(heard[0], "! name-taken: bob is somebody else by now; /nick NAME gives you another name");
    assert!(heard.contains(&"- #tea: guest3".to_owned()), "{heard:#?}");
}

/// The one who lagged is another connection; this one has nothing to catch up with.
#[test]
fn who_takes_a_session_over_from_a_connection_that_lags_hears_what_is_said() {
    let mut house = House::new(Settings { flood: None, slow: Slow::Gap, ..Settings::default() });
    let (alice, bob) = (house.person("alice"), house.person("bob"));
    let token = house.token(bob);
    house.reads(bob, false);
    for _ in 0..40 {
        house.says(alice, &"x".repeat(4000));
    }
    let other = house.guest();
    house.says(other, &format!("/session {token}"));
    house.lines(other);
    house.says(alice, "fresh");
    assert_eq!(house.lines(other), ["#lobby <alice> fresh"]);
}

#[test]
fn a_session_is_forgotten_after_a_day() {
    for (hours, answer) in [(23, "- welcome back, bob"), (24, "! no-session: ")] {
        let mut house = House::calm();
        let bob = house.person("bob");
        let token = house.token(bob);
        house.breaks(bob);
        house.pass(hours * 60 * MINUTE);
        let back = house.guest();
        house.says(back, &format!("/session {token}"));
        let heard = house.lines(back);
        assert!(heard[0].starts_with(answer), "after {hours} h: {heard:?}");
    }
}

#[test]
fn a_room_above_200_members_announces_no_joins_and_leaves() {
    let mut house = House::calm();
    let alice = house.person("alice");
    house.says(alice, "/join hall");
    let mut people: Vec<Who> = Vec::new();
    for number in 2..=202 {
        let who = house.person(&format!("p{number}"));
        house.says(who, "/join hall");
        people.push(who);
    }
    let in_hall = |house: &mut House, word: &str| {
        house.lines(alice).iter().filter(|line| line.starts_with("#hall --") && line.contains(word)).count()
    };
    assert_eq!(in_hall(&mut house, " joined"), 199, "the 200th member is the last one announced");
    house.says(people.pop().unwrap(), "/leave hall");
    house.breaks(people.pop().unwrap());
    assert_eq!(in_hall(&mut house, " left"), 0);
    house.breaks(people.pop().unwrap());
    assert_eq!(in_hall(&mut house, " left"), 1);
    house.says(people[0], "still heard");
    assert_eq!(house.lines(alice), ["#hall <p2> still heard"]);
}
