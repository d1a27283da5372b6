//! What is offered, and what fits into its holes.

use std::fs;

use parlor::services::run::Template;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::house::House;
use crate::support::Start;

const OFFERS: &str = r#"
[run.echo]
argv = ["echo", "{host:name}", "-c{n:-5..100}", "{{{how:fast|slow}}}", "{host:name}", "{what:text}"]
time = "10s"
output = "64KiB"

[run.plain]
argv = ["echo", "plain"]
"#;

#[test]
fn d20_commands_are_listed_with_their_holes_and_limits() {
    let house = House::offering(OFFERS);
    let mut caller = house.caller();
    let line = caller.asks("list");
    assert_eq!(
        line,
        "- command echo {host:name} {n:-5..100} {how:fast|slow} {what:text}: at most 10 s and 65536 bytes"
    );
    assert_eq!(caller.client.line(), "- command plain: at most 60 s and 67108864 bytes");
    assert_eq!(caller.client.line(), "- end list");
}

#[test]
fn holes_are_filled_in_order_and_twice_where_they_stand_twice() {
    let house = House::offering(OFFERS);
    let outcome = house.caller().runs("echo example.org 007 fast all the rest");
    assert_eq!(outcome.out, b"example.org -c7 {fast} example.org all the rest\n");
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_runs() {
    let house = House::offering(OFFERS);
    let mut caller = house.caller();
    let usage = "! usage: it is written run echo {host:name} {n:-5..100} {how:fast|slow} {what:text}";
    let name = "! bad-argument: host is letters, digits, . _ and -, the first a letter or digit";
    let number = "! bad-argument: n is a whole number from -5 to 100";
    let text = "! bad-argument: what is up to 1024 bytes without controls, not beginning with -";
    let long = "x".repeat(65);
    for (line, wanted) in [
        ("run echo".to_owned(), usage),
        ("run echo a 1 fast".to_owned(), usage),
        ("run plain more".to_owned(), "! usage: it is written run plain"),
        ("run echo -h 1 fast x".to_owned(), name),
        ("run echo ../x 1 fast x".to_owned(), name),
        ("run echo .. 1 fast x".to_owned(), name),
        ("run echo a;b 1 fast x".to_owned(), name),
        ("run echo é 1 fast x".to_owned(), name),
        ("run echo  1 fast x".to_owned(), name),
        (format!("run echo {long} 1 fast x"), name),
        ("run echo a 101 fast x".to_owned(), number),
        ("run echo a -6 fast x".to_owned(), number),
        ("run echo a 1.0 fast x".to_owned(), number),
        ("run echo a 99999999999999999999 fast x".to_owned(), number),
        ("run echo a 1 Fast x".to_owned(), "! bad-argument: how is one of fast, slow"),
        ("run echo a 1 fast -x".to_owned(), text),
        ("run echo a 1 fast a\u{1b}b".to_owned(), text),
        ("run echo a 1 fast a\0b".to_owned(), text),
        (format!("run echo a 1 fast {}", "x".repeat(1025)), text),
        ("run sh".to_owned(), "! no-such-command: this is not offered; list shows what is"),
        ("run /bin/sh".to_owned(), "! no-such-command: this is not offered; list shows what is"),
        ("run".to_owned(), "! usage: it is written run COMMAND [ARGUMENT...]"),
        ("echo".to_owned(), "! unknown-command: \"echo\" is no command; help lists them"),
        ("in x".to_owned(), "! usage: it is written in COUNT"),
        ("in +1".to_owned(), "! usage: it is written in COUNT"),
    ] {
        assert_eq!(caller.asks(&line), wanted, "{line}");
    }
    caller.client.send(b"run echo \xff\n");
    assert_eq!(caller.client.line(), "! not-utf8: these bytes are no UTF-8 text; nothing was done with them");
    assert_eq!(caller.runs("plain").out, b"plain\n");
}

#[test]
fn templates_that_cannot_be_are_refused_with_what_would_be_right() {
    for (argv, wanted) in [
        (&["echo", "{host}"][..], "a hole is {host:name}"),
        (&["echo", "{:name}"], "a hole is {host:name}"),
        (&["echo", "{n:5..1}"], "a hole is {host:name}"),
        (&["echo", "{n:1..x}"], "a hole is {host:name}"),
        (&["echo", "{n:one}"], "a hole is {host:name}"),
        (&["echo", "{n:a||b}"], "a hole is {host:name}"),
        (&["echo", "{n:name"], "a brace without its other half"),
        (&["echo", "n:name}"], "a brace without its other half"),
        (&["{what:name}"], "the program itself can't have a hole"),
        (&["/bin/{what:name}"], "the program itself can't have a hole"),
        (&["echo", "{a:text}", "{b:name}"], "must be the last hole"),
        (&["echo", "{a:name}", "{a:1..2}"], "elsewhere"),
        (&[], "expected a program"),
        (&[""], "expected a program"),
    ] {
        let wrong = Template::parse(argv).unwrap_err();
        assert!(wrong.contains(wanted), "{argv:?}: {wrong}");
    }
}

#[test]
fn a_wrong_template_is_found_where_it_stands_in_the_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("parlor.toml");
    fs::write(&file, "[run.a]\nargv = [\"echo\"]\n\n[run.b]\nargv = [\"echo\", \"{n}\"]\n").unwrap();
    let finished = Start::parlor(&["check", file.to_str().unwrap()]).run();
    assert_eq!(finished.code(), 1);
    assert!(finished.stderr[0].contains("parlor.toml:5:") && finished.stderr[0].contains("a hole is"), "{finished:#?}");
}

