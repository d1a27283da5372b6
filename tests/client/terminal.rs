//! The chat on a terminal, with the real server.

use rustix::process::Signal;

use crate::people::Chat;
use crate::program::{Nobody, Program};
use crate::screen::Screen;
use crate::support::{Start, until};

fn opened(chat: &Chat, args: &[&str], columns: u16, rows: u16) -> Screen {
    let address = chat.server.place(0).to_string();
    let screen = Screen::parlor(&[&["chat", &address], args].concat(), columns, rows);
    screen.when_shown("| connected");
    screen
}

/// Messages that begin with a number, in the order in which they stand on the screen.
fn numbers(rows: &[String]) -> Vec<u32> {
    rows.iter().filter_map(|row| row.split_once("<bob> ")?.1.parse().ok()).collect()
}

#[test]
fn d8_what_is_typed_stays_whole_while_two_hundred_messages_a_second_arrive() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 60, 12);
    let mut bob = chat.guest();
    bob.ask("/nick bob", "- you are bob");
    let speaker = std::thread::spawn(move || {
        for number in 1..=600_u32 {
            bob.says(&number.to_string());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        bob
    });
    let text = "The quick 快速的 brown fox";
    let mut typed = String::from("> ");
    for character in text.chars() {
        screen.types(&character.to_string());
        typed.push(character);
        let wanted = typed.trim_end().to_owned();
        screen.when(&wanted, |rows| {
            let shown = numbers(rows);
            let in_order = shown.windows(2).all(|pair| pair[0] + 1 == pair[1]);
            assert!(in_order, "{rows:#?}");
            rows.last().is_some_and(|row| *row == wanted)
        });
    }
    screen.when_shown("<bob> 600");
    let rows = screen.rows();
    assert_eq!(numbers(&rows), (591..=600).collect::<Vec<_>>(), "{rows:#?}");
    let stray = |row: &String| !row.contains("<bob> ");
    assert!(rows[..10].iter().all(|row| !stray(row)), "{rows:#?}");
    assert_eq!((rows[11].as_str(), screen.cursor()), ("> The quick 快速的 brown fox", (11, 28)));
    drop(speaker.join().unwrap());
}

#[test]
fn chinese_is_edited_in_the_middle_and_said_as_it_stands() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 60, 10);
    let mut bob = chat.guest();
    bob.ask("/nick bob", "- you are bob");
    screen.types("你好世界\x1b[D\x1b[D们\x1b[D\x1b[D\x7f");
    screen.when("the edited line", |rows| rows[9] == "> 好们世界");
    assert_eq!(screen.cursor(), (9, 2));
    screen.types("\x05！😀\x1b[D\x7f\x1b[C?\r");
    bob.hear("#lobby <ann> 好们世界😀?");
    screen.when_shown("<ann> 好们世界😀?");
    screen.when("an empty line", |rows| rows[9] == ">");
}

#[test]
fn the_screen_fits_itself_to_another_size() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 80, 10);
    let mut bob = chat.guest();
    bob.ask("/nick bob", "- you are bob");
    bob.says("a line of several words that is too long for a narrow terminal");
    screen.types("typed before");
    screen.when_shown("for a narrow terminal");
    screen.resize(40, 8);
    screen.when("the narrow screen", |rows| {
        rows.len() == 8
            && rows[7] == "> typed before"
            && rows[6].starts_with(" #lobby ")
            && rows[5].ends_with("terminal")
    });
    assert!(
        screen.rows().iter().any(|row| row.ends_with("<bob> a line of several words that")),
        "{:#?}",
        screen.rows()
    );
}

#[test]
fn stopped_and_continued_the_terminal_is_given_back_and_taken_again() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 60, 10);
    screen.types("half a li");
    screen.when("what was typed", |rows| rows[9] == "> half a li");
    // By the key, and by a signal from outside.
    for round in 0..2 {
        if round == 0 {
            screen.types("\x1a");
        } else {
            screen.signal(Signal::TSTP);
        }
        screen.expect_stopped_and_sane();
        screen.signal(Signal::CONT);
        screen.when("the screen again", |rows| rows[9] == "> half a li" && rows[8].starts_with(" #lobby "));
        assert!(screen.is_raw());
    }
    screen.types("ne\r");
    screen.when_shown("<ann> half a line");
}

/// A way to end a client.
type End = fn(&mut Screen);

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    let chat = Chat::new();
    let ends: [(&str, End); 5] = [
        ("Ctrl-C", |screen| screen.types("x\x03")),
        ("Ctrl-D", |screen| screen.types("\x04")),
        ("/quit", |screen| screen.types("/quit bye\r")),
        ("SIGTERM", |screen| screen.signal(Signal::TERM)),
        ("SIGHUP", |screen| screen.signal(Signal::HUP)),
    ];
    for (how, end) in ends {
        let mut screen = opened(&chat, &[], 60, 10);
        assert!(screen.is_raw(), "{how}");
        end(&mut screen);
        assert_eq!(screen.wait(), Some(0), "{how}");
        screen.expect_sane();
    }
}

