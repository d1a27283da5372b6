//! `put`, `get`, `files` and `run` for people with accounts.

use std::fs;

use tempfile::TempDir;

use crate::program::{Ended, Program};
use crate::screen::Screen;
use crate::support::accounts::accounts;
use crate::support::{Server, Start, until};

/// Files and commands for accounts, on TCP.
struct Inn {
    server: Server,
    folder: TempDir,
}

impl Inn {
    fn new(flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("accounts"), accounts()).unwrap();
        fs::write(path("parlor.toml"), "[run.greet]\nargv = [\"echo\", \"hello\", \"{who:name}\"]\n").unwrap();
        for name in ["alice", "bob", "oscar"] {
            fs::write(path(name), format!("{name}'s password\n")).unwrap();
        }
        fs::write(path("tea"), b"green tea\n").unwrap();
        let (config, kept, accounts) = (path("parlor.toml"), path("kept"), path("accounts"));
        let start = Start::serve(&["--no-history", "--config", &config, "--files", &kept, "--accounts", &accounts]);
        let server = start.flags(flags).listen("files=127.0.0.1:0").listen("run=127.0.0.1:0").go();
        Self { server, folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn files(&self) -> String {
        self.server.place(0).to_string()
    }

    /// A command of somebody; of a guest if they have no name.
    fn does(&self, name: &str, words: &[&str]) -> Ended {
        let password = self.path(name);
        let login = ["--login", name, "--password-file", &password];
        let (command, rest) = words.split_first().unwrap();
        let login = if name.is_empty() { &[][..] } else { &login };
        Program::parlor(&[&[*command], login, rest].concat()).end()
    }
}

#[test]
fn whoever_has_an_account_puts_gets_lists_and_removes_where_guests_may_not() {
    let inn = Inn::new(&["--require-login"]);
    let (tea, got, files) = (inn.path("tea"), inn.path("got"), inn.files());
    let refused = inn.does("", &["put", &tea, &files]);
    assert_eq!(refused.code, Some(4), "{refused:#?}");
    assert!(refused.aside[0].contains("login-first: login NAME PASSWORD comes first"), "{refused:#?}");
    assert_eq!(inn.does("alice", &["put", &tea, &files]).code, Some(0));
    assert_eq!(inn.does("bob", &["get", "tea", &files, "--output", &got]).code, Some(0));
    assert_eq!(fs::read(&got).unwrap(), b"green tea\n");
    assert!(inn.does("bob", &["files", &files]).well()[0].ends_with("Z  tea"));
    assert_eq!(inn.does("alice", &["files", &files, "--quota"]).well(), ["10 of 2147483648 bytes"]);
    let others = inn.does("bob", &["files", &files, "--remove", "tea"]);
    assert_eq!((others.code, others.output.len()), (Some(4), 0), "{others:#?}");
    assert!(others.aside[0].contains("forbidden: tea is not yours"), "{others:#?}");
    fs::write(inn.path("milk"), b"milk").unwrap();
    assert_eq!(inn.does("alice", &["put", &inn.path("milk"), &files]).code, Some(0));
    let both = inn.does("oscar", &["files", "--remove", "tea", "--remove", "nothing", "--remove", "milk", &files]);
    assert_eq!((both.code, both.output), (Some(5), vec!["removed tea".to_owned()]));
    assert_eq!(inn.does("alice", &["files", "--remove", "milk", &files]).well(), ["removed milk"]);
    assert!(inn.does("alice", &["files", &files]).well().is_empty());
}

#[test]
fn commands_run_for_whoever_has_logged_in() {
    let inn = Inn::new(&[]);
    let at = inn.server.place(1).to_string();
    assert_eq!(inn.does("alice", &["run", "--at", &at, "greet", "ann"]).well(), ["hello ann"]);
    let guest = inn.does("", &["run", "--at", &at, "greet", "ann"]);
    assert_eq!(guest.code, Some(4), "{guest:#?}");
    assert!(guest.aside[0].contains("login-first"), "{guest:#?}");
    fs::write(inn.path("alice"), "another\n").unwrap();
    let wrong = inn.does("alice", &["run", "--at", &at, "greet", "ann"]);
    assert_eq!((wrong.code, wrong.output.len(), wrong.aside.len()), (Some(4), 0, 1), "{wrong:#?}");
    assert!(wrong.aside[0].contains("wrong-password"), "{wrong:#?}");
}

#[test]
fn a_login_over_a_line_that_breaks_is_made_again() {
    let inn = Inn::new(&["--require-login"]);
    fs::write(inn.path("big"), vec![b'x'; 6_000_000]).unwrap();
    let address = crate::relay::breaking(&inn.files(), &[3_000_000, usize::MAX]);
    let put = inn.does("alice", &["put", &inn.path("big"), &address]);
    assert_eq!(put.code, Some(0), "{put:#?}");
    assert!(put.aside.iter().any(|line| line.contains("trying again")), "{put:#?}");
}

#[test]
fn a_password_that_nobody_can_be_asked_for_is_a_wrong_call() {
    let inn = Inn::new(&[]);
    let files = inn.files();
    let asked = Program::parlor(&["files", &files, "--login", "alice"]).end();
    assert_eq!(asked.code, Some(2), "{asked:#?}");
    assert!(asked.aside.join("\n").contains("--login needs --password-file"), "{asked:#?}");
    let missing = inn.does("nobody", &["files", &files]);
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    assert!(missing.aside[0].contains("nobody") && missing.aside[0].contains("No such file"), "{missing:#?}");
}

#[test]
fn on_a_terminal_the_password_is_asked_for_and_not_shown() {
    let inn = Inn::new(&["--require-login"]);
    assert_eq!(inn.does("alice", &["put", &inn.path("tea"), &inn.files()]).code, Some(0));
    let (files, at) = (inn.files(), inn.server.place(1).to_string());
    for words in [&["files", &files, "--login", "alice"][..], &["run", "--login", "alice", "--at", &at, "greet", "ann"]]
    {
        let mut screen = Screen::parlor(words, 100, 10);
        screen.when_shown("password for alice:");
        until("a terminal that shows no keys", || screen.is_raw());
        screen.types("alice's password\r");
        screen.when_shown(if words[0] == "files" { "Z  tea" } else { "hello ann" });
        assert_eq!(screen.wait(), Some(0));
        screen.expect_sane();
        assert!(!screen.rows().join("\n").contains("alice's"), "{:?}", screen.rows());
    }
    // Whoever gives it up sends nothing.
    let mut screen = Screen::parlor(&["files", &files, "--login", "alice"], 100, 10);
    screen.when_shown("password for alice:");
    until("a terminal that shows no keys", || screen.is_raw());
    screen.types("\x03");
    screen.when_shown("without a password nobody logs in");
    assert_eq!(screen.wait(), Some(1));
}
