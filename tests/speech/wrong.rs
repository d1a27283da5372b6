//! Every complaint, once with its whole text.

use parlor::services::chat::{Alphabet, COMMANDS, Command, Form, MAX_SAID, MAX_TOPIC, Name, parse, parse_json};

use crate::said_in;

fn complains(line: &str, plain: &str) {
    let complaint = parse(line).expect_err(line);
    assert_eq!(said_in(Form::Plain, &complaint.speech()), plain);
}

fn refuses(line: &str, code: &str) {
    assert_eq!(parse(line).map_err(|wrong| wrong.code), Err(code), "{line:?}");
}

fn refuses_object(line: &str, code: &str, hint: &str) {
    let complaint = parse_json(line).expect_err(line);
    assert_eq!(complaint.code, code, "{line}");
    assert!(complaint.text.contains(hint), "{line}: {}", complaint.text);
}

#[test]
fn unknown_commands() {
    let hint = "/help lists them, and // at the start says a text with one /";
    complains("/frob now", &format!("! unknown-command: /frob is no command; {hint}"));
    complains("/", &format!("! unknown-command: a lone / is no command; {hint}"));
    complains("/usr/bin/ls", &format!("! unknown-command: this is no command; {hint}"));
    for line in ["/ join rust", "/joinrust", "/join\rrust", "/jöin", "/\0", "/PING"] {
        refuses(line, "unknown-command");
    }
}

#[test]
fn wrong_arguments_show_the_usage() {
    complains("/join", "! usage: something is missing; usage: /join ROOM [PASSWORD]");
    complains("/invite a b", "! usage: there is too much; usage: /invite NAME");
    complains("/format xml", "! usage: there are two forms; usage: /format plain|json");
    complains("/resume rust -1", "! usage: SEQ is a number that is not too large; usage: /resume ROOM SEQ");
    let count = "! usage: COUNT is a number that is not too large; usage: /history [ROOM] [COUNT]";
    complains("/history 4294967296", count);
    complains("/history rust many", count);
}

#[test]
fn missing_arguments() {
    for line in ["/nick", "/nick ", "/me", "/me  ", "/me \u{a0}", "/msg", "/msg bob", "/msg bob \t", "/resume rust"] {
        refuses(line, "usage");
    }
    for line in ["/login", "/login alice", "/login alice ", "/format", "/session 5ec2e7 rust", "/session t rust 1 b"] {
        refuses(line, "usage");
    }
}

#[test]
fn arguments_that_are_too_many_or_no_numbers() {
    for line in
        ["/nick a b", "/leave a b", "/rooms a", "/who a b", "/info a", "/stats a", "/help a b", "/format json a"]
    {
        refuses(line, "usage");
    }
    for line in ["/history a 1 2", "/resume a 1 2", "/resume a +1", "/resume a 1.0", "/resume a 18446744073709551616"] {
        refuses(line, "usage");
    }
    refuses("/session t rust x", "usage");
}

#[test]
fn no_command_panics_with_any_number_of_arguments() {
    for help in COMMANDS {
        for arguments in ["", " ", " a", " a b", " a b c", " 1 2 3 4", " #", " @", " - "] {
            let line = format!("/{}{arguments}", help.name);
            if let Err(complaint) = parse(&line) {
                assert_eq!((complaint.code, complaint.text.ends_with(help.usage)), ("usage", true), "{line}");
            }
        }
    }
}

#[test]
fn a_secret_behind_blanks_is_neither_obeyed_nor_said() {
    complains(
        " /login alice hunter2",
        "! leading-blank: there are blanks before a command that holds a secret, so it was neither obeyed nor said; \
         write it again without them",
    );
    for line in
        ["\t/session 5ec2e7", "  /LOGIN", "\u{feff}/login a b", "\0/session x", "\u{a0}/Session", "\u{200b} /login"]
    {
        refuses(line, "leading-blank");
    }
}

#[test]
fn a_complaint_never_repeats_a_secret() {
    let lines = ["/login\u{a0}alice\u{a0}hunter2", "/session 5ec2e7 x hunter2", " /login hunter2 x", "/login hunter2"];
    for line in lines {
        let complaint = parse(line).expect_err(line);
        assert!(!complaint.text.contains("hunter2"), "{}", complaint.text);
    }
}

