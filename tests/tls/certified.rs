//! A client's certificate says who it is: whoever comes with one that stands with an account is logged in to it.
#![cfg(feature = "accounts")]

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::authority::{Authority, Pair, Valid};
use crate::house::{House, Secure, refusal, served};
use crate::support::Start;
use crate::support::accounts::{accounts, passwd};
use crate::support::tools::needs;

/// A chat behind TLS that asks for certificates, with accounts for alice, bob and oscar; alice and oscar, an operator,
/// have certificates.
struct Inn {
    house: House,
    accounts: PathBuf,
    alice: Pair,
    oscar: Pair,
    _folder: tempfile::TempDir,
}

impl Inn {
    fn new(flags: &[&str]) -> Self {
        Self::serving(&["chat+tls=127.0.0.1:0"], flags)
    }

    fn serving(listeners: &[&str], flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts");
        fs::write(&file, accounts()).unwrap();
        let house = House::with(listeners, |start, ca| {
            let flags = [flags, &["--flood", "off"]].concat();
            start.flags(&["--accounts", file.to_str().unwrap(), "--tls-client-ca", ca.to_str().unwrap()]).flags(&flags)
        });
        let [alice, oscar] = ["alice", "oscar"].map(|name| house.authority.signs(&[name], Valid::Now));
        let inn = Self { house, accounts: file, alice, oscar, _folder: folder };
        for (name, pair) in [("alice", &inn.alice), ("oscar", &inn.oscar)] {
            let (pem, _) = pair.files(inn.house.folder.path(), name);
            inn.passwd(&[name, "--certificate", pem.to_str().unwrap()]);
        }
        inn.reload();
        inn
    }

    fn passwd(&self, args: &[&str]) {
        let output = passwd(&[&[self.accounts.to_str().unwrap()], args].concat(), "");
        assert!(output.status.success(), "{output:?}");
    }

    fn reload(&self) {
        let seen = self.house.server.log.len();
        self.house.server.signal(Signal::HUP);
        self.house.server.log.wait_from(seen, "the accounts", |line| line.contains(" accounts in "));
    }

    /// Somebody with this certificate, who has not read the greeting.
    fn comes(&self, pair: &Pair) -> Secure {
        Secure::to(self.house.server.place(0), self.house.authority.client_showing(pair)).unwrap()
    }

    fn alice(&self) -> Secure {
        let mut alice = self.comes(&self.alice);
        assert!(alice.line().starts_with("- parlor chat: you are guest"));
        assert_eq!(alice.line(), "- you are alice");
        alice
    }
}

/// The next line is an error with this code.
fn refused(client: &mut Secure, line: &str, code: &str) {
    client.send(format!("{line}\n").as_bytes());
    let answer = client.line();
    assert!(answer.starts_with(&format!("! {code}: ")), "{line:?} was answered {answer:?}");
}

#[test]
fn whoever_comes_with_a_certificate_of_an_account_is_logged_in_to_it() {
    let inn = Inn::new(&[]);
    let mut alice = inn.alice();
    refused(&mut alice, "/login bob bob's password", "logged-in");
    refused(&mut alice, "/kick nobody", "not-operator");
    let mut oscar = inn.comes(&inn.oscar);
    oscar.line();
    assert_eq!(oscar.line(), "- you are oscar, an operator");
    oscar.ask(b"/kick alice enough\n", b"- alice was shown the door\n");
    assert_eq!(alice.line(), "#lobby -- oscar joined");
    assert_eq!(alice.line(), "! kicked: by oscar: enough");
    // A password is as good as ever, and so is none.
    let mut bob = inn.house.client(0);
    bob.line();
    bob.ask(b"/login bob bob's password\n", b"- you are bob\n");
    let mut guest = inn.house.client(0);
    assert!(guest.line().starts_with("- parlor chat: you are guest"));
    // A good certificate that stands with nobody is a guest's, and its fingerprint is in the log.
    let carol = inn.house.authority.signs(&["alice"], Valid::Now);
    let mut carol = inn.comes(&carol);
    assert!(carol.line().starts_with("- parlor chat: you are guest"), "its name says nothing");
    refused(&mut carol, "/nick alice", "name-taken");
    inn.house
        .server
        .log
        .wait("the fingerprint", |line| line.contains("a certificate that stands with no account came"));
}

#[test]
fn where_everybody_logs_in_a_certificate_is_enough_and_costs_no_place_of_those_who_wait() {
    let inn = Inn::new(&["--require-login", "--login-startups", "1:100:1"]);
    let mut stranger = inn.house.client(0);
    assert_eq!(stranger.line(), "- parlor chat: who are you? /login NAME PASSWORD; /help");
    assert!(inn.house.client(0).line().starts_with("! full: "));
    let mut alice = inn.comes(&inn.alice);
    assert_eq!(alice.line(), "- parlor chat: your certificate is alice's; /help");
    assert_eq!(alice.line(), "- you are alice, in #lobby; rooms are not recorded");
    // She may say what is too long for strangers.
    let long = "x".repeat(4000);
    alice.send(format!("{long}\nPING 1\n").as_bytes());
    assert_eq!(alice.line(), "PONG 1");
    refused(&mut stranger, "hello", "login-first");
    // What she says with her first breath is hers too.
    let mut oscar = inn.comes(&inn.oscar);
    oscar.send(b"hello\n/quit\n");
    assert!(String::from_utf8(oscar.rest()).unwrap().ends_with("- goodbye\n"));
    assert_eq!(alice.line(), "#lobby -- oscar joined");
    assert_eq!(alice.line(), "#lobby <oscar> hello");
}