#[test]
fn a_program_that_is_not_there_is_an_error_and_the_connection_goes_on() {
    let house = House::offering("[run.no]\nargv = [\"/no/such/program\"]\n[run.not]\nargv = [\"/etc/passwd\"]\n");
    let mut caller = house.caller();
    let line = caller.asks("run no");
    assert!(line.starts_with("! cannot-start: the system refused to start it: No such file"), "{line}");
    let line = caller.asks("run not");
    assert!(line.starts_with("! cannot-start: the system refused to start it: Permission denied"), "{line}");
    assert_eq!(caller.asks("PING"), "PONG");
}

#[test]
fn one_command_at_a_time_for_each_and_sixteen_for_all() {
    let house = House::offering("[limits]\ncommands-each = 17\n[run.wait]\nargv = [\"sleep\", \"1000\"]\n");
    let mut callers: Vec<_> = (0..16).map(|_| house.caller()).collect();
    for caller in &mut callers {
        assert_eq!(caller.asks("run wait"), "- started wait");
    }
    assert_eq!(callers[0].asks("run wait"), "! busy: one command at a time; this one runs still");
    let mut late = house.caller();
    assert_eq!(late.asks("run wait"), "! busy: so many commands run that no more are started");
    callers[0].says("kill");
    assert_eq!(callers[0].outcome().words, ["- killed 9"]);
    assert_eq!(late.asks("run wait"), "- started wait");
}

#[test]
fn nobody_runs_so_many_commands_at_once_that_none_are_left_for_others() {
    let wait = "[run.wait]\nargv = [\"sleep\", \"1000\"]\n";
    let house = House::offering(wait);
    let mut callers: Vec<_> = (0..8).map(|_| house.caller()).collect();
    for caller in &mut callers {
        assert_eq!(caller.asks("run wait"), "- started wait");
    }
    let mut late = house.caller();
    let busy = "! busy: 8 commands of yours run, and 8 at once is the most; wait for one of them";
    assert_eq!(late.asks("run wait"), busy);
    callers[0].says("kill");
    assert_eq!(callers[0].outcome().words, ["- killed 9"]);
    assert_eq!(late.asks("run wait"), "- started wait");
    // It can be chosen, also while commands run.
    house.rewrite(&format!("[limits]\ncommands-each = 9\n{wait}"));
    house.server.signal(Signal::HUP);
    house.server.log.wait("the change", |line| line.contains("reloaded: limits.commands-each = 9 (was 8)"));
    assert_eq!(callers[0].asks("run wait"), "- started wait");
    assert_eq!(house.caller().asks("run wait"), busy.replace('8', "9"));
}

#[test]
fn who_runs_what_is_in_the_log() {
    let house = House::offering(OFFERS);
    house.caller().runs("plain");
    let uid = rustix::process::getuid().as_raw();
    house.server.log.wait("who ran it", |line| {
        line.contains(&format!("run: user {uid} (process ")) && line.ends_with(" runs plain")
    });
}