#[test]
fn a_signal_that_ends_it_from_outside_leaves_the_terminal_as_it_was() {
    let chat = Chat::new();
    for signal in [Signal::QUIT, Signal::ALARM, Signal::USR2, Signal::ABORT] {
        let mut screen = opened(&chat, &[], 60, 10);
        screen.types("half a line");
        screen.when_shown("half a line");
        screen.signal(signal);
        assert_eq!(screen.wait_for_signal(), Some(signal.as_raw()));
        screen.expect_sane();
    }
}

#[test]
fn the_wheel_is_not_taken_for_arrow_keys_while_it_shows_and_is_what_it_was_afterwards() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &[], 60, 10);
    let wheel = |screen: &Screen| {
        screen.sent().split("\x1b[?1007").skip(1).map(|rest| rest[..1].to_owned()).collect::<String>()
    };
    // Saved, and switched off.
    assert_eq!(wheel(&screen), "sl");
    // Continued without having been stopped: what was saved must not be lost.
    screen.signal(Signal::CONT);
    until("the terminal taken again", || wheel(&screen) == "sll");
    screen.types("\x04");
    assert_eq!(screen.wait(), Some(0));
    // On where nothing can be saved, for it usually is; else as it was.
    until("the terminal given back", || wheel(&screen) == "sllhr");
    screen.expect_nothing_strange();
}

#[test]
fn a_new_user_without_a_server_is_told_what_to_do() {
    let nobody = Nobody::there();
    let mut screen = Screen::parlor(&["chat", &nobody.address()], 200, 10);
    screen.when_shown("`parlor` alone starts a server");
    assert_eq!(screen.wait(), Some(1));
    screen.expect_sane();
}

#[test]
fn unread_rooms_are_marked_and_a_key_or_a_command_leads_there() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann", "--room", "lobby", "--room", "tea"], 80, 10);
    Program::parlor(&["chat", &chat.server.place(0).to_string(), "--room", "tea", "--send", "hello", "--send", "ann?"])
        .wait()
        .well();
    screen.when("the mark", |rows| rows[8].contains("2:tea(2!)"));
    screen.types("\x1b2");
    screen.when("the room", |rows| {
        rows[8].starts_with(" #tea ") && rows[8].contains("1:lobby") && !rows[8].contains("tea(")
    });
    screen.when_shown("hello");
    screen.types("/room lobby\r");
    screen.when("the lobby", |rows| rows[8].starts_with(" #lobby "));
    screen.types("/join cakes\r");
    screen.when("a new room", |rows| rows[8].starts_with(" #cakes "));
    screen.types("/leave\r");
    screen.when("one room less", |rows| !rows[8].contains("cakes"));
}

/// Does a row say this behind its hours and minutes?
fn is_timed(row: &str, text: &str) -> bool {
    row.get(6..).is_some_and(|rest| rest.starts_with(text)) && row.as_bytes()[2] == b':'
}

#[test]
fn a_broken_line_is_told_in_the_status_and_what_was_typed_meanwhile_is_said_once() {
    // On a Unix socket: a port could be somebody else's by the time it is wanted again.
    let folder = tempfile::TempDir::new().unwrap();
    let listener = format!("chat=unix:{}", folder.path().join("chat").display());
    let server = Start::serve(&["--flood", "off", "--no-history"]).listen(&listener).go();
    let mut screen = Screen::parlor(&["chat", &server.place(0).to_string(), "--nick", "ann"], 100, 10);
    screen.when_shown("| connected");
    screen.types("before\r");
    screen.when_shown("<ann> before");
    server.signal(Signal::KILL);
    server.wait();
    // On a terminal of the usual width too it is seen how long it will take, and how much waits.
    screen.resize(80, 10);
    screen.when_shown("| NO CONNECTION, again in ");
    screen.types("meanwhile\r");
    screen.when_shown("<ann> meanwhile");
    screen.when("what waits", |rows| rows[8].contains(" s, 1 on the way: "));
    screen.when("when it happened", |rows| rows.iter().any(|row| is_timed(row, "! no connection: ")));
    let again = Start::serve(&["--flood", "off", "--no-history"]).listen(&listener).go();
    screen.when("when it was over", |rows| rows.iter().any(|row| is_timed(row, "- connected again")));
    screen.when("nothing on the way", |rows| !rows[8].contains("on the way"));
    assert_eq!(screen.rows().iter().filter(|row| row.contains("meanwhile")).count(), 1);
    drop(again);
}
