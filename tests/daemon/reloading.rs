//! SIGHUP reads the configuration again, and drops nobody.

use std::path::Path;

use rustix::process::Signal;

use crate::settings::Written;
use crate::support::{Client, Server, Start};

const CHAT: &str = "listen = [\"chat=127.0.0.1:0\"]\nno-history = true\n";

fn reload(server: &Server, what: &str) -> String {
    let seen = server.log.len();
    server.signal(Signal::HUP);
    server.log.wait_from(seen, what, |line| line.contains(what))
}

fn guest(server: &Server) -> Client {
    let mut client = server.client(0);
    assert!(client.line().starts_with("- parlor chat"));
    client
}

#[test]
fn what_can_change_changes_for_those_who_are_there() {
    let written = Written::new(CHAT);
    let server = written.serve().expecting(1).go();
    let mut guest = guest(&server);
    guest.ask("/nick анна\n".as_bytes(), "- you are анна\n".as_bytes());
    written.rewrite(&format!("{CHAT}names = \"ascii\"\nmax-connections = 1\n"));
    reload(&server, "reloaded: max-connections = 1");
    server.log.wait("the other change", |line| line.contains("reloaded: names = ascii"));
    let refusal = "! bad-name: names have the letters a to z, digits, _ and -; this one has others\n";
    guest.ask("/nick ольга\n".as_bytes(), refusal.as_bytes());
    assert!(server.client(0).line().starts_with("! full: "));
}

#[test]
fn a_wrong_configuration_changes_nothing_and_says_why() {
    let written = Written::new(CHAT);
    let server = written.serve().expecting(1).go();
    let mut guest = guest(&server);
    written.rewrite(&format!("{CHAT}names = \"ascii\"\nmax-connections = 'none'\n"));
    let line = reload(&server, "not reloaded, what was in force stays so: ");
    let wanted = format!("{}:4:19: max-connections = 'none': expected a whole number from 0 to", written.shown());
    assert!(line.contains(&wanted), "{line}");
    guest.ask("/nick анна\n".as_bytes(), "- you are анна\n".as_bytes());
    // Mended, it is taken.
    written.rewrite(&format!("{CHAT}names = \"ascii\"\n"));
    reload(&server, "reloaded: names = ascii");
    let refusal = "! bad-name: names have the letters a to z, digits, _ and -; this one has others\n";
    guest.ask("/nick ольга\n".as_bytes(), refusal.as_bytes());
}

#[test]
fn what_cannot_change_is_named_each_time() {
    let written = Written::new(CHAT);
    let server = written.serve().expecting(1).go();
    written.rewrite(&format!("{CHAT}backlog = 7\n[limits]\nline = 600\n"));
    for _ in 0..2 {
        let seen = server.log.len();
        reload(&server, "not reloaded: backlog = 511 can't change while the server runs; 7 needs a restart");
        let what = "not reloaded: limits.line = 8KiB can't change while the server runs; 600 needs a restart";
        server.log.wait_from(seen, what, |line| line.contains(what));
    }
    written.rewrite(CHAT);
    reload(&server, "reloaded: nothing has changed");
    // Nobody's line got shorter.
    let mut guest = guest(&server);
    guest.send(&[&[b'a'; 700][..], b"\n"].concat());
    guest.ask(b"PING x\n", b"PONG x\n");
}

#[test]
fn flags_win_over_what_the_file_says_later_too() {
    let written = Written::new(CHAT);
    let server = written.serve().flags(&["--names", "script"]).expecting(1).go();
    written.rewrite(&format!("{CHAT}names = \"ascii\"\n"));
    reload(&server, "reloaded: nothing has changed");
    guest(&server).ask("/nick анна\n".as_bytes(), "- you are анна\n".as_bytes());
}

#[test]
fn a_configuration_that_is_gone_changes_nothing() {
    let written = Written::new(CHAT);
    let server = written.serve().expecting(1).go();
    std::fs::remove_file(written.path()).unwrap();
    let line = reload(&server, "not reloaded, what was in force stays so: ");
    assert!(line.ends_with("parlor.toml: No such file or directory (os error 2)"), "{line}");
    guest(&server).ask(b"PING x\n", b"PONG x\n");
}

/// A pipe with a name, through which this goes once.
fn piped(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let (written, text) = (path.clone(), text.to_owned());
    // Opened when somebody reads it.
    std::thread::spawn(move || std::fs::write(written, text).unwrap());
    path.display().to_string()
}