#[test]
fn a_certificate_struck_out_or_an_account_removed_takes_the_role_away_at_the_next_reload() {
    let inn = Inn::new(&[]);
    let (mut alice, mut oscar) = (inn.alice(), inn.comes(&inn.oscar));
    oscar.line();
    assert_eq!(oscar.line(), "- you are oscar, an operator");
    assert_eq!(alice.line(), "#lobby -- oscar joined");
    let pem = inn.house.folder.path().join("alice.pem");
    inn.passwd(&["alice", "--without-certificate", pem.to_str().unwrap()]);
    inn.passwd(&["oscar", "--delete"]);
    inn.reload();
    let told = |name| {
        format!("! logged-out: the account {name} is gone, or was changed, so you are a guest; /login NAME PASSWORD")
    };
    assert_eq!(alice.line(), told("alice"));
    assert_eq!(oscar.line(), told("oscar"));
    let renamed = alice.line();
    let guest = renamed.strip_prefix("- your name is an account's; you are ").unwrap_or_else(|| panic!("{renamed}"));
    assert_eq!(oscar.line(), format!("#lobby -- alice is now {guest}"));
    refused(&mut alice, "/lock", "not-logged-in");
    refused(&mut oscar, "/kick nobody", "not-operator");
    // The name that is nobody's any more stays; an account made of it later is not theirs.
    oscar.ask(b"/nick oscar\n", b"- you are oscar\n");
    let mut again = inn.comes(&inn.alice);
    assert!(again.line().starts_with("- parlor chat: you are guest"));
    again.ask(b"PING 1\n", b"PONG 1\n");
    let (pem, _) = inn.oscar.files(inn.house.folder.path(), "oscar");
    inn.passwd(&["oscar", "--role", "operator", "--certificate", pem.to_str().unwrap()]);
    inn.reload();
    assert!(oscar.line().starts_with("- your name has become an account's; you are guest"));
    refused(&mut oscar, "/kick nobody", "not-operator");
    let mut oscar = inn.comes(&inn.oscar);
    oscar.line();
    assert_eq!(oscar.line(), "- you are oscar, an operator");
}

#[test]
fn where_everybody_logs_in_whoever_is_logged_out_has_to_go() {
    let inn = Inn::new(&["--require-login"]);
    let [mut alice, mut oscar] = [&inn.alice, &inn.oscar].map(|pair| {
        let mut client = inn.comes(pair);
        client.line();
        assert!(client.line().starts_with("- you are "));
        client
    });
    assert_eq!(alice.line(), "#lobby -- oscar joined");
    inn.passwd(&["oscar", "--delete"]);
    inn.reload();
    assert_eq!(oscar.line(), "! logged-out: the account oscar is gone, or was changed; come anew; goodbye");
    assert_eq!(oscar.rest(), b"");
    assert_eq!(alice.line(), "#lobby -- oscar left (logged out)");
    alice.ask(b"PING 1\n", b"PONG 1\n");
}

#[test]
fn a_session_gives_back_the_name_and_the_certificate_the_role() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.comes(&inn.oscar);
    oscar.line();
    assert_eq!(oscar.line(), "- you are oscar, an operator");
    oscar.send(b"/session\n");
    let token = oscar.line().strip_prefix("- session ").unwrap().to_owned();
    drop(oscar);
    inn.house.server.figures_when("nobody", |figures| figures.connections == 0);
    let mut thief = inn.house.client(0);
    thief.line();
    thief.ask(format!("/session {token}\n").as_bytes(), b"- welcome back, oscar\n");
    refused(&mut thief, "/kick nobody", "not-operator");
    // The certificate's owner is oscar, whoever has the name for now.
    let mut oscar = inn.comes(&inn.oscar);
    oscar.line();
    assert_eq!(oscar.line(), "- you are oscar, an operator");
    assert_eq!(thief.line(), "! taken-over: you have logged in from another connection; goodbye");
    assert_eq!(oscar.line(), "#lobby -- oscar left (came from elsewhere)");
    oscar.ask(format!("/session {token}\n").as_bytes(), b"- welcome back, oscar\n");
    refused(&mut oscar, "/kick nobody", "no-such-name");
}

