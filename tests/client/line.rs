//! The line to the server in a hub without sockets, where time is what the test says.

use std::io::ErrorKind;
use std::time::Duration;

use parlor::hub::Reason;

use crate::house::House;

#[test]
fn d8_connecting_takes_ten_seconds_at_most() {
    let mut house = House::new();
    house.pass(Duration::from_millis(9_999));
    assert_eq!(house.news(), [""; 0]);
    house.pass(Duration::from_millis(1));
    assert_eq!(house.news(), ["down: no answer within 10 seconds; None"]);
}

#[test]
fn d8_a_server_that_accepts_and_says_nothing_is_no_connection_either() {
    let mut house = House::new();
    house.opened();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.news(), ["down: no answer within 10 seconds; None"]);
}

#[test]
fn d12_a_line_is_dead_when_nothing_came_for_five_seconds_after_our_ping() {
    let mut house = House::present();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.sent(), ["PING 1"]);
    house.pass(Duration::from_millis(4_999));
    assert_eq!(house.news(), [""; 0]);
    house.pass(Duration::from_millis(1));
    assert_eq!(house.news(), ["down: nothing came for 5 seconds after a PING, the line is dead; Some(1)"]);
}

#[test]
fn d12_any_line_is_life_and_the_answer_tells_the_round_trip_time() {
    let mut house = House::present();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.sent(), ["PING 1"]);
    house.pass(Duration::from_millis(40));
    house.server_says(r#"{"type":"pong","token":"1"}"#);
    assert_eq!(house.news(), ["round trip 40 ms"]);
    house.pass(Duration::from_secs(10));
    assert_eq!(house.sent(), ["PING 2"]);
    house.pass(Duration::from_secs(4));
    house.hears(1);
    house.pass(Duration::from_secs(4));
    assert_eq!(house.numbers_heard(), [1], "no trouble");
}

#[test]
fn the_servers_ping_is_answered_and_not_shown() {
    let mut house = House::present();
    house.server_says(r#"{"type":"ping","token":"x7"}"#);
    assert_eq!(house.sent(), ["PONG x7"]);
    assert!(house.news.take().is_empty());
}

#[test]
fn d12_the_end_of_the_stream_and_an_error_are_noticed_without_sending_anything() {
    let mut house = House::present();
    let conn = house.conn();
    house.hub.input_over(conn);
    house.settle();
    assert_eq!(house.news(), ["down: the server closed the connection; Some(1)"]);
    let mut house = House::present();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    assert_eq!(house.news(), ["down: the connection was reset by the other side; Some(1)"]);
}

#[test]
fn d14_pauses_grow_while_nothing_answers() {
    let mut house = House::present();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        pauses.extend(house.news().iter().filter_map(|news| Some(news.split_once("Some(")?.1.to_owned())));
        let before = house.conn;
        while house.conn == before {
            house.pass(Duration::from_millis(100));
        }
        let conn = house.conn();
        house.hub.fail(conn, Reason::Unreachable(ErrorKind::ConnectionRefused));
        house.settle();
    }
    assert_eq!(pauses, ["1)", "2)", "4)", "8)", "16)", "30)"]);
}

#[test]
fn after_a_broken_line_the_session_goes_on_behind_the_last_number_and_what_had_no_receipt_is_said_again() {
    let mut house = House::present();
    house.hears(1);
    house.hears(2);
    house.say("mine");
    let mine = house.sent();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("E");
    assert_eq!(house.sent(), ["/session T1 r 2"]);
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    assert_eq!(house.sent(), ["/leave lobby", "/session"]);
    house.news();
    for seq in [2, 3] {
        let line =
            format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"x","replay":true}}"#);
        house.server_says(&line);
    }
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    assert_eq!(house.sent(), mine, "the same line with the same id");
    assert_eq!(house.numbers_heard(), [3], "and 2 is not shown again");
}

#[test]
fn what_a_replay_shows_to_be_said_already_is_not_said_again() {
    let mut house = House::present();
    house.say("mine");
    let id = house.sent()[0].split('"').nth(11).unwrap().to_owned();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("E");
    assert_eq!(house.sent(), ["/session T1 r 0"]);
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    let line =
        r#"{"type":"message","room":"r","seq":1,"at":"T","from":"guest1","text":"mine","id":"ID","replay":true}"#;
    house.server_says(&line.replace("ID", &id));
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    assert_eq!(house.sent(), ["/leave lobby", "/session"]);
    let news = house.news.take();
    assert!(news.contains(&format!("Receipt({id:?}, Some(1))")), "{news:?}");
    assert!(!news.iter().any(|news| news.contains("Message(")), "nobody hears themselves: {news:?}");
}

#[test]
fn a_server_that_forgot_the_session_is_told_the_rooms_and_their_numbers() {
    let mut house = House::present();
    house.hears(5);
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("E");
    assert_eq!(house.sent(), ["/session T1 r 5"]);
    house.hears(9);
    house.server_says(r#"{"type":"error","code":"no-session","text":"nobody has this token"}"#);
    assert_eq!(house.sent(), ["/resume #r 5", "/leave lobby", "/session"]);
    house.news();
    for (seq, replay) in [(8, false), (6, true), (7, true), (8, true)] {
        let mark = if replay { r#","replay":true"# } else { "" };
        let line = format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"x"{mark}}}"#);
        house.server_says(&line);
    }
    house.server_says(r#"{"type":"end","of":"resume"}"#);
    house.hears(9);
    assert_eq!(house.numbers_heard(), [6, 7, 8, 9], "each once, in order");
}

#[test]
fn another_history_is_heard_from_its_beginning() {
    let mut house = House::present();
    house.hears(700);
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("OTHER");
    assert_eq!(house.sent(), ["/session T1 r 0"]);
}

#[test]
fn a_line_that_broke_in_the_middle_is_not_shown() {
    let mut house = House::present();
    let line = r#"{"type":"message","room":"r","seq":1,"at":"T","from":"a","text":"x"}"#;
    let conn = house.conn();
    house.hub.receive(conn, &line.as_bytes()[..line.len() - 2]);
    house.hub.input_over(conn);
    house.settle();
    let news = house.news.take();
    assert!(news.iter().all(|news| !news.starts_with("Heard")), "{news:?}");
}

#[test]
fn a_line_that_breaks_again_before_the_session_was_taken_up_does_not_lose_it() {
    let mut house = House::present();
    house.hears(1);
    for _ in 0..2 {
        let conn = house.conn();
        house.hub.read_failed(conn, ErrorKind::ConnectionReset);
        house.settle();
        house.pass(Duration::from_secs(2));
        house.comes_back("E");
        assert_eq!(house.sent(), ["/session T1 r 1"]);
    }
}
