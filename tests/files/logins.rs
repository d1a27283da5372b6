//! People with accounts, and those who come without.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use parlor::hub::{Address, ConnId, Identity};
use parlor::services::accounts::Accounts;
use parlor::services::chat::{Demands, Guard, Rules, Startups};
use parlor::services::files::Settings;

use crate::house::{House, content, digest};
use crate::support::Start;
use crate::support::accounts::accounts;

/// Accounts for alice, bob and oscar, and where misdeeds are heard of.
pub(crate) fn guard() -> (Guard, Receiver<(IpAddr, Duration)>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(accounts().as_bytes()).unwrap();
    let (misdeeds, noted) = sync_channel(16);
    let accounts = Some(Accounts::open(file.path()).unwrap());
    (Guard { accounts, misdeeds: Some(misdeeds), ..Guard::default() }, noted)
}

fn demanding(guard: Guard, demands: Demands) -> Guard {
    guard.demands.set(demands);
    guard
}

fn inn() -> House {
    House::guarded(Settings::default(), guard().0)
}

fn strict() -> (House, Receiver<(IpAddr, Duration)>) {
    let (guard, noted) = guard();
    (
        House::guarded(Settings::default(), demanding(guard, Demands { require_login: true, ..Demands::default() })),
        noted,
    )
}

/// Somebody from another machine.
fn from_afar(house: &mut House) -> ConnId {
    house.comes(Address::Tcp("192.0.2.7:1".parse().unwrap()), None)
}

pub(crate) fn logs_in(house: &mut House, id: ConnId, name: &str) {
    let role = if name == "oscar" { ", an operator" } else { "" };
    assert_eq!(house.asks(id, &format!("login {name} {name}'s password")), format!("- you are {name}{role}"));
}

#[test]
fn where_everybody_has_to_log_in_nothing_else_works_before() {
    let (mut house, _) = strict();
    fs::write(house.path("tea"), b"tea").unwrap();
    let id = house.guest();
    let first = "! login-first: login NAME PASSWORD comes first";
    for line in ["list", "get tea", "offer tea 3 x", "remove tea", "quota", "whatever", "LIST", " login alice x"] {
        assert_eq!(house.asks(id, line), first, "{line}");
    }
    assert_eq!(house.asks(id, "PING 1"), "PONG 1");
    assert!(house.asks(id, "help").starts_with("- offer NAME"));
    assert!(house.rest(id).ends_with(b"- end help\n"));
    logs_in(&mut house, id, "alice");
    assert!(house.asks(id, "get tea").starts_with("- body tea 3 "));
    assert_eq!(house.rest(id), b"tea");
    let other = house.guest();
    assert_eq!(house.asks(other, "quit"), "- goodbye");
    assert!(!house.is_there(other));
}

#[test]
fn a_stranger_sends_short_lines_and_an_account_long_ones() {
    let (mut house, _) = strict();
    let (id, other) = (house.guest(), house.guest());
    let line = |size: usize| "x".repeat(size);
    assert_eq!(house.asks(id, &line(1024)), "! login-first: login NAME PASSWORD comes first");
    assert_eq!(house.asks(other, &line(1025)), "! too-long: a frame here has at most 1024 bytes; goodbye");
    assert!(!house.is_there(other));
    logs_in(&mut house, id, "alice");
    assert!(house.asks(id, &line(8192)).starts_with("! unknown-command: "));
}

#[test]
fn whoever_does_not_log_in_goes_after_half_a_minute_and_is_noted_at_the_door() {
    let (mut house, noted) = strict();
    let (late, quick, member) = (from_afar(&mut house), house.guest(), house.guest());
    logs_in(&mut house, member, "alice");
    house.passes(Duration::from_millis(29_999));
    assert!(house.is_there(late));
    house.breaks(quick);
    house.passes(Duration::from_millis(1));
    assert_eq!(house.line(late), "! login-timeout: nobody logged in here within 30 seconds; goodbye");
    assert!(!house.is_there(late) && house.is_there(member));
    let heard: Vec<(String, u64)> = noted.try_iter().map(|(ip, weight)| (ip.to_string(), weight.as_secs())).collect();
    assert_eq!(heard, [("127.0.0.1".to_owned(), 1), ("192.0.2.7".to_owned(), 10)]);
}

#[test]
fn so_many_strangers_come_in_and_no_more() {
    let (guard, _) = guard();
    let startups = Startups { from: 2, percent: 100, all: 2 };
    let mut house = House::guarded(
        Settings::default(),
        demanding(guard, Demands { require_login: true, startups, ..Demands::default() }),
    );
    let (one, _other) = (house.guest(), house.guest());
    let full = "! full: 2 others have not logged in yet; come again in a moment (login-startups)";
    assert_eq!(house.turned_away(), full);
    logs_in(&mut house, one, "alice");
    house.guest();
    assert_eq!(house.turned_away(), full);
}

#[test]
fn a_wrong_password_is_answered_as_an_unknown_name_is_and_three_are_enough() {
    let (guard, noted) = guard();
    let mut house = House::guarded(Settings::default(), guard);
    let id = house.guest();
    let wrong = "! wrong-password: wrong name or password";
    for (line, at) in [("login alice secret", 0), ("login nobody secret", 1), ("LOGIN a\u{202e}b secret", 2)] {
        // After a wrong one the next for the same account waits a second.
        house.says(id, format!("{line}\n").as_bytes());
        assert_eq!(house.outcome(id), wrong, "{at}");
    }
    assert!(!house.is_there(id), "it may go on guessing");
    let heard: Vec<u64> = noted.try_iter().map(|(_, weight)| weight.as_secs()).collect();
    assert_eq!(heard, [5, 5, 5]);
    // Nothing more from there is looked at, whoever it is.
    let id = house.guest();
    let spent = "! too-many-tries: three wrong passwords came from where you are within a minute; wait a minute";
    assert_eq!(house.asks(id, "login alice alice's password"), spent);
    assert!(!house.is_there(id));
    house.passes(Duration::from_secs(61));
    let id = house.guest();
    logs_in(&mut house, id, "alice");
}

