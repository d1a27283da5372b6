//! A talk on terminals: what people see, and what they type.

use std::net::SocketAddr;
use std::time::SystemTime;

use rustix::process::Signal;
use tempfile::NamedTempFile;

use crate::forged::Hand;
use crate::screen::Screen;
use crate::support::own_address;
use crate::talker::book;

fn at(port: u16) -> SocketAddr {
    (own_address(), port).into()
}

/// A book in which each of these has an address, and their screens.
struct Table {
    book: NamedTempFile,
}

impl Table {
    fn of(people: &[(&str, SocketAddr)]) -> Self {
        let people: Vec<(&str, String)> = people.iter().map(|(name, at)| (*name, at.to_string())).collect();
        let people: Vec<(&str, &str)> = people.iter().map(|(name, at)| (*name, at.as_str())).collect();
        Self { book: book(&people) }
    }

    fn sit(&self, name: &str, columns: u16) -> Screen {
        let path = self.book.path().to_str().expect("temporary folders have plain names");
        let screen = Screen::parlor(&["talk", name, "--book", path], columns, 10);
        screen.when_shown("you are ");
        screen
    }
}

/// Hours and minutes, as the screen shows them.
fn clock() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later").as_secs();
    format!("{:02}:{:02} ", seconds / 3600 % 24, seconds / 60 % 60)
}

/// What of the screen somebody said.
fn heard(rows: &[String], who: &str) -> Vec<String> {
    rows.iter().filter_map(|row| row.split_once(&format!("<{who}> "))).map(|(_, text)| text.to_owned()).collect()
}

#[test]
fn d21_what_arrives_while_a_line_is_typed_leaves_it_alone() {
    let table = Table::of(&[("ann", at(9001)), ("ben", at(9002))]);
    let before = clock();
    let (mut ann, mut ben) = (table.sit("ann", 60), table.sit("ben", 60));
    ann.when_shown(&format!("- you talk to ben, at {}", at(9002)));
    let first = ann.rows().into_iter().find(|row| row.contains("you are ann")).expect("it was shown");
    assert!([before, clock()].iter().any(|time| first.starts_with(time.as_str())), "{first}");
    ann.when("how things are", |rows| rows[8].starts_with(&format!(" ben | ann at {}", at(9001))));
    let text = "half 一半 a li";
    let mut typed = String::from("> ");
    for (number, character) in text.chars().enumerate() {
        ann.types(&format!("line {number}\r"));
        ben.types(&character.to_string());
        typed.push(character);
        let wanted = typed.trim_end().to_owned();
        ben.when(&wanted, |rows| rows[9] == wanted);
        ben.when_shown(&format!("<ann?> line {number}"));
        ben.when(&wanted, |rows| rows[9] == wanted);
    }
    assert_eq!(ben.cursor(), (9, 16));
    let last = text.chars().count() - 1;
    let wanted: Vec<String> = (last - 7..=last).map(|number| format!("line {number}")).collect();
    assert_eq!(heard(&ben.rows(), "ann?"), wanted);
    // What one says oneself stands there too, and soon nothing is on the way.
    ann.when("all has arrived", |rows| heard(rows, "ann") == wanted && !rows[8].contains("on the way"));
    ben.types("ne\r");
    ann.when_shown("<ben?> half 一半 a line");
    ben.when("an empty line", |rows| rows[9] == ">");
}

#[test]
fn d21_quit_and_to_change_the_partner_among_four_names_at_one_address() {
    let names = ["TOM", "JACK", "一棵树", "武大郎"];
    let table = Table::of(&names.map(|name| (name, at(8090))));
    let (mut tom, mut jack) = (table.sit("TOM", 100), table.sit("JACK", 100));
    jack.when_shown(&format!("- {} is taken; you are at ", at(8090)));
    jack.when("nobody to talk to", |rows| rows[8].starts_with(" to whom? | JACK at "));
    jack.types("TOM\rhello tom\r");
    tom.when_shown("<JACK? at ");
    tom.when_shown("> hello tom");
    tom.when_shown("- you talk to JACK?, at ");
    // The book has JACK elsewhere: who it is stays a question.
    tom.when("whom the lines go to", |rows| rows[8].starts_with(" JACK? | TOM at "));
    tom.types("hello jack\r");
    jack.when_shown("<TOM?> hello jack");
    jack.types("quit\r");
    jack.when_shown("- to whom? ");
    jack.when("nobody to talk to", |rows| rows[8].starts_with(" to whom? "));
    jack.types("一棵树\rhello tree\r");
    tom.when_shown(" to 一棵树> hello tree");
    jack.types("/to 武大郎\rhello you\r");
    tom.when_shown(" to 武大郎> hello you");
    jack.when("the third name", |rows| rows[8].starts_with(" 武大郎 | "));
    jack.types("/to nobody\r");
    jack.when_shown("! no-such-name: there is no nobody elsewhere");
}

