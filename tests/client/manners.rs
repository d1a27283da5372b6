//! How the chat behaves on a terminal, whatever happens to it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use parlor::client::chat::{Talk, Wishes};
use parlor::client::terminal::{Settings, Terminal};
use parlor::hub::{ConnId, Cx, Hub, Limits, Service};
use parlor::net::socket::Options;
use parlor::net::stream::Outgoing;
use parlor::net::{Doorkeeper, Reactor, random};
use rustix::process::Signal;

use crate::people::{Chat, Person};
use crate::screen::Screen;
use crate::support::accounts::accounts;
use crate::support::{Start, tools, until};

fn bob(chat: &Chat) -> Person {
    let mut bob = chat.guest();
    bob.ask("/nick bob", "- you are bob");
    bob
}

fn opened(chat: &Chat, args: &[&str], columns: u16, rows: u16) -> Screen {
    let address = chat.server.place(0).to_string();
    let screen = Screen::parlor(&[&["chat", &address], args].concat(), columns, rows);
    screen.when_shown("| connected");
    screen
}

#[test]
fn the_bell_rings_for_a_mention_and_a_private_word_when_asked_to() {
    let chat = Chat::new();
    let (asked, quiet) =
        (opened(&chat, &["--nick", "ann", "--bell"], 60, 10), opened(&chat, &["--nick", "ann2"], 60, 10));
    let mut bob = bob(&chat);
    bob.says_all(&["hello everybody, anna", "Ann: hello", "ann2, ann?", "/msg ann psst", "/msg ann2 psst", "over"]);
    asked.when_shown("<bob> over");
    quiet.when_shown("<bob> over");
    // What came in one piece rings once.
    assert!((1..=3).contains(&asked.bells()), "{}", asked.bells());
    assert_eq!(quiet.bells(), 0);
    let before = asked.bells();
    bob.says("and nobody");
    asked.when_shown("and nobody");
    assert_eq!(asked.bells(), before);
    bob.says("ann!");
    asked.when_shown("<bob> ann!");
    until("the bell", || asked.bells() == before + 1);
}

#[test]
fn names_have_colours_unless_they_are_not_wanted() {
    let chat = Chat::new();
    let address = chat.server.place(0).to_string();
    let mut plain = Command::new(env!("CARGO_BIN_EXE_parlor"));
    plain.args(["chat", &address]).env("NO_COLOR", "1");
    let (plain, colours) = (Screen::of(&mut plain, 60, 10), opened(&chat, &[], 60, 10));
    plain.when_shown("| connected");
    bob(&chat).says("hello");
    for (screen, wanted) in [(plain, false), (colours, true)] {
        screen.when_shown("<bob> hello");
        assert_eq!(screen.was_sent("\x1b[0;38;5;"), wanted);
    }
}

#[test]
fn what_was_said_is_paged_through_and_stays_where_it_is_looked_at() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 60, 12);
    let mut bob = bob(&chat);
    let lines: Vec<String> = (1..=100).map(|number| format!("line {number}")).collect();
    bob.says_all(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    screen.when("the last of it", |rows| rows[9].ends_with("<bob> line 100"));
    screen.types("typed\x1b[5~");
    screen.when("a page back", |rows| rows[9].ends_with("<bob> line 91") && rows[10].contains("| 9 lines below"));
    bob.says("later");
    screen.when("a line more below", |rows| rows[10].contains("| 10 lines below"));
    assert!(screen.rows()[9].ends_with("<bob> line 91"), "{:#?}", screen.rows());
    screen.types(&"\x1b[5~".repeat(20));
    screen.when("the beginning", |rows| rows.iter().any(|row| row.ends_with("<bob> line 1")));
    screen.types(&"\x1b[6~".repeat(30));
    screen.when("the end", |rows| rows[9].ends_with("<bob> later") && !rows[10].contains("below"));
    screen.when("what was typed", |rows| rows[11] == "> typed");
}

#[test]
fn the_status_line_has_the_room_its_members_the_connection_and_the_round_trip_time() {
    let chat = Chat::new();
    let screen = opened(&chat, &["--nick", "ann"], 80, 6);
    screen.when("the time", |rows| {
        let time =
            rows[4].strip_prefix(" #lobby | 1 here | ann | connected, ").and_then(|rest| rest.strip_suffix(" ms"));
        time.is_some_and(|time| time.parse::<u32>().is_ok())
    });
    let mut bob = bob(&chat);
    screen.when("another member", |rows| rows[4].contains("| 2 here |"));
    bob.ask("/nick robert", "- you are robert");
    screen.when_shown("bob is now robert");
    assert!(screen.rows()[4].contains("| 2 here |"), "{:#?}", screen.rows());
}

