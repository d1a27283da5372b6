//! Servers that lie to a terminal.

use crate::liar;
use crate::screen::Screen;

/// Said in the room, with a forged name.
fn said(from: &str, text: &str) -> String {
    format!(
        r#"{{"type":"message","room":"lobby","seq":1,"at":"2026-01-01T00:00:00Z","from":"{from}","text":"{text}"}}"#
    )
}

fn ends_well(mut screen: Screen) {
    screen.types("\x03\x03");
    screen.wait();
    screen.expect_sane();
    screen.expect_nothing_strange();
}

#[test]
fn what_a_server_says_never_speaks_to_the_terminal() {
    let lies = [
        said(r"x\u001b]0;t\u0007", r"\u001b[2J\u009b1mtext\u202e"),
        r#"{"type":"info","text":"\u001b[5;5Hinfo"}"#.to_owned(),
        r#"{"type":"info","text":"you are in #a\u001b]0;room\u0007, with 0 others"}"#.to_owned(),
        r##"{"type":"info","text":"#lobby: b\u001b]0;b\u0007"}"##.to_owned(),
        r#"{"type":"join","room":"lobby","from":"evil\u001b]0;evil\u0007"}"#.to_owned(),
        r#"{"type":"nick","room":"lobby","from":"x","to":"worse\u001bc\u009bq"}"#.to_owned(),
        r#"{"type":"private","from":"\u001bcprivate","text":"\u001bc"}"#.to_owned(),
        r#"{"type":"topic","room":"lobby","from":"\u001bc","text":"\u001bc"}"#.to_owned(),
        r#"{"type":"leave","room":"lobby","from":"\u001bc","reason":"\u001bc"}"#.to_owned(),
        r#"{"type":"error","code":"x\u001bc","text":"\u001bcerror"}"#.to_owned(),
    ];
    let (address, liar) = liar::telling(1, lies.join("\n") + "\n");
    let mut screen = Screen::parlor(&["chat", &address], 120, 16);
    // U+FFFD stands in the place of each control; the terminal in memory does not show it.
    screen.when_shown("cerror");
    screen.types("/room 1\r");
    screen.when("the lobby", |rows| rows[14].starts_with(" #lobby "));
    let rows = screen.rows();
    assert!(rows.iter().any(|row| row.ends_with("<x]0;t> [2J1mtext")), "{rows:#?}");
    assert!(rows.iter().any(|row| row.ends_with("- [5;5Hinfo")), "{rows:#?}");
    // Names come back on Tab, and are no less forged there.
    screen.types("evil\t");
    screen.when("the name", |rows| rows[15].starts_with("> evil]0;evil:"));
    screen.types("\x15wor\t");
    screen.when("the other name", |rows| rows[15].starts_with("> worsecq"));
    screen.types("\x15");
    ends_well(screen);
    liar.join().unwrap();
}

#[test]
fn nonsense_is_passed_over_and_what_is_huge_is_cut() {
    let huge = "W".repeat(15_000);
    let lies = [
        "{".to_owned(),
        "[]".to_owned(),
        "- plain".to_owned(),
        "\u{0}\u{1b}c".to_owned(),
        r#"{"type":"message","room":"lobby"}"#.to_owned(),
        r#"{"type":"message","room":7,"seq":-1,"from":null,"text":[]}"#.to_owned(),
        r#"{"type":"receipt","room":"lobby","seq":18446744073709551615,"id":"never said"}"#.to_owned(),
        r#"{"type":"pong","token":"99"}"#.to_owned(),
        r#"{"type":"end","of":"resume"}"#.to_owned(),
        r#"{"type":"end","of":"who"}"#.to_owned(),
        "[".repeat(20_000),
        format!(r#"{{"type":"join","room":"{huge}","from":"{huge}"}}"#),
        format!(r#"{{"type":"info","text":"you are in #{huge}, with 0 others"}}"#),
        format!(r#"{{"type":"info","text":"you are {huge}"}}"#),
        said(&huge, &huge),
        said("x", &"👩\u{200d}".repeat(2000)),
        r#"{"type":"info","text":"after all that"}"#.to_owned(),
    ];
    let (address, liar) = liar::telling(1, lies.join("\n") + "\n");
    let mut screen = Screen::parlor(&["chat", &address], 60, 10);
    screen.when_shown("after all that");
    screen.types("still 好");
    screen.when("what is typed", |rows| rows[9] == "> still 好");
    ends_well(screen);
    liar.join().unwrap();
}

#[test]
fn a_line_without_end_breaks_the_connection_and_says_why() {
    let (address, liar) = liar::telling(1, "x".repeat(1_000_000));
    let screen = Screen::parlor(&["chat", &address], 120, 10);
    screen.when_shown("no connection: the server sent a line that is longer than lines are");
    ends_well(screen);
    liar.join().unwrap();
}