#[test]
fn what_came_through_a_pipe_is_not_waited_for_again_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let config = piped(folder.path(), "config", &format!("{CHAT}require-login = true\nmax-connections = 5\n"));
    let accounts = piped(folder.path(), "accounts", "");
    let server = Start::serve(&["--config", &config, "--accounts", &accounts]).expecting(1).go();
    for _ in 0..2 {
        let seen = server.log.len();
        let line = reload(&server, "not reloaded, what was in force stays so: ");
        assert!(line.ends_with("config: a pipe is read once, and never again; expected a file"), "{line}");
        let line = server.log.wait_from(seen, "the accounts", |line| line.contains("the accounts stay as they were: "));
        assert!(line.ends_with("accounts: a pipe is read once, and never again; expected a file"), "{line}");
    }
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn limits_of_the_chat_are_those_of_the_file_and_change_while_it_runs() {
    let written = Written::new(&format!("{CHAT}[limits]\nrooms-each = 2\n"));
    let server = written.serve().expecting(1).go();
    let mut guest = guest(&server);
    guest.ask(b"/join one\n", b"- you are in #one, with 0 others\n");
    guest.ask(b"/join two\n", b"! too-many-rooms: you are in 2 rooms; /leave one first\n");
    written.rewrite(&format!("{CHAT}[limits]\nrooms-each = 3\n"));
    reload(&server, "reloaded: limits.rooms-each = 3");
    guest.ask(b"/join two\n", b"- you are in #two, with 0 others\n");
    guest.ask(b"/join three\n", b"! too-many-rooms: you are in 3 rooms; /leave one first\n");
}

#[test]
fn how_long_a_client_may_be_silent_can_be_chosen() {
    let written = Written::new(&format!("{CHAT}[limits]\nping-after = '1s'\n"));
    let server = written.serve().expecting(1).go();
    let mut client = guest(&server);
    client.ask(b"PING x\n", b"PONG x\n");
    assert_eq!(client.line(), "PING 1");
    written.rewrite(&format!("{CHAT}[limits]\nping-after = '1s'\ngone-after = '2s'\n"));
    reload(&server, "reloaded: limits.gone-after = 2s");
    // On a machine that is busy elsewhere, the end may come before another question.
    let last = b"! timed-out: nothing was heard from you, not even a PONG; goodbye\n";
    assert!(client.rest().ends_with(last));
}

#[test]
fn how_much_is_kept_and_on_what_terms_one_comes_in_change_too() {
    let folder = tempfile::tempdir().unwrap();
    let head = format!("listen = [\"chat=127.0.0.1:0\"]\ndata = {:?}\n", folder.path());
    let written = Written::new(&head);
    let server = written.serve().expecting(1).go();
    assert!(guest_line(&server).contains("rooms are recorded for 30 days"));
    written.rewrite(&format!(
        "{head}log-format = 'logfmt'\ncount-loopback = true\nper-address = 2\n[limits]\nhistory-age = '3d'\n"
    ));
    reload(&server, "reloaded: limits.history-age = 3d (was 30d)");
    let (one, two) = (guest(&server), server.client(0));
    assert!(server.client(0).line().starts_with("! too-many-open: 2 connections are open from your address"));
    drop((one, two));
    written.rewrite(&format!("{head}[limits]\nhistory-age = '3d'\n"));
    let line = reload(&server, "reloaded: count-loopback = false (was true)");
    assert!(!line.contains("msg="), "{line}");
    assert!(guest_line(&server).contains("rooms are recorded for 3 days"));
}

fn guest_line(server: &Server) -> String {
    server.client(0).line()
}

#[test]
fn commands_are_offered_changed_and_taken_back_while_callers_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("listen = [\"run=unix:{}\"]\nno-history = true\n", folder.path().join("run").display());
    let written = Written::new(&format!("{listen}[run.one]\nargv = ['echo', 'one']\n"));
    let server = written.serve().expecting(1).go();
    let mut caller = server.client(0);
    assert!(caller.line().starts_with("- parlor run: "));
    let list = |caller: &mut Client| {
        caller.send(b"list\n");
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != "- end list") {
            lines.push(caller.line());
        }
        lines
    };
    assert!(list(&mut caller)[0].starts_with("- command one: "));
    written.rewrite(&format!("{listen}[run.two]\nargv = ['echo', 'two']\n"));
    reload(&server, "reloaded: run.two = echo two (was nothing)");
    let lines = list(&mut caller);
    assert!(lines.len() == 2 && lines[0].starts_with("- command two: "), "{lines:?}");
    written.rewrite(&format!("{listen}[run.two]\nargv = ['echo', 'two']\ntime = 5\n"));
    reload(&server, "reloaded: run.two = echo two, for 5s (was echo two)");
    let callers = "role = 'operator'\naccounts = ['ann', 'bob']\n";
    written.rewrite(&format!("accounts = '/dev/null'\n{listen}[run.two]\nargv = ['echo', 'two']\n{callers}"));
    reload(&server, "reloaded: run.two = echo two, by ann, bob, operators (was echo two, for 5s)");
    let lines = list(&mut caller);
    // One that is no command line changes nothing.
    written.rewrite(&format!("{listen}[run.two]\nargv = ['echo', '{{x:nonsense}}']\n"));
    reload(&server, "parlor.toml:4:");
    assert_eq!(list(&mut caller), lines);
}