#[test]
fn whoever_went_while_the_line_was_down_is_not_counted_any_more() {
    let folder = tempfile::TempDir::new().unwrap();
    let listener = format!("chat=unix:{}", folder.path().join("chat").display());
    let server = Start::serve(&["--no-history"]).listen(&listener).go();
    let mut bob = Person::on(server.client(0));
    bob.hears();
    bob.ask("/nick bob", "- you are bob");
    let screen = Screen::parlor(&["chat", &server.place(0).to_string(), "--nick", "ann"], 100, 8);
    screen.when("both", |rows| rows[6].contains("| 2 here |"));
    server.signal(Signal::KILL);
    server.wait();
    screen.when_shown("NO CONNECTION");
    drop(bob);
    let again = Start::serve(&["--no-history"]).listen(&listener).go();
    screen.when_shown("connected again");
    screen.when("one", |rows| rows[6].contains("| 1 here |"));
    drop(again);
}

#[test]
fn a_paste_of_a_hundred_thousand_bytes_fills_the_line_and_what_is_left_out_is_told() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 80, 10);
    screen.types(&format!("\x1b[200~{}\x1b[201~", "0123456789".repeat(10_000)));
    screen.when_shown("the line is full, and what came behind it was left out");
    screen.when("its end", |rows| rows[9].starts_with("< ") && rows[9].len() > 70);
    screen.types("\r");
    screen.when_shown("5120 bytes are too many to be said; at most 4096");
    // The same from a terminal that does not say that it is a paste.
    screen.types(&"你好".repeat(17_000));
    screen.types("\x15short\r");
    screen.when_shown("<ann> short");
    screen.when("an empty line", |rows| rows[9] == ">");
    screen.expect_nothing_strange();
}

#[test]
fn any_number_of_sizes_leaves_the_line_and_the_screen_whole() {
    let chat = Chat::new();
    let mut screen = opened(&chat, &["--nick", "ann"], 80, 10);
    let mut bob = bob(&chat);
    screen.types("typed 快速");
    for size in (1..60).chain((1..60).rev()) {
        screen.resize(size, size / 2 + 1);
        bob.says("你好 e\u{301}verybody, a line that has to be broken 👩\u{200d}👩\u{200d}👧");
    }
    screen.resize(80, 10);
    bob.says("last");
    screen.when("the whole screen", |rows| {
        rows.len() == 10
            && rows[9] == "> typed 快速"
            && rows[8].starts_with(" #lobby ")
            && rows[7].ends_with("<bob> last")
    });
    assert_eq!(screen.cursor(), (9, 12));
}

#[test]
fn where_no_shell_would_continue_it_it_is_not_stopped() {
    if !tools::needs("setsid") {
        return;
    }
    let chat = Chat::new();
    let client = format!("setsid --wait {} chat {}; true", env!("CARGO_BIN_EXE_parlor"), chat.server.place(0));
    let here = vec!["sh", "-c", &client];
    // In a container the session from which it was started is often not to be seen.
    let contained = [&tools::CONTAINED[..], &here[..]].concat();
    for command in [Some(here), tools::may_be_contained().then_some(contained)].into_iter().flatten() {
        let mut screen = Screen::of(Command::new(command[0]).args(&command[1..]), 60, 10);
        screen.when_shown("| connected");
        screen.types("\x1aab");
        screen.when("what was typed", |rows| rows[9] == "> ab");
        screen.when_shown("there is no shell to go back to");
        screen.types("\x03");
        screen.wait();
    }
}

#[test]
fn an_account_is_logged_in_to_without_showing_the_password() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("accounts");
    fs::write(&file, accounts()).unwrap();
    let chat = Chat::with(&["--flood", "off", "--require-login", "--accounts", file.to_str().unwrap()]);
    let address = chat.server.place(0).to_string();
    let mut screen = Screen::parlor(&["chat", &address, "--login", "alice"], 80, 10);
    screen.when_shown("password for alice:");
    screen.types("alice's pasword\x7f\x7f\x7f\x7fsword\r");
    screen.when_shown("| alice | connected");
    let screen = Screen::parlor(&["chat", &address], 80, 10);
    screen.when_shown("parlor: ");
    screen.when_shown("one has to log in there, and --login NAME does that");
    let mut screen = Screen::parlor(&["chat", &address, "--login", "alice"], 80, 10);
    screen.when_shown("password for alice:");
    screen.types("wrong\r");
    screen.when_shown("wrong-password: wrong name or password");
    assert_eq!(screen.wait(), Some(1));
    screen.expect_sane();
}