#[test]
fn an_expired_and_an_unknown_certificate_are_refused_by_an_alert_and_named_in_the_log() {
    let inn = Inn::new(&[]);
    let place = inn.house.server.place(0);
    let expired = inn.house.authority.signs(&["alice"], Valid::Before);
    let unknown = Authority::new().signs(&["alice"], Valid::Now);
    for (pair, alert, said) in [
        (&expired, "CertificateExpired", "the certificate is refused: it has expired"),
        (&unknown, "UnknownCA", "the certificate is refused: it comes from nobody whom we trust"),
    ] {
        let (pem, _) = pair.files(inn.house.folder.path(), "other");
        inn.passwd(&["alice", "--certificate", pem.to_str().unwrap()]);
        inn.reload();
        let seen = inn.house.server.log.len();
        let refused = refusal(place, inn.house.authority.client_showing(pair));
        assert!(refused.contains(alert), "{refused}");
        inn.house.server.log.wait_from(seen, said, |line| line.contains("is turned away") && line.contains(said));
    }
}

#[test]
fn our_own_client_shows_its_certificate_and_needs_no_login() {
    let inn = Inn::new(&["--require-login"]);
    let mut oscar = inn.comes(&inn.oscar);
    oscar.line();
    assert_eq!(oscar.line(), "- you are oscar, an operator, in #lobby; rooms are not recorded");
    let ca = inn.house.ca();
    let [certificate, key] = ["alice.pem", "alice.key"].map(|name| inn.house.folder.path().join(name));
    let paths = [ca, certificate, key].map(|path| path.display().to_string());
    let flags = ["--ca", &paths[0], "--certificate", &paths[1], "--key", &paths[2], "--send", "hello"];
    let address = format!("tls:localhost:{}", inn.house.server.place(0).port());
    let finished = Start::parlor(&["chat", &address]).flags(&flags).run();
    assert_eq!((finished.code(), finished.stdout.as_str()), (0, ""), "{finished:#?}");
    for line in ["#lobby -- alice joined", "#lobby <alice> hello", "#lobby -- alice left (quit)"] {
        assert_eq!(oscar.line(), line);
    }
    let finished = Start::parlor(&["chat", &address]).flags(&["--ca", &paths[0], "--send", "hello"]).run();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    oscar.ask(b"PING 1\n", b"PONG 1\n");
}

#[test]
fn the_certificate_for_a_person_that_the_page_shows_vouches_for_itself() {
    if !needs("openssl") {
        return;
    }
    let page = include_str!("../../docs/tls.md");
    let command = page.split("```sh\n").nth(2).unwrap().split("```").next().unwrap();
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let made = std::process::Command::new("sh").args(["-c", command]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, certificate, key) = (path("accounts"), path("alice.pem"), path("alice.key"));
    assert!(passwd(&[&file, "alice", "--certificate", &certificate], "").status.success());
    let flags = ["--no-history", "--accounts", &file, "--require-login", "--tls-client-ca", &certificate];
    let server = served(folder.path(), &authority.here()).flags(&flags).listen("chat+tls=127.0.0.1:0").go();
    let ca = authority.file(folder.path()).display().to_string();
    let address = format!("tls:localhost:{}", server.place(0).port());
    let flags = ["--ca", &ca, "--certificate", &certificate, "--key", &key, "--commands", "--send", "/who"];
    let finished = Start::parlor(&["chat", &address]).flags(&flags).run();
    assert_eq!((finished.code(), finished.stdout.as_str()), (0, "- #lobby: alice\n- end who\n"), "{finished:#?}");
    let finished = Start::parlor(&["chat", &address]).flags(&flags[..2]).flags(&flags[6..]).run();
    assert_eq!(finished.code(), 1, "{finished:#?}");
}

#[test]
fn files_and_commands_know_whose_certificate_it_is_too() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files").display().to_string();
    let listeners = ["files+tls=127.0.0.1:0", "run+tls=127.0.0.1:0"];
    let inn = Inn::serving(&listeners, &["--files", &files, "--require-login"]);
    for (door, greeting) in [(0, "- parlor files: offer, get, list, help"), (1, "- parlor run: list, run COMMAND")] {
        let place = inn.house.server.place(door);
        let mut alice = Secure::to(place, inn.house.authority.client_showing(&inn.alice)).unwrap();
        assert!(alice.line().starts_with(greeting));
        alice.send(b"list\n");
        assert_eq!(alice.line(), "- end list");
        refused(&mut alice, "login bob bob's password", "logged-in");
        let mut stranger = inn.house.client(door);
        assert!(stranger.line().contains(": who are you? login NAME PASSWORD"));
        refused(&mut stranger, "list", "login-first");
        // Struck out, it is worth nothing from the next line on.
        let pem = inn.house.folder.path().join("alice.pem").display().to_string();
        inn.passwd(&["alice", "--without-certificate", &pem]);
        inn.reload();
        refused(&mut alice, "list", "login-first");
        let mut again = Secure::to(place, inn.house.authority.client_showing(&inn.alice)).unwrap();
        assert!(again.line().contains(": who are you? login NAME PASSWORD"));
        inn.passwd(&["alice", "--certificate", &pem]);
        inn.reload();
    }
}
