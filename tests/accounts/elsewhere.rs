//! Bans hold with files and commands too: by address and by account, for those who come and those who are there.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;

use socket2::SockAddr;
use tempfile::TempDir;

use crate::inn::Inn;
use crate::people::Person;
use crate::support::client::{Client, Place};
use crate::support::{Start, until};

/// An inn with files and commands.
struct Estate {
    inn: Inn,
    _folder: TempDir,
}

/// Which of the flags' listeners is which.
const FILES: usize = 0;
const RUN: usize = 1;

impl Estate {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("parlor.toml");
        fs::write(&file, "[run.wait]\nargv = [\"sleep\", \"1000\"]\n").unwrap();
        let flags =
            ["--listen", "files=127.0.0.1:0", "--listen", "run=127.0.0.1:0", "--config", file.to_str().unwrap()];
        Self { inn: Inn::new(&flags), _folder: folder }
    }

    /// Somebody who keeps order, from the address that everybody else has too.
    fn oscar(&self) -> Person {
        let mut oscar = Person::on(self.inn.chat.server.client(2));
        oscar.hears();
        oscar.ask("/login oscar oscar's password", "- you are oscar, an operator");
        oscar
    }

    /// Somebody from another address of this machine, who has read the greeting.
    fn comes(&self, service: usize) -> (Client, String) {
        comes(self.inn.chat.server.place(service))
    }

    fn member(&self, service: usize, name: &str) -> Client {
        let (mut client, greeting) = self.comes(service);
        assert!(greeting.starts_with("- parlor "), "{greeting}");
        logs_in(&mut client, name, &format!("- you are {name}"));
        client
    }
}

fn comes(place: &Place) -> (Client, String) {
    let from: SocketAddr = "127.0.0.2:0".parse().unwrap();
    let mut client = Client::with(place, |socket| socket.bind(&SockAddr::from(from)).unwrap()).unwrap();
    let greeting = client.line();
    (client, greeting)
}

fn logs_in(client: &mut Client, name: &str, answer: &str) {
    client.send(format!("login {name} {name}'s password\n").as_bytes());
    assert_eq!(client.line(), answer);
}

/// Three bytes whose digest is known.
const OFFER: &[u8] = b"offer tea 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";

const TOLD: &str = "until an operator says otherwise, by oscar";

fn is_thrown_out(client: &mut Client) {
    assert_eq!(client.line(), format!("! banned: you are banned {TOLD}"));
    client.expect_end();
}

#[test]
fn a_banned_address_puts_no_files_and_runs_no_commands_also_what_it_has_begun() {
    let estate = Estate::new();
    let mut oscar = estate.oscar();
    let (mut guest, _) = estate.comes(FILES);
    guest.ask(OFFER, b"- send tea 0\n");
    guest.ask(b"ab", b"- have 2\n");
    let mut bob = estate.member(RUN, "bob");
    bob.ask(b"run wait\n", b"- started wait\n");
    let (mut stranger, _) = estate.comes(RUN);
    let mut other = estate.inn.chat.server.client(FILES);
    other.line();
    oscar.ask("/ban 127.0.0.2", &format!("- ban of 127.0.0.2 {TOLD}"));
    for client in [&mut guest, &mut bob, &mut stranger] {
        is_thrown_out(client);
    }
    for service in [FILES, RUN] {
        let (mut client, answer) = estate.comes(service);
        assert_eq!(answer, format!("! banned: your address is banned {TOLD}"));
        client.expect_end();
    }
    other.ask(b"PING\n", b"PONG\n");
    // What came is kept, and goes on when the ban does not.
    oscar.ask("/unban 127.0.0.2", "- ban of 127.0.0.2 taken back");
    let (mut guest, _) = estate.comes(FILES);
    guest.ask(OFFER, b"- send tea 2\n");
    estate.member(RUN, "bob").ask(b"run wait\n", b"- started wait\n");
}

#[test]
fn nothing_is_said_in_the_middle_of_a_body_to_who_is_banned() {
    let estate = Estate::new();
    let mut oscar = estate.oscar();
    // More than sockets hold, so that somebody who does not read stands in the middle of it.
    let tea = vec![b'x'; 16 * 1024 * 1024];
    fs::write(estate.inn.chat.folder().join("files").join("tea"), &tea).unwrap();
    let (mut guest, _) = estate.comes(FILES);
    guest.send(b"get tea\n");
    assert!(guest.line().starts_with("- body tea 16777216 "));
    oscar.ask("/ban 127.0.0.2", &format!("- ban of 127.0.0.2 {TOLD}"));
    let mut body = Vec::new();
    // The end may be a reset.
    let _ = guest.socket.read_to_end(&mut body);
    assert!(body.len() < tea.len() && body.iter().all(|&byte| byte == b'x'));
}

#[test]
fn a_banned_account_logs_in_nowhere_and_is_logged_in_nowhere() {
    let estate = Estate::new();
    let mut oscar = estate.oscar();
    let mut there = [estate.member(FILES, "alice"), estate.member(RUN, "alice")];
    let mut bob = estate.member(FILES, "bob");
    oscar.ask("/ban a1ice", &format!("- ban of a1ice {TOLD}"));
    there.iter_mut().for_each(is_thrown_out);
    bob.ask(b"PING\n", b"PONG\n");
    for service in [FILES, RUN] {
        let (mut client, _) = estate.comes(service);
        logs_in(&mut client, "alice", &format!("! banned: alice is banned {TOLD}"));
        // Nothing is told to whoever does not know the password.
        client.ask(b"login alice x\n", b"! wrong-password: wrong name or password\n");
        logs_in(&mut client, "bob", "- you are bob");
    }
    oscar.ask("/unban a1ice", "- ban of a1ice taken back");
    estate.member(FILES, "alice");
}

#[test]
fn bans_hold_with_files_after_a_restart_also_where_nobody_serves_the_chat() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    oscar.ask("/ban 127.0.0.2", &format!("- ban of 127.0.0.2 {TOLD}"));
    let (file, folder) = (inn.chat.folder().join("house-rules"), inn.chat.folder().to_str().unwrap());
    until("a rule in the file", || fs::read_to_string(&file).is_ok_and(|text| text.lines().count() == 1));
    inn.chat.server.signal(rustix::process::Signal::TERM);
    inn.chat.server.log.to_the_end();
    let server = Start::serve(&["--data", folder]).listen("files=127.0.0.1:0").go();
    let (mut client, answer) = comes(server.place(0));
    assert_eq!(answer, format!("! banned: your address is banned {TOLD}"));
    client.expect_end();
    assert!(server.client(0).line().starts_with("- parlor files: "));
}
