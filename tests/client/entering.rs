//! Coming in: who one is, what is refused, and servers that never let anybody in. In a hub without sockets.

use std::io::ErrorKind;
use std::time::Duration;

use parlor::client::login::Login;

use crate::house::House;

const GREETING: &str = "- parlor chat: you are guest1 in #lobby; rooms are recorded for 30 days; /help";
const GUARDED: &str = "- parlor chat: who are you? /login NAME PASSWORD; /help";

fn welcome(nick: &str, session: &str) -> String {
    format!(r#"{{"type":"welcome","nick":"{nick}","session":"{session}","epoch":"E"}}"#)
}

fn complaint(code: &str) -> String {
    format!(r#"{{"type":"error","code":"{code}","text":"because"}}"#)
}

fn ann() -> House {
    House::with("127.0.0.1:8888", Some(Login { name: "ann".to_owned(), password: "pass word".to_owned() }))
}

fn breaks(house: &mut House) {
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.pass(Duration::from_secs(2));
    house.news();
    house.opened();
}

#[test]
fn where_one_has_to_log_in_that_comes_first_and_again_on_every_new_line() {
    let mut house = ann();
    house.opened();
    house.server_says(GUARDED);
    assert_eq!(house.sent(), ["/format json"]);
    house.server_says(&welcome("guest1", "T1"));
    assert_eq!(house.sent(), ["/login ann pass word", "/join #r", "/leave lobby", "/history #r 1", "/session"]);
    house.server_says(r#"{"type":"info","text":"you are ann, in #lobby; rooms are recorded for 30 days"}"#);
    house.server_says(&welcome("ann", "T1"));
    assert_eq!(house.news(), [""; 0], "that answers the login");
    house.server_says(&welcome("ann", "T1"));
    assert_eq!(house.news(), ["Ready(false)"]);
    house.server_says(r#"{"type":"end","of":"history"}"#);
    breaks(&mut house);
    house.server_says(GUARDED);
    house.server_says(&welcome("guest2", "T2"));
    assert_eq!(house.sent(), ["/format json", "/login ann pass word", "/session T1 r 0"]);
    house.server_says(&welcome("ann", "T2"));
    assert_eq!(house.sent(), [""; 0], "that answers the login");
    house.server_says(&welcome("ann", "T1"));
    assert_eq!(house.sent(), ["/leave lobby", "/session"]);
    house.server_says(&welcome("ann", "T1"));
    assert_eq!(house.news(), ["Ready(true)"]);
}

#[test]
fn where_one_need_not_log_in_the_session_is_taken_up_first_so_that_its_own_old_line_is_no_rival() {
    let mut house = ann();
    house.opened();
    house.server_says(GREETING);
    house.server_says(&welcome("guest1", "T1"));
    assert_eq!(house.sent()[..2], ["/format json", "/login ann pass word"]);
    house.server_says(&welcome("ann", "T1"));
    house.server_says(&welcome("ann", "T1"));
    house.server_says(r#"{"type":"end","of":"history"}"#);
    assert_eq!(house.news(), ["Ready(false)"]);
    breaks(&mut house);
    house.server_says(GREETING);
    house.server_says(&welcome("guest2", "T2"));
    assert_eq!(house.sent(), ["/format json", "/session T1 r 0"]);
    house.server_says(&welcome("ann", "T1"));
    assert_eq!(house.sent(), ["/login ann pass word", "/leave lobby", "/session"]);
    breaks(&mut house);
    // Forgotten, it comes as an account, which needs no other name.
    house.server_says(GREETING);
    house.server_says(&welcome("guest3", "T3"));
    house.sent();
    house.server_says(&complaint("no-session"));
    assert_eq!(house.sent(), ["/login ann pass word", "/resume #r 0", "/leave lobby", "/session"]);
}

#[test]
fn a_login_that_was_typed_and_was_right_is_repeated_on_the_next_line_and_a_wrong_one_is_not() {
    let mut house = House::present();
    house.obeys("/Login ann wrong").unwrap();
    house.server_says(&complaint("wrong-password"));
    breaks(&mut house);
    let logins = |house: &mut House| {
        house.server_says(GREETING);
        house.server_says(&welcome("guest2", "T2"));
        house.server_says(&welcome("guest1", "T1"));
        let sent = house.sent();
        house.server_says(&welcome("guest1", "T1"));
        sent.into_iter().filter(|line| line.starts_with("/login")).collect::<Vec<_>>()
    };
    assert_eq!(logins(&mut house), [""; 0]);
    house.obeys("/login ann  right one ").unwrap();
    assert_eq!(house.sent(), ["/login ann  right one "]);
    house.server_says(&welcome("ann", "T1"));
    breaks(&mut house);
    assert_eq!(logins(&mut house), ["/login ann  right one "]);
    for line in ["/format plain", "/Session T"] {
        assert!(house.obeys(line).is_err(), "{line}");
    }
    assert_eq!(house.sent(), [""; 0]);
}

#[test]
fn a_password_is_sent_to_nobody_else_s_machine_in_the_clear() {
    let login = Login { name: "ann".to_owned(), password: "secret".to_owned() };
    let mut house = House::with("192.0.2.1:8888", Some(login));
    house.opened();
    house.server_says(GREETING);
    house.server_says(&welcome("guest1", "T1"));
    assert!(!house.sent().iter().any(|line| line.contains("secret")));
    assert!(house.news()[0].starts_with(r#"Failed("insecure: "#));
    let mut house = House::with("192.0.2.1:8888", None);
    house.opened();
    assert!(house.obeys("/login ann secret").is_err_and(|why| why.starts_with("insecure: ")));
    let mut house = House::with("tls:192.0.2.1:8888", None);
    house.opened();
    assert!(house.obeys("/login ann secret").is_ok());
}

#[test]
fn whoever_has_to_log_in_and_does_not_is_told_how() {
    let mut house = House::new();
    house.opened();
    house.server_says(GUARDED);
    assert_eq!(house.news(), [r#"Failed("one has to log in there, and --login NAME does that")"#]);
}

#[test]
fn a_wrong_password_ends_it_and_what_passes_is_tried_again_later() {
    let mut house = ann();
    house.opened();
    house.server_says(GUARDED);
    house.server_says(&welcome("guest1", "T1"));
    house.server_says(&complaint("wrong-password"));
    assert_eq!(house.news(), [r#"Failed("wrong-password: because")"#]);

    let mut house = ann();
    house.opened();
    house.server_says(GUARDED);
    for _ in 0..3 {
        house.server_says(&welcome("ann", "T1"));
    }
    breaks(&mut house);
    house.server_says(GUARDED);
    house.server_says(&welcome("guest2", "T2"));
    house.server_says(&complaint("too-many-tries"));
    assert_eq!(house.news(), ["down: too-many-tries: because; Some(2)"]);
}

#[test]
fn what_the_server_refuses_is_known_by_asking_twice_whatever_its_code() {
    let mut house = House::present();
    house.say("one");
    house.say("two");
    house.sent();
    house.server_says(&complaint("of-a-later-version"));
    house.say("three");
    assert_eq!(house.sent()[0], "/session");
    house.news();
    // The receipt of the second was on its way.
    let receipt = r#"{"type":"receipt","room":"r","seq":1,"id":"0000000000000000-2"}"#;
    house.server_says(&welcome("guest1", "T1"));
    assert_eq!(house.sent(), ["/session"]);
    house.server_says(receipt);
    let news = house.news();
    assert!(news.len() == 2 && news[0].contains(r#"text: "one""#) && news[1].starts_with("Receipt"), "{news:?}");
    house.server_says(&welcome("guest1", "T1"));
    assert_eq!(house.news(), [""; 0], "three was said after the question");
    assert_eq!(house.sent(), [""; 0]);
}

#[test]
fn the_only_one_that_was_said_and_was_refused_is_not_waited_for() {
    let mut house = House::present();
    house.say("one");
    house.server_says(&complaint("muted"));
    house.server_says(&welcome("guest1", "T1"));
    assert_eq!(house.news(), [""; 0]);
    house.server_says(&welcome("guest1", "T1"));
    let news = house.news();
    assert!(news.len() == 1 && news[0].starts_with("Refused(") && news[0].contains(r#"text: "one""#), "{news:?}");
}

#[test]
fn d8_a_server_that_greets_and_never_welcomes_is_no_connection() {
    let mut house = House::new();
    house.opened();
    house.pass(Duration::from_secs(4));
    house.server_says(GREETING);
    for _ in 0..5 {
        house.pass(Duration::from_secs(1));
        house.server_says("- busy; wait");
    }
    assert_eq!(house.news(), [""; 0]);
    house.pass(Duration::from_secs(1));
    assert_eq!(house.news(), ["down: no answer within 10 seconds; None"]);
}

#[test]
fn a_server_that_answers_pings_and_nothing_else_is_given_up() {
    let mut house = House::new();
    house.opened();
    house.server_says(GREETING);
    house.server_says(&welcome("guest1", "T1"));
    house.sent();
    let mut pings = 0;
    while house.news().is_empty() {
        pings += house.sent().iter().filter(|line| line.starts_with("PING")).count();
        house.server_says(&format!(r#"{{"type":"pong","token":"{pings}"}}"#));
        house.pass(Duration::from_secs(1));
        assert!(pings < 5, "it waits for ever");
    }
    assert!(pings > 0);
}

#[test]
fn something_else_in_the_servers_place_is_waited_out_by_whoever_has_been_there() {
    let mut house = House::present();
    breaks(&mut house);
    house.server_says("HTTP/1.1 502 Bad Gateway");
    assert_eq!(house.news(), ["down: something else than a parlor chat answers there; Some(2)"]);
    let mut house = House::new();
    house.opened();
    house.server_says("HTTP/1.1 502 Bad Gateway");
    assert_eq!(house.news(), [r#"Failed("something else than a parlor chat answers there")"#]);
}

#[test]
fn the_reason_of_a_closed_line_is_the_servers_last_word_and_nothing_that_was_over_before() {
    let mut house = House::present();
    house.server_says(&complaint("usage"));
    house.hears(1);
    house.news();
    let closed = |house: &mut House| {
        let conn = house.conn();
        house.hub.input_over(conn);
        house.settle();
        house.news()
    };
    // The server went on after this one.
    house.server_says(&complaint("unknown-command"));
    house.server_says(r#"{"type":"pong","token":"1"}"#);
    house.news();
    assert_eq!(closed(&mut house), ["down: the server closed the connection; Some(1)"]);
    house.pass(Duration::from_secs(2));
    house.opened();
    house.server_says(GREETING);
    house.server_says(&welcome("guest2", "T2"));
    house.server_says(&welcome("guest1", "T1"));
    house.server_says(&complaint("not-member"));
    assert_eq!(closed(&mut house), ["down: the server closed the connection; Some(2)"], "nobody was shown that");
    house.pass(Duration::from_secs(3));
    house.opened();
    house.server_says("! full: no room");
    assert_eq!(closed(&mut house), ["down: the server closed the connection: full: no room; Some(4)"]);
}

#[test]
fn whoever_is_sent_away_does_not_come_back_by_themselves() {
    for code in ["kicked", "banned"] {
        let mut house = House::present();
        house.server_says(&complaint(code));
        house.news();
        let conn = house.conn();
        house.hub.input_over(conn);
        house.settle();
        assert_eq!(house.news(), [format!("down: the server closed the connection: {code}: because; None")]);
        let mut house = House::present();
        breaks(&mut house);
        house.server_says(&format!("! {code}: because"));
        let conn = house.conn();
        house.hub.input_over(conn);
        house.settle();
        assert_eq!(house.news(), [format!("down: the server closed the connection: {code}: because; None")]);
    }
}

#[test]
fn a_room_is_one_however_the_server_spells_it() {
    let mut house = House::present();
    house.server_says(r#"{"type":"info","text":"you are in #R, with 3 others"}"#);
    house.server_says(r#"{"type":"message","room":"R","seq":7,"at":"T","from":"a","text":"x"}"#);
    assert_eq!(house.numbers_heard(), [7]);
    breaks(&mut house);
    house.server_says(GREETING);
    house.server_says(&welcome("guest2", "T2"));
    assert_eq!(house.sent(), ["/format json", "/session T1 r 7"]);
}

#[test]
fn an_older_copy_of_the_history_is_heard_from_where_it_is() {
    let mut house = House::present();
    house.hears(700);
    breaks(&mut house);
    house.server_says(GREETING);
    house.server_says(&welcome("guest2", "T2"));
    house.server_says(&welcome("guest1", "T1"));
    let text = "#r has numbers up to 500; it is heard from now on";
    house.server_says(&format!(r#"{{"type":"error","code":"no-such-number","text":"{text}"}}"#));
    house.server_says(&welcome("guest1", "T1"));
    house.news();
    house.hears(501);
    house.hears(502);
    assert_eq!(house.numbers_heard(), [501, 502]);
}

#[test]
fn no_number_that_a_server_makes_up_ends_the_client() {
    let highest = u64::MAX;
    for old in [r#","old":true"#, "", r#","replay":true"#] {
        let mut house = House::present();
        for seq in [highest, 1, highest - 1, 0, highest] {
            let line = format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"x"{old}}}"#);
            house.server_says(&line);
            for (from, to) in [(seq, seq), (highest, 0), (0, highest)] {
                house.server_says(&format!(r#"{{"type":"gap","room":"r","from_seq":{from},"to_seq":{to}}}"#));
            }
            house.hears(5);
        }
    }
    // The same in what was said before one came.
    let mut house = House::new();
    house.opened();
    house.server_says(GREETING);
    house.server_says(&welcome("guest1", "T1"));
    let line = format!(r#"{{"type":"message","room":"r","seq":{highest},"at":"T","from":"a","text":"x","old":true}}"#);
    house.server_says(&line);
    house.hears(5);
    assert_eq!(house.numbers_heard(), [5]);
    // And rooms without end are not kept.
    let mut house = House::present();
    for number in 0..10_000 {
        house.server_says(&format!(r#"{{"type":"info","text":"you are in #room{number}, with 0 others"}}"#));
        house.sent();
    }
    breaks(&mut house);
    house.server_says(GREETING);
    house.server_says(&welcome("guest2", "T2"));
    house.server_says(&welcome("guest1", "T1"));
    assert!(house.sent().len() < 100);
}
