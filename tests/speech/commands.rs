//! What every line means.

use std::borrow::Cow;

use parlor::services::chat::{COMMANDS, Command, Form, Help, Secret, parse, parse_json};

fn means(line: &str, command: Command<'_>) {
    let expected = Ok(command);
    assert_eq!(parse(line), expected, "{line:?}");
    assert_eq!(parse_json(line), expected, "{line:?} of a JSON client");
}

fn say(text: &str) -> Command<'_> {
    Command::Say { text: Cow::Borrowed(text), room: None, id: None, action: false }
}

fn act(text: &str) -> Command<'_> {
    Command::Say { text: Cow::Borrowed(text), room: None, id: None, action: true }
}

#[test]
fn blank_lines_mean_nothing() {
    for line in ["", " ", "\t \t", "\r", "\u{a0}\u{3000}", "\r\n", "\u{2028}"] {
        means(line, Command::Nothing);
    }
}

#[test]
fn text_is_said_as_it_stands() {
    for line in
        ["hello", "hello  ", "  indented", "a /nick b", " /nick bob", "\t//x", "- news", "# a", "@bob hi", "[{}]"]
    {
        means(line, say(line));
    }
    means("//nick bob", say("/nick bob"));
    means("///", say("//"));
    means("//", say("/"));
    means("//login bob secret", say("/login bob secret"));
}

#[test]
fn controls_are_replaced_in_what_others_see() {
    means("a\rb\nc\0d\u{1b}[31m\u{202e}\u{85}\te", say("a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}[31m\u{fffd}\u{fffd}\te"));
    means("/me \u{7f}", act("\u{fffd}"));
    means("/msg bob \u{2066}", Command::Msg { name: "bob", text: "\u{fffd}".into() });
    means("/topic a\u{200f}b", Command::Topic(Some("a\u{fffd}b".into())));
    means("/quit \u{9b}1m", Command::Quit(Some("\u{fffd}1m".into())));
}

#[test]
fn rooms_and_people() {
    means("/nick alice", Command::Nick("alice"));
    means("/nick @alice", Command::Nick("alice"));
    means("/nick @@alice", Command::Nick("@alice"));
    means("/join rust", Command::Join("rust"));
    means("/join #rust", Command::Join("rust"));
    means("/join ##rust", Command::Join("#rust"));
    means("/leave", Command::Leave(None));
    means("/leave #rust", Command::Leave(Some("rust")));
    means("/rooms", Command::Rooms);
    means("/who", Command::Who(None));
    means("/who rust", Command::Who(Some("rust")));
}

#[test]
fn a_command_is_known_in_any_case_and_with_more_blanks() {
    means("/Join  \t #rust \t", Command::Join("rust"));
    means("/ROOMS ", Command::Rooms);
    means("/msg\tbob\thi", Command::Msg { name: "bob", text: "hi".into() });
}

#[test]
fn what_is_no_blank_to_the_eye_stays_in_the_name_where_it_is_an_error() {
    means("/nick a\rb", Command::Nick("a\rb"));
    means("/nick a\nb", Command::Nick("a\nb"));
    means("/join a\0b", Command::Join("a\0b"));
    means("/join a\u{a0}b", Command::Join("a\u{a0}b"));
}

#[test]
fn topics_actions_and_private_words() {
    means("/topic", Command::Topic(None));
    means("/topic  ", Command::Topic(None));
    means("/topic -", Command::Topic(Some("".into())));
    means("/topic  all about Rust ", Command::Topic(Some("all about Rust".into())));
    means("/me waves", act("waves"));
    means("/me   waves twice ", act("waves twice "));
    means("/me /nick bob", act("/nick bob"));
    means("/msg @bob are  you there?", Command::Msg { name: "bob", text: "are  you there?".into() });
    means("/quit", Command::Quit(None));
    means("/quit so long", Command::Quit(Some("so long".into())));
}

#[test]
fn history_and_resume() {
    means("/history", Command::History { room: None, count: None });
    means("/history 20", Command::History { room: None, count: Some(20) });
    means("/history rust", Command::History { room: Some("rust"), count: None });
    means("/history #20", Command::History { room: Some("20"), count: None });
    means("/history 20 5", Command::History { room: Some("20"), count: Some(5) });
    means("/history #rust 20", Command::History { room: Some("rust"), count: Some(20) });
    means("/resume #rust 17", Command::Resume { room: "rust", seq: 17 });
    means("/resume rust 18446744073709551615", Command::Resume { room: "rust", seq: u64::MAX });
}

#[test]
fn sessions_and_logins() {
    means("/session", Command::Session);
    means("/session 5ec2e7", Command::TakeUp { token: Secret("5ec2e7"), rooms: vec![] });
    means(
        "/session 5ec2e7 #lobby 0  rust 17",
        Command::TakeUp { token: Secret("5ec2e7"), rooms: vec![("lobby", 0), ("rust", 17)] },
    );
    means("/login alice pass", Command::Login { name: "alice", password: Secret("pass") });
    means("/login @alice  with blanks ", Command::Login { name: "alice", password: Secret(" with blanks ") });
}

#[test]
fn forms_help_and_figures() {
    means("/format plain", Command::Format(Form::Plain));
    means("/format JSON", Command::Format(Form::Json));
    means("/info", Command::Info);
    means("/stats", Command::Stats);
    means("/help", Command::Help(None));
    means("/help join", Command::Help(Some("join")));
    means("/help /join", Command::Help(Some("join")));
}

#[test]
fn a_heartbeat_is_one_word_and_nothing_else() {
    let longest = "x".repeat(64);
    means("PING", Command::Ping(""));
    means("PING 17", Command::Ping("17"));
    means("PONG", Command::Pong(""));
    means("PONG {a}", Command::Pong("{a}"));
    means(&format!("PING {longest}"), Command::Ping(&longest));
    let too_long = format!("PING {longest}x");
    let no_beats = ["PING ", "PING  17", "PING 17 ", " PING", "PING a b", "PING\t17", "ping 17", "PINGS", &too_long];
    for line in no_beats {
        means(line, say(line));
    }
    means("PING \u{a0}", say("PING \u{a0}"));
}

#[test]
fn every_command_of_the_table_parses_as_its_example_shows_it() {
    for help in COMMANDS {
        let command = parse(help.example).unwrap_or_else(|wrong| panic!("{}: {}", help.example, wrong.text));
        let is_said = matches!(command, Command::Say { action: false, .. });
        assert!(!is_said, "{} is said, not obeyed", help.example);
        for shown in [help.usage, help.example] {
            let word = shown.split(' ').next().and_then(|word| word.strip_prefix('/'));
            assert_eq!(word, Some(help.name));
        }
        assert!(!help.line.is_empty() && help.line.len() <= 80, "{}", help.line);
        let loud = help.example.replacen(help.name, &help.name.to_uppercase(), 1);
        assert_eq!(parse(&loud), Ok(command), "{loud}");
    }
}

#[test]
fn help_finds_commands_by_any_spelling() {
    for name in ["join", "/join", "JOIN"] {
        assert_eq!(Help::find(name).map(|help| help.usage), Some("/join ROOM [PASSWORD]"));
    }
    assert_eq!(Help::find("frob"), None);
    assert_eq!(Help::find(""), None);
}

#[test]
fn secrets_are_not_shown_by_debug_output() {
    let shown = format!("{:?} {:?}", parse("/login alice hunter2"), parse("/session 5ec2e7 lobby 1"));
    assert!(shown.contains("alice") && !shown.contains("hunter2") && !shown.contains("5ec2e7"), "{shown}");
}
