//! `parlor put`, `get`, `files` and `run` through TLS.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::authority::Authority;
use crate::house::House;

/// Everything that needs nobody to log in, and with accounts what does.
fn served(accounts: bool) -> House {
    let listeners =
        if accounts { &["files+tls=127.0.0.1:0", "run+tls=0.0.0.0:0"][..] } else { &["files+tls=127.0.0.1:0"] };
    House::with(listeners, |start, ca| {
        let folder = ca.parent().unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        fs::write(path("tea"), b"green tea\n").unwrap();
        fs::write(path("parlor.toml"), "[run.greet]\nargv = [\"echo\", \"hello\", \"{who:name}\"]\n").unwrap();
        let start = start.flags(&["--files", &path("kept"), "--config", &path("parlor.toml")]);
        if !accounts {
            return start;
        }
        #[cfg(feature = "accounts")]
        fs::write(path("accounts"), crate::support::accounts::accounts()).unwrap();
        fs::write(path("password"), "alice's password\n").unwrap();
        start.flags(&["--accounts", &path("accounts"), "--require-login"])
    })
}

/// A command of ours, which believes the house's authority; `{}` stands for the server's address.
fn does(house: &House, index: usize, words: &[&str]) -> Output {
    let at = format!("tls:localhost:{}", house.server.place(index).port());
    let path = |word: &str| house.folder.path().join(word).to_str().unwrap().to_owned();
    let words = words.iter().map(|&word| match word.split_at(1) {
        _ if word == "{}" => at.clone(),
        ("@", name) => path(name),
        _ => word.to_owned(),
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(words).env("PARLOR_CA", house.ca()).stdin(Stdio::null()).output().unwrap()
}

fn well(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn d17_a_file_is_put_listed_got_and_asked_for_through_tls() {
    const TEA: &str = "27150f2fab7401fec3d9ab70bd7653f8d6c35452d4b4bad0f8c213f29e069048";
    let house = served(false);
    assert_eq!(well(&does(&house, 0, &["put", "@tea", "{}"])), format!("{TEA}  tea\n"));
    assert!(well(&does(&house, 0, &["files", "{}"])).ends_with("Z  tea\n"));
    well(&does(&house, 0, &["get", "tea", "{}", "--output", "@got"]));
    assert_eq!(fs::read(house.folder.path().join("got")).unwrap(), b"green tea\n");
    assert_eq!(well(&does(&house, 0, &["files", "--quota", "{}"])), "10 of 2147483648 bytes\n");
    // More than fits into any buffer on the way.
    let big: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(house.folder.path().join("big"), &big).unwrap();
    well(&does(&house, 0, &["put", "@big", "{}"]));
    well(&does(&house, 0, &["get", "big", "{}", "--output", "@got-big"]));
    assert!(fs::read(house.folder.path().join("got-big")).unwrap() == big, "it is another");
}

#[test]
fn a_server_for_whom_nobody_vouches_gets_no_file_and_no_password() {
    let house = served(false);
    let other = tempfile::TempDir::new().unwrap();
    let ca = Authority::new().file(other.path());
    let ca = ca.to_str().unwrap();
    for words in [
        &["put", "@tea", "{}"][..],
        &["get", "tea", "{}", "--output", "@got"],
        &["files", "{}"],
        &["files", "{}", "--remove", "tea"],
        &["run", "--at", "{}", "greet", "ann"],
    ] {
        let (command, rest) = words.split_first().unwrap();
        let output = does(&house, 0, &[&[*command, "--ca", ca], rest].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert!(said.contains("certificate") && output.stdout.is_empty(), "{words:?}: {said}");
    }
    assert_eq!(fs::read_dir(house.folder.path().join("kept/.parts")).unwrap().count(), 0);
}

#[cfg(feature = "accounts")]
#[test]
fn d20_whoever_has_an_account_runs_commands_and_keeps_files_through_tls() {
    let house = served(true);
    let login = ["--login", "alice", "--password-file", "@password"];
    let as_alice = |index: usize, words: &[&str]| {
        let (command, rest) = words.split_first().unwrap();
        does(&house, index, &[&[*command], &login[..], rest].concat())
    };
    assert_eq!(well(&as_alice(1, &["run", "--at", "{}", "greet", "ann"])), "hello ann\n");
    let stranger = does(&house, 1, &["run", "--at", "{}", "greet", "ann"]);
    assert_eq!(stranger.status.code(), Some(4), "{stranger:?}");
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("login-first"), "{stranger:?}");
    well(&as_alice(0, &["put", "@tea", "{}"]));
    assert_eq!(well(&as_alice(0, &["files", "{}", "--remove", "tea"])), "removed tea\n");
    house
        .server
        .log
        .wait("who removed it", |line| line.contains("files: alice, 127.0.0.1:") && line.ends_with(" removed tea"));
}
