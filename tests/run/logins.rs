//! Commands for people with accounts: on TCP nobody else may do anything, and some commands are for some only.

use std::fs;

use rustix::process::Signal;

use crate::house::{Caller, House};
use crate::support::Start;
use crate::support::accounts::accounts;

const OFFERS: &str = r#"
[run.greet]
argv = ["echo", "hello", "{who:name}"]

[run.tea]
argv = ["echo", "tea"]
accounts = ["Alice"]

[run.restart]
argv = ["echo", "restarted"]
role = "operator"

[run.both]
argv = ["echo", "both"]
accounts = ["bob"]
role = "operator"
"#;

/// A house with accounts, on a Unix socket and on TCP.
struct Inn {
    house: House,
    folder: tempfile::TempDir,
}

impl Inn {
    fn new() -> Self {
        Self::offering(OFFERS)
    }

    fn offering(offers: &str) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("accounts");
        fs::write(&file, accounts()).unwrap();
        let kept = folder.path().join("kept");
        let flags = ["--accounts", file.to_str().unwrap(), "--log", "trace", "--files", kept.to_str().unwrap()];
        let house =
            House::with(offers, |start| start.flags(&flags).listen("run=127.0.0.1:0").listen("files=127.0.0.1:0"));
        Self { house, folder }
    }

    /// Somebody on TCP.
    fn stranger(&self) -> Caller {
        let mut client = self.house.server.client(1);
        assert_eq!(client.line(), "- parlor run: who are you? login NAME PASSWORD; help");
        Caller { client }
    }

    fn member(&self, name: &str) -> Caller {
        let mut caller = self.stranger();
        logs_in(&mut caller, name);
        caller
    }
}

fn logs_in(caller: &mut Caller, name: &str) {
    let role = if name == "oscar" { ", an operator" } else { "" };
    assert_eq!(caller.asks(&format!("login {name} {name}'s password")), format!("- you are {name}{role}"));
}

#[test]
fn d20_on_tcp_nothing_works_before_somebody_has_logged_in() {
    let inn = Inn::new();
    let mut caller = inn.stranger();
    let first = "! login-first: login NAME PASSWORD comes first";
    for line in ["run greet ann", "list", "in 5", "hello", "eof", "kill", "RUN greet ann"] {
        assert_eq!(caller.asks(line), first, "{line}");
    }
    assert_eq!(caller.asks("PING"), "PONG");
    assert!(caller.asks("help").starts_with("- run COMMAND"));
    while caller.client.line() != "- end help" {}
    logs_in(&mut caller, "alice");
    assert_eq!(caller.runs("greet ann").out, b"hello ann\n");
    inn.house
        .server
        .log
        .wait("who ran it", |line| line.contains("run: alice, 127.0.0.1:") && line.ends_with(" runs greet"));
    assert_eq!(inn.stranger().asks("quit"), "- goodbye");
    // On a Unix socket the system says who it is, as ever.
    let mut caller = inn.house.caller();
    assert_eq!(caller.runs("greet ann").out, b"hello ann\n");
    logs_in(&mut caller, "bob");
    assert_eq!(caller.runs("greet bob").out, b"hello bob\n");
    inn.house.server.log.wait("who ran it", |line| line.contains("run: bob, user ") && line.ends_with(" runs greet"));
}

#[test]
fn some_commands_are_for_some_accounts_and_nobody_else_sees_them() {
    let inn = Inn::new();
    let forbidden = "! forbidden: this is offered to others; list shows what is offered to you";
    let first = "! login-first: login NAME PASSWORD comes first";
    let all = ["both", "restart", "tea"];
    for (name, may) in [("alice", &["tea"][..]), ("bob", &["both"]), ("oscar", &["both", "restart"]), ("", &[])] {
        let mut caller = if name.is_empty() { inn.house.caller() } else { inn.member(name) };
        let mut listed = Vec::new();
        let mut line = caller.asks("list");
        while line != "- end list" {
            listed.push(line.split([' ', ':']).nth(2).unwrap().to_owned());
            line = caller.client.line();
        }
        let wanted: Vec<&str> =
            all.into_iter().chain(["greet"]).filter(|&one| one == "greet" || may.contains(&one)).collect();
        listed.sort();
        let mut wanted: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
        wanted.sort();
        assert_eq!(listed, wanted, "{name}");
        for command in all {
            if may.contains(&command) {
                assert_eq!(caller.runs(command).words, ["- exit 0"]);
            } else {
                assert_eq!(caller.asks(&format!("run {command}")), if name.is_empty() { first } else { forbidden });
            }
        }
    }
}

