//! A name that means several places.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use parlor::hub::{ConnId, Reason, Target};

use crate::house::House;

/// Where the look-up leads in these tests.
const PLACES: [&str; 2] = ["[2001:db8::1]:8888", "192.0.2.1:8888"];

fn looked_up() -> House {
    let mut house = House::with("chat.example", None);
    let found: io::Result<Vec<Target>> =
        Ok(PLACES.map(|place| Target::Tcp(place.parse::<SocketAddr>().unwrap())).into());
    let job = house.job.expect("a look-up was asked for");
    house.hub.done(job, Ok(Box::new(found)));
    house.settle();
    house
}

fn places(house: &House) -> Vec<String> {
    let place = |(_, target): &(ConnId, Target)| match target {
        Target::Tcp(at) => at.to_string(),
        other => panic!("{other:?}"),
    };
    house.asked.iter().map(place).collect()
}

#[test]
fn a_place_whose_packets_are_lost_costs_a_quarter_of_a_second() {
    let mut house = looked_up();
    house.pass(Duration::from_millis(249));
    assert_eq!(places(&house), PLACES[..1]);
    house.pass(Duration::from_millis(1));
    assert_eq!(places(&house), PLACES);
    house.opened();
    house.server_says("- parlor chat: you are guest1 in #lobby; rooms are recorded for 30 days; /help");
    assert_eq!(house.sent(), ["/format json"]);
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    // The other one is let go, and nothing that becomes of it matters.
    let (lost, _) = house.asked[0];
    house.hub.fail(lost, Reason::Unreachable(ErrorKind::TimedOut));
    house.pass(Duration::from_secs(9));
    assert_eq!(house.news(), [""; 0]);
    assert_eq!(house.sent()[0], "/join #r");
}

#[test]
fn a_place_that_refuses_costs_nothing_and_the_last_reason_is_told() {
    let mut house = looked_up();
    house.hub.fail(house.conn(), Reason::Unreachable(ErrorKind::NetworkUnreachable));
    house.settle();
    assert_eq!(places(&house), PLACES);
    assert_eq!(house.news(), [""; 0]);
    house.hub.fail(house.conn(), Reason::Unreachable(ErrorKind::ConnectionRefused));
    house.settle();
    assert_eq!(house.news(), ["down: connection refused: nobody listens there; None"]);
}

#[test]
fn d8_ten_seconds_are_all_that_all_places_together_get() {
    let mut house = looked_up();
    house.pass(Duration::from_millis(9_999));
    assert_eq!(house.news(), [""; 0]);
    house.pass(Duration::from_millis(1));
    assert_eq!(house.news(), ["down: no answer within 10 seconds; None"]);
    assert_eq!(places(&house), PLACES);
}

#[test]
fn what_one_place_answered_says_more_than_the_silence_of_another() {
    let mut house = looked_up();
    house.pass(Duration::from_millis(300));
    house.hub.fail(house.conn(), Reason::Unreachable(ErrorKind::ConnectionRefused));
    house.settle();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.news(), ["down: connection refused: nobody listens there; None"]);
}

#[test]
fn the_first_that_stands_is_taken_though_it_was_asked_first_and_late() {
    let mut house = looked_up();
    house.pass(Duration::from_millis(300));
    let (first, _) = house.asked[0];
    house.hub.opened(first);
    house.settle();
    house.conn = Some(first);
    house.server_says("- parlor chat: you are guest1 in #lobby; rooms are recorded for 30 days; /help");
    assert_eq!(house.sent(), ["/format json"]);
    assert_eq!(house.news(), [""; 0]);
}