#[test]
fn what_is_said_has_a_limit_that_counts_what_others_get() {
    let longest = "x".repeat(MAX_SAID);
    for line in [
        longest.clone(),
        format!("/me {longest}"),
        format!("/msg bob {longest}"),
        format!("/{longest}")[..MAX_SAID].replacen('/', "//", 1),
    ] {
        assert!(parse(&line).is_ok(), "{} bytes", line.len());
    }
    complains(&format!("{longest}x"), "! too-long: what is said may have 4096 bytes, and this has 4097");
    refuses(&format!("/me {longest}x"), "too-long");
    refuses(&format!("/msg bob {longest}x"), "too-long");
    refuses(&format!("//{longest}"), "too-long");
    refuses(&"\u{1}".repeat(MAX_SAID / 3 + 1), "too-long");
    refuses_object(&format!(r#"{{"say":"{longest}x"}}"#), "too-long", "4096");
}

#[test]
fn topics_and_parting_words_have_a_limit() {
    let longest = "é".repeat(MAX_TOPIC / 2);
    assert_eq!(parse(&format!("/topic {longest}")), Ok(Command::Topic(Some(longest.as_str().into()))));
    assert_eq!(parse(&format!("/quit {longest}")), Ok(Command::Quit(Some(longest.as_str().into()))));
    complains(&format!("/topic {longest}x"), "! too-long: a topic may have 400 bytes, and this has 401");
    let parting = "! too-long: what is said in parting may have 400 bytes, and this has 401";
    complains(&format!("/quit {longest}x"), parting);
}

#[test]
fn malformed_objects_are_never_said() {
    let right = r#"right is {"say": TEXT, "room": ROOM, "id": ID}, with "me" for "say" if it is done"#;
    for line in
        ["{", "{}", "{x", r#"{"say":}"#, r#"{"say":1}"#, r#"{"say":["a"]}"#, r#"{"say":"a"}x"#, r#"{"say":"a"} {}"#]
    {
        refuses_object(line, "json", right);
    }
    refuses_object(r#"{"say":"a","me":"b"}"#, "json", r#"there is a "say" and a "me""#);
    refuses_object(r#"{"room":"a"}"#, "json", r#"there is no "say" and no "me""#);
    refuses_object(r#"{"say":null}"#, "json", r#"there is no "say" and no "me""#);
    refuses_object(r#"{"say":"a","say":"b"}"#, "json", "duplicate field `say`");
    refuses_object(r#"{"say":"a","text":"b"}"#, "json", "unknown field `text`");
    refuses_object("{\"say\":\"a\nb\"}", "json", "control character");
    refuses_object(r#"{"say":"\ud800"}"#, "json", "");
    refuses_object(r#"{"say":"a","id":7}"#, "json", "invalid type: integer `7`");
}

#[test]
fn an_id_is_a_string_of_1_to_64_bytes() {
    refuses_object(r#"{"say":"a","id":""}"#, "json", "an id has 1 to 64 bytes, and this has 0");
    let long = "é".repeat(33);
    refuses_object(&format!(r#"{{"say":"a","id":"{long}"}}"#), "json", "an id has 1 to 64 bytes, and this has 66");
}

#[test]
fn an_object_that_says_nothing_is_answered() {
    for line in [r#"{"say":""}"#, r#"{"me":" \t"}"#, r#"{"say":"\u2028","id":"m-1"}"#] {
        refuses_object(line, "empty", "nothing in it to be said");
    }
}

#[test]
fn a_complaint_about_an_endless_field_is_short() {
    let field = "漢".repeat(2000);
    let complaint = parse_json(&format!(r#"{{"{field}":1}}"#)).expect_err("no such field");
    assert!(complaint.text.len() < 300, "{} bytes", complaint.text.len());
    let nested = format!("{{\"say\":{}", "[".repeat(8000));
    refuses_object(&nested, "json", "");
}

#[test]
fn bad_names() {
    let complains = |word: &str, alphabet, text: &str| {
        let complaint = Name::new(word, alphabet).expect_err(word);
        assert_eq!((complaint.code, complaint.text.as_str()), ("bad-name", text));
    };
    let any = Alphabet::OneScript;
    complains("", any, "a name has 1 to 32 characters, this one has 0");
    complains("a b", any, "names have letters and digits of one script, _ and -; ' ' is none of them");
    complains("é\u{202e}", any, "names have letters and digits of one script, _ and -; U+202E is none of them");
    complains(
        "аlice",
        any,
        "names have letters and digits of one script, _ and -; this one has letters of several scripts",
    );
    complains("é", Alphabet::Ascii, "names have the letters a to z, digits, _ and -; this one has others");
}