#[test]
fn an_accounts_commands_are_counted_together_wherever_it_calls_from() {
    let offers = "[limits]\ncommands-each = 1\n[run.wait]\nargv = [\"sleep\", \"1000\"]\n";
    let inn = Inn::offering(offers);
    let mut there = inn.member("alice");
    assert_eq!(there.asks("run wait"), "- started wait");
    let mut here = inn.house.caller();
    logs_in(&mut here, "alice");
    let busy = "! busy: 1 commands of yours run, and 1 at once is the most; wait for one of them";
    assert_eq!(here.asks("run wait"), busy);
    assert_eq!(inn.member("bob").asks("run wait"), "- started wait");
    assert_eq!(inn.house.caller().asks("run wait"), "- started wait");
}

#[test]
fn an_account_that_is_gone_may_nothing_from_then_on() {
    let inn = Inn::new();
    let mut alice = inn.member("alice");
    let kept: String =
        accounts().lines().filter(|line| !line.starts_with("alice:")).flat_map(|line| [line, "\n"]).collect();
    fs::write(inn.folder.path().join("accounts"), kept).unwrap();
    inn.house.server.signal(Signal::HUP);
    inn.house.server.log.wait("the accounts", |line| line.contains("2 accounts in "));
    assert_eq!(alice.asks("run greet ann"), "! login-first: login NAME PASSWORD comes first");
    assert_eq!(alice.asks("login alice alice's password"), "! wrong-password: wrong name or password");
    logs_in(&mut alice, "bob");
    assert_eq!(alice.runs("greet bob").words, ["- exit 0"]);
}

#[test]
fn three_wrong_passwords_are_enough_at_all_services_together() {
    let inn = Inn::new();
    let wrong = "! wrong-password: wrong name or password";
    let mut caller = inn.stranger();
    assert_eq!(caller.asks("login alice hunter2"), wrong);
    assert_eq!(caller.asks("login bob hunter2"), wrong);
    let mut files = inn.house.server.client(2);
    files.line();
    files.send(b"login oscar hunter2\n");
    assert_eq!(files.line(), wrong);
    let spent = "! too-many-tries: three wrong passwords came from where you are within a minute; wait a minute";
    assert_eq!(caller.asks("login alice alice's password"), spent);
    caller.client.expect_end();
    // A connection on which all three came is closed with the third.
    let mut unix = inn.house.caller();
    for name in ["alice", "bob", "oscar"] {
        assert_eq!(unix.asks(&format!("login {name} hunter2")), wrong);
    }
    unix.client.expect_end();
    let said = inn.house.server.stop().stderr;
    assert!(!said.iter().any(|line| line.contains("hunter2") || line.contains("'s password")), "{said:#?}");
}

#[test]
fn commands_are_served_on_tcp_only_where_there_are_accounts_and_beyond_this_machine_only_through_tls() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("accounts");
    fs::write(&file, accounts()).unwrap();
    let started = |flags: &[&str], listener: &str| {
        let finished = Start::serve(&["--no-history", "--open"]).flags(flags).listen(listener).run();
        assert_eq!(finished.code(), 1);
        finished.stderr.last().cloned().unwrap_or_default()
    };
    for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
        let line = started(&[], &format!("run={address}"));
        assert!(line.contains(&format!("cannot listen run={address}")) && line.contains("--accounts FILE"), "{line}");
        assert!(line.contains("run=unix:PATH"), "{line}");
    }
    let accounts = ["--accounts", file.to_str().unwrap(), "--require-login", "--plain-login"];
    for address in ["0.0.0.0:0", "[::]:0"] {
        let line = started(&accounts, &format!("run={address}"));
        assert!(line.contains(&format!("cannot listen run={address}")) && line.contains("run+tls=ADDRESS"), "{line}");
    }
}

#[test]
fn a_command_for_accounts_where_there_are_none_is_a_mistake_of_the_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("parlor.toml");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        let finished = Start::parlor(&["check", file.to_str().unwrap()]).run();
        (finished.code(), finished.stderr.join("\n"))
    };
    let (code, said) = check("[run.a]\nargv = [\"a\"]\nrole = \"operator\"\n");
    assert!(code == 1 && said.contains("run.a: nobody could call it: accounts names no file"), "{code}: {said}");
    let accounts = "accounts = \"/somewhere/accounts\"\n";
    for (wrong, wanted) in [
        ("role = \"king\"", "expected user or operator"),
        ("accounts = []", "expected at least one account"),
        ("accounts = [\"a b\"]", "letters and digits of one script"),
    ] {
        let (code, said) = check(&format!("{accounts}[run.a]\nargv = [\"a\"]\n{wrong}\n"));
        assert!(code == 1 && said.contains("parlor.toml:4:") && said.contains(wanted), "{code}: {said}");
    }
    let (code, said) = check(&format!("{accounts}[run.a]\nargv = [\"a\"]\nrole = \"user\"\naccounts = [\"ann\"]\n"));
    assert_eq!(code, 0, "{said}");
}