#[test]
fn what_may_be_a_password_is_never_said_back() {
    let mut house = inn();
    let id = house.guest();
    for line in [
        "login",
        "login hunter2",
        "login  alice hunter2",
        "login alice ",
        "lgin alice hunter2",
        "hunter2",
        "login\talice hunter2",
        " login alice hunter2",
        "/login alice hunter2",
    ] {
        let answer = house.asks(id, line);
        assert!(answer.starts_with("! ") && !answer.contains("hunter2"), "{line:?}: {answer}");
    }
    logs_in(&mut house, id, "alice");
    // Now it is known who types, and what is no command is no password.
    assert_eq!(house.asks(id, "lst"), "! unknown-command: \"lst\" is no command; help lists them");
    assert_eq!(house.asks(id, "login bob x"), "! logged-in: you are alice; come anew to be somebody else");
    let mut without = House::new();
    let id = without.guest();
    assert_eq!(without.asks(id, "login alice hunter2"), "! no-accounts: this server has no accounts");
}

#[test]
fn a_password_is_not_taken_over_a_line_on_which_others_can_listen() {
    let mut house = inn();
    let id = from_afar(&mut house);
    let insecure =
        "! insecure: a password is not taken over a line on which others can listen; come by TLS (plain-login)";
    assert_eq!(house.asks(id, "login alice alice's password"), insecure);
    assert_eq!(house.jobs(), 0);
    let (guard, _) = guard();
    let mut house =
        House::guarded(Settings::default(), demanding(guard, Demands { plain_login: true, ..Demands::default() }));
    let id = from_afar(&mut house);
    logs_in(&mut house, id, "alice");
}

#[test]
fn nothing_is_heard_while_a_password_is_looked_at() {
    let mut house = inn();
    let id = house.guest();
    house.held = true;
    house.says(id, b"login alice alice's password\nlist\n");
    assert!(house.rest(id).is_empty() && house.jobs() == 1);
    house.let_go();
    assert_eq!(house.line(id), "- you are alice");
    assert_eq!(house.line(id), "- end list");
    // Whoever goes meanwhile is asked for no more.
    let id = house.guest();
    house.held = true;
    house.says(id, b"login alice alice's password\n");
    house.breaks(id);
    house.let_go();
    assert!(!house.is_there(id));
}

#[test]
fn a15_a_part_belongs_to_the_account_wherever_it_comes_from() {
    let mut house = inn();
    let tea = content(1, 60_000);
    let id = house.guest();
    logs_in(&mut house, id, "alice");
    house.offers(id, "tea", &tea);
    house.says(id, &tea[..30_000]);
    house.breaks(id);
    let (bob, guest, alice) = (house.guest(), house.guest(), house.user(1000));
    logs_in(&mut house, bob, "bob");
    logs_in(&mut house, alice, "ALICE".to_lowercase().as_str());
    assert_eq!(house.offers(bob, "tea", &tea), "- send tea 0");
    assert_eq!(house.offers(guest, "tea", &tea), "- send tea 0");
    assert_eq!(house.offers(alice, "tea", &tea), "- send tea 30000");
}

#[test]
fn passwords_stand_in_no_log_however_much_is_logged() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("accounts"), accounts()).unwrap();
    let flags = ["--no-history", "--log", "trace", "--files", &path("kept"), "--accounts", &path("accounts")];
    let server = Start::serve(&flags).listen("files=127.0.0.1:0").go();
    let mut client = server.client(0);
    client.line();
    client.send(b"login hunter2\nhunter2\nlogin alice hunter2\nlogin hunter2 hunter2\nlogin alice alice's password\n");
    for answer in [
        "! usage: it is written login NAME PASSWORD",
        "! unknown-command: this is no command; help lists them",
        "! wrong-password: wrong name or password",
        "! wrong-password: wrong name or password",
        "- you are alice",
    ] {
        assert_eq!(client.line(), answer);
    }
    server.log.wait("whose it was", |line| line.contains("wrong password for alice from 127.0.0.1:"));
    server.log.wait("nobody's", |line| line.contains("wrong password for no account from 127.0.0.1:"));
    client.send(format!("offer tea 3 {}\ntea", digest(b"tea")).as_bytes());
    assert_eq!(client.line(), "- send tea 0");
    let said = server.stop().stderr;
    assert!(!said.iter().any(|line| line.contains("hunter2") || line.contains("alice's password")), "{said:#?}");
}

#[test]
fn whose_certificate_is_a_banned_accounts_does_not_come_in() {
    let mut kept = tempfile::NamedTempFile::new().unwrap();
    let fingerprint = "ab".repeat(32);
    kept.write_all(format!("alice:user:*:{fingerprint}\n").as_bytes()).unwrap();
    let mut rules = tempfile::NamedTempFile::new().unwrap();
    rules.write_all(b"{\"rule\":\"ban\",\"whom\":\"alice\",\"until\":null,\"by\":\"oscar\",\"why\":\"\"}\n").unwrap();
    let guard = Guard {
        accounts: Some(Accounts::open(kept.path()).unwrap()),
        rules: Rules::open(rules.path()).unwrap(),
        ..Guard::default()
    };
    let mut house = House::guarded(Settings::default(), guard);
    let refused = house.turned_away_with(Some(Identity::Certificate(fingerprint)));
    assert_eq!(refused, "! banned: alice is banned until an operator says otherwise, by oscar");
    house.guest();
}
