//! Who comes from the same address, beyond this machine, shares what an address may do.

use std::time::Duration;

use parlor::services::chat::Settings;

use crate::house::{House, Who};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How many lines of a flood somebody who listens hears at once, from two who speak at the same time.
fn heard_at_once(one: &str, other: &str) -> usize {
    let mut house = House::new(Settings::default());
    let alice = house.guest();
    for peer in [one, other] {
        let who = house.guest_from(peer);
        house.sends(who, &"hello\n".repeat(60));
    }
    house.lines(alice).iter().filter(|line| line.ends_with("> hello")).count()
}

#[test]
fn neighbours_speak_from_one_bucket() {
    for (one, other) in [
        ("192.0.2.1:1000", "192.0.2.1:2000"),
        ("[2001:db8:1:2::3]:1000", "[2001:db8:1:2:ffff::4]:1000"),
        ("192.0.2.1:1000", "[::ffff:192.0.2.1]:1000"),
    ] {
        // The second one's first line is read before it is found that nothing is left.
        assert_eq!(heard_at_once(one, other), 51, "{one} and {other}");
    }
}

#[test]
fn strangers_and_those_on_this_machine_have_buckets_of_their_own() {
    for (one, other) in [
        ("192.0.2.1:1000", "192.0.2.2:1000"),
        ("[2001:db8:1:2::3]:1000", "[2001:db8:1:3::3]:1000"),
        ("127.0.0.1:1000", "127.0.0.1:2000"),
        ("[::1]:1000", "[::1]:2000"),
        ("[::ffff:127.0.0.1]:1000", "127.0.0.1:1000"),
    ] {
        assert_eq!(heard_at_once(one, other), 100, "{one} and {other}");
    }
}

#[test]
fn what_neighbours_say_too_fast_comes_at_the_pace_of_one_and_is_not_lost() {
    let mut house = House::new(Settings::default());
    let alice = house.guest();
    let neighbours = ["192.0.2.1:1", "192.0.2.1:2"].map(|peer| house.guest_from(peer));
    for who in neighbours {
        house.sends(who, &"hello\n".repeat(100));
    }
    let count = |house: &mut House| house.lines(alice).iter().filter(|line| line.ends_with("> hello")).count();
    let mut heard = count(&mut house);
    for _ in 0..7 {
        house.pass(SECOND);
        let more = count(&mut house);
        assert!(more <= 22, "{more} in a second");
        heard += more;
    }
    house.pass(SECOND);
    assert_eq!(heard + count(&mut house), 200);
}

#[test]
fn a_neighbour_who_leaves_takes_no_debt_along() {
    let mut house = House::new(Settings::default());
    let alice = house.guest();
    let hasty = house.guest_from("192.0.2.1:1");
    house.sends(hasty, &"hello\n".repeat(60));
    house.breaks(hasty);
    house.lines(alice);
    let next = house.guest_from("192.0.2.1:2");
    house.sends(next, &"me too\n".repeat(10));
    let heard = house.lines(alice).iter().filter(|line| line.ends_with("> me too")).count();
    assert_eq!(heard, 1, "the address has spent its burst");
}

fn opens(house: &mut House, who: Who, rooms: std::ops::Range<u32>) {
    for room in rooms {
        house.says(who, &format!("/join room-{room}"));
        assert_eq!(house.lines(who), [format!("- you are in #room-{room}, with 0 others")]);
    }
}

#[test]
fn ten_new_rooms_an_hour_are_opened_from_one_address() {
    let mut house = House::calm();
    let (one, other) = (house.guest_from("192.0.2.1:1"), house.guest_from("192.0.2.1:2"));
    let (stranger, local) = (house.guest_from("192.0.2.2:1"), house.guest_from("127.0.0.1:1"));
    opens(&mut house, one, 0..6);
    opens(&mut house, other, 6..10);
    let refusal = "! too-many-new: 10 rooms were opened from your address within an hour; wait, or join one";
    for who in [one, other] {
        house.says(who, "/join room-10");
        assert_eq!(house.lines(who), [refusal]);
        house.says(who, "/resume room-10 0");
        assert!(house.lines(who)[0].starts_with("! no-history: "), "there is none in this house");
    }
    house.says(one, "/join room-9");
    assert_eq!(house.lines(one), ["- you are in #room-9, with 1 others"], "it exists");
    opens(&mut house, stranger, 20..30);
    opens(&mut house, local, 30..50);
    house.pass(59 * MINUTE);
    house.lines(other);
    house.says(other, "/join room-10");
    assert_eq!(house.lines(other), [refusal]);
    house.pass(MINUTE);
    opens(&mut house, other, 10..20);
    house.says(one, "/join room-60");
    assert_eq!(house.lines(one), [refusal]);
}

#[test]
fn in_no_hour_more_rooms_are_opened_from_one_address_whenever_it_begins() {
    let mut house = House::calm();
    let who = house.guest_from("192.0.2.1:1");
    let refusal = "! too-many-new: 10 rooms were opened from your address within an hour; wait, or join one";
    opens(&mut house, who, 0..4);
    house.pass(50 * MINUTE);
    house.lines(who);
    opens(&mut house, who, 4..10);
    // An hour after the first four there is room for four; the other six count for 50 minutes more.
    house.pass(10 * MINUTE);
    house.lines(who);
    opens(&mut house, who, 10..14);
    house.says(who, "/join room-14");
    assert_eq!(house.lines(who), [refusal]);
    house.pass(49 * MINUTE);
    house.lines(who);
    house.says(who, "/join room-14");
    assert_eq!(house.lines(who), [refusal], "to be refused costs nothing, and gives nothing");
    house.pass(MINUTE);
    opens(&mut house, who, 14..20);
    house.says(who, "/join room-20");
    assert_eq!(house.lines(who), [refusal]);
}

/// A house that nobody is in has a lobby all the same: no number of visits opens it anew.
#[test]
fn the_lobby_is_opened_by_nobody_and_refused_to_nobody() {
    let mut house = House::calm();
    for _ in 0..20 {
        let who = house.guest_from("192.0.2.1:1");
        house.breaks(who);
    }
    let mut last = 0;
    for number in 0..10_000 {
        if number % 31 == 0 {
            last = house.guest();
            house.says(last, "/leave");
        }
        house.says(last, &format!("/join room-{number}"));
    }
    assert_eq!(house.lines(last).pop().unwrap(), "- you are in #room-9999, with 0 others");
    house.says(last, "/join one-more");
    assert!(house.lines(last)[0].starts_with("! house-full: "));
    let late = house.guest_from("192.0.2.1:1");
    house.says(late, "/who");
    assert_eq!(house.lines(late)[1], "- end who");
}
