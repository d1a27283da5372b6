//! Limits that an operator chooses, met on the wire.

use crate::settings::Written;
use crate::support::{Client, Server};

const CHAT: &str = "listen = [\"chat=127.0.0.1:0\"]\nno-history = true\n";

fn with(limits: &str) -> (Written, Server) {
    let written = Written::new(&format!("{CHAT}[limits]\n{limits}\n"));
    let server = written.serve().expecting(1).go();
    (written, server)
}

fn guest(server: &Server) -> Client {
    let mut client = server.client(0);
    assert!(client.line().starts_with("- parlor chat"));
    client
}

#[test]
fn what_is_said_topics_goodbyes_and_names_can_be_kept_shorter() {
    let (_written, server) = with("said = 10\ntopic = 5\nname = 4");
    let mut guest = guest(&server);
    for (line, answer) in [
        ("12345678901", "! too-long: what is said may have 10 bytes, and this has 11"),
        ("/me 12345678901", "! too-long: what is said may have 10 bytes, and this has 11"),
        ("/msg guest1 12345678901", "! too-long: what is said may have 10 bytes, and this has 11"),
        ("/topic 123456", "! too-long: a topic may have 5 bytes, and this has 6"),
        ("/quit 123456", "! too-long: a goodbye may have 5 bytes, and this has 6"),
        ("/nick alice", "! bad-name: a name has 1 to 4 characters, this one has 5"),
        ("/join kitchen", "! bad-name: a name has 1 to 4 characters, this one has 7"),
        ("/nick anna", "- you are anna"),
    ] {
        guest.ask(format!("{line}\n").as_bytes(), format!("{answer}\n").as_bytes());
    }
    let mut other = server.client(0);
    assert!(other.line().starts_with("- parlor chat"));
    guest.send("1234567890\n/topic tea 5\n".as_bytes());
    assert_eq!(other.line(), "#lobby <anna> 1234567890");
    assert_eq!(other.line(), "#lobby -- anna topic: tea 5");
}

#[test]
fn a_session_remembers_as_many_ids_as_it_is_to() {
    let (_written, server) = with("ids = 2");
    let mut program = guest(&server);
    program.send(b"/format json\n");
    assert!(program.line().contains("welcome"));
    let mut listener = server.client(0);
    assert!(listener.line().starts_with("- parlor chat"));
    let say = |program: &mut Client, id: &str| {
        program.send(format!("{{\"say\":\"{id}\",\"id\":\"{id}\"}}\n").as_bytes());
        assert_eq!(program.line(), format!("{{\"type\":\"receipt\",\"room\":\"lobby\",\"id\":\"{id}\"}}"));
    };
    for id in ["a", "b", "a", "c", "b", "a"] {
        say(&mut program, id);
    }
    let heard: Vec<String> = (0..5).map(|_| listener.line()).collect();
    let said: Vec<&str> = heard[1..].iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(said, ["a", "b", "c", "a"], "{heard:?}");
}

#[test]
fn strangers_can_be_given_other_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts");
    std::fs::write(&accounts, "").unwrap();
    let limits = "line-before-login = 700\nlogin-time = '1s'\n";
    let written = Written::new(&format!("{CHAT}accounts = {accounts:?}\nrequire-login = true\n[limits]\n{limits}"));
    let server = written.serve().expecting(1).go();
    let mut stranger = guest(&server);
    stranger.send(&[&[b'x'; 701][..], b"\n"].concat());
    assert_eq!(stranger.line(), "! too-long: a frame here has at most 700 bytes; goodbye");
    let mut stranger = guest(&server);
    assert_eq!(stranger.rest(), b"! login-timeout: nobody logged in here within 1 seconds; goodbye\n");
}

#[test]
fn limits_that_have_a_least_and_a_most_say_so() {
    for (setting, wanted) in [
        ("said = 5000", "expected 1 to 4096"),
        ("topic = 0", "expected 1 to 400"),
        ("name = 33", "expected 1 to 32"),
        ("ids = 1025", "expected 1 to 1024"),
        ("unreceipted = 1", "expected 2 to 10000"),
        ("line-before-login = 10", "expected 700 to 16384"),
        ("datagram = '9KiB'", "longer ones arrive in pieces: expected at most 8KiB"),
        ("udp-silence = 0", "too little to work with: expected at least 1s"),
    ] {
        let (key, value) = setting.split_once(" = ").unwrap();
        let value = value.trim_matches('\'');
        let written = Written::new(&format!("[limits]\n{setting}\n"));
        let finished = written.check();
        assert_eq!(finished.stderr, [format!("parlor: {}:2:1: limits.{key} = {value}: {wanted}", written.shown())]);
    }
}
