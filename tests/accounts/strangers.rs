//! Where everybody has to log in: what somebody can do who has not.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use crate::inn::Inn;
use crate::support::client::Wire;

#[test]
fn a_stranger_hears_nothing_and_is_nobody() {
    let inn = Inn::strict(&[]);
    let mut alice = inn.member("alice");
    let mut stranger = inn.stranger();
    alice.says("a secret");
    alice.ask_all("/who", &["- #lobby: alice", "- end who"]);
    for name in ["guest1", "guest2", "guest3"] {
        alice.is_refused(&format!("/msg {name} hello"), "no-such-name");
    }
    stranger.is_refused("hello", "login-first");
    stranger.ask("PING 1", "PONG 1");
    stranger.ask("/login bob bob's password", "- you are bob, in #lobby; rooms are recorded for 30 days");
    alice.hear("#lobby -- bob joined");
    stranger.says("hello");
    alice.hear("#lobby <bob> hello");
}

#[test]
fn lines_and_frames_are_shorter_before_login_and_as_long_as_ever_after_it() {
    let inn = Inn::strict(&[]);
    let mut stranger = inn.stranger();
    stranger.says(&"x".repeat(1024));
    stranger.hear("! login-first: /login NAME PASSWORD comes first");
    stranger.says(&"x".repeat(1025));
    stranger.hear_the_end(&["! too-long: a frame here has at most 1024 bytes; goodbye"]);
    let mut framed = inn.chat.stranger(Wire::Length);
    framed.hears();
    framed.client.send(&4097_u32.to_be_bytes());
    framed.hear_the_end(&["! too-long: a frame here has at most 4096 bytes; goodbye"]);
    let (mut alice, mut bob) = (inn.member("alice"), inn.member("bob"));
    alice.hear("#lobby -- bob joined");
    let long = "x".repeat(4096);
    alice.says(&long);
    bob.hear(&format!("#lobby <alice> {long}"));
}

#[test]
fn a_stranger_is_owed_one_answer_at_a_time() {
    let inn = Inn::strict(&[]);
    let stranger = inn.stranger();
    let before = inn.chat.server.settled();
    // Nothing of what it is answered is read. The kernel takes some; beyond that the server must not go on.
    let mut flooder = stranger.client.twin();
    flooder.socket.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let questions = "/help\n".repeat(2000);
    let mut sent = 0;
    let full = loop {
        match std::io::Write::write(&mut flooder.socket, questions.as_bytes()) {
            Ok(count) => sent += count,
            Err(error) => break error.kind(),
        }
        assert!(sent < 64 * 1024 * 1024, "all of it was taken");
    };
    assert!(matches!(full, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{full}");
    let after = inn.chat.server.figures();
    // Each frame that was handled was answered; what was answered has left, but for one.
    let answers = after.frames - before.frames;
    assert!(answers > 0 && (sent as u64) > 6 * answers, "{answers} of {}", sent / 6);
    let mut text = Vec::new();
    let mut reader = stranger.client.twin();
    reader.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut piece = vec![0; 65536];
    while let Ok(count) = reader.socket.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
        if text.len() > 100_000 {
            break;
        }
    }
    assert!(text.starts_with(b"- /login NAME PASSWORD: proves who you are\n"));
}

#[test]
fn no_more_than_a_hundred_strangers_and_some_are_refused_before() {
    let inn = Inn::strict(&["--login-startups", "3:0:6"]);
    let mut strangers: Vec<_> = (0..3).map(|_| inn.stranger()).collect();
    let (mut came, mut refused) = (3, 0);
    for _ in 0..60 {
        let mut next = inn.chat.stranger(Wire::Lines);
        match next.hears() {
            line if line.starts_with("- parlor chat: ") => {
                came += 1;
                strangers.push(next);
            }
            line => {
                assert_eq!(
                    line,
                    format!("! full: {came} others have not logged in yet; come again in a moment (login-startups)")
                );
                assert!(next.rest().is_empty());
                refused += 1;
            }
        }
    }
    assert!(came == 6 && refused == 57, "{came} came, {refused} were refused");
    // Whoever logs in makes room for another.
    strangers[0].says("/login alice alice's password");
    strangers[0].hear("- you are alice, in #lobby; rooms are recorded for 30 days");
    drop(strangers.pop());
    drop(strangers.pop());
    inn.chat.server.figures_when("two gone", |figures| figures.connections == 4);
    let mut tries = 0;
    while inn.chat.stranger(Wire::Lines).hears().starts_with("! full: ") {
        tries += 1;
        assert!(tries < 1000, "at half the number half of the newcomers are let in");
    }
}

#[test]
fn a_wrong_startups_setting_says_what_is_right() {
    let run = |value: &str| {
        let finished = crate::support::Start::serve(&["--login-startups", value]).run();
        (finished.code(), finished.stderr.join("\n"))
    };
    for value in ["10", "100:30:10", "10:101:100", "a:b:c"] {
        let (code, said) = run(value);
        assert!(code == 2 && said.contains("expected FROM:PERCENT:ALL, as in 10:30:100"), "{code}: {said}");
    }
}

#[test]
fn nobody_listens_to_the_world_by_accident() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("accounts");
    std::fs::write(&file, crate::inn::accounts()).unwrap();
    let accounts = ["--accounts", file.to_str().unwrap(), "--require-login", "--no-history"];
    let run = |flags: &[&str]| {
        let finished = crate::support::Start::serve(&[&accounts, flags].concat()).run();
        (finished.code(), finished.stderr.last().cloned().unwrap_or_default())
    };
    // A login alone does not help: everybody on the way could read the passwords.
    let (code, said) = run(&["--listen", "chat=0.0.0.0:0"]);
    assert!(
        code == 1 && said.contains("TLS and require-login make that safe, and --open says that this is wanted"),
        "{code}: {said}"
    );
}
