//! `parlor chat` in scripts.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::people::{Chat, Person};
use crate::program::{Nobody, Program};
use crate::support::accounts::accounts;
use crate::support::until;

/// What was said in a room, as the history has it.
fn history(chat: &Chat, room: &str) -> Vec<String> {
    let folder = chat.folder().to_str().unwrap();
    let lines = Program::parlor(&["history", room, "--data", folder]).end().well();
    lines.iter().map(|line| line.split_once("> ").map_or(line.as_str(), |(_, text)| text).to_owned()).collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn address(chat: &Chat) -> String {
    chat.server.place(0).to_string()
}

#[test]
fn each_line_of_input_is_said_as_it_is_and_the_exit_code_says_that_all_are_in() {
    let chat = Chat::new();
    let mut script = Program::parlor(&["chat", &address(&chat), "--room", "R"]);
    script.feed("hello\n/nick x\n  two  words \n\n   \nПривет, 世界\nno end");
    assert_eq!(script.end().well(), [""; 0]);
    assert_eq!(history(&chat, "r"), ["hello", "/nick x", "  two  words ", "Привет, 世界", "no end"]);
}

/// A hundred thousand in `tests/long.sh client`; as many as a loaded machine bears here.
#[test]
fn a_long_input_is_said_in_order_and_whole() {
    let chat = Chat::new();
    let count = if std::env::var_os("PARLOR_LONG_TESTS").is_some() { 100_000 } else { 10_000 };
    let numbers: Vec<String> = (1..=count).map(|number: u32| number.to_string()).collect();
    let mut script = Program::parlor(&["chat", &address(&chat), "--room", "r"]);
    assert!(script.feed(&(numbers.join("\n") + "\n")));
    script.end().well();
    assert_eq!(history(&chat, "r"), numbers);
}

#[test]
fn input_from_a_file_and_from_nowhere_is_said_too() {
    let chat = Chat::new();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"one\ntwo\n").unwrap();
    let args = ["chat", &address(&chat), "--room", "r"];
    Program::reading(&args, File::open(file.path()).unwrap()).wait().well();
    Program::reading(&args, File::open("/dev/null").unwrap()).wait().well();
    assert_eq!(history(&chat, "r"), ["one", "two"]);
}

#[test]
fn texts_on_the_command_line_are_said_instead_of_input() {
    let chat = Chat::new();
    let program =
        Program::parlor(&["chat", &address(&chat), "--room", "r", "--nick", "ann", "--send", "/a", "--send", "b"]);
    program.wait().well();
    assert_eq!(history(&chat, "r"), ["/a", "b"]);
}

#[test]
fn commands_are_obeyed_when_asked_for_and_their_answers_shown() {
    let chat = Chat::new();
    let mut script = Program::parlor(&["chat", &address(&chat), "--nick", "ann", "--commands"]);
    script.feed("/me waves\n//slash\n/who lobby\n");
    let output = script.end().well();
    assert_eq!(output, ["- you are ann", "- #lobby: ann", "- end who"]);
    assert_eq!(history(&chat, "lobby"), ["- #lobby 1 TIME * ann waves".replace("TIME", &time(&chat)), "/slash".into()]);
}

fn time(chat: &Chat) -> String {
    let folder = chat.folder().to_str().unwrap();
    let lines = Program::parlor(&["history", "lobby", "--data", folder]).end().well();
    lines[0].split(' ').nth(3).unwrap().to_owned()
}

#[test]
fn a_follower_shows_lines_whose_first_character_tells_their_kind() {
    let chat = Chat::new();
    let follower = Program::parlor(&["chat", &address(&chat), "--nick", "eve", "--follow", "--count", "3"]);
    let mut ann = chat.guest();
    ann.ask("/nick ann", "- you are ann");
    until("the follower's coming", || {
        ann.says("/who lobby");
        ann.fence().iter().any(|line| line.starts_with("- #lobby:") && line.contains("eve"))
    });
    ann.says_all(&["hello", "/me waves"]);
    ann.fence();
    ann.says_all(&["/msg eve psst", "not this"]);
    let output = follower.wait().well();
    let said: Vec<&String> = output.iter().filter(|line| !line.contains(" -- ")).collect();
    assert_eq!(said, ["#lobby <ann> hello", "#lobby * ann waves", "@ann psst"]);
}

