//! Whose the folder is.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::support::Start;

#[test]
fn a_second_server_is_told_whose_the_folder_is() {
    let data = TempDir::new().unwrap();
    let flags = ["--data", data.path().to_str().unwrap()];
    let first = Start::serve(&flags).listen("chat=127.0.0.1:0").go();
    let second = Start::serve(&flags).listen("chat=127.0.0.1:0").run();
    assert_eq!(second.code(), 1);
    let pid = first.pid().as_raw_nonzero().to_string();
    let told = second.stderr.iter().any(|line| line.split(|c: char| !c.is_ascii_digit()).any(|word| word == pid));
    assert!(told, "nobody was told of {pid}: {:#?}", second.stderr);
    assert!(!second.stderr.iter().any(|line| line.contains(" listening ")), "{:#?}", second.stderr);
    // Killed, the first one does not keep the folder.
    drop(first);
    assert_eq!(Start::serve(&flags).listen("chat=127.0.0.1:0").go().stop().code(), 0);
}

#[test]
fn the_history_is_for_nobody_elses_eyes_whatever_the_mask() {
    let above = TempDir::new().unwrap();
    let data = above.path().join("made/here");
    let start = Start::serve(&["--data", data.to_str().unwrap()]).after("umask 000");
    let server = start.listen("chat=127.0.0.1:0").go();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = data.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "a lock and a segment: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn a_server_that_says_it_listens_obeys_a_signal_at_once() {
    for _ in 0..20 {
        assert_eq!(Start::serve(&["--no-history"]).listen("chat=127.0.0.1:0").go().stop().code(), 0);
    }
}

#[test]
fn a_folder_whose_name_begins_with_a_dash_is_read_as_any_other() {
    let place = tempfile::tempdir().unwrap();
    let server = Start::serve(&["--data=-kept"]).under(&["env", "-C", place.path().to_str().unwrap()]);
    let server = server.listen("chat=127.0.0.1:0").go();
    let mut client = server.client(0);
    assert!(client.line().starts_with("- parlor chat"));
    client.send(b"hello\n/quit\n");
    client.rest();
    assert_eq!(server.stop().code(), 0);
    let read = std::process::Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["history", "--data=-kept"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let said = String::from_utf8(read.stdout).unwrap();
    assert!(said.trim_end().ends_with("<guest1> hello"), "{said} {:?}", String::from_utf8_lossy(&read.stderr));
}