#[test]
fn a9_what_somebody_says_never_speaks_to_the_terminal() {
    let table = Table::of(&[("ben", at(9011)), ("JACK", at(9012))]);
    let mut ben = table.sit("ben", 100);
    ben.types("typed");
    let hand = Hand::greet(at(9011));
    hand.say(1, "JACK", "\x1b[2J\x1b[1;1H\x1b]0;title\x07 \u{9b}5;5H \u{202e}gnol a\nb");
    hand.say(2, "\x1b[5;5Hx", "a name");
    ben.when_shown("> a name");
    // U+FFFD stands in the place of each control; the terminal in memory does not show it.
    let rows = ben.rows();
    assert!(rows[6].contains("[2J[1;1H]0;title") && rows[6].ends_with("gnol ab"), "{rows:#?}");
    assert_eq!((rows[9].as_str(), ben.cursor()), ("> typed", (9, 7)));
}

/// A way to end a talk.
type End = fn(&mut Screen);

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    let table = Table::of(&[("ann", at(9021)), ("ben", at(9022))]);
    let ends: [(&str, End); 6] = [
        ("Ctrl-C", |screen| screen.types("x\x03")),
        ("Ctrl-D", |screen| screen.types("\x04")),
        ("/quit", |screen| screen.types("/quit\r")),
        ("SIGINT", |screen| screen.signal(Signal::INT)),
        ("SIGTERM", |screen| screen.signal(Signal::TERM)),
        ("SIGHUP", |screen| screen.signal(Signal::HUP)),
    ];
    for (how, end) in ends {
        let mut ann = table.sit("ann", 60);
        assert!(ann.is_raw(), "{how}");
        end(&mut ann);
        assert_eq!(ann.wait(), Some(0), "{how}");
        ann.expect_sane();
    }
}

#[test]
fn a_signal_that_ends_it_from_outside_leaves_the_terminal_as_it_was() {
    let table = Table::of(&[("ann", at(9026)), ("ben", at(9027))]);
    let mut ann = table.sit("ann", 60);
    ann.signal(Signal::ALARM);
    assert_eq!(ann.wait_for_signal(), Some(Signal::ALARM.as_raw()));
    ann.expect_sane();
}

#[test]
fn stopped_and_continued_the_terminal_is_given_back_and_taken_again() {
    let table = Table::of(&[("ann", at(9031)), ("ben", at(9032))]);
    let (mut ann, mut ben) = (table.sit("ann", 60), table.sit("ben", 60));
    ann.types("half a li");
    ann.when("what was typed", |rows| rows[9] == "> half a li");
    ann.types("\x1a");
    ann.expect_stopped_and_sane();
    // Said again and again meanwhile, until somebody listens.
    ben.types("meanwhile\r");
    ann.signal(Signal::CONT);
    ann.when_shown("<ben?> meanwhile");
    ann.when("the line", |rows| rows[9] == "> half a li");
    ann.types("ne\r");
    ben.when_shown("<ann?> half a line");
}

#[test]
fn leaving_waits_for_lines_on_their_way_and_a_second_time_it_does_not() {
    let table = Table::of(&[("ann", at(9041)), ("ben", at(9042))]);
    let mut ann = table.sit("ann", 100);
    ann.types("is anybody there?\r");
    ann.when("a line on the way", |rows| rows[8].contains(" | 1 on the way"));
    ann.types("\x03");
    ann.when("leaving", |rows| rows[8].contains(" | leaving"));
    ann.types("\x03");
    assert_eq!(ann.wait(), Some(1));
    ann.expect_sane();
    ann.when_shown("parlor: lines that may not have arrived: 1");
}