#[test]
fn objects_are_shown_as_the_server_says_them() {
    let chat = Chat::new();
    let args = ["chat", &address(&chat), "--room", "r", "--format", "json", "--follow", "--count", "2"];
    let follower = Program::parlor(&args);
    follower.output_when("a welcome", |lines| lines.iter().any(|line| line.contains("\"type\":\"welcome\"")));
    Program::parlor(&["chat", &address(&chat), "--room", "r", "--send", "a\"b", "--send", "c"]).wait().well();
    let output = follower.wait().well();
    let messages: Vec<&String> = output.iter().filter(|line| line.starts_with("{\"type\":\"message\"")).collect();
    assert_eq!(messages.len(), 2, "{output:#?}");
    assert!(messages[0].starts_with(r#"{"type":"message","room":"r","seq":1,"at":""#), "{messages:#?}");
    assert!(messages[0].ends_with(r#"","text":"a\"b"}"#), "{messages:#?}");
    assert!(output.iter().all(|line| line.starts_with('{')), "{output:#?}");
}

#[test]
fn d8_a_dead_address_fails_with_one_clear_line() {
    let nobody = Nobody::there();
    let nobody = nobody.address();
    let mut script = Program::parlor(&["chat", &nobody, "--room", "r"]);
    script.feed("1\n2\n3\n");
    let line = script.end().badly();
    assert!(line.contains(&nobody) && line.contains("connection refused") && line.contains("`parlor`"), "{line}");
    let line = Program::parlor(&["chat", "unix:/nowhere/at.all"]).end().badly();
    assert!(line.contains("there is no such socket"), "{line}");
    let line = Program::parlor(&["chat", &format!("tls:{nobody}")]).end().badly();
    let why = if cfg!(feature = "tls") { "connection refused" } else { "built without TLS" };
    assert!(line.contains(why), "{line}");
}

#[test]
fn whoever_answers_and_is_no_chat_is_told_from_one() {
    let server = crate::support::Server::with(&["echo=127.0.0.1:0"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example.org ESMTP\r\n").unwrap();
        stream
    });
    let line = Program::parlor(&["chat", &place]).end().badly();
    assert!(line.contains("something else than a parlor chat"), "{line}");
    drop(stranger.join());
    drop(server);
}

#[test]
fn a_name_that_is_taken_and_a_line_that_is_too_long_or_no_text_are_failures_that_are_named() {
    let chat = Chat::new();
    let mut ann = chat.guest();
    ann.ask("/nick ann", "- you are ann");
    let line = Program::parlor(&["chat", &address(&chat), "--nick", "ann", "--send", "x"]).wait().badly();
    assert!(line.contains("name-taken"), "{line}");
    let args = ["chat", &address(&chat), "--room", "r"];
    let mut script = Program::parlor(&args);
    script.feed(&format!("fine\n{}\n", "x".repeat(4097)));
    let line = script.end().badly();
    assert!(line.contains("line 2 has 4097 bytes, and at most 4096"), "{line}");
    let mut script = Program::parlor(&args);
    script.feed(&format!("{}\n", "x".repeat(100_000)));
    let line = script.end().badly();
    assert!(line.contains("line 1: too-long"), "{line}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"caf\xe9\n").unwrap();
    let line = Program::reading(&args, File::open(file.path()).unwrap()).wait().badly();
    assert!(line.contains("line 1 is no UTF-8 text"), "{line}");
}

#[test]
fn a_time_limit_ends_a_follower_well_and_a_count_that_was_not_reached_badly() {
    let chat = Chat::new();
    let args = ["chat", &address(&chat), "--follow", "--timeout", "0.2"];
    Program::parlor(&args).wait().well();
    let line = Program::parlor(&["chat", &address(&chat), "--count", "1", "--timeout", "0.2"]).end().badly();
    assert!(line.contains("heard 0 of 1"), "{line}");
}

#[test]
fn an_interrupt_ends_a_follower_well() {
    let chat = Chat::new();
    let follower = Program::parlor(&["chat", &address(&chat), "--follow", "--format", "json"]);
    follower.output_when("a welcome", |lines| lines.iter().any(|line| line.contains("welcome")));
    follower.signal(Signal::INT);
    assert_eq!(follower.wait().code, Some(0));
}

#[test]
fn a_reader_who_goes_ends_a_follower_without_a_word() {
    let chat = Chat::new();
    let line = format!("{} chat {} --room r --follow | head -n 1", env!("CARGO_BIN_EXE_parlor"), address(&chat));
    let mut head = Command::new("sh");
    head.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut head = head.spawn().unwrap();
    let mut ann = chat.guest();
    ann.ask("/nick ann", "- you are ann");
    ann.ask("/join r", "- you are in #r, with N others");
    until("the end of the pipe", || {
        ann.says("hello");
        head.try_wait().unwrap().is_some()
    });
    let output = head.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.stdout.starts_with(b"#r "), "{:?}", output.stdout);
}

#[test]
fn a_reader_who_goes_while_nothing_is_said_ends_a_follower_too() {
    let chat = Chat::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(["chat", &address(&chat), "--room", "r", "--follow", "--format", "json"]);
    let mut follower = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    drop(command); // it has the pipe's end too
    let mut lines = BufReader::new(reader).lines();
    // The last that comes while nobody says anything.
    assert!(lines.any(|line| line.unwrap().contains(r#""type":"welcome""#)));
    drop(lines);
    until("the end of the follower", || follower.try_wait().unwrap().is_some());
    assert_eq!(follower.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_that_paces_us_is_told_of_once_and_nothing_is_lost() {
    let chat = Chat::with(&["--flood", "10/20"]);
    let numbers: Vec<String> = (1..=150).map(|number: u32| number.to_string()).collect();
    let mut script = Program::parlor(&["chat", &address(&chat), "--room", "r"]);
    script.feed(&(numbers.join("\n") + "\n"));
    let ended = script.end();
    assert_eq!((ended.code, ended.aside.len()), (Some(0), 1), "{ended:#?}");
    assert!(ended.aside[0].contains("paces us"), "{ended:#?}");
    assert_eq!(history(&chat, "r"), numbers);
}

#[test]
fn whoever_is_muted_is_told_so_and_fails_instead_of_waiting() {
    let accounts = file(accounts());
    let chat = Chat::with(&["--flood", "off", "--accounts", accounts.path().to_str().unwrap()]);
    let mut oscar = chat.guest();
    oscar.ask("/login oscar oscar's password", "- you are oscar, an operator");
    oscar.ask("/mute loud", "- mute of loud until an operator says otherwise, by oscar");
    let line =
        Program::parlor(&["chat", &address(&chat), "--nick", "loud", "--send", "one", "--send", "two"]).wait().badly();
    assert!(line.contains(r#""one" was not said: muted: "#), "{line}");
}

#[test]
fn accounts_are_logged_in_to_with_a_password_from_a_file() {
    let accounts = file(accounts());
    let path = accounts.path().to_str().unwrap();
    let password = file("alice's password\r\nnot this");
    let secret = password.path().to_str().unwrap();
    for guarded in [&["--require-login"][..], &[]] {
        let chat = Chat::with(&[&["--flood", "off", "--accounts", path], guarded].concat());
        let args = ["chat", &address(&chat), "--room", "r", "--login", "alice"];
        Program::parlor(&[&args[..], &["--password-file", secret, "--send", "hello"]].concat()).wait().well();
        let folder = chat.folder().to_str().unwrap();
        let lines = Program::parlor(&["history", "r", "--data", folder]).end().well();
        assert!(lines.len() == 1 && lines[0].ends_with("<alice> hello"), "{lines:#?}");
        let line =
            Program::parlor(&[&args[..], &["--password-file", "/dev/null", "--send", "x"]].concat()).wait().badly();
        assert!(line.contains("usage: ") || line.contains("wrong-password: "), "{line}");
        let ended = Program::parlor(&[&args[..], &["--send", "x"]].concat()).wait();
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert!(ended.aside.concat().contains("--password-file"), "{ended:#?}");
        let ended = Program::parlor(&["chat", &address(&chat), "--send", "x"]).wait();
        if guarded.is_empty() {
            ended.well();
        } else {
            let line = ended.badly();
            assert!(line.contains("one has to log in there, and --login NAME does that"), "{line}");
        }
    }
}

#[test]
fn what_would_change_how_the_server_speaks_is_no_command_for_a_script_and_quit_ends_it() {
    let chat = Chat::new();
    for line in ["/format plain", "/SESSION abc", "/session"] {
        let mut script = Program::parlor(&["chat", &address(&chat), "--commands"]);
        script.feed(&format!("hello\n{line}\nnot this\n"));
        let told = script.end().badly();
        assert!(told.contains("line 2: /") && told.contains("the client needs that for itself"), "{told}");
    }
    let mut script = Program::parlor(&["chat", &address(&chat), "--commands"]);
    script.feed(" /login ann secret\n");
    let told = script.end().badly();
    assert!(told.contains("line 1: ") && told.contains("neither obeyed nor said"), "{told}");
    let mut listener = chat.guest();
    let mut script = Program::parlor(&["chat", &address(&chat), "--nick", "ann", "--commands", "--follow"]);
    assert!(script.feed("last\n/quit see you\nnot this\n"));
    script.output_when("its name", |lines| lines.iter().any(|line| line == "- you are ann"));
    assert_eq!(script.wait().code, Some(0));
    until("the parting words", || listener.fence().iter().any(|line| line == "#lobby -- ann left (see you)"));
    let sends = ["--commands", "--send", "/quit", "--send", "nor this"];
    assert_eq!(Program::parlor(&[&["chat", &address(&chat)], &sends[..]].concat()).end().code, Some(0));
    assert_eq!(history(&chat, "lobby").last().map(String::as_str), Some("last"));
}

#[test]
fn output_that_can_not_be_kept_is_a_failure_and_not_a_reader_who_went() {
    let chat = Chat::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let line = Program::writing(&["chat", &address(&chat), "--commands"], full, "/who lobby\n").badly();
    assert!(line.contains("standard output: "), "{line}");
    let gone = {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        File::from(std::os::fd::OwnedFd::from(writer))
    };
    let ended = Program::writing(&["chat", &address(&chat), "--commands"], gone, "/who lobby\n");
    assert_eq!((ended.code, ended.aside.len()), (Some(0), 0), "{ended:#?}");
}

#[test]
fn every_kind_of_address_leads_there() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("chat.sock");
    let unix = format!("unix:{}", path.display());
    let start = crate::support::Start::serve(&["--no-history"]).listen("chat=[::1]:0");
    let server = start.listen(&format!("chat={unix}")).listen("chat=127.0.0.1:0").go();
    let mut listener = Person::on(server.client(2));
    listener.hears();
    let [six, four] = [0, 2].map(|index| server.place(index).to_string());
    let named = format!("localhost:{}", four.rsplit_once(':').unwrap().1);
    for address in [six, four, unix, named] {
        Program::parlor(&["chat", &address, "--send", &address]).wait().well();
        until(&address, || listener.fence().iter().any(|line| line.ends_with(&format!("> {address}"))));
    }
}

#[test]
fn lines_of_one_text_are_said_one_by_one() {
    let chat = Chat::new();
    Program::parlor(&["chat", &address(&chat), "--room", "r", "--send", "one\ntwo\r\n\nthree\r"]).wait().well();
    assert_eq!(history(&chat, "r"), ["one", "two", "three"]);
}

#[test]
fn a_room_that_others_spell_otherwise_is_the_same_room() {
    let chat = Chat::new();
    let mut ann = chat.guest();
    ann.ask("/nick ann", "- you are ann");
    ann.ask("/join Caf\u{c9}", "- you are in #Caf\u{c9}, with 0 others");
    ann.says("before");
    ann.fence();
    let follower = Program::parlor(&["chat", &address(&chat), "--room", "#cafe\u{301}", "--follow", "--count", "1"]);
    until("the follower's coming", || ann.fence().iter().any(|line| line.starts_with("#Caf\u{c9} -- guest")));
    ann.says("hello");
    let output = follower.wait().well();
    assert_eq!(output, ["#caf\u{e9} <ann> hello"], "and nothing from before");
}

#[test]
fn names_that_are_none_are_wrong_usage() {
    for wrong in [["--room", "a b"], ["--room", ""], ["--nick", "a\nb"], ["--timeout", "soon"], ["--count", "-1"]] {
        let ended = Program::parlor(&[&["chat", "127.0.0.1:1"], &wrong[..]].concat()).wait();
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:#?}");
    }
}