#[test]
fn a_password_behind_a_blank_is_neither_said_nor_kept() {
    let chat = Chat::new();
    let mut bob = bob(&chat);
    let mut screen = opened(&chat, &["--nick", "ann"], 100, 10);
    screen.types(" /Login ann secret\r");
    screen.when_shown("so it was neither obeyed nor said");
    screen.types("\x1b[Ahello\r");
    screen.when_shown("<ann> hello");
    until("what was said", || {
        let heard = bob.fence();
        assert!(!heard.iter().any(|line| line.contains("secret")), "{heard:?}");
        heard.iter().any(|line| line.ends_with("<ann> hello"))
    });
}

#[test]
fn commands_mean_the_room_that_is_looked_at_and_private_words_are_shown_to_both() {
    let chat = Chat::new();
    let mut bob = bob(&chat);
    let args = ["--nick", "ann", "--room", "lobby", "--room", "tea", "--room", "cakes"];
    let mut screen = opened(&chat, &args, 100, 14);
    screen.when("the first room", |rows| rows[12].starts_with(" #lobby "));
    screen.types("/topic all about ann\r/msg bob psst\r");
    screen.when_shown("topic of #lobby: all about ann");
    screen.when_shown("to @bob psst");
    let mut heard = Vec::new();
    until("both", || {
        heard.extend(bob.fence());
        heard.iter().any(|line| line == "@ann psst")
    });
    assert!(heard.contains(&"#lobby -- ann topic: all about ann".to_owned()), "{heard:#?}");
    screen.types("/join TEA\r");
    screen.when("the other room", |rows| rows[12].starts_with(" #tea "));
    screen.types("/leave\r");
    screen.when("one less", |rows| !rows[12].contains("tea"));
    screen.types("/jo\tlob\t\r");
    screen.when("the first room", |rows| rows[12].starts_with(" #lobby "));
}

#[test]
fn whoever_waits_for_a_connection_is_told_so_and_can_leave() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mut screen = Screen::parlor(&["chat", &address], 80, 10);
    screen.when_shown(&format!("connecting to {address}; Ctrl-C gives up"));
    screen.signal(Signal::INT);
    assert_eq!(screen.wait(), Some(1));
    screen.expect_sane();
}

/// Goes off when a file is there.
struct Bomb(PathBuf);

impl Service for Bomb {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        assert!(!self.0.exists(), "the bomb went off");
        cx.set_alarm(cx.now() + Duration::from_millis(10));
    }
}

/// The client of the test below, which starts it in a process of its own. Alone it does nothing.
#[test]
fn a_client_with_a_bomb() {
    let Some(address) = std::env::var("PARLOR_TEST_BOMB").ok() else { return };
    let file = std::env::var("PARLOR_TEST_BOMB_FILE").unwrap().into();
    let mut hub = Hub::new(Limits::default(), random::source());
    let talk = Talk::new(address.parse().unwrap(), Wishes::default(), [0; 8]);
    let terminal = hub.add(Terminal::new(talk, Settings::default()));
    hub.with(terminal, Terminal::begin).unwrap();
    let bomb = hub.add(Bomb(file));
    hub.with(bomb, |_: &mut Bomb, cx| cx.set_alarm(cx.now())).unwrap();
    let outgoing = Outgoing::from(Options::client());
    Reactor::new(hub, Doorkeeper::new(1, usize::MAX), outgoing).unwrap().run().unwrap();
}

#[test]
fn a_panic_gives_the_terminal_back_and_can_be_read() {
    let chat = Chat::new();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("now");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "manners::a_client_with_a_bomb", "--nocapture"]).process_group(0);
    command
        .env("RUST_BACKTRACE", "0")
        .env("PARLOR_TEST_BOMB", chat.server.place(0).to_string())
        .env("PARLOR_TEST_BOMB_FILE", &file);
    let mut screen = Screen::of(&mut command, 120, 24);
    screen.when_shown("| connected");
    assert!(screen.is_raw());
    fs::write(&file, "").unwrap();
    screen.when_shown("the bomb went off");
    assert_ne!(screen.wait(), Some(0));
    screen.expect_sane();
    screen.when_shown("the bomb went off");
}