#[test]
fn quotas_of_files_change_while_people_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let listen =
        format!("listen = [\"files=127.0.0.1:0\"]\nno-history = true\nfiles = '{}'\n", folder.path().display());
    let written = Written::new(&listen);
    let server = written.serve().expecting(1).go();
    let mut guest = server.client(0);
    assert!(guest.line().starts_with("- parlor files: "));
    guest.ask(b"quota\n", b"- quota 0 2147483648\n");
    written.rewrite(&format!("{listen}[limits]\nfiles-guests = 1000\nfiles-each = 500\n"));
    reload(&server, "reloaded: limits.files-guests = 1000");
    server.log.wait("the other change", |line| line.contains("reloaded: limits.files-each = 500"));
    guest.ask(b"quota\n", b"- quota 0 1000\n");
    let offer = format!("offer tea 1001 {}\n", "0".repeat(64));
    let refused = b"! quota: with it guests together would have 1001 bytes here, and 1000 is the most\n";
    guest.ask(offer.as_bytes(), refused);
}

/// A configuration with a file of accounts that has none.
fn with_accounts() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts");
    std::fs::write(&accounts, "").unwrap();
    let text = format!("{CHAT}accounts = '{}'\n", accounts.display());
    (folder, text)
}

const WHO: &str = "- parlor chat: who are you? /login NAME PASSWORD; /help";

#[test]
fn whoever_comes_after_it_was_required_has_to_log_in_and_whoever_is_here_stays() {
    let (_folder, head) = with_accounts();
    let written = Written::new(&head);
    let server = written.serve().expecting(1).go();
    let mut guest = guest(&server);
    written.rewrite(&format!("{head}require-login = true\nlogin-startups = '1:100:1'\n"));
    reload(&server, "reloaded: require-login = true (was false)");
    server.log.wait("the other change", |line| line.contains("reloaded: login-startups = 1:100:1 (was 10:30:100)"));
    let mut stranger = server.client(0);
    assert_eq!(stranger.line(), WHO);
    stranger.ask(b"hello\n", b"! login-first: /login NAME PASSWORD comes first\n");
    assert!(server.client(0).line().starts_with("! full: 1 others have not logged in yet"));
    guest.ask(b"/join tea\n", b"- you are in #tea, with 0 others\n");
    // Whoever was asked to log in still has to; who comes now has not.
    written.rewrite(&head);
    reload(&server, "reloaded: require-login = false (was true)");
    stranger.ask(b"hello\n", b"! login-first: /login NAME PASSWORD comes first\n");
    assert!(guest_line(&server).contains("you are guest"));
}

#[test]
fn what_strangers_are_held_to_is_what_it_was_when_they_came() {
    let (_folder, head) = with_accounts();
    let head = format!("{head}require-login = true\n");
    let written = Written::new(&format!("{head}[limits]\nlogin-time = '1h'\n"));
    let server = written.serve().expecting(1).go();
    let mut early = server.client(0);
    assert_eq!(early.line(), WHO);
    written.rewrite(&format!("{head}[limits]\nlogin-time = '1s'\nline-before-login = 700\n"));
    reload(&server, "reloaded: limits.line-before-login = 700");
    let mut late = server.client(0);
    assert_eq!(late.line(), WHO);
    assert_eq!(late.rest(), b"! login-timeout: nobody logged in here within 1 seconds; goodbye\n");
    let mut late = server.client(0);
    assert_eq!(late.line(), WHO);
    let line = [&[b'a'; 701][..], b"\n"].concat();
    late.send(&line);
    assert!(late.line().starts_with("! too-long: a frame here has at most 700 bytes"));
    early.ask(&line, b"! login-first: /login NAME PASSWORD comes first\n");
}

#[test]
fn nobody_is_made_to_log_in_where_nobody_can() {
    let (_folder, head) = with_accounts();
    let written = Written::new(CHAT);
    let server = written.serve().expecting(1).go();
    written.rewrite(&format!("{head}require-login = true\n"));
    reload(&server, "not reloaded: require-login = false can't change while the server runs; true needs a restart");
    assert!(guest_line(&server).contains("you are guest"));
}
